"""Before the response: 100, 103, other expectations, CONNECT; compared with Node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import http2

from ..support.running import Run, execute
from ..support.serving import listening
from .scenarios import Note, Scenarios, attempt, differences, of_node, ours

Request = http2.Http2ServerRequest
Response = http2.Http2ServerResponse

scenario = Scenarios()


def read(request: Request, end: Callable[[str], Any]) -> None:
    parts: list[bytes] = []
    request.on("data", parts.append)
    request.on("end", lambda: end(b"".join(parts).decode()))


@scenario("/automatic")
@scenario("/no-body")
async def _(request: Request, response: Response, note: Note) -> None:
    response.end(await request.read())


@scenario("/answered-at-once")
def _(request: Request, response: Response, note: Note) -> None:
    response.end("no need")


@scenario("/unasked")
def _(request: Request, response: Response, note: Note) -> None:
    note(attempt(response.write_continue), attempt(response.write_continue))
    note(response.headers_sent)
    response.end()


@scenario("/late")
def _(request: Request, response: Response, note: Note) -> None:
    response.end()
    note(attempt(response.write_continue))

    @request.stream.on("close")
    def close() -> None:
        note(attempt(response.write_continue))
        note(attempt(response.write_early_hints, {"link": "</a>; rel=preload"}))


@scenario("/hints")
def _(request: Request, response: Response, note: Note) -> None:
    note(attempt(response.write_early_hints, {"link": "</a.css>; rel=preload; as=style"}))
    links = ["</a.css>; rel=preload; as=style", "</b.js>; rel=preload; as=script"]
    note(attempt(response.write_early_hints, {"link": links, "x-trace": "id"}))
    note(response.headers_sent)
    response.end("page")


@scenario("/link-values")
def _(request: Request, response: Response, note: Note) -> None:
    for link in (
        "</a>; rel=preload",
        '<https://example.org/?a=b;c>; rel="preload"; crossorigin',
        '</a>; rel=preload; as="style", </b>; rel=preload',
        "</a>;rel=preload",
    ):
        note(attempt(response.write_early_hints, {"link": link}))
    response.end()


@scenario("/bad-hints")
def _(request: Request, response: Response, note: Note) -> None:
    wrong: list[Any] = [
        None, None, 5, "text", {}, {"link": []}, {"link": None}, {"link": 5}, {"link": ""},
        {"link": "no link"}, {"link": ["</a>; rel=preload", "no link"]},
        {"link": "/a.css; rel=preload"},
    ]  # fmt: skip
    for hints in wrong:
        note(attempt(response.write_early_hints, hints))
    response.end()


scenario_of_listeners = Scenarios()


@scenario_of_listeners("/checked")
async def _(request: Request, response: Response, note: Note) -> None:
    note(request.headers["expect"], response.headers_sent)
    note(attempt(response.write_continue))
    response.end(await request.read())


@scenario_of_listeners("/refused")
def _(request: Request, response: Response, note: Note) -> None:
    response.write_head(413)
    response.end("too much")


@scenario_of_listeners("/expected")
def _(request: Request, response: Response, note: Note) -> None:
    note(request.headers["expect"])
    response.end("as expected")


@scenario_of_listeners("/connect")
def _(request: Request, response: Response, note: Note) -> None:
    note(request.method, request.url is None, request.authority)
    response.write_head(200)
    read(request, lambda body: response.end(f"tunnel: {body}"))


LISTEN = ["check_continue", "check_expectation", "connect"]
WAITING = {"method": "POST", "headers": {"expect": "100-continue"}, "body": ["body"], "wait": True}
REQUESTS: dict[str, Any] = {
    "/automatic": WAITING,
    "/no-body": {"headers": {"expect": "100-continue"}},
    "/answered-at-once": WAITING,
    "/checked": WAITING,
    "/refused": WAITING,
    "/expected": {"headers": {"expect": "the best"}},
    "/connect": {
        "method": "CONNECT", "headers": {":authority": "example.org:443"}, "body": ["through"],
    },
}  # fmt: skip
WANTED = [{"path": path, **REQUESTS.get(path, {})} for path in scenario]
WANTED_OF_LISTENERS = [{"path": path, **REQUESTS[path]} for path in scenario_of_listeners]
# without listeners
REFUSED = [{"path": path, "mute": True, **REQUESTS[path]} for path in ("/expected", "/connect")]

# Intended differences from Node, and their reasons.
DIFFERENT: dict[str, Any] = {
    # there is no body (RFC 9110 section 10.1.1)
    "/no-body": {"info": None, "events": ["response", "end"]},
    # one value may have several links (RFC 8288 section 3)
    "/link-values": {
        "said": [[True]] * 4,
        "info": [
            [103, {"link": "</a>; rel=preload"}],
            [103, {"link": '<https://example.org/?a=b;c>; rel="preload"; crossorigin'}],
            [103, {"link": '</a>; rel=preload; as="style", </b>; rel=preload'}],
            [103, {"link": "</a>;rel=preload"}],
        ],
    },
}


@pytest.mark.interop
@pytest.mark.row("response.write_continue", "response.write_early_hints")
def test_beside_node(run: Run, theirs: Any) -> None:
    async def main() -> None:
        assert differences(await ours(scenario, WANTED), theirs[0], DIFFERENT) == {}

    run(main())


@pytest.mark.interop
@pytest.mark.row(
    "server.event.check_continue", "server.event.check_expectation", "server.event.connect"
)
def test_listeners_beside_node(run: Run, theirs: Any) -> None:
    async def main() -> None:
        seen = await ours(scenario_of_listeners, WANTED_OF_LISTENERS, LISTEN)
        assert differences(seen, theirs[1]) == {}

    run(main())


@pytest.mark.interop
@pytest.mark.row("server.event.check_expectation", "server.event.connect")
def test_without_listeners_beside_node(run: Run, theirs: Any) -> None:
    async def main() -> None:
        seen = await ours(scenario, REFUSED)
        assert differences(seen, theirs[2]) == {}
        assert (seen["/expected"]["status"], seen["/connect"]["status"]) == (417, 405)

    run(main())


@pytest.fixture(scope="module")
def theirs() -> Any:
    """Node's results."""
    return (
        of_node("continue", WANTED),
        of_node("continue", WANTED_OF_LISTENERS, LISTEN),
        of_node("continue", REFUSED),
    )


@pytest.mark.interop
@pytest.mark.row("response.write_early_hints")
def test_fields_of_early_hints(run: Run) -> None:
    def handler(request: Request, response: Response, note: Note) -> None:
        link = "</a>; rel=preload"
        for wrong in ({"x": "a\nb"}, {"x": None}, {"a b": "1"}, {":path": "/"}, {"upgrade": "x"}):
            note(attempt(response.write_early_hints, {"link": link, **wrong}))
        note(attempt(response.write_early_hints, {"LINK": link, "X-Many": ["a", "b"]}))
        response.end()

    async def main() -> None:
        seen = (await ours(Scenarios({"/": handler}), [{"path": "/"}]))["/"]
        assert [entry[0] for entry in seen["said"]] == [
            "ERR_INVALID_CHAR",
            "ERR_HTTP2_INVALID_HEADER_VALUE",
            "ERR_INVALID_HTTP_TOKEN",
            "ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED",
            "ERR_HTTP2_INVALID_CONNECTION_HEADERS",
            True,
        ]
        assert seen["info"] == [[103, {"link": "</a>; rel=preload", "x-many": "a, b"}]]

    run(main())


@pytest.mark.interop
@pytest.mark.row("response.write_early_hints", "server.event.check_continue")
def test_nghttp_and_curl(run: Run) -> None:
    async def main() -> None:
        async def handler(request: Request, response: Response) -> None:
            response.write_early_hints({"link": "</style.css>; rel=preload; as=style"})
            response.end(await request.read() or "page")

        async with listening(http2.create_server(handler)) as port:
            url = f"http://127.0.0.1:{port}/"
            out = (await execute("nghttp", "-v", "-t", "20", url)).decode()
            assert out.index(":status: 103") < out.index("link: </style.css>")
            assert out.index("link: </style.css>") < out.index(":status: 200")
            curl = ["curl", "-sS", "--http2-prior-knowledge", "--max-time", "20", "-D", "-"]
            # an expectation is case-insensitive
            expect = ["--expect100-timeout", "15", "-H", "Expect: 100-Continue"]
            out = (await execute(*curl, *expect, "--data-binary", "upload", url)).decode()
            statuses = [line.split()[1] for line in out.splitlines() if line[:6] == "HTTP/2"]
            assert statuses == ["100", "103", "200"]
            assert out.endswith("upload")

    run(main())


@pytest.mark.row("server.event.check_continue", "server.event.connect")
@pytest.mark.parametrize("event", LISTEN)
def test_listeners_may_be_coroutines_and_may_fail(
    run: Run, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async def handler(request: Request, response: Response) -> None:
            raise ValueError("of ours")

        server = http2.create_server()
        server.on("request", lambda request, response: response.end())
        server.on(event, handler)
        fields: dict[str, dict[str, Any]] = {
            "check_continue": {":method": "POST", "expect": "100-continue"},
            "check_expectation": {"expect": "the best"},
            "connect": {":method": "CONNECT", ":authority": "example.org:443"},
        }
        async with (
            listening(server) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request(fields[event])
            assert (await stream.response())[":status"] == 500
            stream.close()
        assert [record.exc_info[1].args for record in caplog.records if record.exc_info] == [
            ("of ours",)
        ]

    run(main())
