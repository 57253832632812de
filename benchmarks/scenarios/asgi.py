"""ASGI applications on every ASGI server that supports HTTP/2, and WebSockets."""

from benchmarks import asgi_servers as servers
from benchmarks import peers
from benchmarks.bench import FILES
from benchmarks.load import Request
from benchmarks.peers import Peer
from benchmarks.scenarios.handlers import GET, ORDER
from benchmarks.scenarios.measures import (
    gigabytes_per_second,
    requests_per_second,
    websocket_messages,
)
from benchmarks.scenarios.scenario import Scenario, Target

CONNECTIONS = 64  # of WebSockets over HTTP/1.1
SHARED = (8, 8)  # connections, and WebSockets on each
LOAD = "h2load with 10 connections of 100 concurrent streams each"
OTHERS = ("uvicorn-zttp", "hypercorn", "gunicorn")
OURS = ("http2-uvicorn", "http2-handler")


def ahead(granian: float) -> tuple[Target, ...]:
    """Return the targets: ahead of all, and ``granian`` times as fast as Granian."""
    return (
        *(Target(ours, "granian-asgi", granian) for ours in OURS),
        *(Target("http2-uvicorn", other, 1) for other in OTHERS),
    )


def scenario(
    name: str,
    title: str,
    explanation: str,
    app: str,
    granian: float,
    request: Request = GET,
    headline: bool = False,
    secure: bool = False,
) -> Scenario:
    """Return a scenario for every server."""
    where = "over TLS 1.3" if secure else "in the clear"
    return Scenario(
        name=f"{name}-{'tls' if secure else 'h2c'}",
        group="asgi",
        title=f"{title} {where}",
        unit="requests/s",
        explanation=f"{explanation} {LOAD}, one process, uvloop, no access log.",
        measure=requests_per_second(10, 100, request),
        competitors=servers.everybody(app, secure),
        reference="granian-asgi",
        pairs=tuple((ours, other) for ours in OURS for other in OTHERS),
        targets=ahead(granian),
        headline=headline,
        request=request,
    )


HELLO = ("asgi-hello", "ASGI: Hello World", "A bare application;", "asgi:hello", 2.0)
POST = (
    "asgi-json-post",
    "ASGI: JSON POST",
    "The body is read and parsed, five header fields are set, the answer is JSON;",
    "asgi:order",
    1.5,
)

SCENARIOS: tuple[Scenario, ...] = (
    scenario(*HELLO, headline=True),
    scenario(*HELLO, secure=True),
    scenario(*POST, ORDER, headline=True),
    scenario(*POST, ORDER, secure=True),
    scenario(
        "fastapi-hello",
        "FastAPI: Hello World",
        "A path operation that answers with JSON;",
        "framework:app",
        1.2,
        Request(b'{"message": "Hello World"}', as_json=True),
        headline=True,
    ),
    Scenario(
        name="asgi-file-10mib",
        group="asgi",
        title="ASGI: files of 10 MiB in the clear",
        unit="GB/s",
        explanation=(
            "`http.response.pathsend`, nginx with `sendfile`; h2load with 4 connections of 2 "
            "concurrent streams each."
        ),
        measure=gigabytes_per_second(
            4, 2, Request(FILES["10MiB"], path="{files}/10MiB"), len(FILES["10MiB"])
        ),
        competitors=(
            servers.uvicorn_http2("asgi:file"),
            servers.handler("asgi:file"),
            servers.granian("asgi:file"),
            peers.nginx("10MiB"),
        ),
        reference="nginx",
        targets=(Target("http2-uvicorn", "nginx", 1),),
        request=Request(FILES["10MiB"], path="{files}/10MiB"),
    ),
)


def sockets(http1: bool) -> tuple[Peer, ...]:
    """Return the servers of WebSocket echo."""
    app = "asgi:websocket"
    ours = peers.ours(
        "websocket",
        "uvloop",
        False,
        *(("--http1",) if http1 else ()),
        name="http2-websocket",
        label="accept_websocket",
        modules=("wsproto",),
    )
    if http1:
        return (
            ours,
            servers.handler(app, False, "--http1"),
            servers.uvicorn_httptools(app, "uvicorn + websockets"),
            servers.granian(app, http="1"),
            servers.hypercorn(app),
        )
    return (ours, servers.uvicorn_http2(app), servers.handler(app), servers.hypercorn(app))


WEBSOCKETS: tuple[Scenario, ...] = (
    Scenario(
        name="websocket-h2",
        group="websocket",
        title="WebSocket over HTTP/2: echo",
        unit="messages/s",
        explanation=(
            f"{SHARED[0]} connections in the clear with {SHARED[1]} WebSockets each (RFC 8441), of "
            "which each sends a message of 125 bytes after the last echo; without compression."
        ),
        measure=websocket_messages(*SHARED),
        competitors=sockets(http1=False),
        reference="hypercorn",
        targets=tuple(Target(name, "hypercorn", 1) for name in ("http2-websocket", *OURS)),
        headline=True,
    ),
    Scenario(
        name="websocket-http1",
        group="websocket",
        title="WebSocket over HTTP/1.1: echo",
        unit="messages/s",
        explanation=(
            f"{CONNECTIONS} connections in the clear, each with one WebSocket, which sends a "
            "message of 125 bytes after the last echo; without compression."
        ),
        measure=websocket_messages(CONNECTIONS, 0),
        competitors=sockets(http1=True),
        reference="uvicorn",
        pairs=(("http2-websocket", "granian-asgi"), ("http2-websocket", "hypercorn")),
        targets=tuple(Target(name, "uvicorn", 1) for name in ("http2-websocket", "http2-handler")),
        headline=True,
    ),
)
