import asyncio
from typing import Any

from ..common.timers import IdleTimer
from ..engine.http1.fields import Http1FieldRules, Http1Fields
from ..engine.http1.head import Http1Head
from ..engine.http1.output import Http1Output
from ..engine.http1.receiver import Http1Receiver
from ..headers import OutgoingHeaders
from ..net.outlet import Outlet
from ..servers.server import Http2Server
from ..streams.compiled.base import ExchangeBase
from ..streams.keywords import Chunk
from .interfaces import ConnectionService, DrivenExchange, Http1Owner

# How the end of a response is marked (RFC 9112 section 6.3): by its head alone, by
# content-length, by the last chunk, or by the end of the connection.
NO_BODY: int
LENGTH: int
CHUNKED: int
UNTIL_CLOSE: int

# Bytes that are read at once if no body is expected: enough for usual heads.
HEAD_READ: int
# Bytes that are collected in a turn of the loop before they are passed to the transport.
HIGH_WATER: int
# Unread bytes of a body above which reading stops.
MOST_UNREAD: int
# Bytes of a body that are read and discarded to keep the connection; above, it is closed.
MOST_DISCARDED: int

class Http1StreamBase(ExchangeBase):
    method: str
    """The method, such as ``'GET'``."""
    url: str
    """The target of the request, as received."""
    http_version: str
    """The client's: ``'1.1'`` or ``'1.0'``."""
    # The reason phrase to send; None for that of RFC 9110.
    status_message: str | None
    # The response's head until it is written, with the first bytes of the body if they follow in
    # the same turn of the loop.
    _fields: Http1Fields | None
    # The same, also afterwards.
    _given: Http1Fields | None
    _framing: int
    # Remaining bytes according to `content-length`; None without it.
    _left: int | None
    _wants_chunks: bool
    # The whole response has been passed to the connection.
    response_ended: bool

    def __init__(self, connection: Http1Owner, head: Http1Head) -> None: ...
    def respond(
        self,
        headers: OutgoingHeaders | None = None,
        *,
        end_stream: bool = False,
        wait_for_trailers: bool = False,
        send_date: bool = True,
    ) -> None: ...
    def write(self, data: Chunk, encoding: str = "utf-8") -> bool: ...
    def end(self, data: Chunk | None = None, encoding: str = "utf-8") -> None: ...
    def consumed(self, size: int) -> None: ...
    def receive_data(self, data: bytes, end: bool) -> int: ...
    def end_unnoticed(self) -> bool: ...
    def _unread_size(self) -> int: ...

class Http1ConnectionBase:
    # --- of `EventEmitter` ---

    _listeners: dict[str, list[Any]] | None
    _tasks: set[asyncio.Task[object]] | frozenset[asyncio.Task[object]] | None
    _watched: bool

    # --- of `Http1Carrier` ---

    server: Http2Server
    loop: asyncio.AbstractEventLoop
    addresses: dict[str, Any]
    _transport: asyncio.Transport | None
    _outlet: Outlet
    _output: Http1Output
    # The buffer that all connections read into, and the part of it for the next bytes.
    _buffer: memoryview
    _target: memoryview
    _closed: bool
    closed: bool
    """Whether no further request will be served."""
    destroyed: bool
    """Whether the connection has ended."""
    in_batch: bool
    _flush_scheduled: bool
    # A full buffer was written in this turn of the loop. A handler that writes continuously would
    # delay other tasks, and the detection of a disconnected client.
    _resting: bool
    _write_paused: bool
    _reading_paused: bool
    # The client has ended its side.
    _eof: bool
    # The last response was passed to the transport: received data is discarded.
    _lingering: bool
    _idle_timer: IdleTimer | None
    # The current deadline, 0 for none, and its timer, which is not moved with
    # the deadline, because the deadline changes with every request.
    _deadline: float
    _timer: asyncio.TimerHandle | None
    _timer_at: float

    # --- of `Http1Connection` ---

    field_rules: Http1FieldRules
    _service: ConnectionService
    _receiver: Http1Receiver
    # The current exchange.
    _stream: DrivenExchange | None
    _keep_alive: bool
    # The client waits for status 100 before it sends the body, if it ever does.
    _expects_continue: bool
    # The client may send another request: no response has announced the end.
    _promised: bool
    # The client itself makes no further request.
    _client_closes: bool
    _requests: int
    # When the current request began to arrive, 0 if its head arrived at once; the first one
    # begins with the connection.
    _began: float
    # The body is discarded: the response was sent without it.
    _discarding: bool
    _discarded: int

    def get_buffer(self, sizehint: int) -> memoryview: ...
    def buffer_updated(self, nbytes: int) -> None: ...
    def write(self, data: bytes) -> None: ...
    def write_whole(self, fields: Http1Fields, body: bytes) -> bool: ...
    def wake(self) -> None: ...
    def is_full(self) -> bool: ...
    def _batch(self) -> None: ...
    def _next(self) -> None: ...
    def _flush(self) -> None: ...
