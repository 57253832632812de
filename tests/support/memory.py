"""Two engine connections in memory: without sockets, a loop, or waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from http2.engine import events
from http2.engine.connection import Connection
from http2.engine.events import Event

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE = range(9)
CONTINUATION, ALTSVC, ORIGIN, PRIORITY_UPDATE = 9, 0xA, 0xC, 0x10

END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20

Frame = tuple[int, int, int, bytes]


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """Return a frame (RFC 9113 section 4.1)."""
    return (
        len(payload).to_bytes(3, "big")
        + bytes((kind, flags))
        + stream_id.to_bytes(4, "big")
        + payload
    )


def literal(*fields: tuple[bytes, bytes]) -> bytes:
    """Return a block of literals that are not indexed: names and values below 127 bytes."""
    return b"".join(
        b"\x00" + bytes((len(name),)) + name + bytes((len(value),)) + value
        for name, value in fields
    )


REQUEST_BLOCK = literal(
    (b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"test"), (b":path", b"/")
)


def frames(wire: bytes) -> list[Frame]:
    """Return the whole frames in *wire*, without the preface: (type, flags, stream, payload)."""
    found = []
    at = len(PREFACE) if wire.startswith(PREFACE) else 0
    while at < len(wire):
        length = int.from_bytes(wire[at : at + 3], "big")
        kind, flags = wire[at + 3], wire[at + 4]
        stream_id = int.from_bytes(wire[at + 5 : at + 9], "big") & 0x7FFFFFFF
        payload = wire[at + 9 : at + 9 + length]
        assert len(payload) == length, "the last frame is cut off"
        found.append((kind, flags, stream_id, payload))
        at += 9 + length
    return found


def sent(connection: Connection, limit: int = 262144) -> bytes:
    """Return everything that *connection* has to send, in one piece."""
    parts: list[bytes | memoryview] = []
    while chunks := connection.data_to_send(limit):
        parts += chunks
    return b"".join(parts)


class Pair:
    """A connected client and server, with records of their events.

    *split* splits the bytes on the wire into the pieces that the other side receives.
    """

    def __init__(
        self,
        client: dict[str, Any] | None = None,
        server: dict[str, Any] | None = None,
        *,
        client_settings: list[tuple[int, int]] | None = None,
        server_settings: list[tuple[int, int]] | None = None,
        split: Callable[[bytes], Iterable[bytes]] | None = None,
        limit: int = 262144,
        shake_hands: bool = True,
    ) -> None:
        self.client = Connection(True, **(client or {}))
        self.server = Connection(False, **(server or {}))
        self.split = split
        self.limit = limit
        self.client_events: list[Event] = []
        self.server_events: list[Event] = []
        self.client_wire = bytearray()
        self.server_wire = bytearray()
        self.client.submit_settings(client_settings or [])
        self.server.submit_settings(server_settings or [])
        if shake_hands:
            self.pump()
            self.forget()

    def forget(self) -> None:
        """Start new records of events and bytes."""
        self.client_events.clear()
        self.server_events.clear()
        self.client_wire.clear()
        self.server_wire.clear()

    def _move(self, source: Connection, sink: Connection) -> bool:
        """Deliver one batch from *source* to *sink*; return whether there was anything."""
        from_client = source is self.client
        chunks = source.data_to_send(self.limit)
        told = source.take_events()
        (self.client_events if from_client else self.server_events).extend(told)
        wire = b"".join(chunks)
        (self.client_wire if from_client else self.server_wire).extend(wire)
        for piece in self.split(wire) if self.split is not None and wire else (wire,):
            if piece:
                heard = sink.receive(piece)
                (self.server_events if from_client else self.client_events).extend(heard)
        return bool(chunks or told)

    def pump(self) -> None:
        """Deliver in both directions until neither side sends more."""
        for _ in range(100_000):
            # no short circuit: both directions, each time
            moved = [self._move(self.client, self.server), self._move(self.server, self.client)]
            if not any(moved):
                return
        raise AssertionError("the two sides never stop talking")

    def request(self, headers: Any = None, end_stream: bool | None = None, **options: Any) -> int:
        """Submit a request and deliver it; return its stream id."""
        stream_id, _, _ = self.client.submit_request(headers, "test", "http", end_stream, **options)
        self.pump()
        return stream_id

    def from_client(self, wire: bytes) -> list[Event]:
        """Let the server receive *wire* as if the client had sent it."""
        heard = self.server.receive(wire)
        self.server_events += heard
        return heard

    def from_server(self, wire: bytes) -> list[Event]:
        """Let the client receive *wire* as if the server had sent it."""
        heard = self.client.receive(wire)
        self.client_events += heard
        return heard


def opened(pair: Pair, **options: Any) -> int:
    """Return the id of a POST whose body is still open."""
    stream_id = pair.request({":method": "POST"}, **options)
    pair.forget()
    return stream_id


def of_kind(told: Iterable[Event], kind: int) -> list[Event]:
    """Return the events in *told* of *kind*."""
    return [event for event in told if event[0] == kind]


def body(told: Iterable[Event], stream_id: int) -> bytes:
    """Return the received body of a stream; check that it ended at most once, at its end."""
    data = [event for event in of_kind(told, events.DATA) if event[1] == stream_id]
    assert not any(end for _, _, _, end in data[:-1])
    return b"".join(chunk for _, _, chunk, _ in data)


KIND_NAMES = {
    value: name
    for name, value in vars(events).items()
    if name.isupper() and isinstance(value, int) and name != "HIGH_WATER"
}
