"""Load: one checked request by curl, many by h2load, idle connections by hand."""

import contextlib
import json
import re
import resource
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.processes import Failure, bounded, running

SETTINGS = 4
ACK = 1
EMPTY_SETTINGS = struct.pack(">HBBBI", 0, 0, SETTINGS, 0, 0)
SETTINGS_ACK = struct.pack(">HBBBI", 0, 0, SETTINGS, ACK, 0)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + EMPTY_SETTINGS


@dataclass(frozen=True)
class Answers:
    """What a load generator or a client got.

    Attributes:
        succeeded: Responses with a 2xx status that came to their end.
        failed: Requests that got anything else.
        seconds: How long that took.
    """

    succeeded: int
    failed: int
    seconds: float

    @property
    def rate(self) -> float:
        """Succeeded requests per second."""
        return self.succeeded / self.seconds


def check(url: str, expected: bytes, upload: Path | None = None, version: str = "2") -> None:
    """Make one request with curl, over HTTP/2 or over the ``version`` 1.1.

    Raises:
        Failure: The answer is not of that version, 200 and ``expected``.
    """
    if not shutil.which("curl"):
        raise Failure("curl, which checks the answers, is not installed")
    command = ["curl", "--silent", "--show-error", "--insecure", "--max-time", "10"]
    if version == "2":
        command += ["--http2" if url.startswith("https:") else "--http2-prior-knowledge"]
    else:
        command += ["--http1.1"]
    command += ["--write-out", "%{stderr}%{http_version} %{http_code}", url]
    if upload:
        command += ["--header", "Expect:", "--data-binary", f"@{upload}"]
    done = subprocess.run(command, capture_output=True, check=False)
    words = done.stderr.decode(errors="replace").strip()
    if done.returncode or words != f"{version} 200":
        raise Failure(f"the check request failed: {words}")
    if done.stdout != expected:
        raise Failure(f"the check request got {done.stdout[:40]!r}, {len(done.stdout)} bytes")


def h2load(
    bench: Bench, url: str, connections: int, streams: int, upload: Path | None = None
) -> Answers:
    """Load a server with h2load for the bench's warm-up and duration.

    Args:
        bench: Gives the core and the times.
        url: What to request.
        connections: Connections, all from one thread.
        streams: Concurrent streams on each of them.
        upload: A file to POST with each request.
    """
    if not shutil.which("h2load"):
        raise Failure("h2load is not installed")
    limit = bench.warm_up + bench.duration + 15  # in some states h2load never ends
    command = [*bounded(limit), "h2load", "-t1", f"-c{connections}", f"-m{streams}"]
    command += ["-w30", "-W30", "--tls13-ciphers=TLS_AES_128_GCM_SHA256"]
    command += [f"--duration={bench.duration * 1000:.0f}ms"]
    command += [f"--warm-up-time={bench.warm_up * 1000:.0f}ms"]
    command += ["-d", str(upload)] if upload else []
    with running([*command, url], bench.load_log, bench.load_core) as generator:
        try:
            output = generator.wait(limit + 5)
        except Failure as failure:
            raise Failure(f"h2load: {failure}") from None
    counts = re.search(r"(\d+) succeeded, (\d+) failed", output)
    if not counts:
        raise Failure(f"h2load: {generator.last_words()}")
    return Answers(int(counts[1]), int(counts[2]), bench.duration)


def wrk(bench: Bench, url: str, connections: int) -> Answers:
    """Load a server over HTTP/1.1 with wrk: one request at a time on each connection."""
    if not shutil.which("wrk"):
        raise Failure("wrk is not installed")
    answers = Answers(0, 0, 1)
    for seconds in (bench.warm_up, bench.duration):
        whole = max(1, round(seconds))  # wrk knows no parts of seconds
        command = [*bounded(whole + 15), "wrk", "-t1", f"-c{connections}", f"-d{whole}", url]
        with running(command, bench.load_log, bench.load_core) as generator:
            output = generator.wait(whole + 20)
        done = re.search(r"(\d+) requests in ([\d.]+)s", output)
        if not done:
            raise Failure(f"wrk: {generator.last_words()}")
        errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
        failed = int(refused[1]) if refused else 0
        succeeded = int(done[1]) - failed
        failed += sum(map(int, errors.groups())) if errors else 0
        answers = Answers(succeeded, failed, float(done[2]))
    return answers


def run_client(bench: Bench, command: list[str]) -> Answers:
    """Run a client program (see ``benchmarks.programs``) and return what it reports."""
    limit = bench.warm_up + bench.duration + 20
    with running([*bounded(limit), *command], bench.load_log, bench.load_core) as client:
        client.wait(limit + 5)
        try:
            result = json.loads(client.last_words())
            return Answers(result["requests"], result["failed"], result["seconds"])
        except (ValueError, KeyError, TypeError):
            raise Failure(client.last_words()) from None


@contextlib.contextmanager
def idle_connections(port: int, count: int) -> Iterator[None]:
    """Hold ``count`` connections that exchanged SETTINGS and do nothing more."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 5))
            connection.settimeout(5)
            exchange_settings(connection)
        yield


def exchange_settings(connection: socket.socket) -> None:
    """Send the preface; return when both sides' SETTINGS are acknowledged."""
    connection.sendall(PREFACE)
    received = b""
    theirs = ours = False
    while not (theirs and ours):
        data = connection.recv(65536)
        if not data:
            raise Failure("closes connections that only send SETTINGS")
        received += data
        while len(received) >= 9:
            length = 9 + int.from_bytes(received[:3], "big")
            if len(received) < length:
                break
            if received[3] == SETTINGS:
                ours = ours or bool(received[4] & ACK)
                theirs = theirs or not received[4] & ACK
            received = received[length:]
    connection.sendall(SETTINGS_ACK)


def allow_many_files(wanted: int) -> None:
    """Raise the limit of open files, for this process and all that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))


def settle() -> None:
    """Give a server the time to finish what it does about connections."""
    time.sleep(0.3)
