"""Requests at a fixed rate, and how long each took.

The rate is kept whatever the server does: a request has its time, and what it took counts from
then on, so that one that had to wait behind others is not reported as a fast one. A request is a
GET on one of several connections in turn; its bytes are made once but for the stream identifier.
Prints, as the last line, what the clients print, and ``p50``, ``p99`` and ``p99.9`` in ms.
"""

import argparse
import json
import selectors
import socket
import struct
import time
from urllib.parse import urlsplit

from benchmarks.frames import (
    END_HEADERS,
    END_STREAM,
    HEADERS,
    ORIGIN,
    RST_STREAM,
    WIDE_PREFACE,
    Closed,
    Frames,
    connect,
    header_block,
)

BLOCK = header_block(
    [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", ORIGIN)]
)
START = struct.pack(">I", len(BLOCK))[1:] + bytes([HEADERS, END_STREAM | END_HEADERS])
DRAIN = 2.0  # seconds that the last answers may take


class Connection:
    """A connection, and when each of its open requests should have been sent."""

    def __init__(self, port: int) -> None:
        """Connect."""
        self.socket: socket.socket
        self.frames: Frames
        self.socket, self.frames = connect(port, WIDE_PREFACE)
        self.due: dict[int, float] = {}
        self._next = 1

    def request(self, due: float) -> None:
        """Send a request that was to be sent at ``due``."""
        stream = self._next
        self._next += 2
        self.due[stream] = due
        self.socket.sendall(START + struct.pack(">I", stream) + BLOCK)

    def receive(self) -> tuple[list[float], int]:
        """Read responses: return when the answered requests were due, and how many failed."""
        answered: list[float] = []
        failed = 0
        for kind, flags, stream, _ in self.frames.feed(self.socket.recv(262144)):
            if kind == RST_STREAM:
                failed += self.due.pop(stream, None) is not None
            elif flags & END_STREAM:
                answered.append(self.due.pop(stream))
        if self.frames.answers:
            self.socket.sendall(self.frames.answers)
            self.frames.answers = b""
        return answered, failed


def main() -> None:
    """Connect, warm up, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("connections", type=int)
    parser.add_argument("warm_up", type=float, help="seconds")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--rate", type=float, required=True, help="requests a second")
    arguments = parser.parse_args()
    port = urlsplit(arguments.url).port or 80
    connections = [Connection(port) for _ in range(arguments.connections)]
    selector = selectors.DefaultSelector()
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)

    clock = time.perf_counter
    begin = clock()
    start = begin + arguments.warm_up
    end = start + arguments.seconds
    begun = False
    took: list[float] = []
    sent = failed = 0
    while True:
        now = clock()
        if now >= start and not begun:
            begun = True
            print("measuring", flush=True)
        due = begin + sent / arguments.rate
        while due <= now and due < end:
            connections[sent % len(connections)].request(due)
            sent += 1
            due = begin + sent / arguments.rate
        if due >= end and (now > end + DRAIN or not any(each.due for each in connections)):
            break
        # epoll sleeps whole milliseconds: as long as there is something to send, it is only asked
        for key, _ in selector.select(0 if due < end else 0.1):
            answered, lost = key.data.receive()
            failed += lost
            now = clock()
            took += [now - moment for moment in answered if moment >= start]
    failed += sum(len(each.due) for each in connections)
    took.sort()
    if not took:
        raise SystemExit("no request was answered")
    result = {"requests": len(took), "failed": failed, "seconds": arguments.seconds}
    for part in (50, 99, 99.9):
        index = min(len(took) - 1, int(len(took) * part / 100))
        result[f"p{part:g}"] = 1000 * took[index]
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    try:
        main()
    except (Closed, OSError) as error:
        raise SystemExit(str(error)) from None
