"""The measurements: start a server or a client, load it, and read the results."""

from collections.abc import Callable
from dataclasses import replace

from benchmarks import load, peers
from benchmarks.bench import HELLO, MEBIBYTE, Bench
from benchmarks.load import Answers, Request
from benchmarks.peers import Peer, serving
from benchmarks.processes import Child, Failure, bounded, running
from benchmarks.scenarios.scenario import Measurement

IDLE_CONNECTIONS = 1000
OPEN_STREAMS = 100
CLIENT_STREAMS = 100
CLIENT_BODIES = 8

Measure = Callable[[Peer, Bench], Measurement]


def requests_per_second(connections: int, streams: int, request: Request) -> Measure:
    """Measure succeeded requests per second."""

    def measure(peer: Peer, bench: Bench) -> Measurement:
        return under_load(peer, bench, request, connections, streams)

    return measure


def gigabytes_per_second(connections: int, streams: int, request: Request, size: int) -> Measure:
    """Measure bodies of ``size`` bytes, in GB (10⁹ bytes) per second."""

    def measure(peer: Peer, bench: Bench) -> Measurement:
        asked = request
        if peer.name == "nghttpd" and request.body:
            asked = Request(body=request.body)  # it answers an upload with its file
        return in_gigabytes(under_load(peer, bench, asked, connections, streams), size)

    return measure


def under_load(
    peer: Peer, bench: Bench, request: Request, connections: int, streams: int
) -> Measurement:
    """Start a server, check one answer, load it, and return succeeded requests per second."""
    with serving(peer, bench) as (server, _, url):
        request = checked(bench, url, request)
        answers = load.put(bench, url, request, connections, streams, server)
    return measured(answers)


def checked(bench: Bench, url: str, request: Request) -> Request:
    """Check one answer, and return the request as it is for this server.

    ``{files}`` in its path is the directory of the bench's files.
    """
    request = replace(request, path=request.path.format(files=bench.directory))
    load.check(bench, url, request)
    return request


def measured(answers: Answers) -> Measurement:
    """Return the measured value, in requests per second.

    Raises:
        Failure: There are no answers.
    """
    if not answers.succeeded:
        raise Failure(f"no request succeeded, {answers.failed} failed")
    busy = None if answers.core is None else min(1.0, answers.core / answers.seconds)
    return Measurement(answers.rate, answers.failed, answers.succeeded, busy)


def in_gigabytes(rate: Measurement, size: int) -> Measurement:
    """Turn requests per second with bodies of ``size`` bytes into GB per second."""
    return Measurement(rate.value * size / 1e9, rate.failed, rate.succeeded, rate.busy)


def cost(shapes: dict[str, tuple[int, int]], request: Request) -> Measure:
    """Measure a request's time on the server's core, in µs; requests/s is the second column.

    Args:
        shapes: (connections, streams on each) by the end of the competitors' names.
        request: The request.
    """

    def measure(peer: Peer, bench: Bench) -> Measurement:
        connections, streams = shapes[peer.name.rpartition("-")[2]]
        load.allow_many_files(connections + 100)
        rate = under_load(peer, bench, request, connections, streams)
        if rate.busy is None:
            raise Failure("this system does not tell a process's processor time")
        value = rate.busy * 1e6 / rate.value
        return Measurement(value, rate.failed, rate.succeeded, rate.busy, (rate.value,))

    return measure


def connections_per_second(request: Request) -> Measure:
    """Measure new connections with one request each."""

    def measure(peer: Peer, bench: Bench) -> Measurement:
        with serving(peer, bench) as (_, _, url):
            load.check(bench, url, request)
            answers = load.new_connections(bench, url, request)
        return measured(answers)

    return measure


# Requests per second at which a server's core time for one request is measured.
PROBE = 2000


def latency(reference: Peer, connections: int, request: Request) -> Measure:
    """Measure p99 in ms at half of the rate that ``reference`` is capable of in this run."""

    def at_rate(peer: Peer, bench: Bench, rate: float) -> Measurement:
        with serving(peer, bench) as (server, _, url):
            load.check(bench, url, request)
            command = peers.python("benchmarks.programs.load.latency", f"--rate={rate:.0f}", url)
            times = [str(connections), str(bench.warm_up), str(bench.duration)]
            answers = load.run_client(bench, [*command, *times], server)
        more = (answers.more["p50"], answers.more["p99.9"], rate)
        return replace(measured(answers), value=answers.more["p99"], more=more)

    def measure(peer: Peer, bench: Bench) -> Measurement:
        name = f"capacity of {reference.label}"
        # the reference's for all: what is looked at here is the slowest requests
        bench = replace(bench, warm_up=max(reference.warm_up, bench.warm_up))
        if name not in bench.found:
            # Requests at a fixed rate come one by one, and each costs more than one of many that
            # are read together: what h2load reaches says nothing of them.
            busy = at_rate(reference, bench, PROBE).busy
            if not busy:
                raise Failure("the server's core time is not known")
            bench.found[name] = PROBE / busy
        return at_rate(peer, bench, bench.found[name] / 2)

    return measure


def websocket_messages(connections: int, streams: int) -> Measure:
    """Measure messages per second that come back; 0 ``streams`` is HTTP/1.1."""

    def measure(peer: Peer, bench: Bench) -> Measurement:
        with serving(peer, bench) as (server, _, url):
            command = peers.python("benchmarks.programs.load.websocket", f"--streams={streams}")
            times = [str(connections), str(bench.warm_up), str(bench.duration)]
            answers = load.run_client(bench, [*command, url, *times], server)
        return measured(answers)

    return measure


def client_hello(peer: Peer, bench: Bench) -> Measurement:
    """Measure a client's requests per second on one connection to nghttpd."""
    return from_nghttpd(peer, bench, CLIENT_STREAMS, body=False)


def client_bodies(upload: bool, wide: bool = False) -> Measure:
    """Measure a client's bodies of 1 MiB, in GB per second, on one connection to nghttpd.

    With ``wide``, nghttpd's receive windows are 16 MiB.
    """

    def measure(peer: Peer, bench: Bench) -> Measurement:
        rate = from_nghttpd(peer, bench, CLIENT_BODIES, body=not upload, wide=wide)
        return in_gigabytes(rate, len(MEBIBYTE))

    return measure


def from_nghttpd(
    peer: Peer, bench: Bench, streams: int, body: bool, wide: bool = False
) -> Measurement:
    """Run a client against nghttpd."""
    if reason := peer.missing():
        raise Failure(reason)
    with serving(peers.nghttpd(body, wide=wide), bench) as (_, _, url):
        request = Request(MEBIBYTE if body else HELLO)
        load.check(bench, url, request)
        if peer.name == "h2load":
            answers = load.h2load(bench, url, request, 1, streams)
        else:
            times = [str(streams), str(bench.warm_up), str(bench.duration)]
            answers = load.run_client(bench, [*peer.command(bench, 0), url, *times])
    return measured(answers)


def idle_memory(peer: Peer, bench: Bench) -> Measurement:
    """Measure the resident memory of one idle connection, in KiB."""
    load.allow_many_files(IDLE_CONNECTIONS + 100)
    with serving(peer, bench) as (server, port, _):
        with load.idle_connections(port, 20):  # memory that a server allocates once is not counted
            load.settle(server)
        load.settle(server)
        before = resident(server)
        with load.idle_connections(port, IDLE_CONNECTIONS):
            load.settle(server)
            after = resident(server)
    return Measurement((after - before) / IDLE_CONNECTIONS / 1024, succeeded=IDLE_CONNECTIONS)


def stream_memory(peer: Peer, bench: Bench) -> Measurement:
    """Measure the resident memory of one open stream, in KiB, that of its connection left out."""
    count = 100
    with serving(peer, bench) as (server, port, _):
        with load.idle_connections(port, 2) as first:
            load.open_streams(first, OPEN_STREAMS)
            load.settle(server)
        load.settle(server)
        with load.idle_connections(port, count) as connections:
            load.settle(server)
            before = resident(server)
            load.open_streams(connections, OPEN_STREAMS)
            load.settle(server)
            after = resident(server)
    total = count * OPEN_STREAMS
    return Measurement((after - before) / total / 1024, succeeded=total)


def import_time(peer: Peer, bench: Bench) -> Measurement:
    """Measure the time of an import, in ms."""
    if reason := peer.missing():
        raise Failure(reason)
    command = [*bounded(60), *peer.command(bench, 0)]
    with running(command, bench.log, bench.server_core) as child:
        child.wait(65)
        try:
            return Measurement(float(child.last_words()), succeeded=1)
        except ValueError:
            raise Failure(child.last_words()) from None


def resident(server: Child) -> int:
    """Return the resident memory of a server.

    Raises:
        Failure: The system does not tell.
    """
    size = server.resident_bytes()
    if size is None:
        raise Failure("this system does not tell a process's resident memory")
    return size
