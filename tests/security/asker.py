"""The honest client during an attack, as a process of its own.

A thread beside the attack would wait for the attack's thread, and count that as the victim's delay.
``asker.py OPTIONS`` takes one argument, JSON: ``port`` and ``victim`` (its process), ``preface``
and ``request`` as hexadecimal numbers. It prints a line once it is served, makes requests from the
first line of its standard input until that ends, and then prints the result as JSON: for each
request its seconds and those of delay, and ``failure``. It needs nothing but a few modules of the
standard library, so that it starts fast.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any

# Seconds until a victim must have answered.
PATIENCE = 20.0
# Seconds between requests.
PAUSE = 0.02
# Requests before the first one that counts.
WARM_UP = 50
# A victim that needs more bytes is killed, to protect the machine.
TOO_MUCH = 4 * 1024**3

DATA, HEADERS, RST_STREAM, GOAWAY = 0, 1, 3, 7


def delay(task: str) -> float:
    """Return the seconds that a thread has waited for a processor (second field of schedstat)."""
    try:
        with open(f"/proc/{task}/schedstat", "rb") as file:
            return int(file.read().split()[1]) / 1e9
    except OSError:
        return 0.0


class Asker:
    """A connection with one request at a time."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.asked: list[tuple[float, float]] = []
        self.failure: str | None = None
        self._victim: int = given["victim"]
        self._request = bytearray.fromhex(given["request"])
        self._id = -1
        self._buffer = b""
        self._sock = socket.create_connection(("127.0.0.1", given["port"]), PATIENCE)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock.sendall(bytes.fromhex(given["preface"]))

    def ask(self) -> tuple[float, float]:
        """Make one request; return the seconds until its answer, and those without a processor."""
        self._id += 2
        self._request[5:9] = self._id.to_bytes(4, "big")
        before = self._delay()
        began = time.monotonic()
        self._sock.sendall(self._request)
        while not self._answered():
            got = self._sock.recv(65536)
            if not got:
                raise OSError("the honest connection has ended")
            self._buffer += got
        return time.monotonic() - began, self._delay() - before

    def _delay(self) -> float:
        """Of the victim and of this process."""
        return delay(str(self._victim)) + delay("self")

    def _answered(self) -> bool:
        """Return whether the buffer has the end of the latest answer, and remove it."""
        buffer = self._buffer
        while len(buffer) >= 9:
            size = int.from_bytes(buffer[:3], "big")
            if len(buffer) < 9 + size:
                break
            kind, flags = buffer[3], buffer[4]
            stream_id = int.from_bytes(buffer[5:9], "big")
            if kind in (RST_STREAM, GOAWAY):
                raise OSError(f"the honest client was told {buffer[: 9 + size]!r}")
            buffer = buffer[9 + size :]
            if kind in (DATA, HEADERS) and flags & 1 and stream_id == self._id:
                self._buffer = buffer
                return True
        self._buffer = buffer
        return False

    def _too_large(self) -> bool:
        """Return whether the victim has taken too much memory."""
        with open(f"/proc/{self._victim}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") > TOO_MUCH

    def run(self) -> None:
        """Make requests until the standard input ends."""
        try:
            while not select.select([0], [], [], PAUSE)[0]:
                self.asked.append(self.ask())
                if self._too_large():
                    self.failure = "the victim has taken too much memory, and was ended"
                    os.kill(self._victim, signal.SIGKILL)
                    return
        except OSError as error:
            self.failure = f"an honest client was not served: {error!r}"


def main() -> None:
    """Ask, and report."""
    asker = Asker(json.loads(sys.argv[1]))
    for _ in range(WARM_UP):
        asker.ask()
    print(flush=True)
    os.read(0, 1)
    asker.run()
    print(json.dumps({"asked": asker.asked, "failure": asker.failure}), flush=True)


if __name__ == "__main__":
    main()
