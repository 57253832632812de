"""Data that a client makes a server store: responses, streams, header blocks, uploads."""

from __future__ import annotations

import time
from dataclasses import replace

from ...support import raw
from ..attacks import ATTACKS, attack
from ..ground import Ground
from ..wire import LARGEST, TABLE, Blocks, Peer

LONG = ("x-long", "v" * 3900)
LARGE = "1,000 requests for responses of 1 MiB in one segment, stream window 0"


# For a server that allows more streams than the default.
RAISED = {"settings": {"max_concurrent_streams": 100_000}}
ALLOWED = 250


def hold(ground: Ground, peer: Peer, seconds: float = 0.5) -> None:
    """Wait for a moment, and read only what arrives meanwhile."""
    peer.hear(min(seconds, max(0.0, ground.deadline - time.monotonic() - 0.1)))


@attack(LARGE, before="1,006 MiB", limit="`max_session_memory`, `max_concurrent_streams`")
def large_responses(ground: Ground) -> None:
    """Each response is 1 MiB in memory, and none of it may be sent."""
    peer = ground.connect(window=0)
    peer.send(Blocks().requests(1000, "/large"))
    hold(ground, peer)


@attack(
    LARGE + ", Compatibility API",
    api="compat",
    before="1,005 MiB, others waited 1.2 s",
    limit="`max_session_memory`, `max_concurrent_streams`",
)
def large_responses_compat(ground: Ground) -> None:
    """The same for a `request` handler."""
    large_responses(ground)


@attack(
    LARGE + ", handlers that await `drain()`",
    before="333 MiB",
    limit="`max_session_memory`, `max_concurrent_streams`",
)
def drained_responses(ground: Ground) -> None:
    """Each handler queues data until `drain()` waits."""
    peer = ground.connect(window=0)
    peer.send(Blocks().requests(1000, "/drain"))
    hold(ground, peer)


@attack(
    LARGE + ", handlers that await `drain()`, Compatibility API",
    api="compat",
    before="66 MiB",
    limit="`max_session_memory`, `max_concurrent_streams`",
)
def drained_responses_compat(ground: Ground) -> None:
    """The same for a `request` handler."""
    drained_responses(ground)


@attack(
    "1,000 requests with ten pushes of 64 KB each in one segment, stream window 0",
    limit="`max_session_memory`, `max_concurrent_streams`",
    node=False,
)
def pushed_responses(ground: Ground) -> None:
    """Pushed data counts like other responses."""
    peer = ground.connect(window=0)
    peer.send(Blocks().requests(1000, "/push"))
    hold(ground, peer)


@attack(
    "large windows, 1,000 requests for 1 MiB, the socket is never read (CVE-2019-9517)",
    before="1,005 MiB, others waited 1.1 s",
    limit="`max_session_memory`, `max_concurrent_streams`; `write_timeout`",
)
def unread_socket(ground: Ground) -> None:
    """HTTP/2's windows are open, TCP's is not."""
    peer = ground.connect(window=LARGEST, all_of_it=True, receive_buffer=4096)
    peer.send(Blocks().requests(1000, "/large"), reading=False)
    time.sleep(0.7)


@attack(
    "1,000 requests for 1 MiB one segment each, the socket is never read",
    before="19 MiB",
    limit="`max_session_memory`, `max_concurrent_streams`; `write_timeout`",
)
def unread_socket_slowly(ground: Ground) -> None:
    """Each read of the victim contains one request."""
    peer = ground.connect(window=LARGEST, all_of_it=True, receive_buffer=4096)
    blocks = Blocks()
    for n in range(1000):
        peer.send(blocks.requests(1, "/large", first=2 * n + 1), reading=False)
        time.sleep(0.0005)


@attack(
    "requests for 1 MiB that are reset at once, answers never read",
    before="1,206–1,986 MiB, loop blocked up to 9 s",
    ends=True,
    limit="`stream_reset_burst`; closed streams are not reported",
)
def reset_at_once(ground: Ground) -> None:
    """The response of a handler to a stream that has ended must not be stored."""
    peer = ground.connect(window=LARGEST, all_of_it=True, receive_buffer=4096)
    peer.send(Blocks().requests(50_000, "/large", after=raw.rst_stream), reading=False)
    time.sleep(0.5)


@attack(
    "10,000 streams, trailers of 15 references to one 4 KB entry",
    before="1,255 MiB",
    limit="`max_session_memory`",
)
def referenced_trailers(ground: Ground) -> None:
    """Fifteen bytes on the wire are 60 KB of fields."""
    peer = ground.connect()
    blocks = Blocks()

    def trailers(stream_id: int) -> bytes:
        block = blocks.block(*[LONG] * 15)
        return raw.frame(raw.HEADERS, raw.END_HEADERS | raw.END_STREAM, stream_id, block)

    blocks.request("/upload", "POST")
    peer.send(raw.frame(raw.HEADERS, 4, 1, Blocks().request("/upload", "POST")))
    blocks = Blocks()
    # the entry fills the table, so that the request's own fields are literals
    head = raw.block(raw.request_fields("POST", "/upload"))
    parts = []
    for stream_id in range(3, 20_003, 2):
        parts += raw.frame(raw.HEADERS, raw.END_HEADERS, stream_id, head), trailers(stream_id)
    peer.send(*parts)
    hold(ground, peer)


@attack(
    "10,000 requests kept open, each of 15 references to one 4 KB entry (HPACK bomb)",
    before="20 MiB",
    limit="`max_session_memory`, `max_concurrent_streams`",
)
def referenced_headers(ground: Ground) -> None:
    """The same in the headers of requests."""
    peer = ground.connect()
    blocks = Blocks()
    head = raw.block(raw.request_fields("POST", "/upload"))
    for stream_id in range(1, 20_001, 2):
        block = head + blocks.block(*[LONG] * 15)
        peer.send(raw.frame(raw.HEADERS, raw.END_HEADERS, stream_id, block))
    hold(ground, peer)


@attack(
    "10,000 requests kept open, each with 60 KB of cookies of one byte on the wire",
    before="20 MiB",
    limit="`max_session_memory`, `max_concurrent_streams`",
)
def cookies(ground: Ground) -> None:
    """Fields that are joined to one value (RFC 9113 section 8.2.3)."""
    peer = ground.connect()
    blocks = Blocks()
    head = raw.block(raw.request_fields("POST", "/upload"))
    for stream_id in range(1, 20_001, 2):
        block = head + blocks.block(*[("cookie", "c" * 470)] * 110)
        peer.send(raw.frame(raw.HEADERS, raw.END_HEADERS, stream_id, block))
    hold(ground, peer)


@attack(
    "10,000 open streams, unread and unanswered",
    before="15 MiB",
    limit="`max_session_memory`, `max_concurrent_streams`",
)
def open_streams(ground: Ground) -> None:
    """The cost of an idle stream."""
    peer, blocks = ground.connect(), Blocks()
    # first as many as the memory limit allows, and then the others
    peer.send(blocks.requests(9500, "/upload", "POST", end_stream=False))
    hold(ground, peer)
    peer.send(blocks.requests(500, "/upload", "POST", first=19_001, end_stream=False))
    hold(ground, peer)


@attack(
    "10,000 open streams, Compatibility API",
    api="compat",
    before="71 MiB",
    limit="`max_session_memory`, `max_concurrent_streams`",
)
def open_streams_compat(ground: Ground) -> None:
    """A request and a response need more memory than a stream."""
    open_streams(ground)


@attack(
    "9,500 open streams, each with a body of one byte and a coroutine that reads",
    before="32 MiB, others waited 0.3 s",
    limit="`max_session_memory`, `max_concurrent_streams`",
)
def open_readers(ground: Ground) -> None:
    """A task for each."""
    peer = ground.connect()
    peer.send(
        Blocks().requests(
            9500, "/read", "POST", end_stream=False, after=lambda n: raw.data(n, b"x")
        )
    )
    hold(ground, peer)


@attack(
    "9,500 open streams that are read, Compatibility API",
    api="compat",
    before="34 MiB, others waited 0.3 s",
    limit="`max_session_memory`, `max_concurrent_streams`",
)
def open_readers_compat(ground: Ground) -> None:
    """A task, a request and a response for each."""
    open_readers(ground)


@attack(
    "10,000 open streams with 20 fields each that differ",
    before="22 MiB",
    limit="`max_session_memory`, `max_concurrent_streams`",
)
def open_streams_fields(ground: Ground) -> None:
    """Names and values that differ in all requests."""
    peer = ground.connect()
    for stream_id in range(1, 20_001, 2):
        fields = [(f"x-{stream_id}-{n}", "v") for n in range(20)]
        peer.send(raw.headers(stream_id, [*raw.request_fields("POST", "/upload"), *fields]))
    hold(ground, peer)


@attack(
    "20,000 requests with `expect: 100-continue`, the answers never read",
    before="22 MiB",
    limit="`max_session_memory`, `max_concurrent_streams`",
)
def expecting(ground: Ground) -> None:
    """An interim response each."""
    peer = ground.connect(receive_buffer=4096)
    blocks = Blocks()
    block = blocks.request("/upload", "POST") + blocks.field("expect", "100-continue")
    again = blocks.request("/upload", "POST") + blocks.field("expect", "100-continue")
    parts = [raw.frame(raw.HEADERS, raw.END_HEADERS, 1, block)]
    parts += [raw.frame(raw.HEADERS, raw.END_HEADERS, n, again) for n in range(3, 40_003, 2)]
    peer.send(*parts, reading=False)
    time.sleep(0.5)


def grown(peer: Peer, stream_id: int, delay: float = 0.05) -> None:
    """Upload as fast as the windows allow, answering PINGs late, until the window is large."""
    piece = raw.data(stream_id, b"x" * 16384)
    late: list[tuple[float, bytes]] = []
    used = 0
    while peer.windows[stream_id] < 24 * 2**20:
        peer.take()
        now = time.monotonic()
        late += [(now + delay, payload) for payload in peer.pings]
        peer.pings.clear()
        while late and late[0][0] <= now:
            peer.send(raw.ping(late.pop(0)[1], ack=True))
        credit = 65535 + min(peer.windows[stream_id], peer.windows[0])
        if used + 16384 <= credit:
            peer.send(piece)
            used += 16384
        else:
            peer.hear(0.005)
            if time.monotonic() > peer.deadline - 1.0:
                return
        if used >= 23 * 2**20:
            return


def tiny(peer: Peer, streams: list[int], size: int, total: int) -> None:
    """Fill the windows of *streams* with DATA of *size* bytes, up to *total* bytes."""
    left = total // size
    while left > 0:
        count = min(left, 4096)
        stream_id = streams[(left // 4096) % len(streams)]
        peer.send(raw.data(stream_id, b"x" * size) * count)
        left -= count


@attack(
    "unread upload in DATA of 2 bytes, the window grown by late answers to PING",
    before="207 MiB and rising",
    seconds=4.0,
    limit="small pieces of a body are joined",
)
def tiny_data(ground: Ground) -> None:
    """A window of some MiB, and an object for every two bytes."""
    peer = ground.connect()
    peer.send(Blocks().requests(1, "/stall", "POST", end_stream=False))
    grown(peer, 1)
    tiny(peer, [1], 2, 4 * 2**20)
    hold(ground, peer, 0.5)


@attack(
    "100 unread uploads in DATA of 1 byte, up to the connection's window",
    limit="small pieces of a body are joined",
)
def tiny_data_many(ground: Ground) -> None:
    """The connection's window of 1 MiB, after the application has read something."""
    peer = ground.connect()
    blocks = Blocks()
    peer.send(blocks.requests(1, "/read", "POST", end_stream=False))
    # reading enlarges the connection's window to its first size
    peer.send(raw.data(1, b"x" * 16384) * 3)
    peer.hear(0.1)
    peer.send(blocks.requests(100, "/upload", "POST", first=3, end_stream=False))
    tiny(peer, list(range(3, 203, 2)), 1, min(65535 + peer.windows[0] - 49152, 10**6))
    hold(ground, peer, 0.5)


@attack(
    "unread uploads of 1,000 streams as far as the windows allow",
    limit="flow control: the sender must wait",
)
def uploads(ground: Ground) -> None:
    """The connection's window limits them."""
    peer = ground.connect()
    peer.send(Blocks().requests(1000, "/upload", "POST", end_stream=False))
    for stream_id in range(1, 2000, 2):
        if 65535 + peer.windows[0] < (stream_id // 2 + 1) * 16384:
            break
        peer.send(raw.data(stream_id, b"x" * 16384))
    hold(ground, peer)


@attack(
    "a header table of 4 GiB asked for, and requests whose answers would fill it",
    limit="`max_deflate_dynamic_table_size`",
)
def header_table(ground: Ground) -> None:
    """SETTINGS_HEADER_TABLE_SIZE is only a maximum."""
    peer = ground.connect(values={TABLE: 2**32 - 1})
    blocks = Blocks()
    for n in range(20):
        peer.send(blocks.requests(500, "/", first=1000 * n + 1))
    hold(ground, peer, 0.5)


@attack(
    "10,000 open streams, whose window is changed by SETTINGS again and again",
    before="16 MiB",
    limit="`control_frame_burst`; nghttp2's queue of answers",
)
def window_toggled(ground: Ground) -> None:
    """Each change affects every stream (RFC 9113 section 6.9.2)."""
    peer = ground.connect(window=0)
    peer.send(Blocks().requests(10_000, "/upload", "POST", end_stream=False))
    while not ground.over:
        peer.send(*(raw.settings({4: n % 2 * 1000}) for n in range(200)))
        peer.take()


@attack(
    "connections one after the other, each leaving a stream and 1 MiB behind",
    limit="nothing is stored",
)
def come_and_go(ground: Ground) -> None:
    """Nothing of an ended connection is kept."""
    while not ground.over:
        peer = ground.connect()
        peer.send(Blocks().requests(1, "/drain", "POST", end_stream=False))
        while not peer.seen[raw.HEADERS]:
            peer.hear(0.01)
        peer.closed = True
        peer.close()


def raised(name: str) -> None:
    """Add the attack *name* again, for a server without a small limit of streams."""
    made = ATTACKS[name]
    ATTACKS[f"{name}_raised"] = replace(
        made,
        label=f"{name}_raised",
        title=f"{made.title}, `max_concurrent_streams` 100,000",
        options={**made.options, **RAISED},
        limit="`max_session_memory`",
        before="",
    )


for _name in (
    "large_responses",
    "pushed_responses",
    "referenced_headers",
    "open_streams",
    "open_streams_compat",
    "open_readers_compat",
    "open_streams_fields",
):
    raised(_name)


@attack(
    f"{ALLOWED} streams, each with 60 KB of fields that differ from all others",
    limit="`max_session_memory`",
)
def full_of_fields(ground: Ground) -> None:
    """The allowed number of streams, each as expensive as possible."""
    peer = ground.connect()
    for n in range(ALLOWED):
        fields = [(f"x-{n}-{k}", f"{n}-{k}-".ljust(420, "v")) for k in range(120)]
        block = raw.block([*raw.request_fields("POST", "/upload"), *fields])
        stream_id = 2 * n + 1
        peer.send(raw.frame(raw.HEADERS, 0, stream_id, block[:16384]))
        for at in range(16384, len(block), 16384):
            flags = raw.END_HEADERS if at + 16384 >= len(block) else 0
            peer.send(raw.frame(raw.CONTINUATION, flags, stream_id, block[at : at + 16384]))
    hold(ground, peer)


@attack(
    f"{ALLOWED} streams, fields and trailers of 15 references to one 4 KB entry, bodies unread",
    limit="`max_session_memory`",
)
def full_of_trailers(ground: Ground) -> None:
    """The trailers wait behind an unread body."""
    peer = ground.connect()
    blocks = Blocks()
    head = raw.block(raw.request_fields("POST", "/upload"))
    for stream_id in range(1, 2 * ALLOWED, 2):
        long = blocks.block(*[LONG] * 14)
        peer.send(raw.frame(raw.HEADERS, raw.END_HEADERS, stream_id, head + long))
        peer.send(raw.data(stream_id, b"x" * 200))
        long = blocks.block(*[LONG] * 15)
        peer.send(raw.frame(raw.HEADERS, raw.END_HEADERS | raw.END_STREAM, stream_id, long))
    hold(ground, peer)


@attack(
    f"{ALLOWED} streams, each with a body in pieces of a byte and a response of 1 MiB unread",
    api="compat",
    limit="`max_session_memory`; small pieces of a body are joined",
)
def full_of_work(ground: Ground) -> None:
    """Both directions at once, in the Compatibility API."""
    peer = ground.connect(window=0)
    blocks = Blocks()
    for n in range(ALLOWED):
        peer.send(blocks.requests(1, "/drain", "POST", first=2 * n + 1, end_stream=False))
        peer.send(raw.data(2 * n + 1, b"x") * 250)
    hold(ground, peer)
