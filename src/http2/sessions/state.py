"""Define `SessionState`: the numbers behind `Http2Session.state`."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SessionState"]


@dataclass(frozen=True, slots=True)
class SessionState:
    """A snapshot of nghttp2's state of a session; all 0 without a connection."""

    effective_local_window_size: int = 0
    """The receive window of the connection, in bytes."""
    effective_recv_data_length: int = 0
    """Bytes received since the last WINDOW_UPDATE of the connection."""
    next_stream_id: int = 0
    """The identifier of the next stream that this side opens."""
    local_window_size: int = 0
    """Bytes that the peer may send before the next WINDOW_UPDATE."""
    last_proc_stream_id: int = 0
    """The identifier of the peer's stream that was processed last."""
    remote_window_size: int = 0
    """Bytes that this side may send before the next WINDOW_UPDATE."""
    outbound_queue_size: int = 0
    """Frames that wait to be sent."""
    deflate_dynamic_table_size: int = 0
    """Bytes in the table that compresses outgoing headers."""
    inflate_dynamic_table_size: int = 0
    """Bytes in the table that decompresses received headers."""
