"""Shared code of the Python clients: their arguments, their clock and their result."""

import argparse
import json
import time
from dataclasses import dataclass

EXPECTED = b"Hello World"


@dataclass
class Arguments:
    """The command line of a client program."""

    url: str
    concurrency: int
    warm_up: float
    seconds: float
    variant: str
    upload: bool


class Phase:
    """A period in which requests are started; at its end, the open ones may finish.

    Attributes:
        done: Responses with status 200 and the right body.
        failed: All others.
    """

    def __init__(self, seconds: float, expected: bytes = EXPECTED) -> None:
        """Start the clock; new requests may start for ``seconds``."""
        self.expected = expected
        self.done = 0
        self.failed = 0
        self._start = time.perf_counter()
        self._deadline = self._start + seconds

    def goes_on(self) -> bool:
        """Return whether another request may start."""
        return time.perf_counter() < self._deadline

    def count(self, status: int, body: bytes) -> None:
        """Count one response."""
        if status == 200 and body == self.expected:
            self.done += 1
        else:
            self.failed += 1

    def report(self) -> None:
        """Print the result; call it after the last response."""
        seconds = time.perf_counter() - self._start
        result = {"requests": self.done, "failed": self.failed, "seconds": seconds}
        print(json.dumps(result), flush=True)


def arguments(*variants: str) -> Arguments:
    """Read the command line; ``variants`` are the values that ``--variant`` may take."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("concurrency", type=int)
    parser.add_argument("warm_up", type=float, help="seconds")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--variant", choices=variants, default=variants[0] if variants else "")
    parser.add_argument("--upload", action="store_true", help="send 1 MiB with each request")
    return Arguments(**vars(parser.parse_args()))
