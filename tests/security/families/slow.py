"""Connections that do nothing, or the minimum that keeps them open, in each phase (slowloris)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from ...support import raw
from ..attacks import attack
from ..ground import Ground
from ..wire import Blocks, Ended, Peer

MANY = 100
KIB = 1024
# Deadlines that end within the time of a test; the defaults are Node's, or longer.
SHORT = {
    "handshake_timeout": 0.5,
    "headers_timeout": 0.5,
    "idle_timeout": 0.5,
    "write_timeout": 0.5,
}
SHORT_HTTP1 = {
    "allow_http1": True,
    "http1_options": {"headers_timeout": 0.5, "keep_alive_timeout": 0.5, "request_timeout": 1.0},
}


def slow(title: str, memory: int = 64 * KIB, connections: int = MANY, **options: Any) -> Any:
    """Define an attack by many connections, which a deadline has to end."""
    if title.startswith("HTTP/1"):
        options["api"] = "compat"
    return attack(
        f"{connections} connections: {title}",
        connections=connections,
        memory=memory,
        ends=True,
        seconds=4.5,
        lines=5,
        node=False,  # its deadlines differ, or it has none
        **options,
    )


def wait_for_ends(
    ground: Ground, peers: list[Peer], say: Callable[[Peer], None] = lambda peer: None
) -> None:
    """Wait until the victim has ended all *peers*; every 100 ms *say* keeps them alive."""
    while not ground.over:
        for peer in peers:
            if not peer.closed:
                try:
                    say(peer)
                    peer.take()
                except Ended:
                    pass
        if all(peer.closed for peer in peers):
            return
        time.sleep(0.1)


def dial(ground: Ground, **options: Any) -> list[Peer]:
    """Open the attack's connections, which send nothing."""
    return [ground.dial(**options) for _ in range(ground.attack.connections)]


def connect(ground: Ground, *frames: bytes, **options: Any) -> list[Peer]:
    """Open the attack's connections, which use HTTP/2, and have sent *frames*."""
    for _ in range(ground.attack.connections):
        with contextlib.suppress(Ended):
            ground.connect(**options).send(*frames)
    return ground.peers


def tell(peers: list[Peer], *frames: bytes) -> None:
    """Send *frames* on each; some may have been ended by now."""
    for peer in peers:
        with contextlib.suppress(Ended):
            peer.send(*frames)


@slow("not a byte, in the clear", options=SHORT, limit="`handshake_timeout`")
def silent(ground: Ground) -> None:
    """`handshake_timeout`."""
    wait_for_ends(ground, dial(ground))


@slow(
    "not a byte, in the clear, HTTP/1 allowed",
    options={**SHORT, **SHORT_HTTP1},
    limit="`handshake_timeout`",
)
def silent_either(ground: Ground) -> None:
    """The protocol is still unknown."""
    wait_for_ends(ground, dial(ground))


@slow("not a byte of TLS", secure=True, options=SHORT, limit="`handshake_timeout`")
def silent_tls(ground: Ground) -> None:
    """`handshake_timeout` includes TLS."""
    wait_for_ends(ground, dial(ground, secure=True))


@slow("a ClientHello byte by byte", secure=True, options=SHORT, limit="`handshake_timeout`")
def dribbled_hello(ground: Ground) -> None:
    """A record of 512 bytes that is never complete."""
    peers = dial(ground, secure=True)
    tell(peers, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    wait_for_ends(ground, peers, lambda peer: peer.send(b"x"))


@slow(
    "TLS, and then not a byte",
    secure=True,
    connections=20,
    options=SHORT,
    limit="`handshake_timeout`",
)
def silent_in_tls(ground: Ground) -> None:
    """`handshake_timeout` lasts until the peer's SETTINGS."""
    wait_for_ends(ground, dial(ground, secure=True, handshake=True))


@slow(
    "an error answered by GOAWAY over TLS, close_notify never answered",
    secure=True,
    connections=20,
    limit="a deadline for the peer to close",
)
def lingering_tls(ground: Ground) -> None:
    """The connection is closed without the peer's close_notify."""
    peers = dial(ground, secure=True, handshake=True)
    tell(peers, raw.PREFACE, raw.settings(), raw.data(1, b"x"))
    wait_for_ends(ground, peers)


@slow("a preface byte by byte", options=SHORT, limit="`handshake_timeout`")
def dribbled_preface(ground: Ground) -> None:
    """Twenty-four bytes take longer than the deadline of the handshake."""
    peers = dial(ground)
    wait_for_ends(ground, peers, lambda peer: peer.send(raw.PREFACE[peer.sent : peer.sent + 1]))


@slow(
    "a preface, and no SETTINGS",
    options=SHORT,
    before="100 lines",
    limit="`handshake_timeout`",
)
def no_settings(ground: Ground) -> None:
    """The preface has two parts (RFC 9113 section 3.4)."""
    peers = dial(ground)
    tell(peers, raw.PREFACE)
    wait_for_ends(ground, peers)


@slow(
    "SETTINGS, and never a request",
    options=SHORT,
    before="100 lines",
    limit="`first_request_timeout`",
)
def idle(ground: Ground) -> None:
    """`headers_timeout` for the first, `idle_timeout` for the next."""
    wait_for_ends(ground, connect(ground))


@slow(
    "PINGs, and never a request",
    options=SHORT,
    before="100 lines",
    limit="`first_request_timeout`",
)
def idle_pings(ground: Ground) -> None:
    """Activity is not a request."""
    wait_for_ends(ground, connect(ground), lambda peer: peer.send(raw.ping()))


@slow("a frame's header byte by byte", options=SHORT, limit="`idle_timeout`")
def dribbled_frame(ground: Ground) -> None:
    """The bytes of a HEADERS frame that never ends."""
    frame = raw.get()
    start: dict[Peer, int] = {}

    def say(peer: Peer) -> None:
        at = start.get(peer, 0)
        if at < len(frame) - 1:
            peer.send(frame[at : at + 1])
            start[peer] = at + 1

    wait_for_ends(ground, connect(ground, raw.get()), say)


@slow("a header block that does not end", options=SHORT, limit="`headers_timeout`")
def endless_block(ground: Ground) -> None:
    """HEADERS without END_HEADERS, and nothing more."""
    block = raw.headers(3, raw.request_fields(), end_headers=False)
    wait_for_ends(ground, connect(ground, raw.get(), block))


@slow(
    "an upload that stalls",
    options={**SHORT, "request_timeout": 1.0},
    before="100 lines",
    limit="`request_timeout`",
)
def stalled_upload(ground: Ground) -> None:
    """`request_timeout`: a body may take long, but not for ever."""
    peers = connect(ground, raw.post(1, "/read"), raw.data(1, b"x"))
    wait_for_ends(ground, peers, lambda peer: peer.send(raw.data(1, b"x")))


@slow(
    "a response of 1 MiB, stream window 0",
    memory=1280 * KIB,
    connections=20,
    options=SHORT,
    before="20 lines",
    limit="`write_timeout`, then `idle_timeout`",
)
def no_window(ground: Ground) -> None:
    """`write_timeout`: nothing can be sent."""
    wait_for_ends(ground, connect(ground, Blocks().requests(1, "/large"), window=0))


@slow(
    "responses of 1 MiB, never read",
    memory=1280 * KIB,
    connections=20,
    options=SHORT,
    limit="`write_timeout`",
)
def unread(ground: Ground) -> None:
    """`write_timeout`: the socket accepts nothing."""
    peers = connect(
        ground, Blocks().requests(1, "/large"),
        window=2**31 - 1, all_of_it=True, receive_buffer=4096,
    )  # fmt: skip
    # the victim's end is seen when what is buffered has been read
    time.sleep(1.4)
    wait_for_ends(ground, peers)


@slow(
    "ended with GOAWAY, but kept open",
    options=SHORT,
    before="100 lines",
    limit="a deadline for the peer to close",
)
def lingering(ground: Ground) -> None:
    """The victim has sent its last frame, and the peer neither reads it nor disconnects."""
    wait_for_ends(ground, connect(ground, raw.goaway(1)))


@slow(
    "an error answered by GOAWAY, the socket kept open",
    options=SHORT,
    before="100 lines",
    limit="a deadline for the peer to close",
)
def lingering_error(ground: Ground) -> None:
    """An ended connection is closed, whatever the peer does."""
    wait_for_ends(ground, connect(ground, raw.data(1, b"x")))


@slow(
    "HTTP/1: a head byte by byte", options=SHORT_HTTP1, limit="`headers_timeout` of `http1_options`"
)
def dribbled_head(ground: Ground) -> None:
    """The original slowloris."""
    head = b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"y" * 1000
    peers = dial(ground, frames=False)
    wait_for_ends(ground, peers, lambda peer: peer.send(head[peer.sent : peer.sent + 1]))


@slow(
    "HTTP/1: a body byte by byte",
    options=SHORT_HTTP1,
    before="100 lines",
    limit="`request_timeout` of `http1_options`",
)
def dribbled_body(ground: Ground) -> None:
    """R.U.D.Y."""
    peers = dial(ground, frames=False)
    tell(peers, b"POST /read HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n")
    wait_for_ends(ground, peers, lambda peer: peer.send(b"x"))


@slow(
    "HTTP/1: a response, and silence",
    options=SHORT_HTTP1,
    limit="`keep_alive_timeout` of `http1_options`",
)
def kept_alive(ground: Ground) -> None:
    """`keep_alive_timeout`."""
    peers = dial(ground, frames=False)
    tell(peers, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    wait_for_ends(ground, peers)


@slow(
    "HTTP/1: a response of 1 MiB, never read",
    memory=1280 * KIB,
    connections=20,
    options={**SHORT_HTTP1, "write_timeout": 0.5},
    limit="`write_timeout`",
)
def unread_http1(ground: Ground) -> None:
    """`write_timeout`."""
    peers = dial(ground, frames=False, receive_buffer=4096)
    for peer in peers:
        peer.send(b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n", reading=False)
    time.sleep(1.4)
    wait_for_ends(ground, peers)


@attack(
    "1,000 silent connections",
    connections=1000,
    memory=16 * KIB,
    lines=5,
    limit="2 KB each; `handshake_timeout`",
)
def crowd(ground: Ground) -> None:
    """The cost of a silent connection, with default options."""
    for _ in range(1000):
        ground.dial()
    ground.peers[0].hear(0.5)


@attack(
    "500 idle connections that speak HTTP/2",
    connections=500,
    memory=64 * KIB,
    lines=5,
    limit="22 KB each; `idle_timeout`",
)
def crowd_http2(ground: Ground) -> None:
    """The cost of a session, with default options."""
    for _ in range(500):
        ground.connect()
    ground.peers[0].hear(0.5)
