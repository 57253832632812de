"""What is measured, and in which unit."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks import load, peers
from benchmarks.bench import HELLO, MEBIBYTE, Bench
from benchmarks.peers import Peer, serving
from benchmarks.processes import Failure

IDLE_CONNECTIONS = 1000
CLIENT_STREAMS = 100
HTTP1_CONNECTIONS = 64


@dataclass(frozen=True)
class Measurement:
    """One number of one competitor in one round.

    Attributes:
        value: In the scenario's unit.
        failed: Requests that failed; they are not in the value.
        succeeded: Requests that did not.
        busy: The part of its time (0 to 1) in which the server's core worked for the server, if
            the system tells. Well below 1, something else was the limit.
    """

    value: float
    failed: int = 0
    succeeded: int = 0
    busy: float | None = None


@dataclass(frozen=True)
class Scenario:
    """A thing to measure.

    Attributes:
        name: What ``--scenario`` calls it.
        title: What the report calls it.
        unit: The unit of every value.
        explanation: What is measured, in plain words.
        measure: Measures one competitor once.
        competitors: Who takes part; the order is the report's.
        reference: The name of the competitor that the ratios divide by.
        pairs: Further ratios that the report names, as (numerator, denominator).
        more_is_better: Whether a higher value is the better one.
    """

    name: str
    title: str
    unit: str
    explanation: str
    measure: Callable[[Peer, Bench], Measurement]
    competitors: tuple[Peer, ...]
    reference: str = "node-core"
    pairs: tuple[tuple[str, str], ...] = ()
    more_is_better: bool = True


def requests_per_second(connections: int, streams: int) -> Callable[[Peer, Bench], Measurement]:
    """Measure succeeded requests per second for ``Hello World``."""

    def measure(peer: Peer, bench: Bench) -> Measurement:
        return under_load(peer, bench, connections, streams, HELLO)

    return measure


def hello_http1(peer: Peer, bench: Bench) -> Measurement:
    """Measure succeeded requests per second for ``Hello World`` over HTTP/1.1."""
    return under_load(peer, bench, HTTP1_CONNECTIONS, 0, HELLO, version="1.1")


def download(peer: Peer, bench: Bench) -> Measurement:
    """Measure response bodies of 1 MiB, in GB (10⁹ bytes) per second."""
    return in_gigabytes(under_load(peer, bench, 4, 8, MEBIBYTE))


def upload(peer: Peer, bench: Bench) -> Measurement:
    """Measure request bodies of 1 MiB, in GB (10⁹ bytes) per second."""
    expected = HELLO if peer.name == "nghttpd" else str(len(MEBIBYTE)).encode()
    return in_gigabytes(under_load(peer, bench, 4, 8, expected, sends=True))


def under_load(
    peer: Peer,
    bench: Bench,
    connections: int,
    streams: int,
    expected: bytes,
    sends: bool = False,
    version: str = "2",
) -> Measurement:
    """Start a server, check one answer, load it, and return succeeded requests per second."""
    body = bench.upload if sends else None
    with serving(peer, bench) as (server, _, url):
        load.check(url, expected, body, version)
        before = server.cpu_seconds()
        if version == "2":
            answers = load.h2load(bench, url, connections, streams, body)
        else:
            answers = load.wrk(bench, url, connections)
        after = server.cpu_seconds()
        if not answers.succeeded:
            raise Failure(f"no request succeeded, {answers.failed} failed")
    busy = None
    if before is not None and after is not None:
        busy = min(1.0, (after - before) / (bench.warm_up + bench.duration))
    return Measurement(answers.rate, answers.failed, answers.succeeded, busy)


def in_gigabytes(measured: Measurement) -> Measurement:
    """Turn requests of 1 MiB per second into GB per second."""
    value = measured.value * len(MEBIBYTE) / 1e9
    return Measurement(value, measured.failed, measured.succeeded, measured.busy)


def client(peer: Peer, bench: Bench) -> Measurement:
    """Measure a client's requests per second on one connection to nghttpd."""
    if reason := peer.missing():
        raise Failure(reason)
    with serving(peers.nghttpd(), bench) as (_, _, url):
        load.check(url, HELLO)
        if peer.name == "h2load":
            answers = load.h2load(bench, url, 1, CLIENT_STREAMS)
        else:
            times = [str(CLIENT_STREAMS), str(bench.warm_up), str(bench.duration)]
            answers = load.run_client(bench, [*peer.command(bench, 0), url, *times])
    return Measurement(answers.rate, answers.failed, answers.succeeded)


def idle_memory(peer: Peer, bench: Bench) -> Measurement:
    """Measure the resident memory of one idle connection, in KiB."""
    load.allow_many_files(IDLE_CONNECTIONS + 100)
    with serving(peer, bench) as (server, port, _):
        with load.idle_connections(port, 20):  # what a server allocates once is not counted
            load.settle()
        load.settle()
        before = server.resident_bytes()
        with load.idle_connections(port, IDLE_CONNECTIONS):
            load.settle()
            after = server.resident_bytes()
    if before is None or after is None:
        raise Failure("this system does not tell a process's resident memory")
    return Measurement((after - before) / IDLE_CONNECTIONS / 1024, succeeded=IDLE_CONNECTIONS)


def on_both_loops(program: str, secure: bool = False, *options: str) -> tuple[Peer, ...]:
    """Return this library's server ``program`` on each of the event loops."""
    return tuple(peers.ours(program, loop, secure, *options) for loop in ("asyncio", "uvloop"))


def server_hello(secure: bool) -> tuple[Peer, ...]:
    """Return the servers that take part in Hello World."""
    others = (
        peers.node("node_hello", "node-core", "Node Core API", secure),
        peers.nghttpd(secure=secure),
        peers.granian("rsgi", secure),
    )
    if secure:
        return (*on_both_loops("hello", secure), *others)
    return (
        *on_both_loops("hello"),
        peers.ours_asgi(),
        *others,
        peers.granian("asgi"),
        peers.uvicorn(),
        peers.hypercorn(),
    )


def server_compat(secure: bool) -> tuple[Peer, ...]:
    """Return the servers that take part in Hello World with requests and responses."""
    return (
        *on_both_loops("compat", secure),
        peers.node("node_compat", "node-compat", "Node Compat API", secure),
    )


def server_http1(secure: bool) -> tuple[Peer, ...]:
    """Return the servers that take part in Hello World over HTTP/1.1."""
    return (
        *on_both_loops("compat", secure, "--http1"),
        peers.node(
            "node_http1", "node-http1", "Node allowHTTP1" if secure else "Node http", secure
        ),
    )


def server_bodies(program: str, secure: bool) -> tuple[Peer, ...]:
    """Return the servers that take part in downloads (``body``) or uploads (``upload``)."""
    servers = [
        *on_both_loops(program, secure),
        peers.node(f"node_{program}", "node-core", "Node Core API", secure),
    ]
    if program == "upload":
        label = "Node, 16 MiB windows"
        servers.append(peers.node("node_upload", "node-wide", label, secure, "--wide"))
    return (*servers, peers.nghttpd(program == "body", secure))


def server_metrics() -> tuple[Peer, ...]:
    """Return the servers of Hello World that are observed, or not."""
    return (
        replace(peers.ours("hello", "uvloop"), name="http2-unobserved", label="http2, unobserved"),
        replace(
            peers.ours("hello", "uvloop", False, "--observe", "before"),
            name="http2-before",
            label="http2, observed before",
        ),
        replace(
            peers.ours("hello", "uvloop", False, "--observe", "always"),
            name="http2-observed",
            label="http2, observed",
        ),
        peers.node("node_hello", "node-core", "Node, unobserved"),
        peers.node("node_hello", "node-observed", "Node, observed", option="--observe"),
    )


def over_tls(
    clear: Scenario,
    competitors: tuple[Peer, ...],
    explanation: str = "The same over TLS 1.3 with AES-128-GCM.",
) -> Scenario:
    """Return the scenario ``clear`` with other servers: those that speak TLS."""
    return replace(
        clear,
        name=f"{clear.name.removesuffix('-h2c')}-tls",
        title=clear.title.replace("in the clear", "over TLS 1.3"),
        explanation=explanation,
        competitors=competitors,
    )


SERVER_PAIRS = (("http2-uvloop", "nghttpd"), ("http2-asyncio", "nghttpd"))
HELLO_WORLD = "`Hello World`, h2load with 10 connections of 100 concurrent streams each"
BODIES = "h2load with 4 connections of 8 concurrent streams each"

SERVER = Scenario(
    name="server-hello-h2c",
    title="Server: Hello World in the clear",
    unit="requests/s",
    explanation=f"{HELLO_WORLD}, HTTP/2 with prior knowledge.",
    measure=requests_per_second(10, 100),
    competitors=server_hello(secure=False),
    pairs=(("http2-asgi", "granian-asgi"), *SERVER_PAIRS),
)

COMPAT = replace(
    SERVER,
    name="compat-hello-h2c",
    title="Requests and responses: Hello World in the clear",
    explanation=f"The Compatibility API: {HELLO_WORLD}, HTTP/2 with prior knowledge.",
    competitors=server_compat(secure=False),
    reference="node-compat",
    pairs=(),
)

HTTP1 = Scenario(
    name="http1-hello",
    title="HTTP/1.1: Hello World in the clear",
    unit="requests/s",
    explanation=(
        f"The same handler for clients of HTTP/1.1: wrk with {HTTP1_CONNECTIONS} connections, "
        "one request at a time on each. Node's server is that of its module `http`."
    ),
    measure=hello_http1,
    competitors=server_http1(secure=False),
    reference="node-http1",
)

DOWNLOAD = Scenario(
    name="server-body-1mib-h2c",
    title="Server: responses of 1 MiB in the clear",
    unit="GB/s",
    explanation=f"1 MiB from memory (nghttpd: from a file), {BODIES} and large windows.",
    measure=download,
    competitors=server_bodies("body", secure=False),
    pairs=SERVER_PAIRS,
)

UPLOAD = replace(
    DOWNLOAD,
    name="server-upload-1mib-h2c",
    title="Server: uploads of 1 MiB in the clear",
    explanation=(
        f"1 MiB is posted, read piece by piece and discarded, {BODIES}. Every server has its "
        "default receive windows, but for one Node that is told to use large ones."
    ),
    measure=upload,
    competitors=server_bodies("upload", secure=False),
)

SCENARIOS: tuple[Scenario, ...] = (
    SERVER,
    over_tls(SERVER, server_hello(secure=True)),
    COMPAT,
    over_tls(COMPAT, server_compat(secure=True)),
    HTTP1,
    over_tls(
        HTTP1,
        server_http1(secure=True),
        "The same over TLS 1.3. Node's server is that of `http2` with `allowHTTP1`.",
    ),
    DOWNLOAD,
    over_tls(DOWNLOAD, server_bodies("body", secure=True)),
    UPLOAD,
    over_tls(UPLOAD, server_bodies("upload", secure=True)),
    Scenario(
        name="client-hello",
        title="Client: 100 streams on one connection",
        unit="requests/s",
        explanation=(
            f"{CLIENT_STREAMS} concurrent requests on one connection to nghttpd, in the clear; "
            "the next starts when one has been read to its end. h2load shows what nghttpd gives."
        ),
        measure=client,
        competitors=peers.CLIENTS,
        reference="node",
        pairs=(("http2-uvloop", "pycurl"), ("http2-asyncio", "pycurl")),
    ),
    Scenario(
        name="metrics",
        title="What a PerformanceObserver takes",
        unit="requests/s",
        explanation=(
            f"{HELLO_WORLD}, in the clear and on uvloop: while nobody observes, after an observer "
            "has gone, and with one that takes the entry of every stream. What nobody observes is "
            "not measured, so the first two are one and the same."
        ),
        measure=requests_per_second(10, 100),
        competitors=server_metrics(),
        pairs=(
            ("http2-before", "http2-unobserved"),
            ("http2-observed", "http2-unobserved"),
            ("node-observed", "node-core"),
        ),
    ),
    Scenario(
        name="memory-idle",
        title="Memory of an idle connection",
        unit="KiB",
        explanation=(
            f"Growth of the server's resident memory with {IDLE_CONNECTIONS:,} connections that "
            "exchanged SETTINGS and nothing more, per connection; less is better."
        ),
        measure=idle_memory,
        competitors=(
            *on_both_loops("hello"),
            peers.node("node_hello", "node-core", "Node Core API"),
            peers.nghttpd(),
        ),
        more_is_better=False,
    ),
)
