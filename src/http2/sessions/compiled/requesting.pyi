from collections.abc import Awaitable

from ...common.waiter import Wakes
from ...headers import Headers, OutgoingHeaders
from ...streams.client_stream import ClientHttp2Stream
from ..client_session import ClientHttp2Session
from .session_base import SessionBase

class ClientSessionBase(SessionBase):
    # What a request has for ``:authority`` and ``:scheme`` unless its headers say otherwise.
    _authority: str
    authority: str
    _scheme: str
    scheme: str
    # For tasks that wait for a response.
    wakes: Wakes

    def request(
        self,
        headers: OutgoingHeaders | None = None,
        *,
        end_stream: bool | None = None,
        exclusive: bool = False,
        parent: int = 0,
        weight: int = 16,
        wait_for_trailers: bool = False,
        signal: Awaitable[object] | None = None,
    ) -> ClientHttp2Stream:
        """Send a request; return its stream at once.

        By default, ``:method`` is GET, ``:path`` is ``/``, and ``:scheme`` and ``:authority`` are
        those of `connect`. *end_stream* says that there is no
        body; the default is True for GET, HEAD and DELETE. Requests wait until the connection is
        established, and while the peer's MAX_CONCURRENT_STREAMS is reached.
        *parent*, *weight* (1 to 256) and *exclusive* are the RFC 7540 priority. With
        *wait_for_trailers*, ``want_trailers`` is emitted after the body. If the
        awaitable *signal* completes, the request is aborted with CANCEL and ABORT_ERR.

        Raises ERR_HTTP2_INVALID_SESSION, ERR_HTTP2_GOAWAY_SESSION, the errors of the
        header rules and of CONNECT, ERR_HTTP2_OUT_OF_STREAMS,
        ERR_HTTP2_STREAM_SELF_DEPENDENCY, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
        """

def on_response(session: ClientHttp2Session, stream_id: int, headers: Headers, flags: int) -> None:
    """Handle the event RESPONSE."""

def on_last_data(session: ClientHttp2Session, stream_id: int, data: bytes, _: None) -> None:
    """Handle the event LAST_DATA: the rest of a body, and the end of its stream."""
