from ...common.waiter import Waiter
from ...headers import Headers, OutgoingHeaders
from ..interfaces import ClientStreamOwner
from ..parts.abort_signal import AbortSignal
from ..parts.early_request import EarlyRequest
from .base import Http2StreamBase
from .life_state import Life

DEFAULT_PRIORITY: tuple[int, int, bool]
# The state of a request that was sent to its end; also of one that the server has promised.
SENT: Life

class ClientStreamBase(Http2StreamBase):
    # --- the response ---

    _response: Headers | None
    _response_waiters: list[Waiter] | None
    # The body that `text` and `json` have read.
    _body: bytes | None
    # While the response is complete and unread: holds the memory of its large header blocks.
    _held_blocks: object

    # --- the request ---

    # The exclusive dependency, weight and parent of RFC 7540.
    _priority: tuple[int, int, bool]
    # While the stream is pending: its request.
    _early: EarlyRequest | None
    # How often the server has refused it, and the data to send it again.
    _refusals: int
    _signal: AbortSignal | None

    def __init__(
        self,
        session: ClientStreamOwner,
        stream_id: int | None,
        life: Life,
        headers: OutgoingHeaders | None,
        priority: tuple[int, int, bool] = ...,
    ) -> None: ...
    def over(self, code: int, unsent: int | None) -> None:
        """Handle the end of the stream in HTTP/2; received data can still be read."""
    def _response_waiter(self) -> Waiter:
        """Return a new waiter, which is woken or fails when the response is there or fails."""
    def all_read(self, rest: str) -> None:
        """Handle the end of reading: emit *rest* as ``data`` if it is not empty, and ``end``."""
