"""The errors of certificates and keys name the file; `repr` shows addresses and state."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import Events, hello, serving


def test_files_that_are_no_identity(certificate: Certificate, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("-----BEGIN NONSENSE-----\n")
    missing = str(tmp_path / "missing.pem")

    def refused(kind: type[OSError], **options: Any) -> str:
        with pytest.raises(kind) as caught:
            http2.create_secure_server(**options)
        return str(caught.value)

    alone = refused(ssl.SSLError, cert=certificate.cert)
    assert certificate.cert in alone
    assert "key= is missing" in alone
    swapped = refused(ssl.SSLError, cert=certificate.key, key=certificate.cert)
    assert certificate.cert in swapped
    assert certificate.key in swapped
    assert str(garbage) in refused(ssl.SSLError, cert=garbage, key=certificate.key)
    assert str(garbage) in refused(ssl.SSLError, cert=certificate.cert, key=str(garbage))
    assert missing in refused(FileNotFoundError, cert=missing, key=certificate.key)
    assert missing in refused(FileNotFoundError, cert=certificate.cert, key=missing)
    identity = {"cert": certificate.cert, "key": certificate.key}
    assert str(garbage) in refused(ssl.SSLError, ca=garbage, **identity)
    assert missing in refused(FileNotFoundError, ca=missing, **identity)
    given = refused(ssl.SSLError, cert=b"garbage", key=certificate.key)
    assert "cert= (PEM data)" in given
    assert "garbage" not in given


def test_what_is_printed(run: Run) -> None:
    async def main() -> None:
        noted = Events()

        def on_stream(stream: Any) -> None:
            noted.add("socket", repr(stream.session.socket))
            hello(stream)

        async with serving(on_stream) as (server, port):
            assert repr(server) == f"<Http2Server on 127.0.0.1:{port}, 0 connections>"
            async with http2.connect(f"http://127.0.0.1:{port}") as session:
                await session.request().read()
                shown = (await noted.expect("socket"))[1]
                local = session.socket.local_port
                assert f"127.0.0.1:{port}" in shown
                assert f"127.0.0.1:{local}" in shown
                assert repr(server).endswith(", 1 connections>")
                closing = session.close()
                assert "waits for <ClientHttp2Session" in repr(closing)
                await closing
                assert "done" in repr(closing)
        assert repr(server) == "<Http2Server closed, 0 connections>"
        assert "not listening" in repr(http2.create_server())

    run(main())
