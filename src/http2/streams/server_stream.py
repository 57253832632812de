"""Define `ServerHttp2Stream`: a request and its response on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..common.layout import lay_out
from ..constants import (
    NGHTTP2_FLAG_END_STREAM,
    NGHTTP2_NO_ERROR,
    NGHTTP2_REFUSED_STREAM,
    NGHTTP2_SETTINGS_ENABLE_PUSH,
    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
)
from ..errors import StreamError, new_error
from ..headers import Headers, OutgoingHeaders
from .compiled.base import ServerStreamBase
from .exchange import Responder
from .files import NO_BODY, FileTransfer
from .stream import RESET_GRACE, Http2Stream

if TYPE_CHECKING:
    import asyncio

    from .files import StatCheck
    from .interfaces import ServerStreamOwner
    from .keywords import Chunk, Descriptor, FilePath, OnError

__all__ = ["ServerHttp2Stream"]


class ServerHttp2Stream(ServerStreamBase, Http2Stream, Responder):
    """A stream on the server, from the event ``stream`` of a session or server."""

    _session: ServerStreamOwner
    # A file that is on its way as the response; see `FileSink`.
    transfer: FileTransfer | None = None
    # The trailers that arrived meanwhile, and the flags of their frame.
    _early_trailers: tuple[Headers, int] | None = None

    # --- the request --------------------------------------------------------------------

    def receive_headers(self, headers: Headers, flags: int) -> None:
        """Handle the trailers of the request (RFC 9113 section 8.1)."""
        if self.is_waiting:
            # its handler is notified
            self._early_trailers = headers, flags
            return
        self.touch()
        self.received_trailers = headers
        self.emit("trailers", headers, flags)
        if flags & NGHTTP2_FLAG_END_STREAM and not self.life.destroyed:
            self.receive_data(b"", True)

    def handed_out(self) -> None:
        """Emit trailers that arrived before the handlers got the request."""
        trailers = self._early_trailers
        if trailers is not None and not self.life.destroyed:
            self._early_trailers = None
            self.receive_headers(*trailers)

    # --- the response -------------------------------------------------------------------

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
        """Respond with the contents of *fd*, an `int` or an object with ``fileno()``.

        Sends *length* bytes from *offset* on; by default, from the first byte up to
        the ``content-length`` of *headers* if there is one, else to the file's end. The
        descriptor's own position is neither used nor changed, and it is never closed:
        close it when the stream emits ``close``. *stat_check* is called
        before anything is sent with ``(stat, headers, range)``, or as many of these as it
        takes: an `os.stat_result`, the headers to send, and an object with ``offset``
        and ``length``. It may change the last two, or return False to send nothing.
        With *wait_for_trailers*, ``want_trailers`` follows the last byte.

        Disk access never blocks the event loop. The application can no longer write to the
        stream. A descriptor that cannot be read (such as a pipe) or has less data than the
        ``content-length`` ends the stream with INTERNAL_ERROR.

        Raises ERR_HTTP2_INVALID_STREAM, ERR_HTTP2_HEADERS_SENT,
        ERR_HTTP2_PAYLOAD_FORBIDDEN (a status without a body, or a HEAD request),
        ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, and the errors of
        the header rules.
        """
        self._file(headers, stat_check, None, wait_for_trailers, offset, length).send_fd(fd)

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

        As `respond_with_fd`, but sets ``content-length``. An error
        before the response is sent is passed to *on_error*, which may respond in another way;
        without it the stream is destroyed with INTERNAL_ERROR. Such an error is an `OSError`,
        ERR_HTTP2_SEND_FILE for a directory, ERR_HTTP2_SEND_FILE_NOSEEK for any other file that is
        not regular, ERR_OUT_OF_RANGE for an *offset* beyond the file's end, or
        an error of the headers that *stat_check* has changed.

        Raises like `respond_with_fd`.
        """
        self._file(headers, stat_check, on_error, wait_for_trailers, offset, length).send_file(path)

    def _file(
        self,
        headers: OutgoingHeaders | None,
        stat_check: StatCheck | None,
        on_error: OnError | None,
        wait_for_trailers: bool,
        offset: int | None,
        length: int | None,
    ) -> FileTransfer:
        if self.life.closed:
            raise self.closed_error()
        if self.headers_sent:
            raise new_error("ERR_HTTP2_HEADERS_SENT")
        if self.transfer is not None:
            raise new_error(
                "ERR_HTTP2_HEADERS_SENT", message="a file is already being sent as the response"
            )
        session = self._session
        made = FileTransfer(
            self, session.loop, headers, stat_check, on_error, wait_for_trailers, offset, length
        )
        assert session.engine is not None
        status = session.engine.check_response(made.headers)
        if status in NO_BODY or self._head_request:
            raise new_error("ERR_HTTP2_PAYLOAD_FORBIDDEN", status)
        return made

    def respond_with_body_of(
        self, transfer: FileTransfer, headers: OutgoingHeaders, wait_for_trailers: bool
    ) -> None:
        """Begin the response; from here on, the written data is that of *transfer*."""
        self.respond(headers, wait_for_trailers=wait_for_trailers)
        self.transfer = transfer
        self.life = self.life.on_end
        self._watched = True

    def write_piece(self, data: bytes, last: bool) -> bool:
        """Send *data* of the file, and END_STREAM with the *last*; False: wait for `resume`."""
        return self._submit(data or None, last)

    def end_with_trailers(self, data: Chunk | None, trailers: OutgoingHeaders) -> None:
        """End a response that has begun with *data* and then *trailers*."""
        if not self.life.writable:
            self.end(data)
            return
        connection = self._session.engine
        assert self.id is not None
        assert connection is not None
        # check now, for an error at the call: later it would be the session's error
        connection.check_trailers(trailers)
        connection.expect_trailers(self.id)
        self._final_trailers = trailers
        self.end(data)

    def _is_being_fed(self) -> bool:
        return self.transfer is not None or super()._is_being_fed()

    def writable_again(self) -> None:
        super().writable_again()
        if self.transfer is not None:
            self.transfer.resume()

    def _cancel_tasks(self) -> None:
        if self.transfer is not None:
            self.transfer.stop()
        super()._cancel_tasks()

    def _close_well(self) -> None:
        if self.transfer is not None:
            self.transfer.stop()
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
        """Whether `push_stream` may be called: the client accepts pushes, and the stream is open.

        A client refuses pushes with ENABLE_PUSH 0 or MAX_CONCURRENT_STREAMS 0.
        """
        session = self._session
        connection = session.engine
        return (
            not self.life.closed
            and not session.closed
            and not session.destroyed
            and connection is not None
            and connection.remote_setting(NGHTTP2_SETTINGS_ENABLE_PUSH) != 0
            and connection.remote_setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) != 0
        )

    def push_stream(
        self,
        headers: OutgoingHeaders | None = None,
        *,
        exclusive: bool = False,
        parent: int = 0,
    ) -> asyncio.Future[tuple[ServerHttp2Stream, Headers]]:
        """Promise the response to a request that the client has not made (RFC 9113 section 8.4).

        *headers* are the headers of that request. ``:method`` is GET or HEAD; by default,
        ``:path`` is ``/``, and ``:scheme`` and ``:authority`` are those of this stream's request.
        *parent* and *exclusive* are the RFC 7540 priority: without
        them the pushed stream depends on this one.

        The promise is queued at the call, so that it precedes data that is sent later.
        Awaitable → ``(stream, headers)``: the pushed stream, which responds like any other, and
        the request's headers with their defaults. The result is available at once, or when the
        client's MAX_CONCURRENT_STREAMS permits another pushed stream.

        Raises ERR_HTTP2_PUSH_DISABLED (also once this stream is closed),
        ERR_HTTP2_NESTED_PUSH, ERR_INVALID_ARG_VALUE for another method, ERR_INVALID_ARG_TYPE,
        and the errors of the header rules at the call; awaiting raises ERR_HTTP2_OUT_OF_STREAMS,
        ERR_HTTP2_INVALID_STREAM, ERR_HTTP2_STREAM_ERROR when the client has refused the
        stream before it had room, ERR_HTTP2_STREAM_CANCEL when the session has ended.
        """
        if not self.push_allowed:
            raise new_error("ERR_HTTP2_PUSH_DISABLED")
        promises = self._session.pushes()
        future: asyncio.Future[tuple[ServerHttp2Stream, Headers]]
        future = promises.promise(self, headers, exclusive, parent)
        return future

    def become_promised(self, *, to_head: bool) -> None:
        """Become a stream that this side has promised: its request is complete from the start."""
        self.life = self.life.on_peer_end
        self._watched = True
        if to_head:
            # a response to it has no body
            self._head_request = True
            self.life = self.life.on_end

    def promise_not_sent(self) -> None:
        """End: the stream of the promise has ended, or the client's settings have changed."""
        self._shut(self.life.on_broken, NGHTTP2_REFUSED_STREAM)
        self._leave(None)

    def all_sent(self) -> None:
        super().all_sent()
        life = self.life
        if not life.read_ended and not life.closed and life.on_wire:
            # The response is complete, the request is not. If it is unread, ask the client
            # to stop (RFC 9113 section 8.1); later, so that pushes can still be sent.
            self._session.loop.call_later(RESET_GRACE, self._stop_request)

    def _reset(self, code: int) -> None:
        if self.headers_sent or self._informational:
            # nghttp2 drops queued data at a reset; send earlier data first
            self._session.send_now()
        super()._reset(code)

    def _headers_were_all(self) -> None:
        if not self.life.destroyed:
            self.all_sent()

    def _stop_request(self) -> None:
        handled = self._tasks is not None and not self._tasks
        if not self.life.read_ended and not self.life.closed and (handled or self._ends_unread()):
            self.close(NGHTTP2_NO_ERROR)

    def _is_of_no_account(self, error: BaseException) -> bool:
        # The client has the whole response, and the rest of its request is not read: curl, for
        # example, resets an upload that was answered early with PROTOCOL_ERROR. Or no handler has
        # got the request.
        return self.is_waiting or (
            isinstance(error, StreamError) and self.life.writable_finished and self._ends_unread()
        )


lay_out(
    ServerHttp2Stream,
    *("received_trailers", "sent_trailers", "_final_trailers", "_informational"),
    *("_close_waiters", "_unemitted", "transfer", "socket_proxy"),
)
