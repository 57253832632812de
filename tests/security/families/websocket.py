"""WebSockets: invalid frames, compression bombs, floods, and peers that do not read.

Each attack gets a function that opens WebSockets: over HTTP/2 (RFC 8441) or HTTP/1.1 to a server,
or over HTTP/2 from a client that requests them. `everywhere` defines it once for each way.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ...support import raw
from ...websocket import frames
from ...websocket.frames import Frame, Packer, binary, close, more, ping, text
from ..attacks import ATTACKS, Attack
from ..ground import Ground
from ..wire import Ended, Peer

MIB = 1024 * 1024
CONNECT_PROTOCOL = {"settings": {"enable_connect_protocol": True}}
DEFLATE = "permessage-deflate"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
WINDOW = 65535


class Channel:
    """An open WebSocket of a hostile peer that follows HTTP/2's flow control."""

    def __init__(self, peer: Peer, stream_id: int, *, masks: bool) -> None:
        self.peer = peer
        self.stream_id = stream_id
        """0 over HTTP/1.1."""
        self.masks = masks
        self._sent = 0

    def encoded(self, *sent: Frame | bytes) -> bytes:
        """Return frames as this side sends them; bytes unchanged."""
        return b"".join(
            part if isinstance(part, bytes) else part.encode(self.masks) for part in sent
        )

    def send(self, *sent: Frame | bytes, reading: bool = True) -> None:
        """Send; over HTTP/2, once the window allows it, for which it has to read."""
        data = self.encoded(*sent)
        if not self.stream_id:
            self.peer.send(data, reading=reading)
            return
        while data:
            room = min(self._room(), 16384, len(data))
            if room <= 0:
                self.peer.hear(0.002)
                continue
            self.peer.send(raw.data(self.stream_id, data[:room]), reading=reading)
            self._sent += room
            self.peer.uploaded += room
            data = data[room:]

    def _room(self) -> int:
        windows = self.peer.windows
        return min(
            WINDOW + windows[self.stream_id] - self._sent,
            WINDOW + windows[0] - self.peer.uploaded,
        )

    @property
    def full(self) -> bool:
        """Return whether nothing may be sent."""
        return bool(self.stream_id) and self._room() <= 0


Opened = Callable[..., list[Channel]]
"""Opens *count* WebSockets; their program does what *how* says."""


def over_http2(ground: Ground, how: str, count: int = 1, receive_buffer: int = 0) -> list[Channel]:
    """WebSockets of a server, on one connection."""
    peer = ground.connect(receive_buffer=receive_buffer)
    fields = [
        (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
        (":path", f"/{how}"), (":authority", "localhost"), ("sec-websocket-version", "13"),
        ("sec-websocket-extensions", DEFLATE),
    ]  # fmt: skip
    ids = range(1, 2 * count, 2)
    for stream_id in ids:
        peer.send(raw.headers(stream_id, fields))
    answered(peer, count)
    return [Channel(peer, i, masks=True) for i in ids if i in peer.answered]


def answered(peer: Peer, count: int) -> None:
    """Wait until *count* requests were answered or refused."""
    while peer.seen[raw.HEADERS] + sum(peer.resets.values()) < count:
        peer.hear(0.01)


def over_http1(ground: Ground, how: str, count: int = 1, receive_buffer: int = 0) -> list[Channel]:
    """WebSockets of a server, each on its own connection."""
    return [_upgraded(ground, how, receive_buffer) for _ in range(count)]


def _upgraded(ground: Ground, how: str, receive_buffer: int) -> Channel:
    peer = ground.dial(frames=False, receive_buffer=receive_buffer)
    head = (
        f"GET /{how} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        f"sec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\n"
        f"sec-websocket-extensions: {DEFLATE}\r\n\r\n"
    )
    peer.send(head.encode())
    while b"\r\n\r\n" not in peer.text:
        peer.hear(0.01)
    return Channel(peer, 0, masks=True)


def of_a_client(ground: Ground, how: str, count: int = 1, receive_buffer: int = 0) -> list[Channel]:
    """WebSockets that a client opens to a hostile server; the attack says how many, and *how*."""
    peer = ground.asked({8: 1})
    fields = [(":status", "200"), ("sec-websocket-extensions", DEFLATE)]
    ids = range(1, 2 * count, 2)
    peer.send(*(raw.headers(stream_id, fields) for stream_id in ids))
    return [Channel(peer, stream_id, masks=False) for stream_id in ids]


WAYS: dict[str, tuple[str, Opened, dict[str, Any]]] = {
    "http2": ("WebSocket", over_http2, {"options": CONNECT_PROTOCOL}),
    "http1": ("WebSocket over HTTP/1.1", over_http1, {"options": {"allow_http1": True}}),
    "client": ("to a client: WebSocket", of_a_client, {"role": "client"}),
}
BOTH = ("http2", "client")
# The cost without limits, where that was too high.
BEFORE = {
    "ws_empty_fragments_http1": "others waited 0.4 s",
    "ws_small_fragments_http1": "others waited 0.4 s",
    "ws_small_messages_many_http2": "others waited 0.8 s",
    "ws_small_messages_many_client": "others waited 1.6 s",
    "ws_no_close_http1": "others waited 0.3 s",
    "ws_many_http2": "13.9 MiB",
    "ws_many_bombs_http2": "268 MiB",
    "ws_many_bombs_client": "0.9 MiB for each",
    "ws_many_halves_http2": "267 MiB, others waited 0.5 s",
    "ws_many_halves_client": "0.4 MiB for each",
}
MANY = 0


def everywhere(
    title: str,
    how: str,
    count: int = 1,
    ways: tuple[str, ...] = tuple(WAYS),
    receive_buffer: int = 0,
    **options: Any,
) -> Callable[[Callable[[Ground, list[Channel]], None]], Any]:
    """Define an attack on *count* WebSockets, whose program does *how*, once for each way."""

    def enter(function: Callable[[Ground, list[Channel]], None]) -> Any:
        for way in ways:
            begun, opened, more_options = WAYS[way]
            number = count
            if count == MANY:
                # the number of a client's WebSockets, and their cost, is its program's choice
                number = 100 if way == "client" else 1000

            def run(ground: Ground, opened: Opened = opened, number: int = number) -> None:
                function(ground, opened(ground, how, number, receive_buffer))

            functools.update_wrapper(run, function)
            ask = {"websocket": how, "requests": number} if way == "client" else {}
            name = f"ws_{function.__name__}_{way}"
            made = Attack(
                run,
                f"{begun}: {title}".replace("many on", f"{number:,} on"),
                label=name,
                before=BEFORE.get(name, ""),
                node=False,
                ask=ask,
                **more_options,
                **options,
            )
            assert name not in ATTACKS
            ATTACKS[name] = made
        return function

    return enter


def flood(ground: Ground, channel: Channel, *sent: Frame, reading: bool = True) -> None:
    """Send the same frames repeatedly."""
    once = channel.encoded(*sent)
    batch = once * max(1, 65536 // len(once))
    while not ground.over:
        channel.send(batch, reading=reading)


def hold(ground: Ground, peer: Peer) -> None:
    """Wait until the time is over."""
    while not ground.over:
        peer.hear(0.1)


# --- frames of no good ---------------------------------------------------------------------

CUT = "κόσμε".encode() + b"\xed\xa0\x80"
BROKEN: list[list[Frame | bytes]] = [
    [binary(b"x", length=1 << 63)],
    [binary(b"x", length=(1 << 63) - 1)],
    [text("hello", masked=True), text("hello", masked=False)],
    [text(CUT)],
    [text(CUT[:-2], False), more(CUT[-2:])],
    [close(1000), *[text("too late")] * 1000],
    [ping(b"x" * 126)],
    [Frame(frames.TEXT, b"\xff" * 100, rsv=4)],
]  # fmt: skip


@everywhere(
    "frames of 2^63 bytes, masked wrongly, of text that is not UTF-8, after Close: one each",
    "echo", len(BROKEN),
    limit="each is closed: with 1002, 1007 or 1009",
)  # fmt: skip
def broken_frames(ground: Ground, channels: list[Channel]) -> None:
    """The cases of tests/websocket/test_frames.py, many times."""
    for channel, sent in zip(channels, BROKEN, strict=True):
        try:
            channel.send(*sent)
        except Ended:
            if channel.stream_id:
                raise
    for channel in channels:
        if not channel.peer.closed:
            channel.peer.hear(0.1)


@everywhere(
    "16 messages of 64 KB that inflate to 64 MiB",
    "echo", 16,
    limit="`max_size`: 1009 at the first byte beyond it",
)  # fmt: skip
def bombs(ground: Ground, channels: list[Channel]) -> None:
    """A compression bomb."""
    bomb = Packer(15).pack(bytes(64 * MIB))
    for channel in channels:
        try:
            channel.send(binary(bomb, rsv=4))
        except Ended:
            if channel.stream_id:
                raise


def small_bombs(size: int) -> bytes:
    """Return a compressed message of *size* zeros, which may be sent repeatedly."""
    return Packer(15).pack(bytes(size))


@everywhere(
    "messages of 1 KB that inflate to 1 MiB, without end",
    "read",
    limit="bounded work a turn",
)  # fmt: skip
def bombs_within(ground: Ground, channels: list[Channel]) -> None:
    """None of it exceeds a limit: the work counts."""
    flood(ground, channels[0], binary(small_bombs(MIB), rsv=4))


# --- fragments and small messages ----------------------------------------------------------


@everywhere(
    "fragments of no byte, without end",
    "read",
    limit="bounded work a turn",
)  # fmt: skip
def empty_fragments(ground: Ground, channels: list[Channel]) -> None:
    """A message without progress."""
    channels[0].send(text("", False))
    flood(ground, channels[0], more("", False))


@everywhere(
    "fragments of one byte, without end",
    "read",
    limit="`max_size`",
)  # fmt: skip
def small_fragments(ground: Ground, channels: list[Channel]) -> None:
    """A million of them, until the message is too large."""
    channels[0].send(text("a", False))
    flood(ground, channels[0], more("a", False))


@everywhere(
    "empty messages without end, echoed",
    "echo",
    limit="bounded work a turn",
)  # fmt: skip
def small_messages(ground: Ground, channels: list[Channel]) -> None:
    """Six bytes each."""
    flood(ground, channels[0], text(""))


@everywhere(
    "empty messages on each of 200, without end",
    "read", 200, BOTH,
    limit="bounded work a turn",
)  # fmt: skip
def small_messages_many(ground: Ground, channels: list[Channel]) -> None:
    """The work of all of them in one turn is limited."""
    batch = channels[0].encoded(*[text("")] * 2000)
    while not ground.over:
        for channel in channels:
            if not channel.full:
                channel.send(batch)
            channel.peer.take()


# --- pings, and peers that do not read ------------------------------------------------------


@everywhere(
    "pings without end, the answers read",
    "read",
    limit="bounded work a turn",
)  # fmt: skip
def pings(ground: Ground, channels: list[Channel]) -> None:
    """Each requires an answer."""
    flood(ground, channels[0], ping(b"x" * 8))


@everywhere(
    "pings of 125 bytes without end, the answers never read",
    "read",
    receive_buffer=4096,
    limit="only the latest answer is kept",
)  # fmt: skip
def pings_unread(ground: Ground, channels: list[Channel]) -> None:
    """RFC 6455 section 5.5.3: one pong may answer several pings."""
    flood(ground, channels[0], ping(b"x" * 125), reading=False)


@everywhere(
    "messages without end that the program does not receive",
    "hold",
    limit="`max_queue`, 64 KiB; flow control: the sender is held back",
)  # fmt: skip
def unread(ground: Ground, channels: list[Channel]) -> None:
    """Back-pressure."""
    flood(ground, channels[0], binary(bytes(30_000)))


@everywhere(
    "messages that inflate to 1 MiB, which the program does not receive",
    "hold",
    limit="`max_queue`, 64 KiB: nothing more is inflated",
)  # fmt: skip
def unread_bombs(ground: Ground, channels: list[Channel]) -> None:
    """Back-pressure on data that is small before it is decompressed."""
    flood(ground, channels[0], binary(small_bombs(MIB), rsv=4))


# --- the end -----------------------------------------------------------------------------------


@everywhere(
    "a Close, and messages behind it without end",
    "echo",
    limit="later messages are dropped; a deadline for the peer to close",
)  # fmt: skip
def after_close(ground: Ground, channels: list[Channel]) -> None:
    """Later data has no effect."""
    channels[0].send(close(1000))
    flood(ground, channels[0], binary(bytes(30_000)))


@everywhere(
    "the program's Close is never answered, messages without end instead",
    "close",
    limit="`close_timeout`; messages after a Close are dropped",
)  # fmt: skip
def no_close(ground: Ground, channels: list[Channel]) -> None:
    """The peer has ten seconds."""
    flood(ground, channels[0], text("hello"), text("wor", False), more("ld"))


# --- many on one connection ------------------------------------------------------------------


@everywhere(
    "many on one connection, each with a message that is compressed, and echoed",
    "echo", MANY, BOTH,
    limit="`max_session_memory`: no compression without memory for it",
)  # fmt: skip
def many(ground: Ground, channels: list[Channel]) -> None:
    """The cost of a WebSocket that has had one message."""
    message = text(Packer(15).pack(b"hello"), rsv=4)
    for channel in channels:
        channel.send(message)
    hold(ground, channels[0].peer)


@everywhere(
    "many on one connection, each with 1 KB that inflates to 1 MiB, unreceived",
    "hold", MANY, BOTH,
    limit="`max_session_memory`: waiting messages are counted",
)  # fmt: skip
def many_bombs(ground: Ground, channels: list[Channel]) -> None:
    """A megabyte each."""
    message = binary(small_bombs(MIB), rsv=4)
    for channel in channels:
        channel.send(message)
    hold(ground, channels[0].peer)


@everywhere(
    "many on one connection, each with most of a message of 1 MiB",
    "read", MANY, BOTH,
    limit="`max_session_memory`: incomplete messages are counted",
)  # fmt: skip
def many_halves(ground: Ground, channels: list[Channel]) -> None:
    """A megabyte each, which the program does not get."""
    message = binary(small_bombs(MIB - 1), False, rsv=4)
    for channel in channels:
        channel.send(message)
    hold(ground, channels[0].peer)


@everywhere(
    "many on one connection, each with most of a text of 1 MiB, 4 MiB in memory",
    "read", MANY, BOTH,
    limit="`max_session_memory`: incomplete messages are counted",
)  # fmt: skip
def many_texts(ground: Ground, channels: list[Channel]) -> None:
    """One character outside the Basic Multilingual Plane quadruples the memory of all others."""
    said = ("\U0001f389" + "a" * (MIB - 5)).encode()
    message = text(Packer(15).pack(said), False, rsv=4)
    for channel in channels:
        channel.send(message)
    hold(ground, channels[0].peer)
