"""http2.run: a program that ends when no server listens and no session is open."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvloop

import http2

from ..cancellation.cutting import open_files, stepped
from ..support.peers import first_line
from ..support.running import execute
from ..support.serving import hello

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
    """Unreferenced objects end when the rest is done; ref() reverses unref()."""
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
    assert not servers[0].open_connections.transports


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

if "no_ctrl_c" in sys.argv:  # what a shell does with programs in the background
    signal.signal(signal.SIGINT, signal.SIG_IGN)
else:
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
    stop = asyncio.Event()
    if "own" in sys.argv:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print(server.address()[1], flush=True)
    if "own" in sys.argv:
        await stop.wait()
        server.close()
    if "wait" in sys.argv or "serving" in sys.argv:
        await server.serve_forever()
    if "block" in sys.argv:
        async with server:
            await asyncio.get_running_loop().create_future()
    if "inside" in sys.argv:
        await asyncio.get_running_loop().create_future()
    return "result"

loop_factory = uvloop.new_event_loop if "uvloop" in sys.argv else None
print(http2.run(main, loop_factory=loop_factory))
"""


@pytest.mark.interop
@pytest.mark.row("module.run", "habit.sigterm")
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize(
    ("number", "case"),
    [(signal.SIGINT, case) for case in ("idle", "busy", "stuck", "wait", "inside", "serving")]
    + [(signal.SIGTERM, case) for case in ("idle", "busy", "wait", "serving", "block")],
)
def test_ctrl_c_and_sigterm(
    loop: str, number: int, case: str, background: Callable[..., Any]
) -> None:
    """``stuck`` and ``inside``: a request that never ends is cut off after the time of grace.

    ``serving`` and ``block``: main waits, for `serve_forever` and inside ``async with server``.
    """
    process = background(sys.executable, "-W", "error", "-c", PROGRAM, loop, case)
    port = int(first_line(process))
    path = "/forever" if case in ("stuck", "inside") else "/"
    curl: subprocess.Popen[bytes] | None = None
    if case not in ("idle", "wait"):
        curl = subprocess.Popen(
            ["curl", "-sSN", "--http2-prior-knowledge", "--max-time", "20",
             f"http://127.0.0.1:{port}{path}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert first_line(process) == "begun\n"
    process.send_signal(number)
    out, _ = process.communicate(timeout=20)
    assert "unclosed" not in out
    if case in ("wait", "inside", "serving", "block"):
        # main was not done: as with asyncio.run
        assert out.rstrip().endswith("KeyboardInterrupt")
        assert process.returncode != 0
    else:
        assert (process.returncode, out) == (0, "result\n")
    if curl is not None:
        body, error = curl.communicate(timeout=20)
        if case in ("busy", "serving", "block"):
            assert (curl.returncode, body) == (0, b"begun and ended")
        else:
            assert (curl.returncode != 0, body) == (True, b"begun "), error


@pytest.mark.interop
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("case", ["stuck", "serving", "block"])
@pytest.mark.parametrize(
    "numbers",
    [(signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT),
     (signal.SIGTERM, signal.SIGTERM)],
    ids=lambda numbers: "+".join(signal.Signals(number).name for number in numbers),
)  # fmt: skip
def test_the_second_signal_ends_at_once(
    loop: str, case: str, numbers: tuple[int, int], background: Callable[..., Any]
) -> None:
    process = background(sys.executable, "-c", PROGRAM, loop, case)
    port = int(first_line(process))
    command = ["curl", "-sSN", "--http2-prior-knowledge", f"http://127.0.0.1:{port}/forever"]
    curl = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert first_line(process) == "begun\n"
    process.send_signal(numbers[0])
    # the first one was handled: the port is closed
    while _accepts(port):
        time.sleep(0.01)
    begun = time.monotonic()
    process.send_signal(numbers[1])
    out, _ = process.communicate(timeout=20)
    assert time.monotonic() - begun < 15
    assert out.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT
    curl.communicate(timeout=20)


IN_A_PROTOCOL = """
import asyncio, signal, socket, sys, http2

class Protocol(asyncio.BufferedProtocol):
    def get_buffer(self, size):
        signal.raise_signal(signals.pop(0))
        return bytearray(100)

signals = [signal.SIGINT, signal.SIGTERM]

async def main():
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    await loop.create_connection(Protocol, sock=ours)
    theirs.send(b"x")
    try:
        await asyncio.sleep(30)
    finally:
        theirs.send(b"x")
        await asyncio.sleep(30)

loop_factory = asyncio.new_event_loop
if sys.argv[1] == "uvloop":
    import uvloop
    loop_factory = uvloop.new_event_loop
print("begun", flush=True)
http2.run(main, loop_factory=loop_factory)
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_second_signal_while_a_protocol_is_called(
    loop: str, background: Callable[..., Any]
) -> None:
    """An exception there is the protocol's failure for uvloop."""
    process = background(sys.executable, "-c", IN_A_PROTOCOL, loop)
    # all at once: `communicate` does not get data that `first_line` has read ahead
    out, _ = process.communicate(timeout=20)
    assert out.startswith("begun\n")
    assert out.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:
        pass  # the port was closed meanwhile
    return True


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_sigterm_where_ctrl_c_is_ignored(loop: str, background: Callable[..., Any]) -> None:
    process = background(sys.executable, "-W", "error", "-c", PROGRAM, loop, "idle", "no_ctrl_c")
    first_line(process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20)[0] == "result\n"
    assert process.returncode == 0


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_sigterm_is_the_program_s_own_when_it_wants_it(
    loop: str, background: Callable[..., Any]
) -> None:
    process = background(sys.executable, "-W", "error", "-c", PROGRAM, loop, "own")
    first_line(process)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20)[0] == "result\n"
    assert process.returncode == 0


@pytest.mark.row("habit.cancelled_anywhere", "module.run")
@pytest.mark.parametrize("coming", [False, True])
def test_a_signal_at_every_point(factory: Factory, coming: bool) -> None:
    """Wherever main waits: it is cancelled or done, and nothing is left."""
    seen: list[str] = []
    made: list[http2.Http2Server] = []

    async def main() -> None:
        server = http2.create_server()
        made.append(server)
        server.on("stream", hello)
        async with server:
            await server.listen(0, "localhost")
            async with http2.connect(f"http://localhost:{server.address()[1]}") as session:
                await session.ping()
                assert await session.request().read() == b"hello"
        seen.append("done")

    async def interrupted(coroutine: Any, point: int) -> None:
        await stepped(coroutine, point, coming, lambda: signal.raise_signal(number))

    gc.collect()  # objects that other tests have left for the collector are not counted
    files = open_files()
    number = signal.SIGTERM
    before = signal.getsignal(number)
    for point in range(1000):
        with contextlib.suppress(KeyboardInterrupt):
            http2.run(interrupted(main(), point), loop_factory=factory)
        assert not made[-1].open_connections.transports
        assert not made[-1].listening
        assert open_files() <= files
        assert signal.getsignal(number) == before
        if seen:
            break
    assert point > 4


def test_signals_are_given_back(factory: Factory) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    inside: list[Any] = []

    async def main() -> None:
        inside.extend(signal.getsignal(number) for number in numbers)

    http2.run(main, loop_factory=factory)
    assert [signal.getsignal(number) for number in numbers] == before
    assert inside[1] is not before[1]


def test_run_in_a_thread_of_its_own(factory: Factory) -> None:
    """Only the main thread gets signals."""

    async def main() -> str:
        return "result"

    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(http2.run, main, loop_factory=factory).result() == "result"


@pytest.mark.interop
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
