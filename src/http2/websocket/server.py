"""Define `accept_websocket`, and `ServerHandshake` for a later decision, for servers."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Unpack, cast

from ..compat.request import Http2ServerRequest
from ..constants import NGHTTP2_NO_ERROR
from ..errors import Http2Error, new_error
from ..headers import Headers, OutgoingHeaders
from ..http1.messages import Http1IncomingMessage
from ..net.raw_socket import RawSocket
from ..servers.server import Http2Server
from ..sessions.server_session import ServerHttp2Session
from ..streams.server_stream import ServerHttp2Stream
from .carriers import Carrier, Http1Carrier, Http2Carrier
from .connection import WebSocket
from .deflate import MessageLimit, accept_offer
from .errors import WebSocketHandshakeError
from .handshake import OURS, accept_key, check_opening, pairs_of, response_head, words
from .memory import Share
from .options import Options, check_subprotocols
from .protocol import Protocol

if TYPE_CHECKING:
    from ..keywords import WebSocketOptions

__all__ = ["HttpAnswer", "ServerHandshake", "accept_websocket", "is_websocket_request"]

Opening = ServerHttp2Stream | Http2ServerRequest | Http1IncomingMessage
"""The types of a request for a WebSocket."""


def is_websocket_request(opening: object) -> bool:
    """Return whether *opening*, a server's stream or request, requests a WebSocket.

    The request may be invalid in other ways. Over HTTP/2 it is a CONNECT whose ``:protocol`` is
    ``websocket``; over HTTP/1.1 it has an ``upgrade`` that offers ``websocket``. As
    `Http2Server.should_upgrade_callback` it makes the server ignore other offers.
    """
    if isinstance(opening, Http1IncomingMessage):
        upgrade = words(opening.headers.get("upgrade"))
        return opening.upgrade and "websocket" in map(str.lower, upgrade)
    stream = opening.stream if isinstance(opening, Http2ServerRequest) else opening
    if not isinstance(stream, ServerHttp2Stream):
        return False
    return bool(stream.request_headers.get(":protocol") == "websocket")


class HttpAnswer:
    """The body of a response that refuses a WebSocket; see `ServerHandshake.respond`."""

    def __init__(self, sink: ServerHttp2Stream | RawSocket) -> None:
        self._sink = sink

    def write(self, data: bytes) -> bool:
        """Send *data*; after False, wait for `drain` before the next call."""
        if isinstance(self._sink, RawSocket):
            self._sink.writer.write(data)
            return False
        return self._sink.write(data)

    async def drain(self) -> None:
        """Wait until `write` may continue."""
        sink = self._sink
        await (sink.writer.drain() if isinstance(sink, RawSocket) else sink.drain())

    def end(self, data: bytes = b"") -> None:
        """End the response after *data*; over HTTP/1.1 this ends the connection too."""
        if isinstance(self._sink, RawSocket):
            self._sink.writer.write(data)
            self._sink.writer.close()
        else:
            self._sink.end(data or None)
            # further data of the client is discarded
            self._sink.close(NGHTTP2_NO_ERROR)


class ServerHandshake:
    """A client's request for a WebSocket; answer it with `accept`, `reject` or `respond`.

    `accept_websocket` does this in one step. Use this class to decide later, for example in
    a router or an ASGI server.

    *opening* is an argument of a server's listeners: the stream of ``stream``, the request of
    ``connect`` (both over HTTP/2), or the request of ``upgrade`` (over HTTP/1.1). *max_size*,
    *max_queue*, *compression*, *ping_interval*, *ping_timeout* and *close_timeout* are those of
    `accept_websocket`. Raises ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE; the first also for an
    *opening* that is none of the three, such as a request over HTTP/1.1 without ``upgrade``.

    For an ASGI server: `is_websocket_request` says which requests have a scope of the type
    ``websocket``; `subprotocols`, `path` and `headers` are values for it.

    - ``websocket.accept`` is `accept`; ``websocket.close`` before it is ``reject(403)``;
      ``websocket.http.response.start`` is `respond`, and the `HttpAnswer` that it returns takes
      each ``websocket.http.response.body``.
    - After `accept`, ``websocket.receive`` is `WebSocket.recv` (a `str` is ``text``, `bytes` are
      ``bytes``), ``websocket.send`` is `WebSocket.send`, and ``websocket.close`` is
      `WebSocket.close`, or `WebSocket.begin_close`, which does not wait for the client.
    - ``websocket.disconnect`` has ``close_code`` and ``close_reason`` of the `WebSocketClosed` that
      `WebSocket.recv` raises. A client that leaves before the answer ends the stream: it emits
      ``close``. From `accept` on, the stream's coroutine handlers are not cancelled when the
      client leaves.
    """

    path: str
    """The target of the request: path and query."""

    headers: Headers
    """The headers of the request; over HTTP/2 the pseudo-headers too."""

    http_version: str
    """``'2.0'`` or ``'1.1'``."""

    subprotocols: list[str]
    """The subprotocols that the client offers, in order of preference."""

    problem: WebSocketHandshakeError | None
    """The problem of the request and its status, which `accept` raises; or None."""

    answered: bool = False
    """Whether the request has been answered."""

    def __init__(self, opening: Opening, **options: Unpack[WebSocketOptions]) -> None:
        self._options = Options(**options)
        self._sink: ServerHttp2Stream | RawSocket
        if isinstance(opening, Http1IncomingMessage):
            if opening.raw_socket is None:
                raise new_error(
                    "ERR_INVALID_ARG_TYPE",
                    "request",
                    "a request of the event 'upgrade' (over HTTP/1.1)",
                    opening,
                )
            self._sink = opening.raw_socket
            method, self.path = opening.method, opening.url
            self.headers = opening.headers
            self.http_version = opening.http_version
        else:
            stream = opening.stream if isinstance(opening, Http2ServerRequest) else opening
            if not isinstance(stream, ServerHttp2Stream):
                raise new_error(
                    "ERR_INVALID_ARG_TYPE", "request", "a stream or a request of a server", opening
                )
            self._sink = stream
            self.headers = stream.request_headers
            self.http_version = "2.0"
            method, self.path = self.headers[":method"], self.headers.get(":path", "")
        self.problem = check_opening(self.headers, method, self.http_version)
        self.subprotocols = words(self.headers.get("sec-websocket-protocol"))

    @property
    def origin(self) -> str | None:
        """The origin of the requesting page, such as ``'https://example.org'``, or None."""
        origin: str | None = self.headers.get("origin")
        return origin

    def accept(
        self, subprotocol: str | None = None, headers: OutgoingHeaders | None = None
    ) -> WebSocket:
        """Open the WebSocket: with status 200 over HTTP/2, 101 over HTTP/1.1, and *headers*.

        *subprotocol* is one of `subprotocols`, or None. Raises `WebSocketHandshakeError` if the
        request has a `problem`, or was answered; ERR_INVALID_ARG_VALUE for another subprotocol
        and for headers that belong to the handshake; the errors of the header rules;
        ERR_HTTP2_INVALID_STREAM if the client has reset the stream or closed the connection.
        """
        if self.problem is not None:
            raise self.problem
        self._answer_once()
        if subprotocol is not None and subprotocol not in self.subprotocols:
            raise new_error("ERR_INVALID_ARG_VALUE", "subprotocol", subprotocol)
        fields = pairs_of(headers)
        options = self._options
        limit = MessageLimit(options.max_size)
        share = Share.of(None if isinstance(self._sink, RawSocket) else self._sink.session)
        if options.compression and share.may_compress:
            agreed = accept_offer(
                self.headers.get("sec-websocket-extensions", ""), options.max_size
            )
            if agreed is not None:
                answer, limit = agreed
                fields.append(("sec-websocket-extensions", answer))
        if subprotocol is not None:
            fields.append(("sec-websocket-protocol", subprotocol))
        sink = self._sink
        carrier: Carrier
        if isinstance(sink, RawSocket):
            key = accept_key(self.headers["sec-websocket-key"])
            opening = [("upgrade", "websocket"), ("connection", "upgrade")]
            head = response_head(101, [*opening, ("sec-websocket-accept", key), *fields])
            sink.writer.write(head)
            carrier = Http1Carrier(sink)
            server: Http2Server | None = sink.server
        else:
            sink.respond([(":status", 200), *fields])
            sink.keep_handlers()
            carrier = Http2Carrier(sink)
            session = sink.session
            server = None
            if isinstance(session, ServerHttp2Session):
                server = cast("Http2Server | None", session.server)
        self.answered = True
        return WebSocket(
            carrier,
            Protocol(client=False, limit=limit),
            options,
            subprotocol=subprotocol,
            path=self.path,
            headers=self.headers,
            http_version=self.http_version,
            share=share,
            server=server,
        )

    def respond(self, status: int, headers: OutgoingHeaders | None = None) -> HttpAnswer:
        """Refuse the WebSocket with any response; the result sends its body.

        Over HTTP/1.1 the connection ends with it. Raises `WebSocketHandshakeError` if the request
        was answered; ERR_OUT_OF_RANGE for a status outside 200 to 599; the errors of the header
        rules.
        """
        self._answer_once()
        if isinstance(status, bool) or not isinstance(status, int):
            raise new_error("ERR_INVALID_ARG_TYPE", "status", "an integer", status)
        if not 200 <= status <= 599:
            raise new_error("ERR_OUT_OF_RANGE", "status", ">= 200 and <= 599", status)
        fields = pairs_of(headers, OURS - {"content-length", "sec-websocket-version"})
        sink = self._sink
        if isinstance(sink, RawSocket):
            sink.writer.write(response_head(status, [*fields, ("connection", "close")]))
        else:
            sink.respond([(":status", status), *fields])
        self.answered = True
        return HttpAnswer(sink)

    def reject(
        self,
        status: int | None = None,
        headers: OutgoingHeaders | None = None,
        body: str | bytes | None = None,
    ) -> None:
        """Refuse the WebSocket with *status*, *headers* and *body*.

        The default *status* is that of the `problem`, else 403; the default *body* is a line with
        the reason. Raises like `respond`.
        """
        problem = self.problem
        fields = pairs_of(headers, OURS - {"content-length", "sec-websocket-version"})
        if status is None:
            status = 403 if problem is None else problem.status or 400
        if status == 426:
            fields.append(("sec-websocket-version", "13"))
        if body is None:
            body = "refused\n" if problem is None else f"{problem}\n"
            fields.append(("content-type", "text/plain; charset=utf-8"))
        data = body.encode() if isinstance(body, str) else body
        if all(name != "content-length" for name, _ in fields):
            fields.append(("content-length", str(len(data))))
        self.respond(status, fields).end(data)

    def _answer_once(self) -> None:
        if self.answered:
            raise WebSocketHandshakeError("the request for a WebSocket has already been answered")


class AcceptingWebSocket:
    """The result of `accept_websocket`, for ``async with`` or ``await``."""

    def __init__(
        self,
        handshake: ServerHandshake,
        subprotocols: list[str],
        origins: frozenset[str | None] | None,
        headers: OutgoingHeaders | None,
    ) -> None:
        self._handshake = handshake
        self._subprotocols = subprotocols
        self._origins = origins
        self._headers = headers
        self._ws: WebSocket | None = None

    def _accept(self) -> WebSocket:
        handshake = self._handshake
        problem = handshake.problem
        if problem is None and self._origins is not None and handshake.origin not in self._origins:
            problem = WebSocketHandshakeError(
                f"pages of {handshake.origin!r:.128} may not open a WebSocket here", status=403
            )
        if problem is not None:
            handshake.problem = problem
            try:
                handshake.reject()
            except (Http2Error, OSError) as error:
                problem.__cause__ = error  # the client has left, and needs no answer
            raise problem
        offered = handshake.subprotocols
        chosen = next((name for name in self._subprotocols if name in offered), None)
        return handshake.accept(chosen, self._headers)

    async def _accept_soon(self) -> WebSocket:
        return self._accept()

    def __await__(self) -> Generator[object, None, WebSocket]:
        return self._accept_soon().__await__()

    async def __aenter__(self) -> WebSocket:
        self._ws = self._accept()
        return self._ws

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._ws is not None
        await self._ws.__aexit__(kind, error, trace)


def accept_websocket(
    request_or_stream: Opening,
    *,
    subprotocols: Iterable[str] = (),
    origins: Iterable[str | None] | None = None,
    headers: OutgoingHeaders | None = None,
    max_size: int | None = 1 << 20,
    max_queue: int = 16,
    compression: bool = True,
    ping_interval: float | None = 20.0,
    ping_timeout: float | None = 20.0,
    close_timeout: float = 10.0,
) -> AcceptingWebSocket:
    """Accept a client's request for a WebSocket.

    ``async with accept_websocket(stream) as ws`` closes it at the end of the block; after ``ws =
    await accept_websocket(stream)`` the caller closes it. *request_or_stream* is the stream of the
    event ``stream`` or the request of ``connect``, of a server with the setting
    ``enable_connect_protocol`` (RFC 8441), or the request of ``upgrade`` of a server with
    ``allow_http1`` (RFC 6455).

    *subprotocols* are those that the server supports, in order of preference: the first one that
    the client also offers is selected. *origins* are the origins of pages that may open one,
    such as ``https://example.org``, and None for clients that are not browsers; without it,
    any page may. *headers* are added to the response.

    *max_size* is the limit for a decompressed message in bytes: a larger one ends the WebSocket
    with 1009; None for no limit. *max_queue* messages, or 64 KiB, wait for `WebSocket.recv`; then
    the client is held back. *compression*: permessage-deflate, with a client that offers it. Every
    *ping_interval* seconds a ping checks whether the client is alive; if no byte arrives within
    *ping_timeout* seconds, the WebSocket ends with 1011; None for never. *close_timeout* is how
    many seconds the client has to answer a Close frame.

    Raises ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_INVALID_HTTP_TOKEN at
    the call. Entering or awaiting it raises `WebSocketHandshakeError` if the request is not one
    for a WebSocket or comes from another origin (the client has been answered then, with 400, 403,
    426 or 501), and the errors of `ServerHandshake.accept`.
    """
    known = check_subprotocols(subprotocols)
    allowed = None
    if origins is not None:
        if isinstance(origins, (str, bytes)):
            raise new_error("ERR_INVALID_ARG_TYPE", "origins", "a list of str", origins)
        allowed = frozenset(origins)
    handshake = ServerHandshake(
        request_or_stream,
        max_size=max_size,
        max_queue=max_queue,
        compression=compression,
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
        close_timeout=close_timeout,
    )
    return AcceptingWebSocket(handshake, known, allowed, headers)
