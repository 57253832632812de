"""Pushed responses, compared with Node."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import http2

from ..support.running import Run, execute
from ..support.serving import Events, listening
from .scenarios import Note, Scenarios, attempt, differences, of_node, ours

Request = http2.Http2ServerRequest
Response = http2.Http2ServerResponse

scenario = Scenarios()


@scenario("/pushed")
async def _(request: Request, response: Response, note: Note) -> None:
    pushed = await response.create_push_response({":path": "/style.css", "x-why": "link"})
    note(None, pushed.req is None, pushed.status_code, pushed.headers_sent)
    note(pushed.stream.id % 2, pushed.stream is response.stream)
    pushed.status_code = 203
    pushed.set_header("content-type", "text/css")
    pushed.set_trailer("x-sum", "1")
    pushed.write("body ")
    await pushed.end("{}")
    note("finish")
    response.end("asked for")


@scenario("/head")
async def _(request: Request, response: Response, note: Note) -> None:
    pushed = await response.create_push_response({":path": "/head", ":method": "HEAD"})
    pushed.write_head(200, {"content-length": 5}).end()
    response.end()


@scenario("/several")
async def _(request: Request, response: Response, note: Note) -> None:
    paths = ["/1", "/2", "/3"]
    promises = [response.create_push_response({":path": path}) for path in paths]
    for path, pushed in zip(paths, await asyncio.gather(*promises), strict=True):
        pushed.end(path)
    response.end()


@scenario("/disabled")
def _(request: Request, response: Response, note: Note) -> None:
    note(attempt(response.create_push_response, {":path": "/x"}))
    response.end()


@scenario("/nested")
async def _(request: Request, response: Response, note: Note) -> None:
    pushed = await response.create_push_response({":path": "/1"})
    note(attempt(pushed.create_push_response, {":path": "/2"}))
    pushed.end("1")
    response.end()


@scenario("/closed")
def _(request: Request, response: Response, note: Note) -> None:
    response.end()

    @response.stream.on("close")
    async def close() -> None:
        try:
            await response.create_push_response({":path": "/x"})
        except http2.Http2Error as error:
            note(error.code)


REQUESTS: dict[str, Any] = {"/disabled": {"settings": {"enablePush": False}}}
WANTED = [{"path": path, **REQUESTS.get(path, {})} for path in scenario]
# Intended differences from Node, and their reasons.
DIFFERENT: dict[str, Any] = {}


@pytest.fixture(scope="module")
def theirs() -> Any:
    """Node's results."""
    return of_node("push", WANTED)


@pytest.mark.interop
@pytest.mark.row("response.create_push_response", "response.req")
def test_beside_node(run: Run, theirs: Any) -> None:
    async def main() -> None:
        assert differences(await ours(scenario, WANTED), theirs, DIFFERENT) == {}

    run(main())


@pytest.mark.interop
@pytest.mark.row("response.create_push_response")
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({":status": 200}, "ERR_HTTP2_INVALID_PSEUDOHEADER"),
        ({"connection": "close"}, "ERR_HTTP2_INVALID_CONNECTION_HEADERS"),
        ({":method": "POST"}, "ERR_INVALID_ARG_VALUE"),
        ({"a b": "1"}, "ERR_INVALID_HTTP_TOKEN"),
    ],
)
def test_what_can_not_be_promised(run: Run, wrong: dict[str, Any], code: str) -> None:
    """It is refused at the call, without being awaited."""

    def handler(request: Request, response: Response, note: Note) -> None:
        note(attempt(response.create_push_response, {":path": "/x", **wrong}))
        response.end("page")

    async def main() -> None:
        seen = (await ours(Scenarios({"/": handler}), [{"path": "/"}]))["/"]
        assert seen["said"] == [[code]]
        assert (seen["body"], seen.get("pushes")) == ("page", None)

    run(main())


@pytest.mark.interop
@pytest.mark.row("response.create_push_response")
def test_nghttp_gets_what_is_pushed(run: Run) -> None:
    async def main() -> None:
        async def handler(request: Request, response: Response) -> None:
            pushed = await response.create_push_response({":path": "/style.css"})
            assert isinstance(pushed, http2.Http2ServerResponse)
            response.end("page;")
            pushed.end("style;")

        async with listening(http2.create_server(handler)) as port:
            out = await execute("nghttp", "-t", "20", f"http://127.0.0.1:{port}/")
            assert sorted(out.decode().split(";")) == ["", "page", "style"]

    run(main())


@pytest.mark.interop
@pytest.mark.row("response.create_push_response", "server.option.http2_server_response_class")
def test_pushed_responses_are_of_the_same_class(run: Run) -> None:
    class OwnResponse(http2.Http2ServerResponse):
        """A class of the program's own."""

    async def main() -> None:
        async def handler(request: Request, response: Response) -> None:
            pushed = await response.create_push_response({":path": "/pushed"})
            assert type(pushed) is OwnResponse
            pushed.end("pushed")
            response.end()

        server = http2.create_server(handler, http2_server_response_class=OwnResponse)
        async with listening(server) as port:
            out = await execute("nghttp", "-t", "20", f"http://127.0.0.1:{port}/")
            assert out == b"pushed"

    run(main())


@pytest.mark.row("response.create_push_response")
def test_a_promise_that_nobody_waits_for_any_more(run: Run) -> None:
    """The client allows one pushed stream; the second waits, and is cancelled."""

    async def main() -> None:
        events = Events()

        async def handler(request: Request, response: Response) -> None:
            first = await response.create_push_response({":path": "/1"})
            second = response.create_push_response({":path": "/2"})
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(second), 0.05)
            second.cancel()
            first.end("first")
            response.end("page")
            events.add("done")

        async with listening(http2.create_server(handler)) as port:
            session = http2.connect(
                f"http://127.0.0.1:{port}", settings={"max_concurrent_streams": 1}
            )
            pushed: asyncio.Queue[Any] = asyncio.Queue()
            session.on("stream", lambda stream, headers: pushed.put_nowait((stream, headers)))
            async with session:
                assert await session.request().read() == b"page"
                await events.expect("done")
                stream, headers = await pushed.get()
                assert headers[":path"] == "/1"
                assert await stream.read() == b"first"
                given_up, _ = await pushed.get()
                with pytest.raises(http2.StreamError):
                    await given_up.read()
                assert given_up.rst_code == http2.constants.NGHTTP2_CANCEL

    run(main())
