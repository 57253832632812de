"""Accepting: no free descriptors, a limit of connections, and which connections count."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

import http2
from http2.net import listener

from ..support import raw
from ..support.dialled import PATIENCE
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import check_serves, eventually, hello, listening, serving
from ..support.tls import trusting

# --- without files to spare -------------------------------------------------------------------

# Counts log records, and returns them at /report; has SPARE files after its first request.
PROGRAM = """
import asyncio, json, logging, os, resource, sys, time
import http2

SPARE = 12
lines = []


class Counting(logging.Handler):
    def emit(self, record):
        lines.append([record.name, record.levelname, record.getMessage()])


def answer(request, response):
    if request.url == "/scarce":
        used = len(os.listdir("/proc/self/fd"))
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + SPARE, hard))
    response.end(json.dumps({"cpu": time.process_time(), "lines": lines}))


async def main():
    logging.getLogger().addHandler(Counting())
    logging.getLogger().setLevel(logging.WARNING)
    server = http2.create_server(answer)
    await server.listen(0, "127.0.0.1")
    print(server.address()[1], flush=True)
    await server.serve_forever()


if sys.argv[1] == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""


@pytest.fixture(params=["asyncio", "uvloop"])
def scarce(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a process that runs `PROGRAM`."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(PROGRAM), request.param],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


async def ask(session: http2.ClientHttp2Session, path: str = "/report") -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        answer: dict[str, Any] = json.loads(await session.request({":path": path}).read())
    return answer


def test_no_files_to_spare(run_asyncio: Run, scarce: int) -> None:
    """Clients wait, one line is logged, no processor is busy, and then they are served."""

    async def main() -> None:
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(http2.connect(f"http://127.0.0.1:{scarce}"))
            await ask(session, "/scarce")
            crowd = [await RawPeer.dial(scarce) for _ in range(60)]
            for peer in crowd:
                stack.push_async_callback(peer.close)
                peer.send(raw.PREFACE, raw.settings(), raw.get())
            report = await ask(session)
            while not report["lines"]:
                report = await ask(session)
            # longer than the interval between attempts
            before = report["cpu"]
            await asyncio.sleep(2.5 * listener.RETRY)
            report = await ask(session)
            assert report["cpu"] - before < 0.1
            [[name, level, message]] = report["lines"]
            assert (name, level) == ("http2", "WARNING")
            assert "too many open files (EMFILE)" in message
            assert "accepting again when a connection closes or in 1 s" in message
            # all of them are served, a few at a time, as others disconnect
            for peer in crowd:
                assert await peer.body(1)
                await peer.close()
            report = await ask(session)
            assert len(report["lines"]) == 1
            assert report["cpu"] - before < 1

    run_asyncio(main())


def test_no_files_for_a_moment(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """If no connection closes here, accepting resumes by itself."""
    monkeypatch.setattr(listener, "RETRY", 0.1)
    caplog.set_level(logging.DEBUG, "http2")
    failing = [errno.ENFILE, errno.ENFILE, errno.ECONNABORTED]
    accept = socket.socket.accept

    def fail(sock: socket.socket) -> Any:
        if failing:
            raise OSError(failing.pop(0), "as if")
        return accept(sock)

    async def main() -> None:
        async with serving(hello) as (_, port):
            monkeypatch.setattr(socket.socket, "accept", fail)
            await check_serves(port)

    run(main())
    said = [record for record in caplog.records if "accepting again" in record.getMessage()]
    assert [record.levelname for record in said] == ["WARNING", "DEBUG"]
    assert "too many open files in the system (ENFILE)" in said[0].getMessage()


# --- max_connections --------------------------------------------------------------------------


@pytest.mark.row("server.option.max_connections", "server.connections")
def test_clients_beyond_the_limit_wait(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with serving(hello, max_connections=2) as (server, port), AsyncExitStack() as stack:
            first, second = [
                await stack.enter_async_context(await RawPeer.connect(port)) for _ in range(2)
            ]
            assert server.connections == 2
            waiting = [await stack.enter_async_context(await RawPeer.dial(port)) for _ in range(4)]
            for peer in waiting:
                peer.send(raw.PREFACE, raw.settings(), raw.get())
            # connected clients are still served
            first.send(raw.get())
            assert await first.body(1) == b"hello"
            await second.answered()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(waiting[0].reader.read(1), 0.1)
            assert server.connections == 2
            for leaving, served in zip([first, *waiting[:3]], waiting, strict=True):
                await leaving.close()
                assert await served.body(1) == b"hello"
                assert server.connections == 2
            await second.close()
            await waiting[3].close()
            await eventually(lambda: server.connections == 0)
            await check_serves(port)

    run(main())
    [record] = [record for record in caplog.records if record.name == "http2"]
    assert record.levelname == "WARNING"
    assert "max_connections (2) reached" in record.getMessage()


def test_sessions_of_this_library_beyond_the_limit(run: Run) -> None:
    """A waiting client does not notice it; TLS makes no difference."""

    async def main() -> None:
        async with serving(hello, max_connections=1) as (_, port):

            async def fetch() -> bytes:
                async with http2.connect(f"http://127.0.0.1:{port}") as session:
                    return await session.request().read()

            assert await asyncio.gather(*(fetch() for _ in range(20))) == [b"hello"] * 20

    run(main())


def test_connections_that_were_brought_count(run: Run) -> None:
    async def main() -> None:
        async with serving(hello, max_connections=2) as (server, port):
            ours, theirs = socket.socketpair()
            server.emit("connection", theirs)
            reader, writer = await asyncio.open_connection(sock=ours)
            async with RawPeer(reader, writer) as brought, await RawPeer.connect(port):
                brought.send(raw.PREFACE, raw.settings())
                await brought.until(raw.SETTINGS)
                assert server.connections == 2
                async with await RawPeer.dial(port) as waiting:
                    waiting.send(raw.PREFACE, raw.settings())
                    with pytest.raises(TimeoutError):
                        await asyncio.wait_for(waiting.reader.read(1), 0.1)
                    await brought.close()
                    await waiting.until(raw.SETTINGS)

    run(main())


@pytest.mark.parametrize(
    ("value", "code"),
    [(0, "ERR_OUT_OF_RANGE"), (-1, "ERR_OUT_OF_RANGE"), ("1", "ERR_INVALID_ARG_TYPE"),
     (True, "ERR_INVALID_ARG_TYPE"), (1.5, "ERR_INVALID_ARG_TYPE")],
)  # fmt: skip
def test_bad_limits(value: Any, code: str) -> None:
    with pytest.raises(http2.Http2Error, match="max_connections") as caught:
        http2.create_server(max_connections=value)
    assert caught.value.code == code


# --- connections ------------------------------------------------------------------------------


@pytest.mark.row("server.connections")
@pytest.mark.parametrize("protocol", ["silent", "h2", "http1", "upgrade"])
def test_what_counts_in_the_clear(run: Run, protocol: str) -> None:
    async def main() -> None:
        server = http2.create_server(lambda _, response: response.end("hello"), allow_http1=True)

        @server.on("upgrade")
        async def leave(_: Any, sock: http2.RawSocket, __: bytes) -> None:
            sock.writer.write(b"raw")
            try:
                await sock.reader.read()
            finally:
                sock.writer.close()

        counted: list[int] = []
        server.on("connection", lambda _: counted.append(server.connections))
        said = {
            "silent": b"",
            "h2": raw.PREFACE + raw.settings(),
            "http1": b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
            "upgrade": b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: b\r\n\r\n",
        }[protocol]
        async with listening(server) as port:
            for manner in ("close", "abort"):
                async with await RawPeer.dial(port) as peer:
                    peer.send(said)
                    if said:
                        await peer.bytes(3)
                    await eventually(lambda: server.connections == 1)
                    await (peer.close() if manner == "close" else peer.abort())
                    await eventually(lambda: server.connections == 0)
            assert counted == [1, 1]

    run(main())


@pytest.mark.row("server.connections")
@pytest.mark.parametrize("kind", ["silent", "garbage", "no alpn", "other alpn", "h2"])
def test_what_counts_over_tls(run: Run, certificate: Certificate, kind: str) -> None:
    async def main() -> None:
        server = http2.create_secure_server(cert=certificate.cert, key=certificate.key)
        counted: list[int] = []
        server.on("connection", lambda _: counted.append(server.connections))
        server.on("tls_client_error", lambda *_: counted.append(server.connections))
        context = trusting(certificate)
        if kind in ("h2", "other alpn"):
            context.set_alpn_protocols(["h2" if kind == "h2" else "spdy/1"])
        plain = kind in ("silent", "garbage")
        async with listening(server) as port:
            if kind == "other alpn":
                with pytest.raises(OSError):  # noqa: PT011
                    await RawPeer.dial(port, context)
            else:
                async with await RawPeer.dial(port, None if plain else context) as peer:
                    await eventually(lambda: server.connections == 1)
                    if kind == "garbage":
                        peer.send(b"GET / HTTP/1.1\r\n\r\n")
                    elif kind == "h2":
                        peer.send(raw.PREFACE, raw.settings())
                        await peer.until(raw.SETTINGS)
                        assert server.connections == 1
            await eventually(lambda: server.connections == 0)
            # the event for a failed handshake comes when the connection is closed
            assert counted == ([1] if kind in ("no alpn", "h2") else [1, 0])

    run(main())


# --- where it listens -------------------------------------------------------------------------


@pytest.mark.row("server.listen")
def test_several_addresses(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        server.on("stream", hello)
        addresses: Any = ["127.0.0.1", "127.0.0.2", "127.0.0.1"]
        await server.listen(0, "127.0.0.1")
        port = server.address()[1]
        await server.close()
        await server.listen(port, addresses)
        async with server:
            for address in addresses:
                async with http2.connect(f"http://{address}:{port}") as session:
                    assert await session.request().read() == b"hello"

    run(main())


@pytest.mark.row("server.listen.option.path")
def test_a_socket_that_was_left_behind(run: Run, tmp_path: Path) -> None:
    """As from a process that was killed: it is replaced. A file of another kind is not."""

    async def main() -> None:
        path = tmp_path / "socket"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
        server = http2.create_server()
        server.on("stream", hello)
        await server.listen(path=str(path))
        async with server, http2.connect("http://localhost", path=str(path)) as session:
            assert await session.request().read() == b"hello"
        file = tmp_path / "file"
        file.write_text("precious")
        with pytest.raises(OSError, match="file") as caught:
            await server.listen(path=str(file))
        assert caught.value.errno == errno.EADDRINUSE
        assert file.read_text() == "precious"

    run(main())


def test_sockets_that_accept_nothing(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        with (
            socket.socket(type=socket.SOCK_DGRAM) as sock,
            pytest.raises(ValueError, match="stream socket"),
        ):
            await server.listen(sock=sock)
        assert not server.listening
        await server.listen(0, "127.0.0.1")
        await server.close()

    run(main())


def test_no_such_host(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        with pytest.raises(OSError):  # noqa: PT011
            await server.listen(0, "no-such-host.invalid")
        with pytest.raises(OSError, match=r"192\.0\.2\.1") as caught:
            await server.listen(0, "192.0.2.1")
        assert caught.value.errno == errno.EADDRNOTAVAIL

    run(main())


def test_who_waits_when_the_server_closes(run: Run) -> None:
    """Clients in the queue are refused, and do not stay there."""

    async def main() -> None:
        async with (
            serving(hello, max_connections=1) as (server, port),
            await RawPeer.connect(port) as first,
            await RawPeer.dial(port) as waiting,
        ):
            await first.answered()
            done = asyncio.ensure_future(server.close(timeout=0.2))
            with contextlib.suppress(ConnectionError):
                assert await waiting.bytes() == b""
            await first.rest()
            await done

    run(main())
