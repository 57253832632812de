"""Implement ASGI's WebSockets, over HTTP/2 (RFC 8441) and HTTP/1.1 (RFC 6455)."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, Any

from .. import Http2Error, WebSocket, WebSocketClosed
from ..websocket import HttpAnswer, ServerHandshake
from .exchange import ClientDisconnected, of_disconnect, text_in_header, text_of
from .types import Application, Message, Scope

if TYPE_CHECKING:
    from .shared_scope import SharedScope

__all__ = ["WebSocketExchange"]

CONNECTING, OPEN, DENYING, CLOSED = range(4)

# Codes of RFC 6455 section 7.4.1.
NORMAL, ABNORMAL, INTERNAL_ERROR, SERVICE_RESTART = 1000, 1006, 1011, 1012


class WebSocketExchange:
    """The arguments of an application for one WebSocket, requested by a *handshake*.

    *opening* is an emitter of ``close`` when the client may leave before it is answered.
    """

    def __init__(self, connection: SharedScope, handshake: ServerHandshake, scope: Scope) -> None:
        self._connection = connection
        self._handshake = handshake
        self.scope = scope
        self._state = CONNECTING
        self._told = False
        self._ws: WebSocket | None = None
        self._denial: Message | None = None
        self._answer: HttpAnswer | None = None
        # done once it is known whether there is a WebSocket
        self._decided: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    def begin(
        cls,
        connection: SharedScope,
        handshake: ServerHandshake,
        opening: Any = None,
        *,
        app: Application | None = None,
        context: Context | None = None,
    ) -> WebSocketExchange:
        """Run the connection's application, or *app*, for a WebSocket in a new task.

        *opening* emits ``close`` if the client disconnects before the answer.
        """
        scope = connection.scope("", handshake.path, handshake.headers.encoded())
        del scope["method"]
        scope["type"] = "websocket"
        scope["scheme"] = "wss" if scope["scheme"] == "https" else "ws"
        scope["subprotocols"] = list(handshake.subprotocols)
        scope["extensions"] = {"websocket.http.response": {}}
        if "tls" in connection.extensions:
            scope["extensions"]["tls"] = connection.extensions["tls"]
        exchange = cls(connection, handshake, scope)
        if opening is not None:
            opening.once("close", exchange._decide)
        connection.run(exchange.run(app or connection.app), context)
        return exchange

    async def run(self, app: Application) -> None:
        """Run *app* to its end."""
        try:
            await app(self.scope, self.receive, self.send)
            if self._state in (CONNECTING, DENYING):
                if not self._has_left():
                    message = "the ASGI application returned without sending an answer"
                    self._connection.failed(self.scope, message, None)
                self._give_up(NORMAL)
            elif self._state == OPEN:
                self._give_up(NORMAL)
        except BaseException as error:
            if not (of_disconnect(error) and self._has_left()):
                self._connection.failed(self.scope, "exception in the ASGI application", error)
            self._give_up(INTERNAL_ERROR)
            if not isinstance(error, Exception):
                raise
        finally:
            self._decide()

    def _has_left(self) -> bool:
        """Return whether the client has disconnected, before or after the answer."""
        if self._ws is not None:
            return self._ws.closed
        return self._decided.done()

    def _decide(self) -> None:
        if not self._decided.done():
            self._decided.set_result(None)

    def _give_up(self, code: int) -> None:
        """End the WebSocket: with 500 if it was not answered, else with *code*."""
        try:
            if self._ws is not None:
                self._ws.begin_close(code)
            elif not self._handshake.answered:
                self._handshake.reject(500)
            elif self._answer is not None and self._state == DENYING:
                self._answer.end()
        except (Http2Error, OSError):
            pass  # the client has disconnected
        self._state = CLOSED

    def shutdown(self) -> None:
        """End the WebSocket, because the server ends."""
        if self._state == OPEN and self._ws is not None:
            self._ws.begin_close(SERVICE_RESTART)

    # --- messages --------------------------------------------------------------------------

    async def receive(self) -> Message:
        """Return ``websocket.connect``, each message, and the end."""
        if not self._told:
            self._told = True
            return {"type": "websocket.connect"}
        if self._ws is None:
            await asyncio.shield(self._decided)
        if self._ws is None:
            return {"type": "websocket.disconnect", "code": ABNORMAL, "reason": ""}
        try:
            data = await self._ws.recv()
        except WebSocketClosed as error:
            reason = error.close_reason
            return {"type": "websocket.disconnect", "code": error.close_code, "reason": reason}
        if isinstance(data, str):
            return {"type": "websocket.receive", "text": data, "bytes": None}
        return {"type": "websocket.receive", "text": None, "bytes": data}

    async def send(self, message: Message) -> None:
        """Answer the handshake, or send a message; waits while the client is slower.

        Raises `ClientDisconnected` after the client has disconnected, RuntimeError for an
        unexpected message.
        """
        kind = message["type"]
        try:
            if kind == "websocket.send" and self._state == OPEN and self._ws is not None:
                await self._ws.send(_data(message))
            else:
                await self._send(kind, message)
        except WebSocketClosed:
            raise ClientDisconnected from None
        except Http2Error as error:
            if error.code == "ERR_HTTP2_INVALID_STREAM":
                raise ClientDisconnected from None
            raise

    async def _send(self, kind: str, message: Message) -> None:
        """Send any other message than those of an open WebSocket."""
        state = self._state
        if kind == "websocket.accept" and state == CONNECTING:
            self._ws = self._handshake.accept(message.get("subprotocol"), _fields(message))
            self._state = OPEN
            self._decide()
            self._connection.opened(self.scope, 101)
        elif kind == "websocket.close" and state == CONNECTING:
            self._handshake.reject(403)
            self._state = CLOSED
            self._decide()
            self._connection.opened(self.scope, 403)
        elif kind == "websocket.close" and state == OPEN and self._ws is not None:
            self._ws.begin_close(message.get("code") or NORMAL, message.get("reason") or "")
            self._state = CLOSED
        elif kind == "websocket.http.response.start" and state == CONNECTING:
            self._denial = message
            self._state = DENYING
        elif kind == "websocket.http.response.body" and state == DENYING:
            await self._deny(message)
        else:
            raise RuntimeError(f"unexpected ASGI message {kind!r}: {_EXPECTED[state]}")

    async def _deny(self, message: Message) -> None:
        """Send a part of the response that refuses a WebSocket."""
        answer = self._answer
        if answer is None:
            assert self._denial is not None
            status = self._denial["status"]
            answer = self._answer = self._handshake.respond(status, _fields(self._denial))
            self._connection.opened(self.scope, status)
        body = message.get("body", b"")
        if message.get("more_body", False):
            if not answer.write(body):
                await answer.drain()
        else:
            answer.end(body)
            self._state = CLOSED
            self._decide()


_EXPECTED = {
    CONNECTING: "'websocket.accept' or 'websocket.close' must be sent first",
    OPEN: "the WebSocket is open",
    DENYING: "'websocket.http.response.body' comes next",
    CLOSED: "the WebSocket is closed",
}


def _data(message: Message) -> Any:
    """Return the text or bytes of *message*, which has exactly one of them."""
    text, data = message.get("text"), message.get("bytes")
    if (text is None) == (data is None):
        raise ValueError(
            "a 'websocket.send' must have either 'text' or 'bytes', not both or neither"
        )
    if not (
        isinstance(text, str) if data is None else isinstance(data, bytes | bytearray | memoryview)
    ):
        raise TypeError("in a 'websocket.send', 'text' must be a str, and 'bytes' must be bytes")
    return text if data is None else data


def _fields(message: Message) -> list[tuple[str, str]]:
    found = []
    for name, value in message.get("headers") or ():
        if isinstance(name, str) or isinstance(value, str):
            raise text_in_header([(name, value)])
        found.append((text_of(name).lower(), text_of(value)))
    return found
