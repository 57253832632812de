import asyncio
from collections.abc import Coroutine
from typing import Any

from ..compat.message_base import RequestListenerBase
from ..field_pairs import PairMemory
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
    # The class of the exchanges.
    exchange_class: type[AsgiExchangeBase]
    # Whether a call of the application only creates a coroutine.
    _direct: bool
    # Uvicorn's: its ``default_headers`` are sent, and ``total_requests`` counts. Otherwise None.
    _server_state: Any
    # The server's default headers, the fields that responses get because of them, and whether a
    # response without ``date`` gets one.
    _defaults: object
    _added: list[tuple[bytes, bytes]] | None
    _send_date: bool
    # Whether `responding` has to be called.
    _access_log: bool
    # What is known of the headers of earlier requests; None over HTTP/1.1.
    _memory: PairMemory | None
    # The application inside a middleware that does nothing for requests without any of the fields
    # in `scope.FORWARDED`; or None.
    _inner: Any

    def scope(self, method: str, target: str, headers: list[tuple[bytes, bytes]]) -> Scope:
        """Return the scope of a request: a new dict, copied as deep as applications change it."""

    def takes_default_headers(self, given: list[tuple[bytes, bytes]]) -> None:
        """Take the server's default headers, which precede the application's."""

    def responding(self, scope: Scope, status: int) -> None:
        """Handle the beginning of a response with *status*, for an access log."""

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

def new_exchange(
    connection: SharedScopeBase,
    stream: Any,
    headers: Headers,
    method: str,
    target: str,
    response: Any,
) -> Any:
    """Return an exchange of the connection's class, for a request that has not begun."""

def start_request(
    connection: SharedScopeBase,
    stream: Any,
    headers: Headers,
    method: str,
    target: str,
    response: Any,
) -> None:
    """Run the connection's application for a request, in a new task if it waits."""

class StreamListenerBase(RequestListenerBase):
    """A listener of a server's requests over HTTP/2."""

    # What the requests of a session share, by session. Requests of other sessions, and CONNECT, go
    # to `_take_other`.
    _connections: dict[object, SharedScopeBase]

    def _on_stream(self, stream: Any, headers: Headers) -> None:
        """Start the application for a request."""

    def _take_other(self, stream: Any, headers: Headers) -> None: ...
