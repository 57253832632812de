"""Load: one checked request by curl, many by h2load or wrk, idle connections by hand."""

import contextlib
import json
import re
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.bench import HELLO, Bench
from benchmarks.frames import END_HEADERS, HEADERS, ORIGIN, Closed, connect, frame, header_block
from benchmarks.processes import Child, Failure, bounded, running

CONNECTIONS_AT_ONCE = 64


@dataclass(frozen=True)
class Request:
    """A request, and its required response.

    Attributes:
        expected: The body of the answer.
        as_json: Whether any JSON of the same value will do.
        body: The name of the file (see `benchmarks.bench.FILES`) to POST; empty is a GET.
        fields: Header fields to add, as ``name: value``.
        path: The path, which begins with a slash.
        version: HTTP's version, "2" or "1.1".
    """

    expected: bytes = HELLO
    as_json: bool = False
    body: str = ""
    fields: tuple[str, ...] = ()
    path: str = "/"
    version: str = "2"


@dataclass(frozen=True)
class Answers:
    """The result of a load generator or a client.

    Attributes:
        succeeded: Complete responses with a 2xx status.
        failed: Requests that got anything else.
        seconds: How long that took.
        core: Seconds of these in which the server's core worked for the server, if it is known.
        more: Further numbers that a load program of ours found, by their names.
    """

    succeeded: int
    failed: int
    seconds: float
    core: float | None = None
    more: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Succeeded requests per second."""
        return self.succeeded / self.seconds


def check(bench: Bench, url: str, request: Request) -> None:
    """Make one request with curl.

    Raises:
        Failure: The answer is not of that version, not 200, or not as expected.
    """
    if not shutil.which("curl"):
        raise Failure("curl, which checks the answers, is not installed")
    command = ["curl", "--silent", "--show-error", "--insecure", "--max-time", "10"]
    if request.version == "2":
        command += ["--http2" if url.startswith("https:") else "--http2-prior-knowledge"]
    else:
        command += ["--http1.1"]
    command += ["--write-out", "%{stderr}%{http_version} %{http_code}"]
    for line in (*request.fields, *(("Expect:",) if request.body else ())):
        command += ["--header", line]
    if request.body:
        command += ["--data-binary", f"@{bench.file(request.body)}"]
    done = subprocess.run(
        [*command, url.removesuffix("/") + request.path], capture_output=True, check=False
    )
    words = done.stderr.decode(errors="replace").strip()
    if done.returncode or words != f"{request.version} 200":
        raise Failure(f"the check request failed: {words}")
    if not _as_expected(done.stdout, request):
        raise Failure(f"the check request got {done.stdout[:40]!r}, {len(done.stdout)} bytes")


def _as_expected(answer: bytes, request: Request) -> bool:
    if not request.as_json:
        return answer == request.expected
    try:
        return bool(json.loads(answer) == json.loads(request.expected))
    except ValueError:
        return False


def put(
    bench: Bench, url: str, request: Request, connections: int, streams: int, server: Child
) -> Answers:
    """Load a server for the bench's warm-up and duration, with a program for the HTTP version."""
    if request.version == "2":
        return h2load(bench, url, request, connections, streams, server)
    return wrk(bench, url, request, connections, server)


def h2load(
    bench: Bench,
    url: str,
    request: Request,
    connections: int,
    streams: int,
    server: Child | None = None,
) -> Answers:
    """Load a server with h2load for the bench's warm-up and duration.

    Args:
        bench: Gives the core and the times.
        url: The server's.
        request: The request.
        connections: Connections, all from one thread.
        streams: Concurrent streams on each of them.
        server: The server, if its core is to be measured.
    """
    options = [f"-c{connections}", f"-m{streams}", f"--duration={bench.duration * 1000:.0f}ms"]
    options += [f"--warm-up-time={bench.warm_up * 1000:.0f}ms"]
    watch = Watch(server, "Main benchmark duration is started", "Main benchmark duration is over")
    limit = bench.warm_up + bench.duration + 15
    succeeded, failed = _counts(_h2load(bench, url, request, options, limit, watch))
    return Answers(succeeded, failed, bench.duration, watch.core)


@dataclass
class Watch:
    """Measures a server's core while a load generator runs.

    Attributes:
        server: The server, or None to measure nothing.
        begin: The generator's output when its measurement begins.
        end: Its output at the end of the measurement.
        core: Seconds in which the core worked, if the system tells.
    """

    server: Child | None
    begin: str
    end: str
    core: float | None = None

    def over(self, generator: Child, limit: float) -> None:
        """Measure until the generator's measurement ends, or for ``limit`` seconds."""
        if self.server is None or not generator.wait_for_text(self.begin, limit):
            return
        before = self.server.cpu_seconds()
        generator.wait_for_text(self.end, limit)
        self.core = core_since(self.server, before)


def core_since(server: Child, before: float | None) -> float | None:
    """Return the seconds that a server's core has worked since it had worked for ``before``."""
    now = server.cpu_seconds()
    return None if now is None or before is None else now - before


def new_connections(bench: Bench, url: str, request: Request) -> Answers:
    """Make connections with one request each, some at a time, for the bench's duration."""
    options = [f"-c{CONNECTIONS_AT_ONCE}", f"-n{CONNECTIONS_AT_ONCE}", "-m1"]
    answers = Answers(0, 0, 0.0)
    begin = time.monotonic()
    warm, end = begin + bench.warm_up, begin + bench.warm_up + bench.duration
    while not answers.seconds or time.monotonic() < end:  # one turn at least
        counts = time.monotonic() >= warm
        output = _h2load(bench, url, request, options, 20)
        took = re.search(r"finished in ([\d.]+)(us|ms|s),", output)
        if not took:
            raise Failure("h2load: did not say how long it took")
        if counts:
            succeeded, failed = _counts(output)
            seconds = float(took[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1.0}[took[2]]
            answers = Answers(
                answers.succeeded + succeeded, answers.failed + failed, answers.seconds + seconds
            )
    return answers


def _h2load(
    bench: Bench,
    url: str,
    request: Request,
    options: list[str],
    limit: float,
    watch: Watch | None = None,
) -> str:
    if not shutil.which("h2load"):
        raise Failure("h2load is not installed")
    command = [*bounded(limit), "h2load", "-t1", *options]  # in some states h2load never ends
    command += ["-w30", "-W30", "--tls13-ciphers=TLS_AES_128_GCM_SHA256"]
    command += ["-d", str(bench.file(request.body))] if request.body else []
    for line in request.fields:
        command += ["-H", line]
    command.append(url.removesuffix("/") + request.path)
    with running(command, bench.load_log, bench.load_core) as generator:
        if watch:
            watch.over(generator, limit)
        try:
            return generator.wait(limit + 5)
        except Failure as failure:
            raise Failure(f"h2load: {failure}") from None


def _counts(output: str) -> tuple[int, int]:
    counts = re.search(r"(\d+) succeeded, (\d+) failed", output)
    if not counts:
        lines = output.strip().splitlines()
        raise Failure(f"h2load: {lines[-1] if lines else 'printed nothing'}")
    return int(counts[1]), int(counts[2])


def wrk(bench: Bench, url: str, request: Request, connections: int, server: Child) -> Answers:
    """Load a server over HTTP/1.1 with wrk: one request at a time on each connection."""
    if not shutil.which("wrk"):
        raise Failure("wrk is not installed")
    options = ["-t1", f"-c{connections}"]
    for line in request.fields:
        options += ["-H", line]
    if request.body:
        script = bench.file("post.lua")
        script.write_text(
            f'wrk.method = "POST"\nlocal file = io.open("{bench.file(request.body)}", "rb")\n'
            'wrk.body = file:read("*a")\nfile:close()\n'
        )
        options += ["-s", str(script)]
    url = url.removesuffix("/") + request.path
    answers = Answers(0, 0, 1)
    for seconds in (bench.warm_up, bench.duration):
        whole = max(1, round(seconds))  # wrk knows no parts of seconds
        command = [*bounded(whole + 15), "wrk", *options, f"-d{whole}", url]
        before = server.cpu_seconds()
        with running(command, bench.load_log, bench.load_core) as generator:
            output = generator.wait(whole + 20)
        core = core_since(server, before)
        done = re.search(r"(\d+) requests in ([\d.]+)s", output)
        if not done:
            raise Failure(f"wrk: {generator.last_words()}")
        errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
        failed = int(refused[1]) if refused else 0
        succeeded = int(done[1]) - failed
        failed += sum(map(int, errors.groups())) if errors else 0
        answers = Answers(succeeded, failed, float(done[2]), core)
    return answers


def run_client(bench: Bench, command: list[str], server: Child | None = None) -> Answers:
    """Run a client or a load program (see ``benchmarks.programs``); return its result.

    A load program prints ``measuring`` when its measurement begins, if the server is given.
    """
    limit = bench.warm_up + bench.duration + 20
    watch = Watch(server, "measuring\n", '"requests"')
    with running([*bounded(limit), *command], bench.load_log, bench.load_core) as client:
        watch.over(client, limit)
        client.wait(limit + 5)
        try:
            result = json.loads(client.last_words())
            counts = (result.pop("requests"), result.pop("failed"), result.pop("seconds"))
            return Answers(*counts, watch.core, result)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Failure(client.last_words()) from None


REQUEST = header_block(
    [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", ORIGIN)]
)


@contextlib.contextmanager
def idle_connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Hold ``count`` connections that exchanged SETTINGS and do nothing more."""
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(count):
            try:
                connection, _ = connect(port)
            except Closed as closed:
                raise Failure(str(closed)) from None
            connections.append(stack.enter_context(connection))
        yield connections


def open_streams(connections: list[socket.socket], count: int) -> None:
    """Begin ``count`` requests on each of the connections, whose bodies never come."""
    heads = [frame(HEADERS, END_HEADERS, 2 * number + 1, REQUEST) for number in range(count)]
    for connection in connections:
        connection.sendall(b"".join(heads))


def allow_many_files(wanted: int) -> None:
    """Raise the limit of open files, for this process and all that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))


def settle(server: Child) -> None:
    """Wait until a server has handled all connections, at most five seconds."""
    deadline = time.monotonic() + 5
    used = server.cpu_seconds()
    while time.monotonic() < deadline:
        time.sleep(0.3)
        before, used = used, server.cpu_seconds()
        if used is None or before is None or used - before < 0.015:  # a tick of the clock is 0.01
            break
