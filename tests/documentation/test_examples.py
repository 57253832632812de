"""Every program in examples/, run as by a reader, with warnings as errors."""

from __future__ import annotations

import ast
import asyncio
import hashlib
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..support.paths import DOCS, EXAMPLES, TESTS
from ..support.running import execute
from .programs import ON_UVLOOP, Loop, Program, Start, command, run_example, starting


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Loop:
    """The interpreter's arguments that run an example on one kind of loop or the other."""
    return [] if request.param == "asyncio" else ["-c", ON_UVLOOP]


@pytest.fixture
def start(loop: Loop) -> Iterator[Start]:
    """Start examples; those that still run at the end of the test are killed."""
    with starting(loop) as start:
        yield start


def test_hello_and_fetch(start: Start, loop: Loop) -> None:
    server = start("hello_server.py", "--port", "0")
    out = run_example("fetch.py", server.url(), loop=loop)
    head, _, body = out.partition("\n\n")
    assert head.startswith(":status: 200\ncontent-type: text/plain; charset=utf-8\ndate: ")
    assert body == "Hello World!\n"
    server.stop()


def test_fetch_says_what_went_wrong() -> None:
    done = subprocess.run(
        command("fetch.py", "http://127.0.0.1:1/"), capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1
    assert done.stderr.startswith("fetch.py: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.interop
def test_json(start: Start, loop: Loop) -> None:
    server = start("json_server.py", "--port", "0")
    url = server.url()
    out = run_example("post_json.py", url, loop=loop)
    assert out == "200 {'sum': 6.5, 'count': 3}\n400 {'error': \"KeyError('numbers')\"}\n"
    status = ["curl", "-sS", "--http2-prior-knowledge", "--max-time", "20"]
    status += ["-o", "/dev/null", "-w", "%{http_code}", url]
    assert subprocess.check_output(status) == b"405"
    too_much = subprocess.run(
        [*status, "--data-binary", "@-"], input=b"1" * 3_000_000, capture_output=True, timeout=30
    )
    assert too_much.stdout == b"413"
    server.stop()


def test_router(start: Start, loop: Loop) -> None:
    server = start("router.py", "--port", "0")
    url = server.url()
    for path, status, body in (
        ("hello-world", 200, "Hello World\n"),
        ("ping?now", 200, "pong\n"),
        ("nowhere", 404, "path not found\n"),
    ):
        out = run_example("fetch.py", url + path, loop=loop)
        assert out.startswith(f":status: {status}\n"), path
        assert out.endswith("\n\n" + body), path
    server.stop()


def test_timeouts(start: Start, loop: Loop) -> None:
    server = start("timeout_server.py", "--port", "0")
    out = run_example("timeout_client.py", server.url(), loop=loop)
    assert out.splitlines() == [
        "request timed out",
        "response: stream 1 was reset with CANCEL",
        "deadline passed",
        "patience gets: pong",
        "stalled upload gets: 408 this took you too long",
    ]
    gone = "ping: the client has gone, no more work is done for it\n"
    assert server.stop() == gone * 2 + "upload: timed out\n"


def test_secure(start: Start, loop: Loop, tmp_path: Path) -> None:
    server = start("secure_server.py", str(tmp_path), "--port", "0")
    url, certificate = server.url(), server.line().removeprefix("Its certificate: ").strip()
    assert certificate == str(tmp_path / "cert.pem")
    out = run_example("secure_client.py", certificate, url, loop=loop)
    assert out == "h2 over TLS, status 200\n<h1>Secured hello world!</h1>\n"

    # another certificate is not trusted
    other = tmp_path / "other"
    other.mkdir()
    assert run_example("certificate.py", str(other)) == f"{other}/cert.pem\n{other}/key.pem\n"
    done = subprocess.run(
        command("secure_client.py", str(other / "cert.pem"), url, loop=loop),
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("not trusted: self")
    server.stop()

    # a second run uses the existing certificate
    before = Path(certificate).read_bytes()
    server = start("secure_server.py", str(tmp_path), "--port", "0")
    server.url()
    assert Path(certificate).read_bytes() == before
    server.stop()


def test_push(start: Start, loop: Loop) -> None:
    server = start("push_server.py", "--port", "0")
    out = run_example("push_client.py", server.url(), loop=loop)
    assert out == "asked for: some data\npushed /style.css: 200, some pushed data\n"
    server.stop()


def test_session_info(loop: Loop) -> None:
    lines = run_example("session_info.py", loop=loop).splitlines()
    for line in (
        "client: our settings are acknowledged",
        "client: the server's settings are here",
        "server: our settings are acknowledged",
        "client: ping answered: True",
        "client: to 127.0.0.1, encrypted: False",
        "client: server's window for new streams: 100000",
        "client: own window for new streams: 65535",
        "client: window of the connection: 65535",
        "client: next stream: 1",
        "client: status: 200",
        "client: received: hello; session protocol: h2c",
        "client: goaway with code 0",
        "server: session is closed",
        "client: session is closed",
    ):
        assert line in lines
    assert lines[-1] == "client: destroyed: True"


def test_connect_proxy_and_client(start: Start, loop: Loop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            accepted, _ = server.accept()
            with accepted:
                accepted.sendall(b"hello " + accepted.recv(100))

        thread = threading.Thread(target=greet)
        thread.start()
        proxy = start("connect_proxy.py", "--port", "0", "--allow", "127.0.0.1")
        url = proxy.url()
        target = f"127.0.0.1:{server.getsockname()[1]}"
        out = run_example("connect_client.py", url, target, loop=loop)
        assert out == "200\nThe server says: hello Jane\n"
        thread.join(10)
    assert run_example("connect_client.py", url, "localhost:1", loop=loop).startswith("403\n")
    proxy.stop()
    done = subprocess.run(
        command("connect_client.py", url, target, loop=loop),
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("connect_client.py: ")


def test_proxied_fetch(start: Start, loop: Loop, tmp_path: Path) -> None:
    server = start("secure_server.py", str(tmp_path), "--port", "0")
    url = server.url()
    proxy = start("connect_proxy.py", "--port", "0")
    trusting = "--ca", str(tmp_path / "cert.pem")
    out = run_example("proxied_fetch.py", proxy.url(), url, *trusting, loop=loop)
    assert out == "200 TLSv1.3\n<h1>Secured hello world!</h1>\n"
    proxy.stop()
    server.stop()


def test_extended_connect(loop: Loop) -> None:
    assert run_example("extended_connect.py", loop=loop).splitlines() == [
        "client: offered: True",
        "server: upper at /shout",
        "client: status: 200",
        "client: HELLO",
        "client: TUNNEL",
    ]


@pytest.mark.interop
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve(number: int, run_asyncio: Callable[..., None]) -> None:
    """It selects its loop itself."""
    program = Program("serve.py", "--port", "0", "--tls-port", "0", loop=[])

    async def main() -> None:
        line = program.line()
        found = re.fullmatch(
            r"Serving on (http://localhost:\d+/) and (https://localhost:\d+/); .*\n", line
        )
        assert found, line
        plain, secure = found[1], found[2]
        # its suggestions, run as printed
        tried = [program.line().split() for _ in range(4)]
        assert tried[0] == ["curl", "-k", "--http2", secure]
        assert tried[1] == ["curl", "-k", "--http1.1", secure]
        assert tried[2] == ["curl", "--http2-prior-knowledge", plain + "headers"]
        assert tried[3] == ["nghttp", "-v", plain]
        hello, older, headers, frames = await asyncio.gather(*(execute(*words) for words in tried))
        assert hello.startswith(b"Hello over HTTP/2.0! This was GET /.\n")
        # the same body except for the version
        assert older == hello.replace(b"HTTP/2.0", b"HTTP/1.1")
        assert headers.startswith(b":method: GET\n:path: /headers\n:scheme: http\n")
        assert b"Hello over HTTP/2.0!" in frames
        for address in (plain, secure):
            for option, version in (("--http1.1", b"1.1"), ("--http1.0", b"1.0")):
                got = await execute("curl", "-skS", option, address)
                assert got == hello.replace(b"2.0", version)

        ticks = await execute("curl", "-sS", "--http2-prior-knowledge", plain + "ticks")
        assert ticks == b"".join(b"tick %d\n" % number for number in range(1, 6))
        body = hashlib.shake_128(b"echo").digest(1_000_000)
        for option in ("--http2", "--http1.1"):
            echo = ["curl", "-skS", option, "--data-binary", "@-", secure + "echo"]
            assert await execute(*echo, stdin=body) == body
        code = ["curl", "-skS", "-o", "/dev/null", "-w", "%{http_code} %{http_version}"]
        assert await execute(*code, secure + "nowhere") == b"404 2"

    try:
        run_asyncio(main())
        assert program.stop(number) == ""
    finally:
        program.process.kill()
        program.process.communicate()


@pytest.mark.interop
def test_serve_answers_as_its_page_says(run_asyncio: Callable[..., None]) -> None:
    """Each suggested command gets what the page shows."""
    text = (DOCS / "examples.md").read_text()
    text = text[text.index("python examples/serve.py") :]
    shown = re.findall(r"^\$ (curl .*)\n((?:(?![$`]).*\n)+)", text, re.MULTILINE)
    assert len(shown) >= 2
    program = Program("serve.py", "--port", "0", "--tls-port", "0", loop=[])

    async def main() -> None:
        plain, secure = re.findall(r"https?://\S+/", program.line())
        for line, answer in shown:
            line = line.replace("http://localhost:8080/", plain)
            line = line.replace("https://localhost:8443/", secure)
            assert (await execute(*line.split())).decode() == answer

    try:
        run_asyncio(main())
        program.stop()
    finally:
        program.process.kill()
        program.process.communicate()


@pytest.mark.interop
def test_serve_finishes_what_it_has_begun(run_asyncio: Callable[..., None]) -> None:
    """SIGTERM in the middle of a response: all of it arrives, then the program ends."""
    program = Program("serve.py", "--port", "0", "--tls-port", "0", loop=[])

    async def main() -> None:
        url = program.url()
        process = await asyncio.create_subprocess_exec(
            "curl", "-sSN", "--http2-prior-knowledge", "--max-time", "20", url + "ticks",
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert await process.stdout.readline() == b"tick 1\n"
        program.process.send_signal(signal.SIGTERM)
        assert (await process.stdout.read()).endswith(b"tick 5\n")
        assert await process.wait() == 0

    try:
        run_asyncio(main())
        _, err = program.process.communicate(timeout=15)
        assert program.process.returncode == 0
        assert err == ""
    finally:
        program.process.kill()
        program.process.communicate()


def test_every_example_is_on_its_page() -> None:
    page = (DOCS / "examples.md").read_text()
    named = re.findall(r"`(\w+\.py)`", page)
    assert set(named) == {path.name for path in EXAMPLES.glob("*.py")}


def test_every_example_is_run() -> None:
    """Every example is run by a test."""
    named = {
        node.value
        for path in TESTS.rglob("test_*examples.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
    }
    programs = [path for path in EXAMPLES.glob("*.py") if "__main__" in path.read_text()]
    assert {path.name for path in programs} <= named
