import asyncio
from typing import Any

from typing_extensions import Buffer

from ...common.interfaces import Emits
from ...common.tasks import Work
from ...common.timers import IdleTimer
from ...engine.connection import Connection
from ...headers import Headers, OutgoingHeaders
from ..interfaces import ServerStreamOwner
from ..keywords import Chunk
from ..parts.receiver import Receiver
from .life_state import Life

def as_buffer(data: Chunk, encoding: str = "utf-8") -> bytes | bytearray | memoryview:
    """Return *data* as an object with the buffer protocol; `str` is encoded."""

def new_room(size: int) -> tuple[bytes, memoryview]:
    """Return a new `bytes` object of *size*, and a view to fill it with before any other use."""

class OwnerBase:
    # The event loop of the owner and its streams.
    loop: asyncio.AbstractEventLoop
    # The engine's connection; None before the connection is established and after its end.
    engine: Connection | None
    # Whether a batch of the peer's data is being handled: output is sent after it.
    in_batch: bool

class ExchangeBase:
    # --- of `EventEmitter`, with other defaults than there ---

    _listeners: dict[str, list[Any]] | None
    _tasks: set[asyncio.Task[object]] | frozenset[asyncio.Task[object]] | None
    _watched: bool

    # --- of `Duplex` ---

    # The state, from which all properties about progress are derived.
    life: Life
    # The error of reading, draining and waiting; set before the last waiter is woken.
    _error: BaseException | None
    error_seen: bool
    # The received data and its reader; None: nothing has arrived, and nothing was read.
    _receiver: Receiver | None
    # The unread body, if it arrived in one piece that ended the stream: it needs no receiver.
    _whole: bytes | None
    # Callers that wait in `drain`; None: `write` may continue.
    _drainers: list[asyncio.Future[None]] | None

    # --- of `Exchange` ---

    _id: int | None
    id: int | None
    """The stream identifier; None until the connection is established, and over HTTP/1."""
    end_after_headers: bool
    """Whether the received headers carried END_STREAM: there is no body to read."""
    _headers_sent: bool
    headers_sent: bool
    """Whether the headers of the request, or those of the response, were sent."""
    # The session, or the connection of HTTP/1.
    _session: Any
    # The code that it was closed with.
    _code: int
    _head_request: bool
    # The headers of the request, on the side that responds.
    _request: Headers | None
    # The headers as given by the application, and the status and date that were added.
    _sent: tuple[OutgoingHeaders | None, int | None, str | None]
    _timer: IdleTimer | None

    def run_listener(
        self, coroutine: Work[object], emitter: Emits, event: str, args: tuple[object, ...]
    ) -> None:
        """Run a listener as a task: like `EventEmitter.run_listener`, but faster."""

    def _work_ended(
        self, work: Work[object], emitter: Emits, event: str, args: tuple[object, ...]
    ) -> None:
        """Handle the end of *work*, a listener of *emitter* that was a task of this exchange."""

class Http2StreamBase(ExchangeBase):
    def write(self, data: Chunk, encoding: str = "utf-8") -> bool:
        """Send *data*, a buffer or a `str`; after False, wait for `drain` before the next call."""

    def end(self, data: Chunk | None = None, encoding: str = "utf-8") -> None:
        """End the writing side, after *data* if there is any; ending twice does nothing."""

    def _submit(self, data: Buffer | None, end: bool) -> bool:
        """Queue *data*, and the end of the body; return whether more may be written."""

    def receive_data(self, data: bytes, end: bool) -> None:
        """Handle received bytes of the body; *end* marks the last of them."""

    def consumed(self, size: int) -> None:
        """Handle *size* bytes that the program has read: the peer may send as many again."""

    def over(self, code: int, unsent: int | None) -> None:
        """Handle the end of the stream: END_STREAM of both sides, or RST_STREAM with *code*.

        *unsent*: the number of queued bytes that will not be sent; None if there were none.
        """

class ServerStreamBase(Http2StreamBase):
    # Until the request is handed to its handlers; see `http2.streams.interfaces`.
    is_waiting: bool

    def __init__(
        self, session: ServerStreamOwner, stream_id: int, request: Headers, flags: int = 0
    ) -> None: ...
    def respond(
        self,
        headers: OutgoingHeaders | None = None,
        *,
        end_stream: bool = False,
        wait_for_trailers: bool = False,
        send_date: bool = True,
    ) -> None:
        """Begin the response with *headers*."""
