"""Attacks on a client: servers that send endless, empty or very large responses."""

from __future__ import annotations

import struct
from typing import Any

from ...support import raw
from ..attacks import attack
from ..ground import Ground
from ..wire import LARGEST, WINDOW, Blocks
from .floods import flood, in_step
from .memory import LONG

ALTSVC, ORIGIN, UNKNOWN = 0xA, 0xC, 0xFB


def liar(title: str, *, ends: bool = True, **options: Any) -> Any:
    """Define an attack on a client that waits for the response to a request."""
    return attack(f"to a client: {title}", role="client", ends=ends, **options)


def response(stream_id: int = 1, *more: tuple[str, str], end_stream: bool = False) -> bytes:
    """Return the head of a response."""
    return raw.headers(stream_id, [(":status", "200"), *more], end_stream=end_stream)


def origins(start: int, count: int) -> bytes:
    """Return ORIGIN with *count* new origins (RFC 8336 section 2)."""
    entries = (b"https://a%d.example" % n for n in range(start, start + count))
    return raw.frame(ORIGIN, 0, 0, b"".join(struct.pack(">H", len(e)) + e for e in entries))


@liar(
    "ORIGIN over TLS, other origins without end",
    secure=True,
    before="45 MiB and rising, a core busy",
    limit="the set of origins is bounded; the sender has the same cost",
    ends=False,
)
def origin_sets(ground: Ground) -> None:
    """The client stores the origins, and emits them."""
    peer = ground.asked()
    start = 0
    while not ground.over:
        peer.send(origins(start, 600))
        start += 600


@liar(
    "ORIGIN over TLS, the same origins without end",
    secure=True,
    before="unlimited",
    limit="nothing new is stored; the sender has the same cost",
    ends=False,
)
def origin_again(ground: Ground) -> None:
    """Nothing new, but each frame costs work."""
    flood(ground, ground.asked(), origins(0, 600))


@liar(
    "ORIGIN over TLS, empty without end",
    secure=True,
    before="unlimited",
    limit="`control_frame_burst`",
)
def origin_empty(ground: Ground) -> None:
    """Frames that carry nothing."""
    flood(ground, ground.asked(), raw.frame(ORIGIN))


@liar(
    "ALTSVC without end",
    before="unlimited",
    limit="`control_frame_burst`",
)
def altsvc(ground: Ground) -> None:
    """RFC 7838."""
    peer = ground.asked()
    frames = (
        raw.frame(ALTSVC, 0, 0, b"\0\x10http://%04d.test" % n + b'h2=":1"; ma=1')
        for n in range(500)
    )
    flood(ground, peer, *frames)


def promise(promised: int, path: str) -> bytes:
    """PUSH_PROMISE on stream 1."""
    return raw.frame(
        raw.PUSH_PROMISE, raw.END_HEADERS, 1,
        struct.pack(">I", promised) + raw.block(raw.request_fields(path=path)),
    )  # fmt: skip


@liar(
    "PUSH_PROMISE without end",
    before="unlimited",
    limit="each is cancelled, nothing is stored",
    ends=False,
)
def promises(ground: Ground) -> None:
    """The server reserves streams, and never answers on them."""
    peer = ground.asked()
    promised = 0
    while not ground.over:
        promised += 400
        peer.send(*(promise(n, f"/{n}") for n in range(promised - 398, promised + 2, 2)))


@liar(
    "pushed responses without end, each whole",
    before="unlimited",
    limit="each is cancelled, nothing is stored",
    ends=False,
)
def pushes(ground: Ground) -> None:
    """No program has requested them, and none listens."""
    peer = ground.asked()
    promised = 0
    while not ground.over:
        parts = []
        for _ in range(100):
            promised += 2
            parts += promise(promised, "/"), response(promised, end_stream=True)
        peer.send(*parts)


@liar(
    "informational responses without end",
    before="unlimited",
    limit="`control_frame_burst`",
)
def interim(ground: Ground) -> None:
    """103 before 103."""
    flood(ground, ground.asked(), raw.headers(1, [(":status", "103"), ("link", "</x>")]))


@liar(
    "SETTINGS without end",
    before="unlimited",
    limit="`control_frame_burst`",
)
def client_settings(ground: Ground) -> None:
    """Each requires an answer, and gets one."""
    peer = ground.asked()
    peer.hear(0.05)
    in_step(ground, peer, raw.settings({WINDOW: 1000}), raw.SETTINGS)


@liar(
    "PING without end",
    before="unlimited",
    limit="`control_frame_burst`",
)
def client_pings(ground: Ground) -> None:
    """Each requires an answer, and gets one."""
    in_step(ground, ground.asked(), raw.ping(), raw.PING)


@liar(
    "a header block of CONTINUATIONs without end",
    limit="nghttp2's limit of 8 CONTINUATIONs a block",
)
def client_continuations(ground: Ground) -> None:
    """CVE-2024-27316, against a client."""
    peer = ground.asked()
    peer.send(raw.headers(1, [(":status", "200")], end_headers=False))
    flood(ground, peer, raw.frame(raw.CONTINUATION, 0, 1, raw.block([("x", "y" * 1000)])))


@liar(
    "empty DATA without end",
    before="unlimited",
    limit="`max_session_invalid_frames`",
)
def client_empty_data(ground: Ground) -> None:
    """Neither a byte nor an end."""
    peer = ground.asked()
    peer.send(response())
    flood(ground, peer, raw.data(1))


@liar(
    "WINDOW_UPDATE of one byte without end",
    before="unlimited",
    limit="`control_frame_burst`",
)
def client_windows(ground: Ground) -> None:
    """Without data to send."""
    flood(ground, ground.asked(), raw.window_update(0, 1))


@liar(
    "PRIORITY and frames of an unknown type without end",
    before="unlimited",
    limit="`control_frame_burst`",
)
def client_unknown(ground: Ground) -> None:
    """They are ignored."""
    priority = raw.frame(raw.PRIORITY, 0, 1, struct.pack(">IB", 0, 15))
    flood(ground, ground.asked(), raw.frame(UNKNOWN, 0, 0, b"12345678"), priority)


@liar(
    "GOAWAY without end, a request in progress",
    before="unlimited",
    limit="`control_frame_burst`",
)
def client_goaways(ground: Ground) -> None:
    """Each says that the server will close, but it never does."""
    flood(ground, ground.asked(), raw.goaway(0, LARGEST, b"x" * 1000))


@liar(
    "trailers of 15 references to one 4 KB entry, on 1,000 unread responses",
    ends=False,
    ask={"requests": 1000, "read": False},
    before="95 MiB",
    limit="`max_session_memory`",
)
def client_trailers(ground: Ground) -> None:
    """The bodies are unread, so the trailers wait."""
    peer = ground.asked()
    peer.send(raw.settings({3: 1000}))
    blocks = Blocks()
    for n in range(1, 2001, 2):
        while peer.seen[raw.HEADERS] <= n // 2 and not ground.over:
            peer.hear(0.01)
        block = blocks.block((":status", "200"))
        trailers = blocks.block(*[LONG] * 15)
        peer.send(
            raw.frame(raw.HEADERS, raw.END_HEADERS, n, block),
            raw.data(n, b"x"),
            raw.frame(raw.HEADERS, raw.END_HEADERS | raw.END_STREAM, n, trailers),
        )
        if n % 100 == 1:
            # in many reads: the count must continue after the read
            answers = peer.seen[raw.PING]
            peer.send(raw.ping())
            while peer.seen[raw.PING] == answers and not ground.over:
                peer.hear(0.01)
    peer.hear(0.5)


@liar(
    "1,000 unread responses of 60 KB of fields, 15 bytes each",
    ends=False,
    ask={"requests": 1000, "read": False},
    before="128 MiB",
    limit="`max_session_memory`",
)
def client_headers(ground: Ground) -> None:
    """A program that keeps them decides about its memory; the size of one response is limited."""
    peer = ground.asked()
    peer.send(raw.settings({3: 1000}))
    blocks = Blocks()
    for n in range(1, 2001, 2):
        while peer.seen[raw.HEADERS] <= n // 2 and not ground.over:
            peer.hear(0.01)
        block = blocks.block((":status", "200"), *[LONG] * 15)
        peer.send(raw.frame(raw.HEADERS, raw.END_HEADERS, n, block))
    peer.hear(0.5)


@liar(
    "an unread body in DATA of one byte",
    ends=False,
    ask={"read": False},
    limit="small pieces of a body are joined",
)
def client_tiny_data(ground: Ground) -> None:
    """A window in pieces of one byte."""
    peer = ground.asked()
    peer.send(response())
    peer.send(raw.data(1, b"x") * 65535)
    peer.hear(0.5)


@liar("resets of streams that were never opened, without end", limit="a connection error")
def client_resets(ground: Ground) -> None:
    """RST_STREAM on an idle stream is an error of the connection (RFC 9113 section 6.4)."""
    flood(ground, ground.asked(), raw.rst_stream(3))


@liar(
    "not a byte after its SETTINGS",
    seconds=3.5,
    options={"headers_timeout": 0.5},
    ends=False,
    limit="`headers_timeout`",
)
def client_silence(ground: Ground) -> None:
    """`headers_timeout`: the request ends with RST_STREAM."""
    peer = ground.asked()
    while not peer.resets:
        peer.hear(0.05)
    assert peer.resets[8] == 1, peer.resets
