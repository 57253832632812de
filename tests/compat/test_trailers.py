"""Trailers of requests and of responses, compared with Node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import Events, listening
from .scenarios import Note, Scenarios, attempt, differences, of_node, ours

Request = http2.Http2ServerRequest
Response = http2.Http2ServerResponse

scenario = Scenarios()


def flat(pairs: list[tuple[str, str]]) -> list[str]:
    """Return *pairs* in Node's form."""
    return [text for pair in pairs for text in pair]


def read(request: Request, note: Note, end: Callable[[], Any]) -> None:
    note(request.trailers, flat(request.raw_trailers))
    request.resume()

    @request.on("end")
    def ended() -> None:
        note(request.trailers, flat(request.raw_trailers))
        end()


@scenario("/sent")
def _(request: Request, response: Response, note: Note) -> None:
    response.set_header("trailer", "x-sum, x-list")
    response.set_trailer(" X-Sum ", 42)
    response.add_trailers({"X-List": ["a", "b"], "x-other": "c"})
    response.end("body")


@scenario("/after-the-head")
def _(request: Request, response: Response, note: Note) -> None:
    response.write_head(200)
    response.write("body")
    response.set_trailer("x-late", "yes")
    response.end()


@scenario("/without-a-body")
def _(request: Request, response: Response, note: Note) -> None:
    response.set_trailer("x-sum", "0")
    response.end()


@scenario("/overwritten")
def _(request: Request, response: Response, note: Note) -> None:
    response.set_trailer("x-sum", "1")
    response.set_trailer("X-SUM", "2")
    response.end("body")


@scenario("/no-trailers")
def _(request: Request, response: Response, note: Note) -> None:
    response.end("body")


@scenario("/connection")
def _(request: Request, response: Response, note: Note) -> None:
    with pytest.warns(http2.UnsupportedWarning, match="connection"):
        response.set_trailer("connection", "close")
    response.set_trailer("x-a", "b")
    response.end("body")


@scenario("/large-body")
def _(request: Request, response: Response, note: Note) -> None:
    response.set_trailer("x-sum", "1")
    response.end("x" * 200_000)


@scenario("/received")
@scenario("/received-none")
@scenario("/received-alone")
def _(request: Request, response: Response, note: Note) -> None:
    read(request, note, response.end)


REQUESTS: dict[str, Any] = {
    "/received": {
        "method": "POST",
        "body": ["some ", "body"],
        "trailers": {"x-sum": "42", "x-list": ["a", "b"], "set-cookie": "c=1"},
    },
    "/received-none": {"method": "POST", "body": ["body"]},
    "/received-alone": {"method": "POST", "trailers": {"x-sum": "0"}},
}
WANTED = [{"path": path, **REQUESTS.get(path, {})} for path in scenario]


# Intended differences from Node, and their reasons.
DIFFERENT: dict[str, Any] = {
    # Node drops the trailers of a response without a body
    "/without-a-body": {"trailers": {"x-sum": "0"}},
}


@pytest.fixture(scope="module")
def theirs() -> Any:
    """Node's results."""
    return of_node("trailers", WANTED)


@pytest.mark.interop
@pytest.mark.row(
    "request.trailers",
    "request.raw_trailers",
    "response.add_trailers",
    "response.set_trailer",
)
def test_beside_node(run: Run, theirs: Any) -> None:
    async def main() -> None:
        seen = await ours(scenario, WANTED)
        assert differences(seen, theirs, DIFFERENT) == {}

    run(main())


@pytest.mark.interop
@pytest.mark.row("response.set_trailer", "response.add_trailers")
def test_trailers_that_are_too_late_or_wrong(run: Run) -> None:
    """Node accepts them after the end, and drops them."""

    def handler(request: Request, response: Response, note: Note) -> None:
        note(attempt(response.add_trailers, 5), attempt(response.add_trailers, ["x"]))
        note(attempt(response.add_trailers, {"x-a": "1", ":status": "200"}))
        response.add_trailers([("x-b", "2")])
        response.end("body")
        note(attempt(response.set_trailer, "x-c", "3"))
        note(attempt(response.add_trailers, {"x-c": "3"}))

    async def main() -> None:
        seen = (await ours(Scenarios({"/": handler}), [{"path": "/"}]))["/"]
        assert seen["said"] == [
            ["ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_VALUE"],
            ["ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED"],
            ["ERR_HTTP2_TRAILERS_ALREADY_SENT"],
            ["ERR_HTTP2_TRAILERS_ALREADY_SENT"],
        ]
        assert seen["trailers"] == {"x-a": "1", "x-b": "2"}

    run(main())


@pytest.mark.interop
@pytest.mark.row("response.bodiless", "response.set_trailer")
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_trailers_without_a_body(run: Run, method: str) -> None:
    """A response without a body ends with its headers, and its trailers are dropped."""

    def handler(request: Request, response: Response, note: Note) -> None:
        response.status_code = 200 if method == "HEAD" else 204
        response.set_trailer("x-sum", "1")
        response.end("body")

    async def main() -> None:
        scenarios = Scenarios({"/": handler})
        seen = (await ours(scenarios, [{"path": "/", "method": method}]))["/"]
        assert (seen["body"], seen["events"], seen["code"]) == ("", ["response", "end"], 0)
        assert "trailers" not in seen

    run(main())


@pytest.mark.row("request.trailers", "request.raw_trailers", "request.iteration")
def test_trailers_are_there_when_the_body_has_been_read(run: Run) -> None:
    async def main() -> None:
        events = Events()

        async def handler(request: Request, response: Response) -> None:
            parts = []
            async for chunk in request:
                parts.append(chunk)
                assert request.trailers == {}
                assert request.raw_trailers == []
            events.add("read", b"".join(parts), request.trailers["X-Sum"], request.raw_trailers)
            response.end()

        async with (
            listening(http2.create_server(handler)) as port,
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.post(), raw.data(1, b"one "), raw.data(1, b"two"))
            await peer.answered()
            assert not events.seen
            peer.send(raw.headers(1, [("x-sum", "1"), ("x-sum", "2")], end_stream=True))
            assert await events.expect("read") == (
                "read", b"one two", "1, 2", [("x-sum", "1"), ("x-sum", "2")],
            )  # fmt: skip
            assert (await peer.until(raw.HEADERS, 1)).status == 200

    run(main())
