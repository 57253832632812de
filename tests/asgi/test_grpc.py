"""grpcio's client and an ASGI application, on uvicorn and on `Handler`."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from ..support.self_signed import Certificate
from .servers.uvicorns import VERSIONS, uvicorn
from .sites import serving

pytestmark = pytest.mark.interop

APP = "tests.asgi.programs.grpc_service:app"


def ask_everything(channel: Any) -> None:
    """Each kind of method, and an error."""
    with channel:
        unary = channel.unary_unary("/test.Echo/Unary")
        assert unary(b"hello", timeout=20) == b"you said: hello"
        big = bytes(1_000_000)
        assert unary(big, timeout=20) == b"you said: " + big
        assert (
            channel.stream_unary("/test.Echo/Sum")(iter([b"1", b"2", b"39"]), timeout=20) == b"42"
        )
        counted = list(channel.unary_stream("/test.Echo/Count")(b"100", timeout=20))
        assert counted == [b"%d" % number for number in range(100)]
        calls = [unary.future(b"%d" % number, timeout=20) for number in range(100)]
        assert [call.result() for call in calls] == [b"you said: %d" % n for n in range(100)]

        heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()

        def say() -> Iterator[bytes]:
            # each word after the answer to the previous one
            for number in range(5):
                yield b"word %d" % number
                assert heard.get(timeout=20) == b"WORD %d" % number

        for answer in channel.stream_stream("/test.Echo/Chat")(say(), timeout=20):
            heard.put(answer)

        with pytest.raises(grpc.RpcError) as failed:
            channel.unary_unary("/test.Echo/Nothing")(b"", timeout=20)
        error: Any = failed.value
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert error.details() == "no such method"


@pytest.mark.parametrize("version", VERSIONS)
def test_in_the_clear(version: str) -> None:
    with uvicorn(APP, "--lifespan", "off", version=version) as process:
        ask_everything(grpc.insecure_channel(process.url.removeprefix("http://")))
        assert "Traceback" not in process.stop()


@pytest.mark.parametrize("way", ["handler-asyncio-clear", "handler-uvloop-tls"])
def test_on_a_server_of_our_own(certificate: Certificate, way: str) -> None:
    with serving(APP, way, certificate) as site:
        if site.url.startswith("https"):
            trust = grpc.ssl_channel_credentials(Path(certificate.cert).read_bytes())
            target = site.url.removeprefix("https://").replace("127.0.0.1", "localhost")
            ask_everything(grpc.secure_channel(target, trust))
        else:
            ask_everything(grpc.insecure_channel(site.url.removeprefix("http://")))
        assert "Traceback" not in site.started.stop()


def test_over_tls(certificate: Certificate) -> None:
    options = ["--ssl-certfile", certificate.cert, "--ssl-keyfile", certificate.key]
    with uvicorn(APP, "--lifespan", "off", *options, loop="asyncio") as process:
        trust = grpc.ssl_channel_credentials(Path(certificate.cert).read_bytes())
        target = process.url.removeprefix("https://").replace("127.0.0.1", "localhost")
        ask_everything(grpc.secure_channel(target, trust))
        assert "Traceback" not in process.stop()
