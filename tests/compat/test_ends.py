"""The ends of requests and responses: normal, by the client, by the handler, late; beside Node."""

from __future__ import annotations

import asyncio
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


def watch(request: Request, response: Response, note: Note) -> None:
    for event in ("aborted", "end", "close"):
        request.on(event, lambda event=event: note("request", event))
    for event in ("finish", "close"):
        response.on(event, lambda event=event: note("response", event))


def later(call: Callable[..., Any], *args: Any) -> None:
    asyncio.get_running_loop().call_later(0.03, call, *args)


@scenario("/whole")
def _(request: Request, response: Response, note: Note) -> None:
    watch(request, response, note)
    request.resume()
    response.end("whole")


@scenario("/cancelled")
def _(request: Request, response: Response, note: Note) -> None:
    watch(request, response, note)
    request.on("close", lambda: note(request.aborted, request.complete, response.finished))
    response.write("some")


@scenario("/failed")
def _(request: Request, response: Response, note: Note) -> None:
    watch(request, response, note)
    response.on("error", lambda _: None)
    response.write("some")


@scenario("/cancelled-upload")
def _(request: Request, response: Response, note: Note) -> None:
    watch(request, response, note)
    request.resume()
    response.write("some")


@scenario("/destroyed")
def _(request: Request, response: Response, note: Note) -> None:
    watch(request, response, note)
    response.destroy()
    note(request.stream.destroyed)


@scenario("/destroyed-with-error")
def _(request: Request, response: Response, note: Note) -> None:
    watch(request, response, note)
    response.destroy(ValueError("of ours"))
    response.destroy(ValueError("once more"))


@scenario("/destroyed-later")
def _(request: Request, response: Response, note: Note) -> None:
    watch(request, response, note)
    response.write("some")
    later(response.destroy, ValueError("of ours"))


@scenario("/after-the-close")
def _(request: Request, response: Response, note: Note) -> None:
    response.end("x")

    @response.stream.on("close")
    def close() -> None:
        note(attempt(response.end, "y"), attempt(response.write_head, 200))
        response.set_timeout(1)
        note(response.headers_sent, response.writable_ended, response.finished)
        note(attempt(response.set_header, "x", "1"), attempt(response.remove_header, "x"))
        note(attempt(response.flush_headers))


@scenario("/cancelled-after-the-end")
def _(request: Request, response: Response, note: Note) -> None:
    watch(request, response, note)
    request.on("close", lambda: note(request.aborted, response.finished, request.complete))
    response.end("x" * 300_000)


@scenario("/early")
def _(request: Request, response: Response, note: Note) -> None:
    watch(request, response, note)
    response.end("early")


@scenario("/early-while-reading")
def _(request: Request, response: Response, note: Note) -> None:
    @request.once("data")
    def data(chunk: bytes) -> None:
        note("data", chunk.decode())
        response.end("early")

    request.on("close", lambda: note("close", request.aborted))


@scenario("/ended-twice-and-destroyed")
def _(request: Request, response: Response, note: Note) -> None:
    watch(request, response, note)
    response.end("x")

    @request.on("close")
    def close() -> None:
        response.destroy()
        request.destroy()
        note(response.finished)


@scenario("/end-after-the-reset")
def _(request: Request, response: Response, note: Note) -> None:
    response.on("error", lambda _: None)
    response.write("some")
    request.on("close", lambda: note(attempt(response.end), attempt(response.end, "more")))


REQUESTS: dict[str, Any] = {
    "/cancelled": {"close": 8},
    "/failed": {"close": 11},
    "/cancelled-upload": {"method": "POST", "body": ["x"], "open": True, "close": 8},
    "/end-after-the-reset": {"close": 8},
    "/cancelled-after-the-end": {"close": 8},
    "/early": {"method": "POST", "body": ["some"], "open": True},
    "/early-while-reading": {"method": "POST", "body": ["some"]},
}
WANTED = [{"path": path, **REQUESTS.get(path, {})} for path in scenario]
# This library's events for responses that were passed to the transport completely.
WELL: dict[str, Any] = {
    "/whole": [["request", "end"], ["response", "finish"], ["request", "close"]],
    "/early": [["response", "finish"], ["request", "close"]],
    "/ended-twice-and-destroyed": [
        ["response", "finish"],
        ["request", "end"],
        ["request", "close"],
        [True],
    ],
}


def essence(theirs: Any) -> Any:
    """Return Node's entries without events that it emits after every end.

    Node's response emits both ``finish`` and ``close`` in any case; its request emits ``end`` after
    ``close``, even if its body was cut off. Here ``finish`` means that the response was passed to
    the transport completely, ``close`` that it never will be, and ``end`` that the body is
    complete.
    """
    for path, seen in theirs.items():
        said = seen["said"]
        closed = said.index(["request", "close"]) if ["request", "close"] in said else len(said)
        seen["said"] = [
            entry
            for n, entry in enumerate(said)
            if entry != ["response", "finish"] and not (entry == ["request", "end"] and n > closed)
        ]
        seen["said"] = WELL.get(path, seen["said"])
    return theirs


@pytest.fixture(scope="module")
def theirs() -> Any:
    """Node's results."""
    return essence(of_node("ends", WANTED))


@pytest.mark.interop
@pytest.mark.row(
    "request.aborted",
    "request.destroyed",
    "request.event.aborted",
    "request.event.close",
    "response.destroy",
    "response.event.close",
    "response.event.finish",
)
def test_beside_node(run: Run, theirs: Any) -> None:
    async def main() -> None:
        assert differences(await ours(scenario, WANTED), theirs) == {}

    run(main())


# --- calls that come too late -------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.row("response.write", "response.end")
def test_writing_after_the_end(run: Run) -> None:
    """It raises, and earlier data arrives completely; Node destroys the stream."""

    def handler(request: Request, response: Response, note: Note) -> None:
        response.end("x" * 100_000)
        note(attempt(response.write, "y"), attempt(response.end, "y"))

    async def main() -> None:
        seen = (await ours(Scenarios({"/": handler}), [{"path": "/"}]))["/"]
        assert seen["said"] == [["ERR_STREAM_WRITE_AFTER_END", "itself"]]
        assert (seen["code"], len(seen["body"])) == (0, 100_000)

    run(main())


@pytest.mark.row("response.write", "response.create_push_response")
def test_writing_after_the_close(run: Run) -> None:
    """Node returns False, and reports no error."""

    async def main() -> None:
        events = Events()

        def handler(request: Request, response: Response) -> None:
            response.write("some")

            @request.on("close")
            async def closed() -> None:
                assert not response.writable
                events.add("write", attempt(response.write, "more"))
                with pytest.raises(http2.Http2Error) as caught:
                    await response.create_push_response({":path": "/pushed"})
                events.add("push", caught.value.code)

        async with (
            listening(http2.create_server(handler)) as port,
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.get())
            await peer.until(raw.DATA, 1)
            peer.send(raw.rst_stream(1))
            assert await events.expect("push") == ("push", "ERR_HTTP2_INVALID_STREAM")
            assert events.seen[0] == ("write", "ERR_HTTP2_INVALID_STREAM")

    run(main())


# --- destroying ---------------------------------------------------------------------------


@pytest.mark.row(
    "request.destroy",
    "request.destroyed",
    "request.event.error",
    "response.destroyed",
    "response.event.error",
)
@pytest.mark.parametrize("face", ["request", "response"])
def test_destroying_with_an_error(run: Run, face: str) -> None:
    """Listeners of both get the error; the client gets INTERNAL_ERROR."""

    async def main() -> None:
        events = Events()

        def handler(request: Request, response: Response) -> None:
            events.listen(request, "error", "close", prefix="request ")
            events.listen(response, "error", "close", prefix="response ")
            assert not request.destroyed
            {"request": request, "response": response}[face].destroy(ValueError("of ours"))
            assert request.destroyed
            assert response.destroyed

        async with (
            listening(http2.create_server(handler)) as port,
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.get())
            assert (await peer.until(raw.RST_STREAM, 1)).code == 2
            await events.expect("response close")
            assert events.names == [
                "request error", "response error", "request close", "response close",
            ]  # fmt: skip
            assert str(events.seen[0][1]) == "of ours"
            await check_again(port)

    run(main())


async def check_again(port: int) -> None:
    """The server still works."""
    async with await RawPeer.connect(port) as peer:
        await peer.answered()


@pytest.mark.row("request.event.error", "response.event.error")
def test_a_client_that_resets_with_an_error(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        events = Events()

        def handler(request: Request, response: Response) -> None:
            events.listen(request, "error", prefix="request ")
            events.listen(response, "error", prefix="response ")
            response.write("some")

        async with (
            listening(http2.create_server(handler)) as port,
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.get())
            await peer.until(raw.DATA, 1)
            peer.send(raw.rst_stream(1, 11))
            for face in ("request", "response"):
                error = (await events.expect(f"{face} error"))[1]
                assert (error.code, error.error_code) == ("ERR_HTTP2_STREAM_ERROR", 11)
            await check_again(port)
        assert not caplog.records

    run(main())


# --- handlers that fail -------------------------------------------------------------------


def at_once(request: Request, response: Response) -> None:
    raise ValueError("of ours")


async def in_a_coroutine(request: Request, response: Response) -> None:
    await asyncio.sleep(0)
    raise ValueError("of ours")


def in_a_listener(request: Request, response: Response) -> None:
    @request.on("end")
    def end() -> None:
        raise ValueError("of ours")

    request.resume()


def in_a_listener_of_the_response(request: Request, response: Response) -> None:
    @response.on("anything")
    async def anything() -> None:
        raise ValueError("of ours")

    response.emit("anything")


def after_the_head(request: Request, response: Response) -> None:
    response.write_head(200, {"x": "1"})
    raise ValueError("of ours")


async def inside_the_body(request: Request, response: Response) -> None:
    response.write("some")
    await asyncio.sleep(0.01)
    raise ValueError("of ours")


@pytest.mark.row("server.event.request", "module.on_request", "rule.errors")
@pytest.mark.parametrize(
    ("handler", "status"),
    [
        (at_once, 500),
        (in_a_coroutine, 500),
        (in_a_listener, 500),
        (in_a_listener_of_the_response, 500),
        (after_the_head, 200),
        (inside_the_body, 200),
    ],
)
def test_handlers_that_fail(
    run: Run, handler: Any, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """500 if nothing was sent, else RST_STREAM; one log entry; other requests continue."""

    async def main() -> None:
        def choose(request: Request, response: Response) -> Any:
            if request.url == "/well":
                response.end("well")
                return None
            return handler(request, response)

        async with (
            listening(http2.create_server(choose)) as port,
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.get(1, "/"), raw.get(3, "/well"))
            answered = await peer.until(raw.HEADERS, 1)
            assert answered.status == status
            assert answered.ends_stream is (status == 500)
            if status == 200:
                assert (await peer.until(raw.RST_STREAM, 1)).code == 2
            peer.send(raw.get(5, "/well"))
            assert await peer.body(5) == b"well"
        assert [record.exc_info[1].args for record in caplog.records if record.exc_info] == [
            ("of ours",)
        ]
        assert len(caplog.records) == 1

    run(main())


# --- time ---------------------------------------------------------------------------------


@pytest.mark.row("request.set_timeout", "response.set_timeout")
@pytest.mark.parametrize("face", ["request", "response"])
def test_a_request_that_takes_too_long(run: Run, face: str) -> None:
    """Without a listener of ``timeout``, only this stream is closed, with CANCEL."""

    async def main() -> None:
        def handler(request: Request, response: Response) -> None:
            if request.url == "/well":
                response.end("well")
                return
            chosen: Any = {"request": request, "response": response}[face]
            assert chosen.set_timeout(0.05) is chosen

        async with (
            listening(http2.create_server(handler)) as port,
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.get())
            assert (await peer.until(raw.RST_STREAM, 1)).code == 8
            peer.send(raw.get(3, "/well"))
            assert await peer.body(3) == b"well"

    run(main())


@pytest.mark.row(
    "request.set_timeout",
    "response.set_timeout",
    "request.event.timeout",
    "response.event.timeout",
)
@pytest.mark.parametrize("face", ["request", "response"])
@pytest.mark.parametrize("way", ["callback", "listener", "server"])
def test_somebody_listens_to_timeout(run: Run, face: str, way: str) -> None:
    async def main() -> None:
        events = Events()

        def handler(request: Request, response: Response) -> None:
            chosen: Any = {"request": request, "response": response}[face]

            def late(*_: Any) -> None:
                chosen.set_timeout(0)
                events.add("timeout")
                response.write_head(503).end("late")

            if way == "callback":
                chosen.set_timeout(0.05, late)
            elif way == "listener":
                other: Any = {"request": response, "response": request}[face]
                other.on("timeout", late)
                chosen.set_timeout(0.05)
            else:
                server.once("timeout", late)
                chosen.set_timeout(0.05)

        server = http2.create_server(handler)
        async with (
            listening(server) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request()
            assert (await stream.response())[":status"] == 503
            assert await stream.read() == b"late"
            assert events.names == ["timeout"]

    run(main())


@pytest.mark.interop
@pytest.mark.row("request.set_timeout", "response.set_timeout")
def test_timeouts_that_are_none(run: Run) -> None:
    def handler(request: Request, response: Response, note: Note) -> None:
        wrong: Any
        for wrong in ("1", -1, float("nan"), float("inf"), None):
            note(attempt(request.set_timeout, wrong), attempt(response.set_timeout, wrong))
        note(attempt(request.set_timeout, 1, 5), attempt(response.set_timeout, 1, "x"))
        response.end()

    async def main() -> None:
        seen = (await ours(Scenarios({"/": handler}), [{"path": "/"}]))["/"]
        kind, size = "ERR_INVALID_ARG_TYPE", "ERR_OUT_OF_RANGE"
        assert [entry[0] for entry in seen["said"]] == [kind, size, size, size, kind, kind]
        assert all(first == second for first, second in seen["said"])
        assert seen["status"] == 200

    run(main())
