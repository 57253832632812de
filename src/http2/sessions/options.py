"""Define the options of servers and of `connect`: names, defaults and ranges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..common.checks import check_bool, check_integer
from ..common.timers import check_timeout
from ..constants import DEFAULT_SETTINGS_MAX_HEADER_LIST_SIZE, PADDING_STRATEGY_NONE
from ..engine.connection import Connection
from ..errors import new_error
from ..settings import MAX_CUSTOM_SETTINGS, Settings

__all__ = ["SessionOptions"]

UINT32 = 2**32 - 1
SETTINGS_NO_RFC7540_PRIORITIES = 9
# Streams that a client may have open: without a limit, a client could use any amount of the
# server's memory (RFC 9113 section 10.5).
MAX_STREAMS = 250
SECONDS = (
    "keepalive_interval",
    "keepalive_timeout",
    "unknown_protocol_timeout",
    "handshake_timeout",
    "headers_timeout",
    "first_request_timeout",
    "request_timeout",
    "idle_timeout",
    "write_timeout",
)

# Defaults of clients that differ from those of servers.
CLIENT_DEFAULTS = {"handshake_timeout": 0, "headers_timeout": 300}


@dataclass(slots=True, kw_only=True)
class SessionOptions:
    """The options of a session of either role; see `create_server` and `connect`."""

    max_deflate_dynamic_table_size: int = 4096
    """Bytes of the table that compresses outgoing headers (RFC 7541 section 4.2)."""
    max_settings: int = 32
    """Entries that a SETTINGS frame of the peer may have; at least 1."""
    max_session_memory: int = 10
    """Megabytes (10**6 bytes) of a session above which new streams are refused; at least 1."""
    max_header_list_pairs: int = 128
    """Fields that a received header block may have; a stream with more is reset."""
    max_outstanding_pings: int = 10
    """Outgoing PINGs that may be unanswered at a time."""
    max_send_header_block_length: int = 0
    """Bytes of a compressed outgoing header block; 0 for nghttp2's own limit."""
    padding_strategy: int = PADDING_STRATEGY_NONE
    """One of the ``PADDING_STRATEGY_`` constants."""
    peer_max_concurrent_streams: int = 100
    """The limit of outgoing streams until the peer's first SETTINGS arrive."""
    max_session_invalid_frames: int = 1000
    """Invalid frames of the peer that are tolerated before the session ends."""
    max_session_rejected_streams: int = 100
    """Refused streams in a row that are tolerated before the session ends."""
    remote_custom_settings: Sequence[int] = ()
    """Identifiers of the peer's custom settings that `remote_settings` reports; at most 10."""
    settings: Settings = field(default_factory=Settings)
    """The first SETTINGS of this side: a `Settings` or a mapping; only given values are sent."""
    unknown_protocol_timeout: float = 10
    """Seconds that a listener of ``unknown_protocol`` has for its connection; 0 for no limit."""
    stream_reset_burst: int = 1000
    """Streams that a client may reset, or cause to be reset, at once (CVE-2023-44487,
    CVE-2025-8671)."""
    stream_reset_rate: int = 33
    """Streams that a client may reset, or cause to be reset, per second after that."""
    control_frame_burst: int = 10_000
    """Frames without content, such as PING, that the peer may send at once."""
    control_frame_rate: int = 1000
    """Frames without content that the peer may send per second after that."""
    strict_field_whitespace_validation: bool = True
    """Whether values may not begin or end with whitespace (RFC 9113 section 8.2.1)."""
    strict_single_value_fields: bool = True
    """Whether sending two values of a single-value field is an error."""
    max_receive_window: int = 8 * 1024 * 1024
    """Bytes that receive windows may grow to while they are read as fast as they fill; 0: off."""
    keepalive_interval: float = 0
    """Seconds without a byte from the peer until a PING is sent; 0 for never."""
    keepalive_timeout: float = 20
    """Seconds without a byte after such a PING until the session is destroyed; 0 for never."""
    handshake_timeout: float = 10
    """Seconds from the beginning of a connection until the peer's SETTINGS; 0, which is a
    client's default, for no limit."""
    headers_timeout: float = 60
    """Seconds for headers: on a client for those of a response (300), on a server for a header
    block that has begun; 0 for no limit."""
    first_request_timeout: float = 0
    """Seconds that a client has for its first request; 0 for no limit. The default is
    `headers_timeout`, if that is given."""
    request_timeout: float = 0
    """Seconds for a whole request and its response; 0 for no limit."""
    idle_timeout: float = 0
    """Seconds without streams after which the session closes; 0 for never."""
    write_timeout: float = 120
    """Seconds that outgoing data may wait without progress; 0 for no limit."""
    max_reserved_remote_streams: int = 200
    """Pushed streams that a client accepts at a time."""
    extensible_priorities: bool = False
    """Whether priorities are those of RFC 9218, and RFC 7540's are ignored. It is announced
    with SETTINGS_NO_RFC7540_PRIORITIES."""

    def __post_init__(self) -> None:
        self.settings = Settings.of(self.settings)
        self.remote_custom_settings = _identifiers(self.remote_custom_settings)
        for name, low, high in (
            ("max_deflate_dynamic_table_size", 0, UINT32),
            ("max_settings", 1, UINT32),
            ("max_session_memory", 1, UINT32),
            ("max_header_list_pairs", 0, UINT32),
            ("max_outstanding_pings", 1, UINT32),
            ("max_send_header_block_length", 0, UINT32),
            ("padding_strategy", 0, 2),
            ("peer_max_concurrent_streams", 0, UINT32),
            ("max_session_invalid_frames", 0, UINT32),
            ("max_session_rejected_streams", 0, UINT32),
            ("stream_reset_burst", 0, UINT32),
            ("stream_reset_rate", 0, UINT32),
            ("control_frame_burst", 0, UINT32),
            ("control_frame_rate", 0, UINT32),
            ("max_reserved_remote_streams", 0, UINT32),
            ("max_receive_window", 0, 2**31 - 1),
        ):
            check_integer(name, getattr(self, name), low, high)
        for name in SECONDS:
            setattr(self, name, check_timeout(getattr(self, name), name))
        for name in (
            "strict_field_whitespace_validation",
            "strict_single_value_fields",
            "extensible_priorities",
        ):
            check_bool(name, getattr(self, name))
        if self.extensible_priorities:
            # RFC 9218 section 2.1: in the first SETTINGS or never
            self.settings.custom_settings = {
                **self.settings.custom_settings,
                SETTINGS_NO_RFC7540_PRIORITIES: 1,
            }

    @classmethod
    def take(
        cls,
        options: dict[str, Any],
        *,
        least_pairs: int,
        unused: tuple[str, ...] = (),
        client: bool = False,
    ) -> SessionOptions:
        """Remove the session's options from *options*, and return them.

        *least_pairs* is the minimum of `max_header_list_pairs`; smaller values are raised to
        it, as in Node. The names in *unused* belong to the other role.
        """
        names = [name for name in cls.__slots__ if name in options and name not in unused]
        given = {name: options.pop(name) for name in names}
        if client:
            given = CLIENT_DEFAULTS | given
        elif "headers_timeout" in given:
            given.setdefault("first_request_timeout", given["headers_timeout"])
        made = cls(**given)
        made.max_header_list_pairs = max(made.max_header_list_pairs, least_pairs)
        return made

    @classmethod
    def take_for_server(cls, options: dict[str, object]) -> SessionOptions:
        """Remove and return the options of a server's session, as `take`.

        It announces MAX_STREAMS as ``max_concurrent_streams`` unless its settings contain a value.
        """
        made = cls.take(options, least_pairs=4, unused=("max_reserved_remote_streams",))
        if "max_concurrent_streams" not in made.settings.given:
            made.settings.max_concurrent_streams = MAX_STREAMS
        return made


def engine_connection(options: SessionOptions, client: bool) -> Connection:
    """Create an engine connection with these *options*."""
    limit = DEFAULT_SETTINGS_MAX_HEADER_LIST_SIZE
    if "max_header_list_size" in options.settings.given:
        limit = options.settings.max_header_list_size
    return Connection(
        client,
        max_deflate_dynamic_table_size=options.max_deflate_dynamic_table_size,
        max_settings=options.max_settings,
        max_header_list_pairs=options.max_header_list_pairs,
        max_header_list_size=limit,
        max_send_header_block_length=options.max_send_header_block_length,
        padding_strategy=options.padding_strategy,
        peer_max_concurrent_streams=options.peer_max_concurrent_streams,
        max_reserved_remote_streams=options.max_reserved_remote_streams,
        stream_reset_burst=options.stream_reset_burst,
        stream_reset_rate=options.stream_reset_rate,
        control_frame_burst=options.control_frame_burst,
        control_frame_rate=options.control_frame_rate,
        strict_field_whitespace_validation=options.strict_field_whitespace_validation,
        strict_single_value_fields=options.strict_single_value_fields,
        max_session_memory=options.max_session_memory * 1_000_000,
        max_session_rejected_streams=options.max_session_rejected_streams,
    )


def _identifiers(given: object) -> tuple[int, ...]:
    """Return the checked value of `remote_custom_settings`."""
    name = "remote_custom_settings"
    if isinstance(given, (str, bytes, bytearray)) or not isinstance(given, Iterable):
        raise new_error("ERR_INVALID_ARG_TYPE", name, "a list of integers", given)
    identifiers = tuple(given)
    if len(identifiers) > MAX_CUSTOM_SETTINGS:
        raise new_error("ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS")
    for identifier in identifiers:
        if isinstance(identifier, bool) or not isinstance(identifier, int):
            raise new_error("ERR_INVALID_ARG_TYPE", name, "a list of integers", identifier)
        if not 0 <= identifier < 2**16:
            raise new_error("ERR_OUT_OF_RANGE", name, "of 0 to 65535", identifier)
    return identifiers
