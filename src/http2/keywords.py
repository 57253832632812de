"""The keywords of the functions that take many, as types: a checker and an editor know them.

Each `TypedDict` is what one function takes: ``def function(**options: Unpack[ServerOptions])``. All
keywords may be left out. What a value means in full, and its default, `SessionOptions` and the
functions themselves say.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypedDict

if TYPE_CHECKING:
    import asyncio
    import socket
    import ssl
    from collections.abc import AsyncIterable, Iterable
    from ipaddress import IPv4Network, IPv6Network
    from urllib.parse import SplitResult

    from typing_extensions import Buffer

    from .compat.request import Http2ServerRequest, ServerRequest
    from .compat.response import Http2ServerResponse, ServerResponse
    from .http1.messages import Http1IncomingMessage, Http1ServerResponse
    from .http1.options import Http1Options
    from .settings import Settings
    from .streams.exchange import Exchange
    from .streams.files import FileRange
    from .streams.stream import Http2Stream

__all__ = [
    "Carrying",
    "Chunk",
    "ConnectOptions",
    "ConnectionOptions",
    "Descriptor",
    "FilePath",
    "HasFileno",
    "HasOrigin",
    "OnError",
    "Origin",
    "Pem",
    "SecureContextOptions",
    "SecureServerOptions",
    "ServerOptions",
    "ServerSessionOptions",
    "Sink",
    "Source",
    "StatCheck",
    "WebSocketOptions",
]


class HasOrigin(Protocol):
    """What has an ``origin``, such as ``'https://example.org'``."""

    @property
    def origin(self) -> str:
        """Scheme, host and port, in ASCII (RFC 6454 section 6.2)."""


class HasFileno(Protocol):
    """What has a file descriptor, such as an open file."""

    def fileno(self) -> int:
        """Its number."""


Pem: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview"
"""A path, or PEM itself."""

Origin: TypeAlias = "str | SplitResult | HasOrigin"
"""A URL, of which the origin is taken, or what has one."""

Carrying: TypeAlias = (
    "tuple[asyncio.StreamReader, asyncio.StreamWriter] | socket.socket | Http2Stream"
)
"""What can carry a session: a pair of asyncio's, a connected socket, a stream (a tunnel)."""

Chunk: TypeAlias = "Buffer | str"
"""A piece of a body: what has the buffer protocol, or text, which is sent as UTF-8."""

StatCheck: TypeAlias = (
    Callable[[os.stat_result, Any, "FileRange"], object]
    | Callable[[os.stat_result, Any], object]
    | Callable[[os.stat_result], object]
    | Callable[[], object]
)
"""A ``stat_check``: gets the file's stat, the headers to be sent and the part, or fewer of them."""

OnError: TypeAlias = "Callable[[Exception], object] | Callable[[], object]"
"""What is called with an error."""

Descriptor: TypeAlias = "int | HasFileno"
"""A file descriptor, or what has one."""

FilePath: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes]"
"""The path of a file."""

Source: TypeAlias = (
    "Exchange | ServerRequest | asyncio.StreamReader | AsyncIterable[Chunk] | Iterable[Chunk]"
)
"""What `pipe` copies from."""

Sink: TypeAlias = "Exchange | ServerResponse | asyncio.StreamWriter"
"""What `pipe` copies to."""

Password: TypeAlias = "str | bytes | bytearray | Callable[[], str | bytes | bytearray]"


class _SessionKeywords(TypedDict, total=False):
    """What sessions of both sides may be told."""

    max_deflate_dynamic_table_size: int
    """Bytes of the table that compresses what is sent."""
    max_settings: int
    """Entries of one SETTINGS frame of the peer."""
    max_session_memory: int
    """Megabytes of a session past which new streams are refused."""
    max_header_list_pairs: int
    """Fields of a received header block."""
    max_outstanding_pings: int
    """PINGs of ours that may be unanswered at a time."""
    max_send_header_block_length: int
    """Bytes of a compressed header block of ours; 0: nghttp2's own limit."""
    padding_strategy: int
    """One of the ``PADDING_STRATEGY_`` constants."""
    peer_max_concurrent_streams: int
    """Streams of ours at a time, until the peer's SETTINGS say another number."""
    max_session_invalid_frames: int
    """Invalid frames that are tolerated."""
    max_session_rejected_streams: int
    """Refused streams in a row that are tolerated."""
    remote_custom_settings: Sequence[int]
    """Identifiers of the peer's custom settings to be told of; up to 10."""
    settings: Settings | Mapping[str, object]
    """Our first SETTINGS."""
    strict_field_whitespace_validation: bool
    """Whether received values may not begin or end with whitespace."""
    strict_single_value_fields: bool
    """Whether sending two values of a single-value field is an error."""
    max_receive_window: int
    """Bytes that receive windows may grow to; 0: never."""
    keepalive_interval: float
    """Seconds without a byte until a PING; 0: never."""
    keepalive_timeout: float
    """Seconds without a byte after it until the end; 0: never."""
    handshake_timeout: float
    """Seconds from the beginning until the peer's SETTINGS; 0: no limit."""
    headers_timeout: float
    """Seconds for headers; 0: no limit."""
    request_timeout: float
    """Seconds for a whole request and its response; 0: no limit."""
    idle_timeout: float
    """Seconds without streams until the session closes; 0: never."""
    write_timeout: float
    """Seconds that what is written may wait without progress; 0: for ever."""
    control_frame_burst: int
    """Frames that carry nothing that the peer may send at once."""
    control_frame_rate: int
    """Frames a second that carry nothing that the peer may send after that."""
    extensible_priorities: bool
    """Whether priorities are those of RFC 9218 only."""


class ServerSessionOptions(_SessionKeywords, total=False):
    """The keywords of `perform_server_handshake`: those of any session of a server."""

    stream_reset_burst: int
    """Streams that a client may reset at once."""
    stream_reset_rate: int
    """Streams a second that a client may reset after that."""
    first_request_timeout: float
    """Seconds for a client's first request; 0: no limit."""
    unknown_protocol_timeout: float
    """Seconds for a listener of ``unknown_protocol``; 0: no limit."""


class ServerOptions(ServerSessionOptions, total=False):
    """The keywords of `create_server`."""

    max_connections: int | None
    """Connections at a time; None: any number."""
    proxy_protocol: Sequence[str | IPv4Network | IPv6Network] | None
    """Networks of the proxies that say for whom they speak; None: no connection begins so."""
    allow_http1: bool
    """Whether clients of HTTP/1 are served too."""
    http1_options: Http1Options | Mapping[str, object]
    """How they are."""
    http2_server_request_class: type[Http2ServerRequest]
    """What ``request`` gives for HTTP/2's requests."""
    http2_server_response_class: type[Http2ServerResponse]
    """What it gives for their responses."""
    http1_incoming_message_class: type[Http1IncomingMessage]
    """What it gives for HTTP/1's requests."""
    http1_server_response_class: type[Http1ServerResponse]
    """What it gives for their responses."""


class _Identity(TypedDict, total=False):
    """Who one side of TLS is, and whom it believes."""

    ssl_context: ssl.SSLContext
    """A context made elsewhere, instead of all the others."""
    cert: Pem
    """Our certificate chain."""
    key: Pem
    """Its private key, unless `cert` holds it."""
    passphrase: Password
    """What the key is encrypted with."""
    ca: Pem | Sequence[Pem]
    """Who may vouch for the peer."""
    reject_unauthorized: bool
    """Whether a peer without a valid certificate is refused."""


class SecureContextOptions(_Identity, total=False):
    """The keywords of `Http2SecureServer.set_secure_context`."""

    request_cert: bool
    """Whether clients are asked for a certificate."""


class SecureServerOptions(ServerOptions, SecureContextOptions, total=False):
    """The keywords of `create_secure_server`."""

    origins: Sequence[Origin]
    """Origins that every new session announces."""


class ConnectionOptions(_SessionKeywords, _Identity, total=False):
    """The keywords of `connect_websocket` for a connection of its own: of `connect`, but one."""

    protocol: str
    """``'https:'`` or ``'http:'``, for an authority without a scheme."""
    path: str | os.PathLike[str]
    """A Unix socket."""
    family: int
    """The family of addresses, such as `socket.AF_INET6`."""
    local_addr: tuple[str, int]
    """The address and port to connect from."""
    happy_eyeballs_delay: float | None
    """Seconds for an address before the next one is tried beside it."""
    servername: str
    """The name that the server is asked for and has to prove, instead of the authority's."""
    create_connection: Callable[[SplitResult, dict[str, Any]], Carrying | Awaitable[Carrying]]
    """Makes what carries the bytes."""
    timeout: float
    """Seconds without anything until ``timeout``; 0: never."""
    max_reserved_remote_streams: int
    """Pushed streams at a time."""


class ConnectOptions(ConnectionOptions, total=False):
    """The keywords of `connect`."""

    close_timeout: float | None
    """Seconds that leaving ``async with`` may take; None: as many as needed."""


class WebSocketOptions(TypedDict, total=False):
    """The limits of a WebSocket, which a `ServerHandshake` takes."""

    max_size: int | None
    """Bytes of a message; None: any number."""
    max_queue: int
    """Messages that wait for the program."""
    compression: bool
    """Whether permessage-deflate is agreed on."""
    ping_interval: float | None
    """Seconds between pings; None: none."""
    ping_timeout: float | None
    """Seconds for an answer; None: any time."""
    close_timeout: float
    """Seconds for the peer's Close frame."""
