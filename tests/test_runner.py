"""http2.run: a program that ends when nothing is left to do."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

import http2

from .conftest import execute
from .peers import first_line
from .serving import hello

Factory = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def factory(request: pytest.FixtureRequest) -> Factory:
    made: Factory = request.param
    return made


def test_it_returns_the_result(factory: Factory) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> str:
        loops.append(asyncio.get_running_loop())
        return "result"

    assert http2.run(main(), loop_factory=factory) == "result"
    assert http2.run(main, loop_factory=factory) == "result"
    assert {isinstance(loop, uvloop.Loop) for loop in loops} == {factory is uvloop.new_event_loop}
    assert all(loop.is_closed() for loop in loops)


@pytest.mark.row("module.run", "server.ref")
def test_it_waits_for_servers_and_sessions(factory: Factory) -> None:
    seen: list[str] = []

    async def main() -> str:
        server = http2.create_server()
        server.on("stream", hello)
        await server.listen(0, "127.0.0.1")
        session = http2.connect(f"http://127.0.0.1:{server.address()[1]}")
        stream = session.request()

        @stream.on("close")
        def ended() -> None:
            seen.append("stream")
            session.close()

        server.unref()
        server.ref()

        @session.on("close")
        def gone() -> None:
            seen.append("session")
            asyncio.get_running_loop().call_later(0.05, late)

        def late() -> None:
            seen.append("late")
            server.close()

        server.on("close", lambda: seen.append("server"))
        stream.resume()
        seen.append("main")
        return "result"

    assert http2.run(main, loop_factory=factory) == "result"
    assert seen == ["main", "stream", "session", "late", "server"]


@pytest.mark.row("session.ref", "session.unref", "server.unref")
@pytest.mark.parametrize("again", [False, True])
def test_unref(factory: Factory, again: bool) -> None:
    """What is not referenced is ended when the rest is done; ref() makes up for it."""
    seen: list[str] = []

    async def main() -> None:
        server = http2.create_server()
        server.unref()
        await server.listen(0, "127.0.0.1")
        session = await http2.connect(f"http://127.0.0.1:{server.address()[1]}")
        session.unref()
        served = next(iter(server._sessions), None)
        if served is None:
            await session.ping()
            (served,) = server._sessions
        served.unref()
        session.on("close", lambda: seen.append("session"))
        if again:
            session.ref()

            async def end() -> None:
                await session.ping()
                seen.append("pinged")
                session.close()

            asyncio.get_running_loop().call_soon(lambda: tasks.append(asyncio.create_task(end())))

    tasks: list[Any] = []
    http2.run(main, loop_factory=factory)
    assert seen == (["pinged", "session"] if again else ["session"])


def test_a_session_that_fails_to_connect_is_not_waited_for(factory: Factory) -> None:
    async def main() -> None:
        async def refuse(*_: Any) -> None:
            raise ConnectionRefusedError

        http2.connect("http://localhost", create_connection=refuse).on("error", lambda _: None)

    http2.run(main, loop_factory=factory)


def test_what_main_raises_ends_everything(factory: Factory) -> None:
    servers: list[http2.Http2Server] = []

    async def main() -> None:
        server = http2.create_server()
        servers.append(await server.listen(0, "127.0.0.1"))
        await http2.connect(f"http://127.0.0.1:{server.address()[1]}")
        raise LookupError("on purpose")

    with pytest.raises(LookupError):
        http2.run(main, loop_factory=factory)
    assert not servers[0].listening
    assert not servers[0]._transports


@pytest.mark.parametrize("main", [None, 5, "main", lambda: 5])
def test_what_cannot_be_run(main: Any) -> None:
    with pytest.raises(http2.Http2TypeError) as caught:
        http2.run(main)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"


def test_not_inside_a_loop() -> None:
    async def inner() -> None:
        raise AssertionError

    async def main() -> None:
        with pytest.raises(RuntimeError):
            http2.run(inner())

    asyncio.run(main())


PROGRAM = """
import asyncio, signal, sys
import http2, uvloop

signal.signal(signal.SIGINT, signal.default_int_handler)
server = http2.create_server()

@server.on("stream")
async def on_stream(stream, headers):
    stream.write("begun ")
    print("begun", flush=True)
    if headers[":path"] == "/forever":
        await asyncio.get_running_loop().create_future()
    await asyncio.sleep(0.3)
    stream.end("and ended")

async def main():
    await server.listen(0, "127.0.0.1")
    print(server.address()[1], flush=True)
    if "wait" in sys.argv:
        await server.serve_forever()
    if "inside" in sys.argv:
        await asyncio.get_running_loop().create_future()
    return "result"

loop_factory = uvloop.new_event_loop if "uvloop" in sys.argv else None
print(http2.run(main, loop_factory=loop_factory))
"""


@pytest.mark.row("module.run")
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("case", ["idle", "busy", "stuck", "wait", "inside"])
def test_ctrl_c(loop: str, case: str, background: Callable[..., Any]) -> None:
    """``stuck`` and ``inside``: a request that never ends is cut off after the time of grace."""
    process = background(sys.executable, "-W", "error", "-c", PROGRAM, loop, case)
    port = int(first_line(process))
    path = "/forever" if case in ("stuck", "inside") else "/"
    curl: subprocess.Popen[bytes] | None = None
    if case in ("busy", "stuck", "inside"):
        curl = subprocess.Popen(
            ["curl", "-sSN", "--http2-prior-knowledge", "--max-time", "20",
             f"http://127.0.0.1:{port}{path}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert first_line(process) == "begun\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert "unclosed" not in out
    if case in ("wait", "inside"):
        # main was not done: as with asyncio.run
        assert out.rstrip().endswith("KeyboardInterrupt")
        assert process.returncode != 0
    else:
        assert (process.returncode, out) == (0, "result\n")
    if curl is not None:
        body, error = curl.communicate(timeout=20)
        if case == "busy":
            assert (curl.returncode, body) == (0, b"begun and ended")
        else:
            assert (curl.returncode != 0, body) == (True, b"begun "), error


def test_a_client_is_served_by_a_program_that_only_listens(factory: Factory) -> None:
    async def main() -> None:
        server = http2.create_server()
        server.on("stream", hello)
        await server.listen(0, "127.0.0.1")
        url = f"http://127.0.0.1:{server.address()[1]}/"

        async def ask() -> None:
            found.append(await execute("curl", "-sS", "--http2-prior-knowledge", url))
            server.close()

        tasks.append(asyncio.create_task(ask()))

    found: list[bytes] = []
    tasks: list[Any] = []
    http2.run(main, loop_factory=factory)
    assert found == [b"hello"]
