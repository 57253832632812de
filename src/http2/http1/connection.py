"""Implement a server's HTTP/1.1 and 1.0 connection: requests become streams (RFC 9112).

One exchange at a time: data after the current request (pipelining)
waits, and if there is too much, the client has to wait.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import TYPE_CHECKING

from ..common.emitter import logger
from ..constants import NGHTTP2_CANCEL, NGHTTP2_PROTOCOL_ERROR
from ..engine.field_rules import http_date
from ..engine.http1.head import BadRequest, Http1Head
from ..engine.http1.output import Http1Output
from ..engine.http1.receiver import Http1Receiver
from ..errors import stream_error
from ..net.raw_socket import RawSocket
from .carrier import Http1Carrier
from .http1_base import MOST_DISCARDED
from .status_line import status_line, status_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..engine.http1.fields import Http1Fields
    from ..servers.server import Http2Server
    from .interfaces import ConnectionService, DrivenExchange
    from .messages import Http1IncomingMessage

__all__ = ["Http1Connection"]

# Unread bytes of a body at which reading continues; it stops above `http1_base.MOST_UNREAD`.
FEW_UNREAD = 32 * 1024

# Seconds that an idle connection of a closing server is still read: a request on its way is
# served, and its response announces the end of the connection.
LAST_MOMENT = 0.5


class Http1Connection(Http1Carrier):
    """An HTTP/1 connection; a server counts it among its sessions.

    Event: ``timeout``.
    """

    def __init__(
        self, service: ConnectionService, server: Http2Server, transport: asyncio.Transport
    ) -> None:
        super().__init__(server, transport, Http1Output(status_lines, service.keep_alive))
        self._service = service
        self._receiver = Http1Receiver(service.limits)
        self.field_rules = service.field_rules

    def begin(self, data: bytes) -> None:
        """Serve the connection, whose first bytes are *data*."""
        server = self.server
        server.serve(self)
        if server.closing:
            self._closed = True
            self._keep_alive = False
        if server.timeout:
            self.set_timeout(server.timeout)
        server.end_with_others(self)
        self._began = self.loop.time()
        seconds = self._service.options.headers_timeout
        if seconds:
            self._set_deadline(self._began + seconds)
        if data:
            self._receiver.feed(data, len(data))
            self._batch()

    # --- asyncio's side ---------------------------------------------------------------

    def eof_received(self) -> bool:
        """Treat the client as disconnected: it has ended its side, as in Node and most proxies.

        A client that only announces that it has no further request looks the same, but is rare,
        and a handler must be notified when its client has left.
        """
        self._eof = True
        stream = self._stream
        if stream is not None and not self._lingering:
            self._fail_stream(stream, None, NGHTTP2_CANCEL)
            if stream.response_ended:
                self._close_transport()
            else:
                self._cut(stream)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of the connection."""
        transport, self._transport = self._transport, None
        self._closed = self.destroyed = True
        self._stop_timers()
        self._receiver.rest()
        self._output.data_to_send()
        if self._stream is not None:
            self._fail_stream(self._stream, None, NGHTTP2_CANCEL)
        if transport is not None:
            self.server.open_connections.gone(transport)
        self.server.session_gone(self)

    def _writable(self) -> None:
        if self._write_paused or self._transport is None:
            return
        stream = self._stream
        if stream is None:
            self._proceed()
        elif stream.response_ended:
            self._after_response(stream)
        else:
            stream.has_room()

    def _rested(self) -> None:
        self._resting = False
        stream = self._stream
        if stream is not None and not self._write_paused:
            stream.has_room()

    # --- reading ----------------------------------------------------------------------

    def _proceed(self) -> None:
        """Continue with data that waited for the previous response."""
        if self._stream is not None or self._write_paused:
            return
        self._batch()
        if not self._receiver.waiting:
            self._resume_reading()
            if self._eof and self._stream is None:
                self._close_transport()

    def _wait_for_head(self) -> None:
        """Wait for the rest of a head; its time limit begins with its first byte."""
        if not self._began and self._receiver.begun:
            self._began = self.loop.time()
            options = self._service.options
            limits = [s for s in (options.headers_timeout, options.request_timeout) if s]
            self._set_deadline(self._began + min(limits) if limits else 0.0)

    def _stays(self, head: Http1Head, stream: DrivenExchange) -> bool:
        """Handle an offer to leave HTTP; return whether *stream* is a request like any other."""
        leaving = self._leaving(head, stream)
        if leaving is not None:
            self._leave_http(leaving, stream)
            return False
        if stream.headers_sent or stream.destroyed:
            # the decision about leaving HTTP failed
            return False
        if head.method == "CONNECT":
            # the following data is not meant for this server
            self._keep_alive = False
            stream.respond({":status": 405}, end_stream=True)
            return False
        return True

    def _expect_body(self, head: Http1Head) -> None:
        options = self._service.options
        self._expects_continue = head.expects
        self._target = self._buffer
        if not self._began:
            self._began = self.loop.time()
        self._set_deadline(self._began + options.request_timeout if options.request_timeout else 0)

    def body_taken(self, unread: int) -> None:
        """Continue reading if only *unread* bytes of the body remain, and that is little."""
        if self._reading_paused and self._receiver.receiving and unread <= FEW_UNREAD:
            self._resume_reading()

    def continued(self) -> None:
        """Handle a sent status 100: the client will send the request's body."""
        self._expects_continue = False

    # --- responses --------------------------------------------------------------------

    def connection_lines(self, version: str, fields: Http1Fields, until_close: bool) -> bytes:
        """Return the fields of a response about the connection's persistence (section 9).

        *version* is the client's; *until_close*: the end of the connection marks the end of the
        response.
        """
        given = fields.connection
        if given is not None:
            words = [word.strip() for word in given.lower().split(",")]
            if "close" in words:
                self._keep_alive = False
        if until_close or self._expects_continue or self.server.closing:
            # in the second case it is unknown whether a body or a request follows
            self._keep_alive = False
        self._promised = self._keep_alive
        if self._keep_alive:
            if given is None:
                own = fields.keep_alive
                return b"connection: keep-alive\r\n" if own else self._service.keep_alive
            if version == "1.0" and "keep-alive" not in words:
                given += ", keep-alive"
        elif given is None:
            return b"connection: close\r\n"
        elif "close" not in words:
            given += ", close"
        return f"connection: {given}\r\n".encode("latin-1")

    def _complete_output(self) -> None:
        if self._stream is not None:
            self._stream.send_head()

    def response_given(self, stream: DrivenExchange) -> None:
        """Handle a completely written response of *stream*."""
        if not self.in_batch:
            self._flush()
            self.loop.call_soon(self.response_over, stream)

    def response_over(self, stream: DrivenExchange) -> None:
        """Continue after the response of *stream* if that is the current exchange."""
        current = self._stream
        if current is stream and current is not None and not self._write_paused:
            self._after_response(current)

    def _after_response(self, stream: DrivenExchange) -> None:
        """Continue after a response; within a batch, the next request begins."""
        if stream.is_watched():
            # listeners of the end must find everything passed to the transport
            self._flush()
            if self._write_paused:
                return
        if not self._receiver.receiving:
            self._stream = None
            stream.ended_well()
            self._next()
            return
        stream.all_sent()
        if self._stream is not stream:
            return
        if not stream.reads_on():
            self._discard_rest(stream)

    def _discard_rest(self, stream: DrivenExchange) -> None:
        """Discard the rest of the request (section 9.3) if it is small."""
        self._stream = None
        stream.stopped()
        if not self._keep_alive or self._expects_continue or self._receiver.left > MOST_DISCARDED:
            self._linger(more_comes=True)
        else:
            self._discarding = True
            self._discarded = 0
            self._resume_reading()

    def _end_after_response(self) -> None:
        """Close: no request follows."""
        if self._promised and not self._client_closes:
            self._await_last()
        else:
            self._linger(more_comes=bool(self._receiver.waiting) or not self._client_closes)

    # --- errors -------------------------------------------------------------------------

    def _refuse(self, error: BadRequest) -> None:
        """Answer an invalid request, and close."""
        logger.debug("%r: %s", self, error)
        self.write(
            b"%bdate: %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            % (status_line(error.status), http_date().encode())
        )
        self._linger(more_comes=True)

    def _refuse_body(self, error: BadRequest) -> None:
        """Handle a current request that cannot be received completely."""
        stream = self._stream
        if stream is None:
            self._linger(more_comes=True)
            return
        answered = stream.response_ended
        unanswered = stream.refused(error.status)
        code = NGHTTP2_CANCEL if error.status == 408 else NGHTTP2_PROTOCOL_ERROR
        self._fail_stream(stream, stream_error(code, None, message=str(error)), code)
        if unanswered:
            self._refuse(error)
        elif answered:
            self._linger(more_comes=True)
        else:
            self._cut(stream)

    def _fail_stream(self, stream: DrivenExchange, error: BaseException | None, code: int) -> None:
        self._stream = None
        stream.failed(error, code)

    def abandoned(self, stream: DrivenExchange) -> None:
        """Handle *stream*, which the application has ended."""
        if self._stream is not stream:
            return
        self._stream = None
        if stream.response_ended:
            self._linger(more_comes=True)
        else:
            self._cut(stream)

    def _cut(self, stream: DrivenExchange) -> None:
        """Close in the middle of a response."""
        if stream.ends_with_connection:
            self._reset()
        else:
            self._close_transport()

    def _expire(self) -> None:
        if self._lingering:
            self._give_up()
        elif self._stream is not None:
            self._refuse_body(BadRequest(408, "the request was not complete in time"))
        elif self._receiver.begun:
            self._refuse(BadRequest(408, "the head of the request was not complete in time"))
        elif self._discarding:
            self._linger(more_comes=True)
        else:
            self._close_transport()

    def _timed_out(self) -> None:
        stream = self._stream
        heard = self.emit("timeout")
        heard = (stream is not None and stream.emit("timeout")) or heard
        if not heard and not self.server.emit("timeout", self):
            self.destroy()

    # --- the server's side ------------------------------------------------------------

    def close(self) -> None:
        """Close after the current request."""
        if self.closed:
            return
        self._closed = True
        self._keep_alive = False
        if self._discarding:
            self._linger(more_comes=True)
        elif self._stream is None and not self._receiver.begun:
            self._await_last()

    notice_end = close

    def _await_last(self) -> None:
        """Serve one more request if the client sends it at once: it did not know of the end."""
        if self._eof and not self._receiver.waiting:
            self._close_transport()
            return
        self._set_deadline(self.loop.time() + LAST_MOMENT)
        if self._receiver.waiting:
            self.loop.call_soon(self._proceed)
        else:
            self._resume_reading()

    def destroy(self) -> None:
        """End the connection at once."""
        if self.destroyed:
            return
        self.destroyed = True
        stream = self._stream
        if stream is not None:
            self._fail_stream(stream, None, NGHTTP2_CANCEL)
            if not stream.response_ended:
                self._cut(stream)
                return
        self._close_transport()

    def adopt(self, tasks: Iterable[asyncio.Task[object]]) -> None:
        self.server.adopt(tasks)

    # --- leaving HTTP -----------------------------------------------------------------

    def _leaving(self, head: Http1Head, stream: DrivenExchange) -> Http1IncomingMessage | None:
        """Return the request with which the connection leaves HTTP, or None."""
        server = self.server
        connect = head.method == "CONNECT"
        if (
            head.length
            or head.chunked
            or not server.listener_count("connect" if connect else "upgrade")
        ):
            # RFC 9110 section 7.8: an offer may be ignored. It is, for a request with a body, which
            # would come first.
            return None
        request = self._service.leaving(stream, head.headers)
        ask = None if connect else server.should_upgrade_callback
        if ask is not None:
            try:
                if not copy_context().run(ask, request):
                    return None
            except Exception as error:
                stream.handler_failed(error, "upgrade")
                return None
        return request

    def _leave_http(self, request: Http1IncomingMessage, stream: DrivenExchange) -> None:
        """Pass the connection to the listeners of ``connect`` or ``upgrade``."""
        server = self.server
        self._flush()
        self._stop_timers()
        transport = self._transport
        assert transport is not None
        self._outlet.release()
        self._stream = None
        self._lingering = self._closed = True
        stream.handed_over()
        self._resume_reading()
        rest = self._receiver.rest()
        socket = RawSocket(server, transport, rest, self.addresses)
        if self._write_paused:
            # an earlier response is still in the transport, which resumes its new protocol
            transport.get_protocol().pause_writing()
        server.session_gone(self)
        request.raw_socket = socket
        event = "connect" if stream.method == "CONNECT" else "upgrade"
        server.emit(event, request, socket, rest)
