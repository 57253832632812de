"""Typical work of services: coroutines, JSON, header fields, pieces, uploads, files, trailers."""

import json

from benchmarks import asgi_servers as asgi
from benchmarks import peers
from benchmarks.bench import ANSWER, FILES
from benchmarks.load import Request
from benchmarks.peers import Peer, on_both_loops
from benchmarks.scenarios.measures import requests_per_second
from benchmarks.scenarios.scenario import Scenario, Target

GROUP = "handlers"
LOAD = "h2load with 10 connections of {} concurrent streams each, in the clear"
GET = Request()
ORDER = Request(
    json.dumps(ANSWER).encode(),
    as_json=True,
    body="order.json",
    fields=("content-type: application/json",),
)
ASYNCIO = Target("http2-asyncio", "http2-uvloop", 0.85)

# With :method, :scheme, :authority and :path in front, as a browser behind a proxy sends them.
FIELDS = (
    "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept-language: en-GB,en;q=0.7,de;q=0.3",
    "accept-encoding: gzip, deflate, br, zstd",
    "authorization: Bearer c2VjcmV0LXRva2VuLW9mLWEtdXNlcg",
    "cookie: session=7f9c2ba4e88f827d616045507605853e; theme=dark; consent=1",
    "referer: https://example.org/articles/2026/11",
    "origin: https://example.org",
    "cache-control: no-cache",
    "pragma: no-cache",
    "sec-fetch-dest: empty",
    "sec-fetch-mode: cors",
    "sec-fetch-site: same-origin",
    "te: trailers",
    "priority: u=4",
    "if-none-match: 686897696a7c876b7e",
    "x-request-id: 4b9d1f3a-52c0-4b7e-9f0a-7d6a3c1e2b58",
    "x-forwarded-for: 192.0.2.17",
    "x-forwarded-proto: https",
    "dnt: 1",
)


def two(program: str, node: str = "", *options: str) -> tuple[Peer, ...]:
    """Return this library's server ``program`` and Node's."""
    return (
        *on_both_loops(program, False, *options),
        peers.node(node or program, "node", "Node", False, *options),
    )


def scenario(
    name: str,
    title: str,
    explanation: str,
    competitors: tuple[Peer, ...],
    request: Request = GET,
    streams: int = 100,
    targets: tuple[Target, ...] = (),
    headline: bool = False,
) -> Scenario:
    """Return a scenario of this group."""
    return Scenario(
        name=name,
        group=GROUP,
        title=title,
        unit="requests/s",
        explanation=f"{explanation} {LOAD.format(streams)}.",
        measure=requests_per_second(10, streams, request),
        competitors=competitors,
        targets=targets,
        headline=headline,
        request=request,
    )


SCENARIOS: tuple[Scenario, ...] = (
    scenario(
        "compat-coroutine",
        "Coroutine: Hello World with request and response",
        "`async def`, on the Compatibility API, that answers at once;",
        (*two("coroutine"), asgi.granian("asgi:hello")),
        targets=(Target("http2-uvloop", "node", 4), ASYNCIO),
        headline=True,
    ),
    scenario(
        "core-coroutine",
        "Coroutine: Hello World on the Core API",
        "`async def`, on the Core API, that answers at once;",
        two("core_coroutine"),
    ),
    scenario(
        "json-post",
        "Coroutine: JSON POST",
        f"A body of {len(FILES['order.json'])} bytes is read and parsed, five header fields are "
        "set, the answer is JSON;",
        (*two("json_post"), asgi.granian("asgi:order")),
        ORDER,
        targets=(Target("http2-uvloop", "node", 2.5), ASYNCIO),
        headline=True,
    ),
    scenario(
        "fields",
        "20 request fields, 15 response fields",
        "A plain function that reads two of the fields, on the Compatibility API;",
        two("fields"),
        Request(fields=FIELDS),
    ),
    scenario(
        "streamed",
        "A response of 50 pieces",
        "50 times 100 bytes, each written when there is room (`await stream.drain()`);",
        (*two("streamed"), asgi.granian("asgi:streamed")),
        Request(b"x" * 5000),
        streams=10,
    ),
    scenario(
        "upload-64kib",
        "Uploads of 64 KiB",
        "Read with `async for`, and answered with their size;",
        (*two("upload", "upload_async"), asgi.granian("asgi:upload")),
        Request(b"65536", body="64KiB"),
        streams=10,
    ),
    scenario(
        "echo-64kib",
        "Echo of 64 KiB",
        "Each piece of the body is sent back as it arrives;",
        (*two("echo"), asgi.granian("asgi:echo")),
        Request(FILES["64KiB"], body="64KiB"),
        streams=10,
    ),
    scenario(
        "file-4kib",
        "Files of 4 KiB",
        "`respond_with_file`; nginx with `sendfile`;",
        (*two("file", "", "--file={files}/4KiB"), peers.nginx("4KiB")),
        Request(FILES["4KiB"]),
        streams=10,
    ),
    scenario(
        "trailers",
        "Trailers",
        "Hello World with one trailer field, by plain functions;",
        two("trailers"),
    ),
)
