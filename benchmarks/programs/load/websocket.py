"""WebSocket messages, sent back by a server: how many in a second.

Each WebSocket has one message under way: 125 bytes of text in a masked frame, made once. The next
one goes out when the whole of it has come back. What comes back is compared, byte for byte.
Over HTTP/1.1 each WebSocket has a connection of its own; over HTTP/2 (RFC 8441) connections are
shared. Prints what the clients print.
"""

import argparse
import json
import selectors
import socket
import time
from urllib.parse import urlsplit

from benchmarks.frames import (
    DATA,
    END_HEADERS,
    HEADERS,
    ORIGIN,
    RST_STREAM,
    WIDE_PREFACE,
    Closed,
    connect,
    frame,
    header_block,
)

TEXT = b"the quick brown fox jumps over the lazy dog; " * 2 + b"and comes back to where it began..."
MASK = b"\x12\x34\x56\x78"
TO_SEND = (
    b"\x81" + bytes([0x80 | len(TEXT)]) + MASK + bytes(c ^ MASK[i % 4] for i, c in enumerate(TEXT))
)
TO_COME = b"\x81" + bytes([len(TEXT)]) + TEXT
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CONNECT = header_block(
    [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", ORIGIN),
        ("sec-websocket-version", "13"),
        ("origin", "http://127.0.0.1"),
    ]
)
assert len(TEXT) == 125


class OverHttp1:
    """One WebSocket on a connection of its own."""

    def __init__(self, port: int) -> None:
        """Open it."""
        self.socket = socket.create_connection((ORIGIN, port), 5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(UPGRADE)
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.socket.recv(65536)
            head += data
            if not data or not head.startswith(b"HTTP/1.1 101"[: len(head)]):
                raise SystemExit(f"no WebSocket: {head[:60]!r}")
        self._come = b""

    def begin(self) -> None:
        """Send the first message."""
        self.socket.sendall(TO_SEND)

    def receive(self, goes_on: bool) -> int:
        """Read messages and send new ones; return the number of complete echoes."""
        data = self.socket.recv(65536)
        if not data:
            raise Closed("the server closed the connection")
        self._come += data
        if len(self._come) < len(TO_COME):
            return 0
        if self._come != TO_COME:
            raise SystemExit(f"another message came back: {self._come[:60]!r}")
        self._come = b""
        if goes_on:
            self.socket.sendall(TO_SEND)
        return 1


class OverHttp2:
    """Several WebSockets on one connection."""

    def __init__(self, port: int, count: int) -> None:
        """Open them all."""
        self.socket, self._frames = connect(port, WIDE_PREFACE)
        streams = [2 * number + 1 for number in range(count)]
        self._messages = {stream: frame(DATA, 0, stream, TO_SEND) for stream in streams}
        self._come = dict.fromkeys(streams, b"")
        for stream in streams:
            self.socket.sendall(frame(HEADERS, END_HEADERS, stream, CONNECT))
        waiting = set(streams)
        while waiting:
            for kind, _, stream, payload in self._frames.feed(self.socket.recv(65536)):
                if kind == RST_STREAM:
                    raise SystemExit(f"no WebSocket: the stream was reset, {payload!r}")
                # 200 is in the static table: RFC 7541, appendix A
                if kind == HEADERS and not _says_200(payload):
                    raise SystemExit(f"no WebSocket: {payload[:60]!r}")
                waiting.discard(stream)

    def begin(self) -> None:
        """Send the first message of each."""
        self.socket.sendall(b"".join(self._messages.values()))

    def receive(self, goes_on: bool) -> int:
        """Read messages and send new ones; return the number of complete echoes."""
        back = 0
        messages = []
        for kind, _, stream, payload in self._frames.feed(self.socket.recv(65536)):
            if kind != DATA:
                raise Closed("the server ended a WebSocket")
            come = self._come[stream] + payload
            if len(come) >= len(TO_COME):
                if come != TO_COME:
                    raise SystemExit(f"another message came back: {come[:60]!r}")
                come = b""
                back += 1
                messages.append(self._messages[stream])
            self._come[stream] = come
        if goes_on:
            messages.append(self._frames.answers)
            self._frames.answers = b""
            self.socket.sendall(b"".join(messages))
        return back


def _says_200(block: bytes) -> bool:
    while block and block[0] & 0xE0 == 0x20:  # a change of the dynamic table's size precedes them
        block = block[1:]
    return block[:1] == b"\x88"


def main() -> None:
    """Open the WebSockets, warm up, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("connections", type=int)
    parser.add_argument("warm_up", type=float, help="seconds")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--streams", type=int, default=0, help="a connection; 0 is HTTP/1.1")
    arguments = parser.parse_args()
    port = urlsplit(arguments.url).port or 80
    selector = selectors.DefaultSelector()
    connections: list[OverHttp1 | OverHttp2] = [
        OverHttp2(port, arguments.streams) if arguments.streams else OverHttp1(port)
        for _ in range(arguments.connections)
    ]
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    for connection in connections:
        connection.begin()
    done = 0
    start = time.perf_counter() + arguments.warm_up
    deadline = start + arguments.seconds
    begun = False
    while (now := time.perf_counter()) < deadline:
        if not begun and now >= start:
            begun, done, start = True, 0, now
            print("measuring", flush=True)
        for key, _ in selector.select(0.5):
            done += key.data.receive(True)
    seconds = time.perf_counter() - start
    print(json.dumps({"requests": done, "failed": 0, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    try:
        main()
    except (Closed, OSError) as error:
        raise SystemExit(str(error)) from None
