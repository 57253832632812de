"""``http2 serve`` loads a replaced certificate without losing a connection."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

import http2

from ..asgi.servers.uvicorns import VERSIONS, Process
from ..support.certificates import Issued, shown
from ..support.serving import eventually
from .serving import serving

BARE = "tests.asgi.programs.bare:app"


@pytest.fixture(scope="module")
def issued() -> list[Issued]:
    """Create two certificates."""
    return [Issued.make(), Issued.make()]


@pytest.fixture
def files(tmp_path: Path, issued: list[Issued]) -> list[Path]:
    """The files that the server reads, with the first certificate."""
    found = [tmp_path / "cert.pem", tmp_path / "key.pem"]
    issued[0].write(*found)
    return found


def options(files: list[Path]) -> list[str]:
    return ["--ssl-certfile", str(files[0]), "--ssl-keyfile", str(files[1])]


class Client:
    """A client that makes requests, and connects again when the server ends the connection."""

    def __init__(self, url: str, *authorities: bytes) -> None:
        self.url = url.replace("127.0.0.1", "localhost")
        self.ca = list(authorities)
        self.answers = 0
        self.end = False
        # the certificates of its connections
        self.certificates: list[bytes] = []

    async def run(self) -> None:
        while not self.end:
            async with http2.connect(self.url, ca=self.ca) as session:
                await session
                self.certificates.append(shown(session))
                while not self.end and not session.closed:
                    try:
                        assert await session.request({":path": "/"}).read() == b"hello"
                    except http2.Http2Error as error:
                        # the server has not processed it, as the error says (RFC 9113 section 8.7)
                        if not getattr(error, "retryable", False):
                            raise
                    else:
                        self.answers += 1
                    await asyncio.sleep(0.002)  # the server has other work too


async def presented(url: str, issued: list[Issued]) -> int:
    """Return which of *issued* a new connection gets."""
    async with http2.connect(
        url.replace("127.0.0.1", "localhost"), ca=[one.ca for one in issued]
    ) as session:
        assert await session.request({":path": "/"}).read() == b"hello"
        return [one.der for one in issued].index(shown(session))


async def asking_on(client: Client, doing: Coroutine[Any, Any, None]) -> None:
    """Replace the certificate while *client* makes requests."""
    asked = asyncio.create_task(client.run())
    await eventually(lambda: client.answers > 0 or asked.done())
    try:
        await doing
        answers = client.answers
        await eventually(lambda: client.answers > answers or asked.done())
    finally:
        client.end = True
        await asked


@pytest.mark.row("beyond.serve")
@pytest.mark.parametrize(
    ("loop", "version"), [("asyncio", "newest"), *(("uvloop", version) for version in VERSIONS)]
)
def test_one_process(issued: list[Issued], files: list[Path], loop: str, version: str) -> None:
    """Established connections continue, with earlier requests and with new ones."""

    async def main(process: Process) -> None:
        client = Client(process.url, issued[0].ca)

        async def replaced() -> None:
            async with http2.connect(client.url, ca=issued[0].ca) as old:
                stream = old.request({":path": "/slow?1"})
                assert (await stream.response())[":status"] == 200
                for turn in range(1, 4):
                    issued[turn % 2].write(*files)
                    process.process.send_signal(signal.SIGHUP)
                    await asyncio.to_thread(process.line, "Certificate reloaded")
                    assert await presented(process.url, issued) == turn % 2
                assert await stream.read() == b"begun and ended"

        await asking_on(client, replaced())
        assert len(client.certificates) == 1

    with serving(BARE, *options(files), "--loop", loop, version=version) as process:
        asyncio.run(main(process))
        process.stop()
    assert process.process.returncode == 0


def test_a_certificate_that_cannot_be_used(issued: list[Issued], files: list[Path]) -> None:
    """The server keeps the old certificate completely, and a line says why."""

    async def main(process: Process) -> None:
        cert, _ = files
        for data, reason in (
            (issued[1].cert, "MISMATCH|mismatch"), (b"no PEM", "PEM"), (None, "No such file"),
        ):  # fmt: skip
            if data is None:
                cert.unlink()
            else:
                cert.write_bytes(data)
            process.process.send_signal(signal.SIGHUP)
            line = await asyncio.to_thread(
                process.line, "not reloaded, the server keeps the old one"
            )
            assert any(part in line for part in reason.split("|")), line
            assert await presented(process.url, issued) == 0
        issued[1].write(*files)
        process.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(process.line, "Certificate reloaded")
        assert await presented(process.url, issued) == 1

    with serving(BARE, *options(files)) as process:
        asyncio.run(main(process))
        process.stop()
    assert process.process.returncode == 0


def test_workers(issued: list[Issued], files: list[Path]) -> None:
    """Workers and connections are replaced one by one: no request fails."""

    async def main(process: Process) -> None:
        client = Client(process.url, *(one.ca for one in issued))

        async def replaced() -> None:
            issued[1].write(*files)
            process.process.send_signal(signal.SIGHUP)
            # both of them
            for _ in range(2):
                await asyncio.to_thread(process.line, "Finished server process")
            assert await presented(process.url, issued) == 1

        await asking_on(client, replaced())
        assert client.certificates[0] == issued[0].der
        assert client.certificates[-1] == issued[1].der

    with serving(BARE, *options(files), "--workers", "2") as process:
        for _ in range(2):
            process.line("Application startup complete")
        asyncio.run(main(process))
        process.stop()
    assert process.process.returncode == 0


def test_a_terminal_that_is_closed(issued: list[Issued], files: list[Path]) -> None:
    """When the terminal is closed, SIGHUP ends the command; otherwise it does not."""
    ours, theirs = pty.openpty()
    try:
        with serving(BARE, *options(files), stdin=theirs) as process:
            issued[1].write(*files)
            process.process.send_signal(signal.SIGHUP)
            process.line("Certificate reloaded")
            os.close(ours)
            ours = -1
            process.process.send_signal(signal.SIGHUP)
            said = process.wait()
        assert process.process.returncode == 0
        assert "the application shuts down" in said
    finally:
        os.close(theirs)
        if ours >= 0:
            os.close(ours)


@pytest.mark.interop
def test_a_key_with_a_password(issued: list[Issued], files: list[Path]) -> None:
    """The passphrase is the one given at the start; without one, the terminal is not asked."""
    one = issued[1]

    def encrypt(password: str) -> None:
        files[1].write_bytes(
            subprocess.run(
                ["openssl", "pkey", "-aes128", "-passout", f"pass:{password}"],
                input=one.key, capture_output=True, check=True,
            ).stdout
        )  # fmt: skip

    async def main(process: Process) -> None:
        encrypt("other")
        process.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(process.line, "not reloaded")
        encrypt("secret")
        files[0].write_bytes(one.cert)
        process.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(process.line, "Certificate reloaded")
        assert await presented(process.url, issued) == 1

    with serving(BARE, *options(files), "--ssl-keyfile-password", "secret") as process:
        asyncio.run(main(process))
        process.stop()
    assert process.process.returncode == 0
