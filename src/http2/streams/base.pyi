import asyncio
from typing import Any

from ..common.timers import IdleTimer
from ..headers import Headers, OutgoingHeaders
from .life_state import Life
from .parts.receiver import Receiver

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

    id: int | None
    """The stream identifier; None until the connection is established, and over HTTP/1."""
    end_after_headers: bool
    """Whether the received headers carried END_STREAM: there is no body to read."""
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
