"""`ServerHttp2Stream`: a request as the server has it, and the response to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..common.checks import check_bool
from ..common.layout import lay_out
from ..constants import NGHTTP2_NO_ERROR
from ..errors import StreamError, new_error
from ..headers import Headers, OutgoingHeaders
from . import push
from .exchange import Responder
from .files import FileTransfer
from .life import LIVE
from .stream import RESET_GRACE, Http2Stream

if TYPE_CHECKING:
    import asyncio

    from ..sessions.server_session import ServerHttp2Session
    from .files import StatCheck
    from .keywords import Chunk, Descriptor, FilePath, OnError

__all__ = ["ServerHttp2Stream"]


class ServerHttp2Stream(Http2Stream, Responder):
    """A stream on the server: comes with the event ``stream`` of a session or server."""

    _session: ServerHttp2Session
    _transfer: FileTransfer | None = None
    # The request has not been handed to its handlers yet.
    _is_waiting = False
    # What came meanwhile: the trailers, and the flags of their frame.
    _early_trailers: tuple[Headers, int] | None = None

    def __init__(self, session: ServerHttp2Session, stream_id: int, request: Headers) -> None:
        # What every request looks at is set here, the rest has its defaults in the classes:
        # an instance's own attribute is found several times as fast as a class's.
        self._session = session
        self.id = stream_id
        self._request = request
        self.life = LIVE
        self.headers_sent = self._head_request = self._watched = False
        self._buffered = 0

    def respond(
        self,
        headers: OutgoingHeaders | None = None,
        *,
        end_stream: bool = False,
        wait_for_trailers: bool = False,
        send_date: bool = True,
    ) -> None:
        """Begin the response with *headers*.

        ``:status`` is 200 and, with *send_date*, ``date`` is the current time unless
        *headers* says otherwise. With *end_stream*, and for the statuses 204, 205 and 304
        and for HEAD, there is no body. With *wait_for_trailers*, ``want_trailers`` is
        emitted when the body has been sent, and the stream stays open until
        `send_trailers` or `close`.

        Raises ERR_HTTP2_HEADERS_SENT, ERR_HTTP2_INVALID_STREAM,
        ERR_HTTP2_STATUS_INVALID, ERR_INVALID_ARG_TYPE, and the errors of the header
        rules, before anything is sent.
        """
        if self.life.closed:
            raise self._closed_error()
        if self.headers_sent:
            raise new_error("ERR_HTTP2_HEADERS_SENT")
        # what is left out costs as little as possible
        if end_stream is not False:
            check_bool("end_stream", end_stream)
        if wait_for_trailers is not False:
            check_bool("wait_for_trailers", wait_for_trailers)
        if send_date is not True:
            check_bool("send_date", send_date)
        session = self._session
        connection: Any = session.engine  # an open stream's session has one
        ended, self._sent = connection.submit_response(
            self.id, headers, end_stream, wait_for_trailers, self._head_request, send_date
        )
        self.headers_sent = True
        if ended:
            life = self.life
            self.life = life.on_end
            if not life.read_ended and not wait_for_trailers:
                # nothing else tells of END_STREAM on a response's own headers
                session.loop.call_soon(self._headers_were_all)
        if self._watched and self._timer is not None:
            self._timer.touch()
        if not session.in_batch:
            session.schedule_flush()

    def _proceed(self) -> None:
        self.respond()

    def respond_with_fd(
        self,
        fd: Descriptor,
        headers: OutgoingHeaders | None = None,
        *,
        stat_check: StatCheck | None = None,
        wait_for_trailers: bool = False,
        offset: int | None = None,
        length: int | None = None,
    ) -> None:
        """Respond with what *fd*, an `int` or an object with ``fileno()``, has.

        *length* bytes from *offset* on are sent, by default all from the first on: to
        the ``content-length`` of *headers* if there is one, else to the file's end. The
        descriptor's own position is neither looked at nor moved, and it is never closed:
        that is for you, when the stream emits ``close``. With *stat_check*, it is called
        before anything is sent with ``(stat, headers, range)``, or as many of these as it
        takes: an `os.stat_result`, the headers to be sent, and an object with ``offset``
        and ``length``; it may change the last two, and False means that nothing is sent.
        With *wait_for_trailers*, ``want_trailers`` follows the last byte.

        Nothing of this waits for the disk on the loop. The stream can't be written to any
        more. A descriptor that can't be read (a pipe can't) or has less than the
        ``content-length`` ends the stream with INTERNAL_ERROR.

        Raises ERR_HTTP2_INVALID_STREAM, ERR_HTTP2_HEADERS_SENT,
        ERR_HTTP2_PAYLOAD_FORBIDDEN (a status without a body, or a request by HEAD),
        ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, and the errors of
        the header rules.
        """
        FileTransfer(self, headers, stat_check, None, wait_for_trailers, offset, length).send_fd(fd)

    def respond_with_file(
        self,
        path: FilePath,
        headers: OutgoingHeaders | None = None,
        *,
        stat_check: StatCheck | None = None,
        on_error: OnError | None = None,
        wait_for_trailers: bool = False,
        offset: int | None = None,
        length: int | None = None,
    ) -> None:
        """Respond with the regular file at *path*, a `str`, `bytes` or `os.PathLike`.

        As `respond_with_fd`, and ``content-length`` is set by itself. What goes wrong
        before the response is sent is handed to *on_error*, which may respond otherwise;
        without it the stream is destroyed with INTERNAL_ERROR. That is an `OSError`,
        ERR_HTTP2_SEND_FILE for a directory, ERR_HTTP2_SEND_FILE_NOSEEK for what is no
        regular file either, ERR_OUT_OF_RANGE for an *offset* behind the file's end, and
        what *stat_check* has made of the headers.

        Raises like `respond_with_fd`.
        """
        FileTransfer(
            self, headers, stat_check, on_error, wait_for_trailers, offset, length
        ).send_file(path)

    def _end_with_trailers(self, data: Chunk | None, trailers: OutgoingHeaders) -> None:
        """End the response, which has begun, with *data* and then *trailers*."""
        if not self.life.writable:
            self.end(data)
            return
        connection = self._session.engine
        assert self.id is not None
        assert connection is not None
        # now, when it is this program's error: when they are sent it would be the session's
        connection.check_trailers(trailers)
        connection.expect_trailers(self.id)
        self._final_trailers = trailers
        self.end(data)

    def _is_being_fed(self) -> bool:
        return self._transfer is not None or super()._is_being_fed()

    def _writable_again(self) -> None:
        super()._writable_again()
        if self._transfer is not None:
            self._transfer.resume()

    def _cancel_tasks(self) -> None:
        if self._transfer is not None:
            self._transfer.stop()
        super()._cancel_tasks()

    def _close_well(self) -> None:
        if self._transfer is not None:
            self._transfer.stop()
        super()._close_well()

    def additional_headers(self, headers: OutgoingHeaders) -> None:
        """Send an informational response (status 1xx, RFC 9110 section 15.2).

        Raises ERR_HTTP2_HEADERS_AFTER_RESPOND, ERR_HTTP2_INVALID_INFO_STATUS,
        ERR_HTTP2_STATUS_101, ERR_HTTP2_INVALID_STREAM, and the errors of the header
        rules.
        """
        self._check_informational()
        session = self._session
        assert session.engine is not None
        assert self.id is not None
        session.engine.submit_informational(self.id, headers)
        self._keep_informational(headers)
        session.wake()

    @property
    def push_allowed(self) -> bool:
        """Whether `push_stream` may be called: the client accepts pushes, and nothing has ended.

        A client refuses them with ENABLE_PUSH off or a MAX_CONCURRENT_STREAMS of 0.
        """
        return push.is_allowed(self)

    def push_stream(
        self,
        headers: OutgoingHeaders | None = None,
        *,
        exclusive: bool = False,
        parent: int = 0,
    ) -> asyncio.Future[tuple[ServerHttp2Stream, Headers]]:
        """Promise the response to a request that the client has not made (RFC 9113 section 8.4).

        *headers* are those of that request: ``:method`` is GET or HEAD, ``:path`` is
        ``/``, ``:scheme`` and ``:authority`` are those of this stream's request, unless
        they say otherwise. *parent* and *exclusive* are the RFC 7540 priority: without
        them the pushed stream depends on this one.

        The promise is queued at the call, so that it goes before what is sent later.
        Awaitable → ``(stream, headers)``: the pushed stream, to be responded to like any, and
        the request's headers with their defaults. That is at once, or when the client's
        MAX_CONCURRENT_STREAMS has room for another pushed stream.

        Raises ERR_HTTP2_PUSH_DISABLED (also once this stream is closed),
        ERR_HTTP2_NESTED_PUSH, ERR_INVALID_ARG_VALUE for another method, ERR_INVALID_ARG_TYPE,
        and the errors of the header rules at the call; awaiting raises ERR_HTTP2_OUT_OF_STREAMS,
        ERR_HTTP2_INVALID_STREAM, ERR_HTTP2_STREAM_ERROR when the client has refused the
        stream before it had room, ERR_HTTP2_STREAM_CANCEL when the session has ended.
        """
        return push.promise(self, headers, exclusive, parent)

    def _finished(self) -> None:
        super()._finished()
        life = self.life
        if not life.read_ended and not life.closed and life.on_wire:
            # The response is complete, the request is not. If nobody reads it, tell the
            # client to stop (RFC 9113 section 8.1); later, so that pushes may still go.
            self._session.loop.call_later(RESET_GRACE, self._stop_request)

    def _reset(self, code: int) -> None:
        if self.headers_sent or self._informational:
            # nghttp2 drops what a reset overtakes; the client shall have what came before it
            self._session.send_now()
        super()._reset(code)

    def _headers_were_all(self) -> None:
        if not self.life.destroyed:
            self._finished()

    def _stop_request(self) -> None:
        handled = self._had_tasks and not self._tasks
        if not self.life.read_ended and not self.life.closed and (handled or not self._did_read):
            self.close(NGHTTP2_NO_ERROR)

    def _is_of_no_account(self, error: BaseException) -> bool:
        # The client has its whole answer, and what it was still sending nobody reads: curl, for
        # one, resets an upload that was answered early with PROTOCOL_ERROR. Or no handler has
        # ever heard of the request.
        return self._is_waiting or (
            isinstance(error, StreamError) and self.life.writable_finished and not self._did_read
        )


lay_out(
    ServerHttp2Stream,
    *("_session", "id", "_request", "life", "headers_sent", "_head_request", "_watched"),
    *("_buffered", "end_after_headers", "_sent", "_code", "_is_waiting", "_chunks"),
    *("_did_read", "_had_tasks", "_tasks", "_listeners", "_need_drain"),
)
