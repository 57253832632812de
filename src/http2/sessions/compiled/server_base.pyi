from ...headers import Headers
from ...streams.server_stream import ServerHttp2Stream
from ..interfaces import SessionServer
from .session_base import SessionBase

class ServerSessionBase(SessionBase):
    _server: SessionServer | None

    def hand_out(self, stream: ServerHttp2Stream, headers: Headers, flags: int) -> None:
        """Pass a request to its handlers."""

def on_request(session: ServerSessionBase, stream_id: int, headers: Headers, flags: int) -> None:
    """Handle the event REQUEST: create the stream, and pass it to its handlers."""
