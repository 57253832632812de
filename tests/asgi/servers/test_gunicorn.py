"""Gunicorn with `Http2Worker`: its processes, each with HTTP/2."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from ...support.running import execute
from ...support.self_signed import Certificate
from ..asking import ask
from .uvicorns import VERSIONS, starting

pytestmark = pytest.mark.interop


@pytest.mark.row("beyond.gunicorn")
@pytest.mark.parametrize("version", VERSIONS)
def test_workers(version: str) -> None:
    """Two workers, and a graceful end."""
    command = [
        sys.executable, "-m", "gunicorn", "-k", "http2.gunicorn.Http2Worker", "-w", "2",
        "-b", "127.0.0.1:0", "tests.asgi.programs.bare:app",
    ]  # fmt: skip
    with starting(command, version) as process:
        for _ in range(2):
            process.line("Application startup complete")
        for http in ("2", "1.1"):
            scope = asyncio.run(ask(process.url, path="/scope", version=http)).json()
            assert (scope["http_version"], scope["state"]) == (http, {"started": True})
        log = process.stop(signal.SIGTERM)
    assert "the application shuts down" in log
    assert "Traceback" not in log


def test_tls(certificate: Certificate) -> None:
    command = [
        sys.executable, "-m", "gunicorn", "-k", "http2.gunicorn.Http2Worker", "-b", "127.0.0.1:0",
        "--certfile", certificate.cert, "--keyfile", certificate.key,
        "tests.asgi.programs.bare:app",
    ]  # fmt: skip
    with starting(command, "newest") as process:
        for option, version in (("--http2", b"2"), ("--http1.1", b"1.1")):
            url = process.url.replace("http:", "https:")
            out = asyncio.run(execute("curl", "-sk", option, "-w", "%{http_version}", url))
            assert out == b"hello" + version
        process.stop(signal.SIGTERM)
