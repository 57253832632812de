"""Certificates that are refused, by clients and by the server: the log stays short."""

from __future__ import annotations

import asyncio
import logging
import ssl
from asyncio.subprocess import DEVNULL

import pytest

import http2

from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import Events, listening
from ..support.tls import check_hello, secure, trusting

pytestmark = pytest.mark.interop

# ends the handshake because it does not trust the server
NODE = "const s = require('http2').connect('https://localhost:%d'); s.on('error', () => {});"


async def refuse(*command: str) -> None:
    """Run a client that fails, or that reports nothing."""
    process = await asyncio.create_subprocess_exec(
        "timeout", "20", *command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
    )
    await process.wait()


@pytest.mark.parametrize("who", ["client", "server"])
def test_refused_certificates(
    run: Run, certificate: Certificate, who: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One line at DEBUG for each, on the logger `http2`, and no warning from asyncio either."""
    ask = {"request_cert": True, "ca": certificate.cert} if who == "server" else {}

    async def main() -> None:
        events = Events()
        server = secure(cert=certificate.cert, key=certificate.key, **ask)
        events.listen(server, "tls_client_error", "session_error")
        async with listening(server) as port:
            await refuse("curl", "-sS", "--http2", f"https://localhost:{port}/")
            await refuse("node", "-e", NODE % port)
            with pytest.raises(ssl.SSLCertVerificationError):
                await http2.connect(f"https://localhost:{port}")
            await events.expect("tls_client_error", 3)
            context = trusting(certificate, "h2")
            if who == "server":
                context.load_cert_chain(certificate.cert, certificate.key)
            await check_hello(port, context)
        assert events.names == ["tls_client_error"] * 3

    logging.getLogger("asyncio").setLevel(logging.WARNING)
    with caplog.at_level(logging.DEBUG, logger="http2"):
        run(main())
    told = [record for record in caplog.records if not record.getMessage().startswith("Executing")]
    assert [(record.name, record.levelname) for record in told] == [("http2", "DEBUG")] * 3
    assert all("handshake" in record.getMessage() for record in told)
