"""The bodies of responses, and responses without one, compared with Node."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run, execute
from ..support.serving import Events, listening
from .scenarios import Note, Scenarios, attempt, differences, of_node, ours

Request = http2.Http2ServerRequest
Response = http2.Http2ServerResponse

scenario = Scenarios()


def state(response: Response) -> list[bool]:
    return [
        response.headers_sent,
        response.writable_ended,
        response.finished,
        response.writable_finished,
    ]


@scenario("/text")
def _(request: Request, response: Response, note: Note) -> None:
    response.end("text: é€")


@scenario("/nothing")
def _(request: Request, response: Response, note: Note) -> None:
    note(*state(response))
    note(attempt(response.end))
    note(*state(response)[:3])


@scenario("/empty")
def _(request: Request, response: Response, note: Note) -> None:
    note(attempt(response.write, ""))
    note(attempt(response.end, ""))


@scenario("/parts")
def _(request: Request, response: Response, note: Note) -> None:
    note(attempt(response.write, "one "))
    note(*state(response))
    note(attempt(response.write, bytearray(b"two ")))
    response.end(memoryview(b"three"))
    note(*state(response)[:3])


@scenario("/encodings")
def _(request: Request, response: Response, note: Note) -> None:
    response.write("a", "utf-16-le")
    response.end("b", "utf-16-le")


@scenario("/twice")
def _(request: Request, response: Response, note: Note) -> None:
    note(attempt(response.end, "once"), attempt(response.end, "twice"), attempt(response.end))


@scenario("/end-later")
def _(request: Request, response: Response, note: Note) -> None:
    response.write("now ")
    response.on("finish", lambda: note("finish", response.writable_finished))
    asyncio.get_running_loop().call_later(0.01, response.end, "later")


@scenario("/finish")
def _(request: Request, response: Response, note: Note) -> None:
    response.on("finish", lambda: note("finish", *state(response)))
    response.end("x" * 200_000)


@scenario("/listener-of-end")
def _(request: Request, response: Response, note: Note) -> None:
    @request.on("end")
    def end() -> None:
        note("end", request.complete)
        response.end("read")

    request.resume()


@scenario("/req")
def _(request: Request, response: Response, note: Note) -> None:
    note(response.req is request, response.stream is request.stream)
    response.end()


@scenario("/content-length")
def _(request: Request, response: Response, note: Note) -> None:
    response.set_header("content-length", 4)
    response.end("four")


@scenario("/head")
def _(request: Request, response: Response, note: Note) -> None:
    response.set_header("content-length", 4)
    note(attempt(response.end, "body"))
    note(*state(response)[:3])


@scenario("/head-in-parts")
def _(request: Request, response: Response, note: Note) -> None:
    response.write_head(200, {"content-length": 4})
    note(attempt(response.end))
    note(*state(response)[:3])


@scenario("/head-written")
def _(request: Request, response: Response, note: Note) -> None:
    response.write("body")
    response.end()


def bodiless(status: int, way: str) -> None:
    @scenario(f"/{status}-{way}")
    def _(request: Request, response: Response, note: Note) -> None:
        response.status_code = status
        if way == "end":
            note(attempt(response.end, "body"))
        else:
            response.write_head(status, {"content-length": 4})
            if way == "write":
                note(attempt(response.write, "body"))
            note(attempt(response.end))
        note(*state(response))


for status in (204, 205, 304):
    for way in ("end", "head", "write"):
        bodiless(status, way)

WANTED = [
    {"path": path, "method": "HEAD" if path.startswith("/head") else "GET"} for path in scenario
]

# Intended differences from Node, and their reasons.
DIFFERENT: dict[str, Any] = {
    # False means "wait for drain", which is never emitted here; and `finish` is still to come
    f"/{status}-write": {"said": [[True], ["itself"], [True, True, True, False]]}
    for status in (204, 205, 304)
}


@pytest.fixture(scope="module")
def theirs() -> Any:
    """Node's results."""
    return of_node("bodies", WANTED)


@pytest.mark.interop
@pytest.mark.row(
    "server.event.request",
    "response.bodiless",
    "response.end",
    "response.event.finish",
    "response.finished",
    "response.headers_sent",
    "response.req",
    "response.stream",
    "response.writable_ended",
    "response.writable_finished",
    "response.write",
)
def test_beside_node(run: Run, theirs: Any) -> None:
    async def main() -> None:
        seen = await ours(scenario, WANTED)
        assert differences(seen, theirs, DIFFERENT) == {}

    run(main())


# --- other clients ------------------------------------------------------------------------


def greet(request: Request, response: Response) -> None:
    """One handler for all requests of curl and nghttp."""
    response.status_code = int(request.url[1:])
    response.set_header("x-method", request.method)
    response.end("greetings")


@pytest.mark.interop
@pytest.mark.row("module.on_request", "response.bodiless")
def test_curl(run: Run) -> None:
    async def main() -> None:
        async with listening(http2.create_server(greet)) as port:
            curl = ["curl", "-sS", "--http2-prior-knowledge", "--max-time", "20", "-w",
                    "%{http_version} %{http_code} %{size_download} %header{x-method}"]  # fmt: skip
            url = f"http://127.0.0.1:{port}/"
            assert await execute(*curl, url + "200") == b"greetings2 200 9 GET"
            assert await execute(*curl, url + "404", "-d", "x") == b"greetings2 404 9 POST"
            head = await execute(*curl, url + "200", "--head", "-o", "/dev/null")
            assert head == b"2 200 0 HEAD"
            for status in (204, 205, 304):
                got = await execute(*curl, f"{url}{status}")
                assert got == f"2 {status} 0 GET".encode()

    run(main())


@pytest.mark.interop
@pytest.mark.row("module.on_request", "response.bodiless")
def test_nghttp(run: Run) -> None:
    async def main() -> None:
        async with listening(http2.create_server(greet)) as port:
            url = f"http://127.0.0.1:{port}/"
            assert await execute("nghttp", "-t", "20", url + "200") == b"greetings"
            for status in ("204", "205", "304"):
                out = (await execute("nghttp", "-nv", "-t", "20", url + status)).decode()
                assert f":status: {status}" in out
                # the stream ends with its headers: there is no DATA frame
                assert "recv DATA" not in out

    run(main())


# --- writing ------------------------------------------------------------------------------


@pytest.mark.row("module.on_request")
def test_what_is_no_handler() -> None:
    with pytest.raises(http2.Http2TypeError) as caught:
        http2.create_server("no handler")  # type: ignore[arg-type]
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"


@pytest.mark.interop
@pytest.mark.row("response.write", "response.end")
def test_what_is_no_body(run: Run) -> None:
    """It is refused before the headers are sent, so that the handler can send an error."""

    def handler(request: Request, response: Response, note: Note) -> None:
        for wrong in (5, None, ["x"], {"a": 1}):
            note(attempt(response.write, wrong), response.headers_sent)
            if wrong is not None:
                note(attempt(response.end, wrong), response.headers_sent, response.writable_ended)
        with pytest.raises(LookupError):
            response.end("x", "no-such-encoding")
        note(response.headers_sent, response.writable_ended)
        response.status_code = 400
        response.end("no body")

    async def main() -> None:
        seen = (await ours(Scenarios({"/": handler}), [{"path": "/"}]))["/"]
        code = "ERR_INVALID_ARG_TYPE"
        assert [entry for entry in seen["said"] if entry != [code, False, False]] == [
            *[[code, False]] * 4,
            [False, False],
        ]
        assert (seen["status"], seen["body"]) == (400, "no body")

    run(main())


@pytest.mark.row("response.end", "response.writable", "response.destroyed")
def test_end_is_awaitable(run: Run) -> None:
    """It waits until everything was passed to the transport."""

    async def main() -> None:
        events = Events()

        async def handler(request: Request, response: Response) -> None:
            assert response.writable
            ending = response.end(bytes(300_000) if request.url == "/whole" else None)
            assert ending is response
            assert not response.writable
            await ending
            events.add(request.url, response.writable_finished)
            await ending  # again, after everything was passed on

        async with (
            listening(http2.create_server(handler)) as port,
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.get(1, "/empty"))
            assert await events.expect("/empty") == ("/empty", True)
            peer.send(raw.get(3, "/whole"))
            await peer.answered()
            assert "/whole" not in events.names  # the window is smaller than the body
            peer.send(raw.window_update(3, 300_000), raw.window_update(0, 300_000))
            assert await events.expect("/whole") == ("/whole", True)

    run(main())


@pytest.mark.row("response.end", "response.drain", "response.destroyed", "response.event.close")
@pytest.mark.parametrize(("code", "name"), [(8, "CANCEL"), (0, "NO_ERROR"), (2, "INTERNAL_ERROR")])
def test_who_waits_for_a_client_that_leaves(run: Run, code: int, name: str) -> None:
    """The handler's task is cancelled, and another waiting task gets the reason."""

    async def main() -> None:
        told: asyncio.Queue[Any] = asyncio.Queue()
        tasks = []

        async def outside(waiting: Any, response: Response) -> None:
            with pytest.raises(http2.StreamError, match=name):
                await waiting
            assert response.destroyed
            assert not response.writable
            assert not response.writable_finished
            told.put_nowait("told")

        async def handler(request: Request, response: Response) -> None:
            response.on("error", lambda error: None)
            response.on("finish", lambda: told.put_nowait("finish"))
            response.on("close", lambda: told.put_nowait("close"))
            assert not response.write(bytes(300_000))
            loop = asyncio.get_running_loop()
            tasks.append(loop.create_task(outside(response.drain(), response)))
            tasks.append(loop.create_task(outside(response.end(), response)))
            try:
                await response
            except (asyncio.CancelledError, http2.StreamError):
                told.put_nowait("ended")
                raise

        async with (
            listening(http2.create_server(handler)) as port,
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.get())
            await peer.until(raw.DATA, 1)
            peer.send(raw.rst_stream(1, code))
            async with asyncio.timeout(raw.PATIENCE):
                assert sorted([await told.get() for _ in range(4)]) == [
                    "close", "ended", "told", "told",
                ]  # fmt: skip

    run(main())


@pytest.mark.row("response.drain", "response.writable_length", "response.write")
def test_a_slow_reader_keeps_memory_bounded(run: Run) -> None:
    async def main() -> None:
        chunk = bytes(16_384)
        count = 256
        queued: list[int] = []
        written = 0

        async def handler(request: Request, response: Response) -> None:
            nonlocal written
            for _ in range(count):
                more = response.write(chunk)
                written += 1
                queued.append(response.writable_length)
                assert more is (response.writable_length < 65_536)
                if not more:
                    await response.drain()
            response.end()

        async with (
            listening(http2.create_server(handler)) as port,
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.get())
            await peer.until(raw.HEADERS, 1)
            for _ in range(5):
                await peer.answered()
            # at most a window on its way, and the queue
            assert 4 <= written <= (65_535 + 65_536) // len(chunk) + 1
            got = sum(len(frame.payload) for frame in peer.seen if frame.type == raw.DATA)
            peer.send(raw.window_update(0, got), raw.window_update(1, got))
            assert got + len(await peer.body(1)) == count * len(chunk)
            assert written == count
            assert max(queued) < 65_536 + len(chunk)

    run(main())


@pytest.mark.row("response.event.drain", "response.writable_length")
def test_drain_is_an_event_too(run: Run) -> None:
    async def main() -> None:
        events = Events()

        def handler(request: Request, response: Response) -> None:
            events.listen(response, "drain", "finish", "close")
            left = 8

            @response.on("drain")
            def more() -> None:
                nonlocal left
                while left:
                    left -= 1
                    if not response.write(bytes(50_000)):
                        return
                response.end()

            more()

        async with (
            listening(http2.create_server(handler)) as port,
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.get())
            assert len(await peer.body(1)) == 400_000
            await events.expect("finish")
            assert set(events.names) == {"drain", "finish"}
            assert events.names.count("drain") >= 3

    run(main())
