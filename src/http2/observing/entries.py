"""The entries of a `PerformanceObserver`: what was measured of a stream or a session."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Http2SessionEntry", "Http2StreamEntry", "PerformanceEntry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceEntry:
    """The measurements of one stream or session, after its end."""

    name: str
    """``'Http2Stream'`` or ``'Http2Session'``."""
    entry_type: str = field(default="http2", init=False)
    """Always ``'http2'``."""
    start_time: float
    """The time of its beginning, in seconds on the clock `time.monotonic`."""
    duration: float
    """Seconds from its beginning to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Http2StreamEntry(PerformanceEntry):
    """A stream: from its first HEADERS or its PUSH_PROMISE on the connection to its end there."""

    name: str = field(default="Http2Stream", init=False)
    id: int
    """The stream identifier."""
    bytes_read: int
    """Bytes of DATA frames received, without padding."""
    bytes_written: int
    """Bytes of DATA frames sent, without padding."""
    time_to_first_header: float | None
    """Seconds until the first header block was received: on a server 0; None without any.

    A pushed stream begins with its promise: on a client, these are the seconds until its
    response; a server receives none.
    """
    time_to_first_byte: float | None
    """Seconds until the first bytes of DATA were received; None without any."""
    time_to_first_byte_sent: float | None
    """Seconds until the first DATA frame was sent; None without any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Http2SessionEntry(PerformanceEntry):
    """A session, from its established connection to its end."""

    name: str = field(default="Http2Session", init=False)
    type: str
    """``'server'`` or ``'client'``."""
    bytes_read: int
    """Bytes received, frames with their headers and the preface; without TLS."""
    bytes_written: int
    """Bytes sent, likewise."""
    frames_received: int
    """Frames received; a header block in several is one."""
    frames_sent: int
    """Frames sent, likewise."""
    stream_count: int
    """Streams that were opened, by either side."""
    max_concurrent_streams: int
    """The maximum number of streams that were open at a time."""
    stream_average_duration: float
    """The mean duration of the measured streams, in seconds; 0 without any."""
    ping_rtt: float | None
    """The round trip of the latest PING, including the library's own, in seconds; else None."""
