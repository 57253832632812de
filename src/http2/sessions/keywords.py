"""Types of the options of `connect` and of a server's session.

`SessionOptions` and the functions describe their meaning and default in full.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from ..tls.keywords import Identity

if TYPE_CHECKING:
    import os
    from urllib.parse import SplitResult

    from ..settings import Settings
    from ..tunnels.carriers import Carrying

__all__ = [
    "ConnectOptions",
    "ConnectionOptions",
    "ServerSessionOptions",
    "SessionKeywords",
]


class SessionKeywords(TypedDict, total=False):
    """Options of sessions of both roles."""

    max_deflate_dynamic_table_size: int
    """Bytes of the table that compresses outgoing headers."""
    max_settings: int
    """Entries of one SETTINGS frame of the peer."""
    max_session_memory: int
    """Megabytes of a session above which new streams are refused."""
    max_header_list_pairs: int
    """Fields of a received header block."""
    max_outstanding_pings: int
    """Outgoing PINGs that may be unanswered at a time."""
    max_send_header_block_length: int
    """Bytes of a compressed outgoing header block; 0: nghttp2's own limit."""
    padding_strategy: int
    """One of the ``PADDING_STRATEGY_`` constants."""
    peer_max_concurrent_streams: int
    """Streams that this side may have open until the peer's SETTINGS arrive."""
    max_session_invalid_frames: int
    """Invalid frames that are tolerated."""
    max_session_rejected_streams: int
    """Refused streams in a row that are tolerated."""
    remote_custom_settings: Sequence[int]
    """Identifiers of the peer's custom settings to report; at most 10."""
    settings: Settings | Mapping[str, object]
    """The settings that this side announces first."""
    strict_field_whitespace_validation: bool
    """Whether received values may not begin or end with whitespace."""
    strict_single_value_fields: bool
    """Whether sending two values of a single-value field is an error."""
    max_receive_window: int
    """Bytes that receive windows may grow to; 0: they do not grow."""
    keepalive_interval: float
    """Seconds without a byte until a PING; 0: never."""
    keepalive_timeout: float
    """Seconds without a byte after that PING until the session ends; 0: never."""
    handshake_timeout: float
    """Seconds from the beginning until the peer's SETTINGS; 0: no limit."""
    headers_timeout: float
    """Seconds for headers; 0: no limit."""
    request_timeout: float
    """Seconds for a whole request and its response; 0: no limit."""
    idle_timeout: float
    """Seconds without streams until the session closes; 0: never."""
    write_timeout: float
    """Seconds that outgoing data may wait without progress; 0: no limit."""
    control_frame_burst: int
    """Frames without content that the peer may send at once."""
    control_frame_rate: int
    """Frames without content that the peer may send per second after that."""
    extensible_priorities: bool
    """Whether priorities are those of RFC 9218 only."""


class ServerSessionOptions(SessionKeywords, total=False):
    """The keywords of `perform_server_handshake`: options of a server's session."""

    stream_reset_burst: int
    """Streams that a client may reset at once."""
    stream_reset_rate: int
    """Streams that a client may reset per second after that."""
    first_request_timeout: float
    """Seconds for a client's first request; 0: no limit."""
    unknown_protocol_timeout: float
    """Seconds for a listener of ``unknown_protocol``; 0: no limit."""


class ConnectionOptions(SessionKeywords, Identity, total=False):
    """The keywords of `connect_websocket` for its own connection: all but one of `connect`."""

    protocol: str
    """``'https:'`` or ``'http:'``, for an authority without a scheme."""
    path: str | os.PathLike[str]
    """A Unix socket."""
    family: int
    """The family of addresses, such as `socket.AF_INET6`."""
    local_addr: tuple[str, int]
    """The address and port to connect from."""
    happy_eyeballs_delay: float | None
    """Seconds after which the next address is tried concurrently."""
    servername: str
    """The server name to send and to verify, instead of the authority's."""
    create_connection: Callable[[SplitResult, dict[str, Any]], Carrying | Awaitable[Carrying]]
    """Creates the carrier of the session."""
    timeout: float
    """Seconds without activity until ``timeout``; 0: never."""
    max_reserved_remote_streams: int
    """Pushed streams at a time."""


class ConnectOptions(ConnectionOptions, total=False):
    """The keywords of `connect`."""

    close_timeout: float | None
    """Seconds that leaving ``async with`` may take; None: no limit."""
