import asyncio
from collections.abc import Coroutine
from typing import Any

from ..headers import Headers
from .types import Message, Scope

# The states of a response; see `exchange`.
NEW: int
HELD: int
OPEN: int
TAIL: int
DONE: int

class SharedScopeBase:
    """What `SharedScope` has, and does in each request."""

    app: Any
    loop: asyncio.AbstractEventLoop
    http_version: str
    # The running applications.
    tasks: set[asyncio.Task[None]]
    # The lifespan's state.
    state: dict[str, Any]
    root_path: str
    extensions: dict[str, Any]
    # The scope of every request, with all keys, so that a copy never grows.
    base: dict[str, Any]

    def scope(self, method: str, target: str, headers: list[tuple[bytes, bytes]]) -> Scope:
        """Return the scope of a request: a new dict, copied as deep as applications change it."""

    def added(self) -> tuple[list[tuple[bytes, bytes]] | None, bool]:
        """Return the fields that precede the application's, and whether ``date`` is sent."""

    def responding(self, scope: Scope, status: int) -> None:
        """Handle the beginning of a response with *status*."""

    def responded(self) -> None:
        """Handle a complete response."""

class AsgiExchangeBase:
    """What `Exchange` has, and does in each request."""

    _connection: Any
    _stream: Any
    # The Compatibility API's response, if there is one: trailers over HTTP/1 need it.
    _response: Any
    _state: int
    # Whether there is more of the request's body.
    _more: bool
    # Whether the client waits for status 100.
    _expects: bool
    # Calls of `receive` that wait for the end of the exchange.
    _waiters: list[asyncio.Future[None]] | None
    # The start of the response, as the application has sent it.
    _status: int
    _fields: list[Any]
    _trailers: Any
    scope: Scope

    def __init__(
        self,
        connection: SharedScopeBase,
        stream: Any,
        headers: Headers,
        method: str,
        target: str,
        response: Any = None,
    ) -> None: ...
    def take(self, message: Message) -> Coroutine[Any, Any, None] | None:
        """Take the next message of the response; return the rest of the work, if it may wait.

        Raises what `Exchange.send` raises.
        """

    def _respond(self, body: object) -> None:
        """Send the headers, before *body*."""

    def _end(self, body: object) -> None:
        """Send the last *body*."""

    def _complete(self) -> None:
        """Handle the end of the response."""
