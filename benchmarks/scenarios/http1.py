"""The same handlers for clients of HTTP/1.1."""

from dataclasses import replace

from benchmarks import asgi_servers as asgi
from benchmarks import peers
from benchmarks.load import Request
from benchmarks.peers import Peer, on_both_loops
from benchmarks.scenarios.handlers import ASYNCIO, ORDER
from benchmarks.scenarios.measures import requests_per_second
from benchmarks.scenarios.scenario import Scenario, Target, over_tls

CONNECTIONS = 64
GET = Request(version="1.1")
POST = replace(ORDER, version="1.1")
WRK = f"wrk with {CONNECTIONS} connections, one request at a time on each"


def servers(program: str, secure: bool = False) -> tuple[Peer, ...]:
    """Return this library's server ``program``, and Node's."""
    label = "Node allowHTTP1" if secure else "Node http"
    return (
        *on_both_loops(program, secure, "--http1"),
        peers.node(program, "node", label, secure, "--http1"),
    )


def applications(app: str) -> tuple[Peer, ...]:
    """Return the servers that run the ASGI application ``app``."""
    return (asgi.granian(f"asgi:{app}", http="1"), asgi.uvicorn_httptools(f"asgi:{app}"))


PLAIN = Scenario(
    name="http1-hello",
    group="http1",
    title="HTTP/1.1: Hello World in the clear",
    unit="requests/s",
    explanation=(
        f"A plain function for clients of HTTP/1.1: {WRK}. Node's server is that of its module "
        "`http`."
    ),
    measure=requests_per_second(CONNECTIONS, 1, GET),
    competitors=servers("compat"),
    targets=(Target("http2-uvloop", "node", 1.6), ASYNCIO),
    headline=True,
    request=GET,
)

SCENARIOS: tuple[Scenario, ...] = (
    PLAIN,
    over_tls(
        PLAIN,
        servers("compat", secure=True),
        "The same over TLS 1.3. Node's server is that of `http2` with `allowHTTP1`.",
        targets=(),
        headline=False,
    ),
    replace(
        PLAIN,
        name="http1-coroutine",
        title="HTTP/1.1: coroutine, Hello World",
        explanation=f"`async def` that answers at once, in the clear: {WRK}.",
        competitors=(*servers("coroutine"), *applications("hello")),
        targets=(Target("http2-uvloop", "node", 1.3), ASYNCIO),
    ),
    replace(
        PLAIN,
        name="http1-json-post",
        title="HTTP/1.1: coroutine, JSON POST",
        explanation=f"The JSON POST over HTTP/1.1, in the clear: {WRK}.",
        measure=requests_per_second(CONNECTIONS, 1, POST),
        competitors=(*servers("json_post"), *applications("order")),
        targets=(Target("http2-uvloop", "node", 1.2), ASYNCIO),
        request=POST,
    ),
)
