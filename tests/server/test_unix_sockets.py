"""A server on a Unix socket: its permissions, and its file."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import hello


@pytest.fixture(params=[0o022, 0o077, 0o000], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode_of(path: Path) -> int:
    found = path.lstat().st_mode
    assert stat.S_ISSOCK(found)
    return stat.S_IMODE(found)


async def greet(path: Path) -> None:
    async with http2.connect("http://localhost", path=str(path)) as session:
        assert await session.request().read() == b"hello"


@pytest.mark.row("server.listen.option.mode")
@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666, None])
def test_mode(run: Run, tmp_path: Path, umask: int, mode: int | None) -> None:
    async def main() -> None:
        path = tmp_path / "socket"
        server = http2.create_server()
        server.on("stream", hello)
        await server.listen(path=str(path), mode=mode)
        assert mode_of(path) == (0o777 & ~umask if mode is None else mode)
        await greet(path)
        async with server:
            pass
        assert os.listdir(tmp_path) == []

    run(main())


@pytest.mark.row("server.listen.option.mode")
def test_wrong_modes(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        server = http2.create_server()
        path = str(tmp_path / "socket")
        wrong: Any
        for wrong, code in (
            ("660", "ERR_INVALID_ARG_TYPE"),
            (True, "ERR_INVALID_ARG_TYPE"),
            (-1, "ERR_OUT_OF_RANGE"),
            (0o1777, "ERR_OUT_OF_RANGE"),
        ):
            with pytest.raises(http2.Http2Error) as caught:
                server.listen(path=path, mode=wrong)
            assert caught.value.code == code
        # addresses without a file
        for where in ({}, {"port": 0}, {"path": "\0abstract"}, {"path": ""}):
            arguments: Any = where
            with pytest.raises(http2.Http2Error) as caught:
                server.listen(**arguments, mode=0o600)
            assert caught.value.code == "ERR_INVALID_ARG_VALUE"
        assert os.listdir(tmp_path) == []
        await server.listen(path=path)
        await server.close()

    run(main())


@pytest.mark.row("server.listen.option.path")
@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("how", ["close", "timeout", "block", "cancelled", "relative", "bytes"])
def test_the_file_is_removed_when_the_server_listens_no_more(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    certificate: Certificate,
    secure: bool,
    how: str,
) -> None:
    async def main() -> None:
        path: Any = tmp_path / "socket"
        server: http2.Http2Server
        if secure:
            server = http2.create_secure_server(cert=certificate.cert, key=certificate.key)
        else:
            server = http2.create_server()
        if how == "relative":
            monkeypatch.chdir(tmp_path)
            await server.listen(path="socket")
            monkeypatch.chdir("/")
        else:
            await server.listen(path=os.fsencode(path) if how == "bytes" else path)
        assert path.is_socket()
        if how == "timeout":
            await server.close(timeout=1)
        elif how == "block":
            async with server:
                pass
        elif how == "cancelled":
            serving = asyncio.ensure_future(server.serve_forever())
            await asyncio.sleep(0)
            serving.cancel()
            await asyncio.wait([serving])
        else:
            server.close()
            # at the call: no client can connect any more
            assert not path.exists()
            await server.close()
        assert os.listdir(tmp_path) == []

    run(main())


@pytest.mark.row("server.listen.option.path")
@pytest.mark.parametrize("what", ["server", "file", "nothing", "link"])
def test_what_another_has_put_there_stays(run: Run, tmp_path: Path, what: str) -> None:
    async def main() -> None:
        path = tmp_path / "socket"
        old, new = http2.create_server(), http2.create_server()
        new.on("stream", hello)
        await old.listen(path=str(path))
        if what == "server":
            # a restart: the new process starts before the old one ends
            await new.listen(path=str(path))
        else:
            path.unlink()
        if what == "file":
            path.write_text("precious")
        elif what == "link":
            path.symlink_to("elsewhere")
        await old.close()
        if what == "server":
            await greet(path)
            async with new:
                pass
            assert not path.exists()
        elif what == "file":
            assert path.read_text() == "precious"
        elif what == "link":
            assert path.is_symlink()

    run(main())


@pytest.mark.row("server.listen.option.path", "server.listen.option.sock")
def test_files_that_are_not_the_server_s(run: Run, tmp_path: Path) -> None:
    """A socket that the program has bound stays its own; an abstract address has no file."""

    async def main() -> None:
        path = tmp_path / "socket"
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(path))
        server = http2.create_server()
        await server.listen(sock=sock)
        await server.close()
        assert path.is_socket()
        abstract = f"\0http2-{os.getpid()}"
        server.on("stream", hello)
        await server.listen(path=abstract)
        # uvloop does not connect to such addresses
        carrier = socket.socket(socket.AF_UNIX)
        carrier.connect(abstract)
        async with server:
            session = http2.connect("http://localhost", create_connection=lambda *_: carrier)
            assert await session.request().read() == b"hello"
            await session.close()

    run(main())


@pytest.mark.row("server.listen.option.path")
def test_a_folder_without_room_for_a_socket(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        server = http2.create_server()
        with pytest.raises(OSError, match="nowhere"):
            await server.listen(path=str(tmp_path / "nowhere" / "socket"), mode=0o600)
        await server.listen(path=str(tmp_path / "socket"))
        await server.close()

    run(main())
