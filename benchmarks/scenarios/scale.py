"""Effects of the number of streams and connections, and the latency of a request."""

from dataclasses import replace

from benchmarks import peers
from benchmarks.load import CONNECTIONS_AT_ONCE
from benchmarks.peers import Peer, on_both_loops
from benchmarks.scenarios.handlers import GET
from benchmarks.scenarios.measures import connections_per_second, cost, latency
from benchmarks.scenarios.scenario import Scenario, Target, over_tls

NUMBERS = (1, 10, 100, 1000)
FLAT = 1.2
LATENCY_CONNECTIONS = 20
NODE = peers.node("coroutine", "node", "Node")


def at_each(what: str) -> tuple[Peer, ...]:
    """Return this library's server and Node's, once for each of the numbers."""
    found = []
    for number in NUMBERS:
        label = f"{number:,} {what if number > 1 else what.removesuffix('s')}"
        name = f"http2-{number}"
        found.append(peers.ours("compat", "uvloop", name=name, label=f"http2, {label}"))
    for number in NUMBERS:
        label = f"{number:,} {what if number > 1 else what.removesuffix('s')}"
        found.append(peers.node("compat", f"node-{number}", f"Node, {label}"))
    return tuple(found)


def new(secure: bool) -> tuple[Peer, ...]:
    """Return the servers that get one connection after the other."""
    return (
        *on_both_loops("compat", secure),
        peers.node("compat", "node", "Node", secure),
        peers.nghttpd(secure=secure),
    )


STREAMS = Scenario(
    name="scale-streams",
    group="scale",
    title="Cost of a request by streams on a connection",
    unit="µs",
    explanation=(
        "Time of the server's core per request of Hello World on the Compatibility API, on uvloop: "
        "h2load with 10 connections in the clear, each with this many concurrent streams; less is "
        "better. With few streams, a read of the socket returns few requests, at the same cost."
    ),
    measure=cost({str(number): (10, number) for number in NUMBERS}, GET),
    competitors=at_each("streams"),
    reference="http2-100",
    pairs=tuple((f"http2-{number}", f"node-{number}") for number in NUMBERS),
    targets=tuple(Target(f"http2-{number}", "http2-100", FLAT) for number in (1, 10, 1000)),
    columns=("requests/s",),
    more_is_better=False,
    request=GET,
)

NEW = Scenario(
    name="connections-h2c",
    group="scale",
    title="New connections in the clear",
    unit="connections/s",
    explanation=(
        f"h2load makes {CONNECTIONS_AT_ONCE} connections with one request each (Hello World on the "
        "Compatibility API), repeatedly; the time from the first to the last of each round counts."
    ),
    measure=connections_per_second(GET),
    competitors=new(secure=False),
    pairs=(("http2-uvloop", "nghttpd"),),
    request=GET,
)

SCENARIOS: tuple[Scenario, ...] = (
    STREAMS,
    replace(
        STREAMS,
        name="scale-connections",
        title="Cost of a request by connections",
        explanation=(
            "The same with this many connections of 10 concurrent streams each; less is better."
        ),
        measure=cost({str(number): (number, 10) for number in NUMBERS}, GET),
        competitors=at_each("connections"),
        reference="http2-10",
        targets=tuple(Target(f"http2-{number}", "http2-10", FLAT) for number in (1, 100, 1000)),
    ),
    Scenario(
        name="latency",
        group="scale",
        title="Latency at half of Node's capacity",
        unit="ms (p99)",
        explanation=(
            "Hello World by a coroutine on the Compatibility API, at half of the rate that would "
            "keep Node's core busy all the time, according to its time per request at 2,000 a "
            f"second, over {LATENCY_CONNECTIONS} connections in the clear. "
            "The latency of a request counts from the time when it was due; less is better."
        ),
        measure=latency(NODE, LATENCY_CONNECTIONS, GET),
        competitors=(*on_both_loops("coroutine"), NODE),
        targets=(Target("http2-uvloop", "node", 0.7),),
        columns=("p50", "p99.9", "requests/s"),
        more_is_better=False,
        headline=True,
        request=GET,
    ),
    NEW,
    over_tls(
        NEW,
        new(secure=True),
        "The same with a full handshake of TLS 1.3 each, with a P-256 key.",
    ),
)
