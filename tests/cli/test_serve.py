"""``http2 serve``: its start, the options that it passes to uvicorn, and its failures."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from http2.cli.listening import listen

from ..asgi.servers.uvicorns import VERSIONS, Process, environment
from ..support.running import free_port
from ..support.self_signed import Certificate
from .serving import COMMAND, failing, get, serving

BARE = "tests.asgi.programs.bare:app"


@pytest.mark.interop
@pytest.mark.row("beyond.serve")
@pytest.mark.parametrize("version", VERSIONS)
def test_an_application(version: str) -> None:
    with serving(BARE, "--root-path", "/api", "--header", "x-a: b:c", version=version) as process:
        said = [process.line("") for _ in range(3)]
        url = f"{process.url}/"
        first = next(line for line in process.seen if line.startswith("http2 serves"))
        assert first == f"http2 serves {BARE}; Ctrl-C ends it.\n"
        assert process.seen[-4] == f"  addresses  {url}\n"
        assert said == [
            "  protocols  HTTP/2 with prior knowledge, HTTP/1.1; browsers need TLS for HTTP/2: "
            "--dev-tls\n",
            f"  try        curl --http2-prior-knowledge {url}\n",
            f"             curl --http1.1 {url}\n",
        ]
        for http in ("2", "1.1"):
            answer = get(process, "/scope", version=http)
            assert answer.headers["x-a"] == "b:c"
            scope = answer.json()
            assert (scope["http_version"], scope["root_path"]) == (http, "/api")
        log = process.stop()
    assert process.process.returncode == 0
    assert '"GET /api/scope HTTP/2" 200 OK' in log
    assert "the application shuts down" in log


@pytest.mark.interop
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_development_certificate(workers: str) -> None:
    """Over TLS with ALPN, for the names that clients use; workers share the certificate."""
    with serving(BARE, "--dev-tls", "--workers", workers) as process:
        assert process.url.startswith("https://127.0.0.1:")
        assert "development certificate made by trustme" in process.line("protocols")
        port = int(process.url.rpartition(":")[2])
        for http in ("2", "1.1"):
            flag = "--http2" if http == "2" else "--http1.1"
            scope = get(process, "/scope", "--retry", "50", "--retry-delay", "0",
                        "--retry-all-errors", flag).json()  # fmt: skip
            assert (scope["http_version"], scope["scheme"]) == (http, "https")
        pems = {ssl.get_server_certificate(("127.0.0.1", port)) for _ in range(4)}
        assert len(pems) == 1
        shown = subprocess.run(
            ["openssl", "x509", "-noout", "-ext", "subjectAltName"],
            input=pems.pop(), capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        for name in ("DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1"):
            assert name in shown
        process.stop()
    assert process.process.returncode == 0


@pytest.mark.interop
def test_a_certificate(certificate: Certificate, tmp_path: Path) -> None:
    files = ["--ssl-certfile", certificate.cert, "--ssl-keyfile", certificate.key]
    (tmp_path / "a.txt").write_text("a")
    with serving(tmp_path, *files) as process:
        assert "by ALPN" in process.line("protocols")
        answer = get(process, "/a.txt", "--http2", "--cacert", certificate.cert)
        assert answer.body == b"a"
        assert "HTTP/2" in process.stop()


@pytest.mark.interop
@pytest.mark.parametrize("options", [[], ["--reload"]], ids=["alone", "reload"])
def test_a_port_in_the_clear_beside_tls(options: list[str]) -> None:
    """One application and one lifespan; the scheme is that of the connection."""
    flags = ["--dev-tls", "--host", "localhost", "--clear-port", "0", *options]
    with serving(BARE, *flags) as process:
        line = next(line for line in process.seen if "addresses" in line)
        found = re.fullmatch(
            r"  addresses  (https://localhost:\d+)/ (http://localhost:\d+)/\n", line
        )
        assert found, line
        secure, plain = found[1], found[2]
        assert "; in the clear HTTP/2 with prior knowledge" in process.line("protocols")
        again = ["--retry", "50", "--retry-delay", "0", "--retry-all-errors"]
        for address in (secure, plain):
            process.url = address
            for http in ("2", "1.1"):
                flag = ["--http2"] if address == secure and http == "2" else []
                scope = get(process, "/scope", *again, *flag, version=http).json()
                assert (scope["http_version"], scope["scheme"]) == (
                    http,
                    address[: address.index(":")],
                )
        log = process.stop()
    assert log.count("the application shuts down") == 1
    assert process.process.returncode == 0


def test_an_address_that_the_machine_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may have an IPv6 address on a machine without IPv6: the others are used."""
    here, nowhere = ("127.0.0.1", 0), ("192.0.2.7", 0)
    known: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: known)
    for addresses in ([nowhere, here], [here, nowhere]):
        known[:] = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", each) for each in addresses]
        sockets, found = listen("two.test", 0, 10, uds=None, fd=None)
        for sock in sockets:
            sock.close()
        assert (len(sockets), found.hosts) == (1, ["127.0.0.1"])
        assert found.urls("http") == [f"http://two.test:{found.port}/"]
        assert found.port > 0
    known[:] = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", nowhere)]
    with pytest.raises(click.ClickException, match="Cannot assign requested address"):
        listen("none.test", 0, 10, uds=None, fd=None)


@pytest.mark.interop
def test_reload(tmp_path: Path) -> None:
    """An error is printed, and can be repaired while the command runs."""
    program = tmp_path / "changing.py"
    body = (
        "async def app(scope, receive, send):\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'repaired'})\n"
    )
    program.write_text("1 / 0\n")
    options = ["--app-dir", str(tmp_path), "--reload", "--reload-dir", str(tmp_path)]
    with serving("changing:app", *options) as process:
        process.line("ZeroDivisionError")
        program.write_text(body)
        # uvicorn first checks the files some moments after its start: earlier changes go unnoticed
        for later in range(1, 100):
            os.utime(program, (time.time() + later,) * 2)
            with contextlib.suppress(AssertionError):
                process.line("detected changes", limit=0.5)
                break
        options = ["--retry", "50", "--retry-delay", "0", "--retry-all-errors"]
        assert get(process, "/", *options).body == b"repaired"
        process.stop(signal.SIGTERM)


@contextlib.contextmanager
def saying(*arguments: str, **options: Any) -> Iterator[tuple[list[str], list[str]]]:
    """The five lines of the command, and the suggested calls of curl; it ends with Ctrl-C."""
    process = subprocess.Popen(
        [*COMMAND, *arguments], env=environment("newest"), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        **options,
    )  # fmt: skip
    with process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(5)]
            yield lines, ["--silent", "--max-time", "10", *lines[3].split()[2:]]
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
        finally:
            process.kill()


@pytest.mark.interop
def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "server.sock"
    (tmp_path / "a.txt").write_text("a")
    with socket.socket(socket.AF_UNIX) as before:
        # a socket file that an earlier server has left
        before.bind(str(path))
    with saying(str(tmp_path), "--uds", str(path)) as (lines, options):
        assert lines[1] == f"  addresses  Unix socket {path}\n"
        assert options[3:5] == ["--unix-socket", str(path)]
        options[-1] += "a.txt"
        assert subprocess.check_output(["curl", *options]) == b"a"
    assert not path.exists()


@pytest.mark.interop
def test_a_socket_that_is_inherited(tmp_path: Path) -> None:
    """As from systemd."""
    (tmp_path / "a.txt").write_text("a")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        fd, port = sock.fileno(), sock.getsockname()[1]
        with saying(str(tmp_path), "--fd", str(fd), pass_fds=[fd]) as (lines, options):
            assert lines[1] == f"  addresses  http://127.0.0.1:{port}/\n"
            options[-1] += "a.txt"
            assert subprocess.check_output(["curl", *options]) == b"a"
    status, said = failing(tmp_path, "--fd", "0")
    assert (status, said.startswith("Error: --fd 0 is not a socket: ")) == (1, True)


@pytest.mark.interop
def test_all_addresses(tmp_path: Path) -> None:
    """For a name with several addresses, and for all interfaces."""
    with serving(tmp_path, "--host", "0.0.0.0") as process:
        assert process.url.startswith("http://127.0.0.1:")
        assert get(process, "/").status == 200


@pytest.mark.parametrize(
    ("text", "last", "options"),
    [
        ("import json\n\njson.loads('x')\n", "json.decoder.JSONDecodeError: Expecting", []),
        ("import json\n\njson.loads('x')\n", "json.decoder.JSONDecodeError", ["--workers", "2"]),
        ("import nothing_of_that_name\n", "ModuleNotFoundError: No module named", []),
        ("def app(:\n", "SyntaxError: ", []),
        ("def app():\n    raise OSError('of mine')\n", "OSError: of mine", ["--factory"]),
    ],
    ids=["raises", "workers", "import", "syntax", "factory"],
)
def test_an_application_that_fails(
    tmp_path: Path, text: str, last: str, options: list[str]
) -> None:
    """The traceback begins with the application's first line."""
    (tmp_path / "broken.py").write_text(text)
    status, said = failing("broken:app", "--app-dir", tmp_path, "--port", "0", *options)
    assert status == 3
    assert last in said
    frames = [line for line in said.splitlines() if line.strip().startswith('File "')]
    assert f'File "{tmp_path / "broken.py"}"' in frames[0]
    assert not [line for line in frames if "uvicorn" in line or "/http2/" in line], said


def test_an_application_that_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "unwilling.py").write_text(
        "async def app(scope, receive, send):\n"
        "    await send({'type': 'lifespan.startup.failed', 'message': 'no database'})\n"
    )
    status, said = failing("unwilling:app", "--app-dir", tmp_path, "--port", "0")
    assert status == 3
    assert "no database" in said
    assert "http2 serves" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("version", VERSIONS)
def test_an_application_whose_startup_hangs(tmp_path: Path, version: str, number: int) -> None:
    """A signal ends it; uvicorn alone would continue to wait."""
    (tmp_path / "hanging.py").write_text(
        "import asyncio\n\n"
        "async def app(scope, receive, send):\n"
        "    await receive()\n"
        "    print('startup', flush=True)\n"
        "    await asyncio.sleep(3600)\n"
    )
    command = [*COMMAND, "hanging:app", "--app-dir", str(tmp_path), "--port", "0"]
    process = Process([*command, "--no-use-colors"], version)
    try:
        process.line("^startup")
        said = process.stop(number)
    finally:
        process.close()
    assert process.process.returncode == 3
    assert said.endswith(
        "ERROR:    Stopped before the application's startup was complete.\n"
        "ERROR:    Application startup failed. Exiting.\n"
    )


def fails_with(line: str, *arguments: str | Path, status: int = 1) -> None:
    """The command prints *line*, and nothing else."""
    assert failing(*arguments) == (status, f"Error: {line}\n")


def test_bad_targets(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    wanted = "is neither a directory nor an application (module:app)"
    fails_with(f"{gone} {wanted}", gone)
    fails_with(f"{gone}:app {wanted}", f"{gone}:app")
    fails_with(f"--spa: no index.html in {tmp_path}", tmp_path, "--spa")
    status, said = failing("nothing_of_that_name:app", "--port", "0", "--no-use-colors")
    assert status == 3
    assert said == (
        'ERROR:    Error loading ASGI app. Could not import module "nothing_of_that_name".\n'
    )


def test_ports_that_cannot_be_had(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = f"cannot listen on 127.0.0.1 port {port}: Address already in use"
        fails_with(line, tmp_path, "--port", str(port))
        fails_with(line, BARE, "--port", str(port), "--workers", "2")
    fails_with(
        "cannot listen on host.invalid port 1: Name or service not known",
        tmp_path, "--host", "host.invalid", "--port", "1",
    )  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = f"cannot listen on 127.0.0.1 port {port}: Address already in use"
        fails_with(line, tmp_path, "--dev-tls", "--port", "0", "--clear-port", str(port))


def test_certificates_that_are_none(certificate: Certificate, tmp_path: Path) -> None:
    port = ["--port", str(free_port())]
    gone, cert, key = str(tmp_path / "gone.pem"), certificate.cert, certificate.key
    fails_with(f"--ssl-certfile: file not found: {gone}", BARE, *port, "--ssl-certfile", gone)
    fails_with(
        f"--ssl-keyfile: file not found: {gone}",
        BARE, *port, "--ssl-certfile", cert, "--ssl-keyfile", gone,
    )  # fmt: skip
    fails_with("--ssl-keyfile needs --ssl-certfile as well", BARE, *port, "--ssl-keyfile", key)
    status, said = failing(BARE, *port, "--ssl-certfile", cert)
    assert status == 1
    assert said.startswith(f"Error: cannot set up TLS with {cert}: ")
    assert said.count("\n") == 1


def test_flags_that_exclude_each_other(certificate: Certificate, tmp_path: Path) -> None:
    for arguments, word in [
        ([BARE, "--dev-tls", "--ssl-certfile", certificate.cert], "remove --ssl-certfile"),
        ([BARE, "--spa"], "--spa works with directories only"),
        ([str(tmp_path), "--reload"], "--reload works with applications only"),
        ([BARE, "--header", "nonsense"], "is not name:value"),
        ([BARE, "--clear-port", "0"], "--clear-port needs TLS"),
        ([BARE, "--dev-tls", "--clear-port", "0", "--fd", "3"], "remove --uds and --fd"),
        ([BARE, "--dev-tls", "--clear-port", "0", "--workers", "2"], "remove --workers"),
    ]:
        status, said = failing(*arguments)
        assert status == 2
        assert word in said.splitlines()[-1]


def test_the_installed_command() -> None:
    """The program's name is `http2`, and it has uvicorn's flags."""
    command = Path(sysconfig.get_path("scripts")) / "http2"
    run = {"capture_output": True, "text": True, "timeout": 20, "check": True}
    said = subprocess.run([str(command), "serve", "--help"], **run).stdout  # type: ignore[call-overload]
    for flag in (
        "--dev-tls",
        "--clear-port",
        "--spa",
        "--workers",
        "--reload",
        "--fd",
        "--limit-concurrency",
    ):
        assert flag in said
    assert "--http " not in said
    version = subprocess.run([sys.executable, "-m", "http2", "--version"], **run).stdout  # type: ignore[call-overload]
    assert version.startswith("http2 ")


def test_without_its_packages(tmp_path: Path) -> None:
    """One line says what to install; the library imports none of these packages."""
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError('none', name='click')\n")
    env = environment("newest") | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "http2", "serve", "."],
        env=env, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "http2: module 'click' not found: install it with pip install 'http2[serve]'\n"
    )
    names = "{'click', 'uvicorn', 'starlette', 'anyio', 'trustme', 'http2.cli'}"
    program = f"import http2, sys; sys.exit(str({names} & set(sys.modules)).replace('set()', ''))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.strip() == ""
