"""Define `connect_websocket`, for clients over HTTP/2 (RFC 8441)."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Unpack
from urllib.parse import SplitResult, urlsplit
from weakref import WeakKeyDictionary

from ..common.timers import check_timeout
from ..constants import NGHTTP2_CANCEL
from ..errors import new_error
from ..headers import Headers, OutgoingHeaders
from ..sessions.client_session import ClientHttp2Session
from ..sessions.connect import connect
from ..streams.client_stream import ClientHttp2Stream
from .carriers import Http2Carrier
from .connection import WebSocket
from .deflate import MessageLimit, client_offer, finalize_offer
from .errors import WebSocketHandshakeError
from .handshake import OURS, pairs_of, words
from .memory import Share
from .options import Options, check_subprotocols
from .protocol import Protocol

if TYPE_CHECKING:
    from ..sessions.keywords import ConnectionOptions

__all__ = ["connect_websocket"]

SCHEMES = {"ws": "http", "wss": "https", "http": "http", "https": "https"}
# By session: the ping whose answer shows that the first SETTINGS have arrived.
_asked: WeakKeyDictionary[ClientHttp2Session, asyncio.Future[Any]] = WeakKeyDictionary()
# Bytes of a refusal's body that are stored in the error.
MOST_SHOWN = 4096


class ConnectingWebSocket:
    """The result of `connect_websocket`, for ``async with`` or ``await``."""

    def __init__(
        self,
        url: SplitResult,
        session: ClientHttp2Session | None,
        subprotocols: list[str],
        fields: list[tuple[str, str]],
        open_timeout: float,
        options: Options,
        connect_options: ConnectionOptions,
    ) -> None:
        self._url = url
        self._scheme = SCHEMES[url.scheme]
        self._path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self._session = session
        self._own_session: ClientHttp2Session | None = None
        self._subprotocols = subprotocols
        self._fields = fields
        self._open_timeout = open_timeout
        self._options = options
        self._connect_options = connect_options
        self._ws: WebSocket | None = None
        self._closing: asyncio.Task[None] | None = None

    def __await__(self) -> Generator[object, None, WebSocket]:
        return self._open().__await__()

    async def __aenter__(self) -> WebSocket:
        self._ws = await self._open()
        return self._ws

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._ws is not None
        await self._ws.__aexit__(kind, error, trace)
        own = self._own_session
        if own is None:
            return
        if error is None or isinstance(error, Exception):
            await own.close()
            return
        try:
            # the Close frame is sent at the end of this turn of the loop
            await asyncio.sleep(0)
        finally:
            own.destroy()

    async def _open(self) -> WebSocket:
        if self._session is None:
            authority = f"{self._scheme}://{self._url.netloc}"
            self._own_session = connect(authority, **self._connect_options)
        session = self._session or self._own_session
        assert session is not None
        stream: ClientHttp2Stream | None = None
        try:
            async with asyncio.timeout(self._open_timeout or None):
                await session
                await self._check_offered(session)
                stream = session.request(self._request())
                response = await stream.response()
                ws = await self._opened(stream, response)
        except BaseException as error:
            if stream is not None:
                stream.close(NGHTTP2_CANCEL)
            if self._own_session is not None:
                self._own_session.destroy()
                if isinstance(error, WebSocketHandshakeError):
                    # The server answers: it closes its side, too, and the socket is closed.
                    await self._own_session.close()
            if isinstance(error, TimeoutError) and not error.args:
                raise TimeoutError(
                    f"{self._url.geturl()}: WebSocket not open within {self._open_timeout:g} s"
                ) from error
            raise
        if self._own_session is not None:
            # it has no other use: it ends after the WebSocket
            own = self._own_session
            stream.on("close", lambda: own.close())
        return ws

    async def _check_offered(self, session: ClientHttp2Session) -> None:
        """Wait for the server's first SETTINGS, and raise if they do not permit WebSockets."""
        if not session.remote_settings.enable_connect_protocol:
            # SETTINGS come before anything else, so before the answer to a PING: one for all
            asked = _asked.get(session)
            if asked is None or (asked.done() and asked.exception() is not None):
                asked = _asked[session] = session.ping()
            await asyncio.shield(asked)
        if not session.remote_settings.enable_connect_protocol:
            raise WebSocketHandshakeError(
                f"{self._url.netloc} does not accept WebSockets over HTTP/2: it does not offer the"
                " extended CONNECT (SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 8441)"
            )

    def _request(self) -> list[tuple[str, str]]:
        fields = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", self._scheme),
            (":path", self._path),
            (":authority", self._url.netloc),
            ("sec-websocket-version", "13"),
        ]
        if self._subprotocols:
            fields.append(("sec-websocket-protocol", ", ".join(self._subprotocols)))
        if self._options.compression:
            fields.append(("sec-websocket-extensions", client_offer()))
        return fields + self._fields

    async def _opened(self, stream: ClientHttp2Stream, response: Headers) -> WebSocket:
        """Return the WebSocket that *response* opens, or raise the reason why it does not."""
        status = int(response[":status"])
        if not 200 <= status <= 299:
            body = await stream.read(MOST_SHOWN)
            raise WebSocketHandshakeError(
                f"{self._url.geturl()}: the server refused the WebSocket with status {status}",
                status=status,
                headers=response,
                body=body,
            )
        subprotocol = response.get("sec-websocket-protocol")
        if subprotocol is not None and subprotocol not in self._subprotocols:
            raise WebSocketHandshakeError(
                f"the server selected a subprotocol that was not offered: {subprotocol!r:.128}",
                headers=response,
            )
        limit = MessageLimit(self._options.max_size)
        answers = words(response.get("sec-websocket-extensions"))
        if answers:
            try:
                if len(answers) > 1 or not self._options.compression:
                    raise ValueError(
                        "the server answered with extensions that were not offered:"
                        f" {', '.join(answers)!r:.128}"
                    )
                limit = finalize_offer(answers[0], self._options.max_size)
            except ValueError as error:
                raise WebSocketHandshakeError(str(error), headers=response) from None
        return WebSocket(
            Http2Carrier(stream, client=True),
            Protocol(client=True, limit=limit),
            self._options,
            subprotocol=subprotocol,
            path=self._path,
            headers=response,
            http_version="2.0",
            share=Share.of(stream.session),
        )


def connect_websocket(
    url: str,
    *,
    session: ClientHttp2Session | None = None,
    subprotocols: Iterable[str] = (),
    headers: OutgoingHeaders | None = None,
    origin: str | None = None,
    open_timeout: float = 10.0,
    max_size: int | None = 1 << 20,
    max_queue: int = 16,
    compression: bool = True,
    ping_interval: float | None = 20.0,
    ping_timeout: float | None = 20.0,
    close_timeout: float = 10.0,
    **connect_options: Unpack[ConnectionOptions],
) -> ConnectingWebSocket:
    """Open a WebSocket over HTTP/2 (RFC 8441).

    ``async with connect_websocket("wss://example.org/chat") as ws`` closes it at the end of the
    block; after ``ws = await connect_websocket(…)`` the caller closes it. *url* begins with
    ``wss:`` or ``ws:`` (HTTP/2 with prior knowledge).

    Without a *session*, it creates a separate connection with *connect_options*, the options of
    `connect`, such as ``ca``. With a *session*, the WebSocket is one of its streams: any number of
    WebSockets can share a connection.

    *subprotocols* are offered in order of preference; the server's choice is
    `WebSocket.subprotocol`. *headers* are added to the request, *origin* is its ``origin``.
    *open_timeout* is the time limit for opening it in seconds, 0 for no limit. The other arguments
    are those of `accept_websocket`.

    Raises ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, the errors of the header
    rules and those of `connect` at the call. Entering or awaiting it raises
    `WebSocketHandshakeError` if the server does not announce WebSockets over HTTP/2, answers with
    a status other than 2xx, or selects something that was not offered; `TimeoutError`; and the
    errors of awaiting a session.
    """
    if not isinstance(url, str):
        raise new_error("ERR_INVALID_ARG_TYPE", "url", "a str", url)
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname or parts.fragment or "@" in parts.netloc:
        raise new_error("ERR_INVALID_ARG_VALUE", "url", url)
    if session is not None:
        if not isinstance(session, ClientHttp2Session):
            raise new_error("ERR_INVALID_ARG_TYPE", "session", "a ClientHttp2Session", session)
        if connect_options:
            unknown = next(iter(connect_options))
            raise TypeError(
                f"connect_websocket() does not take {unknown!r} together with a session"
            )
    fields = pairs_of(headers, OURS | {"origin"})
    if origin is not None:
        fields += pairs_of({"origin": origin})
    options = Options(
        max_size=max_size,
        max_queue=max_queue,
        compression=compression,
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
        close_timeout=close_timeout,
    )
    open_timeout = check_timeout(open_timeout, "open_timeout")
    known = check_subprotocols(subprotocols)
    return ConnectingWebSocket(
        parts, session, known, fields, open_timeout, options, connect_options
    )
