"""HAProxy and nginx, started from the files of examples/deploy, with traffic through them."""

from __future__ import annotations

import asyncio
import hashlib
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import websockets

import http2

from ..asgi.asking import port_of
from ..asgi.servers.uvicorns import Process, starting
from ..restarts.rolling import reachable
from ..support.running import Run, execute
from ..support.self_signed import Certificate
from ..support.serving import listening
from .files import DEPLOY, Place, haproxy, haproxy_sees_both, nginx

pytestmark = pytest.mark.interop

Command = Callable[[Place], list[str]]
SERVE = [
    sys.executable, "-m", "http2", "serve", "app:app", "--app-dir", str(DEPLOY), "--port", "0",
]  # fmt: skip
SERVICE = [sys.executable, str(DEPLOY / "service.py"), "--port", "0", "--proxy", "127.0.0.0/8"]
# The clients' address, which differs from the proxies'.
CLIENT = "127.0.0.9"
# Fields that a client may forge.
SPOOFED = ["-H", "x-forwarded-for: 203.0.113.7", "-H", "x-forwarded-proto: gopher"]


def instances(stack: ExitStack, certificate: Certificate, *, tls: bool) -> list[Process]:
    """Two instances of the application."""
    files = ["--ssl-certfile", certificate.cert, "--ssl-keyfile", certificate.key]
    command = [*SERVE, *files] if tls else SERVE
    return [stack.enter_context(starting(command, "newest")) for _ in range(2)]


def place_of(folder: Path, certificate: Certificate, made: list[Process], tls: bool) -> Place:
    """The files and ports for a proxy in front of them."""
    one, two = (port_of(process.url) for process in made)
    return Place(folder, certificate, (one, two), tls=tls)


@asynccontextmanager
async def running(command: list[str], port: int, said: list[str]) -> AsyncIterator[None]:
    """Run a proxy until the end of the block; *said* gets its output."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    reading = asyncio.ensure_future(process.stdout.read())
    try:
        async with asyncio.timeout(20):
            await reachable(port)
        yield
    finally:
        process.terminate()
        said += (await reading).decode().splitlines()
        await process.wait()


@pytest.mark.parametrize("proxy", [haproxy, nginx], ids=lambda proxy: proxy.__name__)
def test_the_file_is_valid(tmp_path: Path, certificate: Certificate, proxy: Command) -> None:
    """The proxy accepts it without a warning."""
    command = proxy(Place(tmp_path, certificate, (1, 2)))
    check = "-c" if proxy is haproxy else "-t"
    done = subprocess.run([*command, check], capture_output=True, text=True, timeout=20)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "warn" not in said.lower()


def ask_by_grpc(place: Place) -> None:
    """Small and large messages, and many at once."""
    trust = grpc.ssl_channel_credentials(Path(place.certificate.cert).read_bytes())
    with grpc.secure_channel(f"localhost:{place.front}", trust) as channel:
        say = channel.unary_unary("/example.Echo/Say")
        assert say(b"hello", timeout=20) == b"hello"
        assert say(bytes(300_000), timeout=20) == bytes(300_000)
        calls = [say.future(b"%d" % number, timeout=20) for number in range(50)]
        assert [call.result() for call in calls] == [b"%d" % number for number in range(50)]
        with pytest.raises(grpc.RpcError) as failed:
            channel.unary_unary("/example.Nothing/Say")(b"", timeout=20)
        error: Any = failed.value
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED


def curl_of(place: Place) -> list[str]:
    """Run curl as a client from elsewhere that trusts the proxy."""
    trust = ["--cacert", place.certificate.cert]
    return ["curl", "-4sS", "--interface", CLIENT, "--max-time", "20", *trust]


async def ask_by_curl(place: Place, between: str) -> None:
    """Both protocols for clients; the proxy uses the protocol *between* for the application."""
    url = f"https://localhost:{place.front}"
    body = hashlib.shake_128(b"body").digest(300_000)
    curl = curl_of(place)
    for option, version in (("--http2", "2"), ("--http1.1", "1.1")):
        told = await execute(*curl, option, *SPOOFED, "-w", "%{http_version}", url)
        assert told.decode() == f"https over HTTP/{between} from {CLIENT}\n{version}"
        digest = await execute(*curl, option, "--data-binary", "@-", url + "/digest", stdin=body)
        assert digest.decode() == hashlib.sha256(body).hexdigest()
        events = await execute(*curl, option, url + "/ticks?count=3")
        assert events == b"data: tick 0\n\ndata: tick 1\n\ndata: tick 2\n\n"


async def ask_by_websocket(place: Place) -> None:
    """As browsers do without WebSockets over HTTP/2."""
    context = ssl.create_default_context(cafile=place.certificate.cert)
    async with websockets.connect(f"wss://localhost:{place.front}/chat", ssl=context) as chat:
        for text in ("hello", "x" * 100_000):
            await chat.send(text)
            assert await chat.recv() == f"you said: {text}"


async def ask_in_parallel(session: http2.ClientHttp2Session, turns: int) -> None:
    """Uploads and downloads, 50 at a time on one connection."""
    body = bytes(51_200)
    digest = hashlib.sha256(body).hexdigest()

    async def ask(number: int) -> None:
        for turn in range(turns):
            if (number + turn) % 2:
                stream = session.request({":path": "/download?bytes=100000"})
                assert len(await stream.read()) == 100_000
            else:
                stream = session.request({":method": "POST", ":path": "/digest"})
                stream.end(body)
                assert await stream.text() == digest

    async with asyncio.timeout(40):
        await asyncio.gather(*(ask(number) for number in range(50)))


@pytest.mark.row("beyond.deploy")
@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
def test_haproxy(run_asyncio: Run, certificate: Certificate, tmp_path: Path, tls: bool) -> None:
    """HTTP/2 to the instances, in the clear and over TLS."""

    async def main(place: Place) -> None:
        async with running(haproxy(place), place.front, []):
            async with asyncio.timeout(20):
                await haproxy_sees_both(place)
            await ask_by_curl(place, "2")
            await ask_by_websocket(place)
            await asyncio.to_thread(ask_by_grpc, place)
            async with http2.connect(
                f"https://localhost:{place.front}", ca=certificate.cert
            ) as session:
                await ask_in_parallel(session, 2)
            async with http2.connect_websocket(
                f"wss://localhost:{place.front}/chat", ca=certificate.cert
            ) as chat:
                await chat.send("hello")
                assert await chat.recv() == "you said: hello"

    with ExitStack() as stack:
        made = instances(stack, certificate, tls=tls)
        run_asyncio(main(place_of(tmp_path, certificate, made, tls)))
        for process in made:
            log = process.stop()
            # its share, without an error
            assert '"POST /example.Echo/Say HTTP/2" 200' in log
            assert '"GET /health HTTP/2" 200' in log
            assert 'HTTP/1.1"' not in log
            assert "Traceback" not in log


@pytest.mark.row("beyond.deploy")
def test_nginx(run_asyncio: Run, certificate: Certificate, tmp_path: Path) -> None:
    """HTTP/1.1 to the instances, and HTTP/2 for gRPC."""
    said: list[str] = []

    async def main(place: Place) -> None:
        async with running(nginx(place), place.front, said):
            await ask_by_curl(place, "1.1")
            await ask_by_websocket(place)
            await asyncio.to_thread(ask_by_grpc, place)
            async with http2.connect(
                f"https://localhost:{place.front}", ca=certificate.cert
            ) as session:
                await ask_in_parallel(session, 2)

    with ExitStack() as stack:
        made = instances(stack, certificate, tls=False)
        run_asyncio(main(place_of(tmp_path, certificate, made, False)))
        for process in made:
            log = process.stop()
            assert '"POST /example.Echo/Say HTTP/2" 200' in log
            assert '"POST /digest HTTP/1.1" 200' in log
            assert "Traceback" not in log
    # the proxy stores request bodies in files, as configured
    assert not [line for line in said if "buffered to a temporary file" not in line]


def test_haproxy_does_not_stall(run_asyncio: Run, certificate: Certificate, tmp_path: Path) -> None:
    """Uploads and downloads that share a connection, to a very fast server."""

    async def answer(
        request: http2.Http2ServerRequest, response: http2.Http2ServerResponse
    ) -> None:
        if request.method == "POST":
            response.end(hashlib.sha256(await request.read()).hexdigest())
        else:
            response.end(bytes(100_000))

    async def main() -> None:
        async with listening(http2.create_server(answer)) as port:
            place = Place(tmp_path, certificate, (port, port))
            async with (
                running(haproxy(place, clear=True), place.front, []),
                http2.connect(f"http://127.0.0.1:{place.front}") as session,
            ):
                await ask_in_parallel(session, 20)

    run_asyncio(main())


@pytest.mark.row("beyond.deploy", "server.option.proxy_protocol")
@pytest.mark.parametrize("proxy", [haproxy, nginx], ids=lambda proxy: proxy.__name__)
def test_bytes_as_they_come(
    run_asyncio: Run, certificate: Certificate, tmp_path: Path, proxy: Command
) -> None:
    """A server of this library gets the address of clients, and performs their TLS itself."""

    async def main(place: Place) -> None:
        async with running(proxy(place), place.passed_on, []):
            curl = curl_of(place)
            url = f"https://localhost:{place.passed_on}"
            for option, version in (("--http2", "2.0"), ("--http1.1", "1.1")):
                told = await execute(*curl, option, url)
                assert told.decode() == f"HTTP/{version} from {CLIENT}\n"

    command = [*SERVICE, "--cert", certificate.cert, "--key", certificate.key]
    with starting(command, "newest", r"listening at .*") as process:
        port = re.search(r", (\d+)\)", process.url)
        assert port
        run_asyncio(main(Place(tmp_path, certificate, (1, 2), told=int(port[1]))))
        log = process.stop(signal.SIGTERM)
    assert process.process.returncode == 0
    # HAProxy's checks are not logged
    assert [line.partition(" 200 ")[0] for line in log.splitlines()[1:]] == [
        f'{CLIENT} "GET / HTTP/2"',
        f'{CLIENT} "GET / HTTP/1.1"',
    ]
