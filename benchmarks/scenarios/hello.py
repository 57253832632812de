"""Hello World with plain functions: the cost of a request without an application."""

from dataclasses import replace

from benchmarks import peers
from benchmarks.load import Request
from benchmarks.peers import Peer, on_both_loops
from benchmarks.scenarios.measures import requests_per_second
from benchmarks.scenarios.scenario import Scenario, Target, over_tls

from .. import asgi_servers as asgi

NODE = "Node Core API"
NODE_COMPAT = "Node Compat API"
HELLO_WORLD = "`Hello World`, h2load with 10 connections of 100 concurrent streams each"


def core(secure: bool) -> tuple[Peer, ...]:
    """Return the servers that take part on the Core API."""
    return (
        *on_both_loops("hello", secure),
        peers.node("hello", "node", NODE, secure),
        peers.nghttpd(secure=secure),
        asgi.granian("rsgi:hello", secure, interface="rsgi"),
    )


def compat(secure: bool) -> tuple[Peer, ...]:
    """Return the servers that take part with requests and responses."""
    return (
        *on_both_loops("compat", secure),
        peers.node("compat", "node", NODE_COMPAT, secure),
    )


def observed() -> tuple[Peer, ...]:
    """Return the servers that are observed, or not."""
    unobserved = peers.ours("hello", "uvloop")
    return (
        replace(unobserved, name="http2-unobserved", label="http2, unobserved"),
        peers.ours(
            "hello",
            "uvloop",
            False,
            "--observe=before",
            name="http2-before",
            label="http2, observed before",
        ),
        peers.ours(
            "hello",
            "uvloop",
            False,
            "--observe=always",
            name="http2-observed",
            label="http2, observed",
        ),
        peers.node("hello", "node", "Node, unobserved"),
        peers.node("hello", "node-observed", "Node, observed", False, "--observe"),
    )


CORE = Scenario(
    name="server-hello-h2c",
    group="hello",
    title="Server: Hello World in the clear",
    unit="requests/s",
    explanation=f"{HELLO_WORLD}, HTTP/2 with prior knowledge.",
    measure=requests_per_second(10, 100, Request()),
    competitors=core(secure=False),
    pairs=(("http2-uvloop", "nghttpd"), ("http2-asyncio", "http2-uvloop")),
    targets=(
        Target("http2-uvloop", "nghttpd", 0.65),
        Target("http2-asyncio", "http2-uvloop", 0.85),
    ),
    headline=True,
    request=Request(),
)

COMPAT = replace(
    CORE,
    name="compat-hello-h2c",
    title="Requests and responses: Hello World in the clear",
    explanation=f"The Compatibility API: {HELLO_WORLD}, HTTP/2 with prior knowledge.",
    competitors=compat(secure=False),
    pairs=(),
    targets=(),
)

SCENARIOS: tuple[Scenario, ...] = (
    CORE,
    over_tls(CORE, core(secure=True)),
    replace(
        CORE,
        name="server-hello-four",
        title="Server: Hello World by a listener of all four arguments",
        explanation=f"`(stream, headers, flags, raw_headers)`, in the clear: {HELLO_WORLD}.",
        competitors=(
            *on_both_loops("four_arguments"),
            peers.node("four_arguments", "node", NODE),
        ),
        pairs=(),
        targets=(Target("http2-uvloop", "node", 5), Target("http2-asyncio", "http2-uvloop", 0.85)),
        headline=False,
    ),
    COMPAT,
    over_tls(COMPAT, compat(secure=True), headline=False),
    replace(
        CORE,
        name="metrics",
        title="The cost of a PerformanceObserver",
        explanation=(
            f"{HELLO_WORLD}, in the clear and on uvloop: without an observer, after an observer "
            "was removed, and with one that takes the entry of every stream. Nothing is measured "
            "without an observer, so the first two should be equal."
        ),
        competitors=observed(),
        pairs=(
            ("http2-before", "http2-unobserved"),
            ("http2-observed", "http2-unobserved"),
            ("node-observed", "node"),
        ),
        targets=(),
        headline=False,
    ),
)
