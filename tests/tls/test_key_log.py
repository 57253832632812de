"""SSLKEYLOGFILE: the keys of TLS connections, for tools that decrypt them."""

from __future__ import annotations

import logging
import os
import ssl
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support.running import Run, execute
from ..support.self_signed import Certificate
from ..support.serving import hello

# The keys of TLS 1.3, by the labels of the format (NSS's).
TRAFFIC = {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}


def secrets_in(path: Path) -> dict[tuple[str, str], str]:
    """Return (label, client's random) -> secret."""
    found = {}
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            label, random, secret = line.split(" ")
            assert len(bytes.fromhex(random)) == 32
            found[label, random] = secret
    return found


async def talk(certificate: Certificate, server_options: Any, client_options: Any) -> None:
    server = http2.create_secure_server(**server_options)
    server.on("stream", hello)
    await server.listen(0, "127.0.0.1")
    url = f"https://localhost:{server.address()[1]}"
    async with server, http2.connect(url, family=2, **client_options) as session:
        assert await session.request().read() == b"hello"


@pytest.mark.row("beyond.key_log")
def test_both_sides_write_the_same_keys(
    run: Run, certificate: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"server": tmp_path / "server.log", "client": tmp_path / "client.log"}

    async def main() -> None:
        for file in files.values():
            file.unlink(missing_ok=True)
        monkeypatch.setenv("SSLKEYLOGFILE", str(files["server"]))
        server = http2.create_secure_server(cert=certificate.cert, key=certificate.key)
        server.on("stream", hello)
        await server.listen(0, "127.0.0.1")
        monkeypatch.setenv("SSLKEYLOGFILE", str(files["client"]))
        url = f"https://127.0.0.1:{server.address()[1]}"
        async with server, http2.connect(url, ca=certificate.cert) as session:
            assert await session.request().read() == b"hello"
        written = {side: secrets_in(file) for side, file in files.items()}
        assert {label for label, _ in written["server"]} >= TRAFFIC
        for label in TRAFFIC:
            by_side = [
                {key: secret for key, secret in keys.items() if key[0] == label}
                for keys in written.values()
            ]
            assert by_side[0] == by_side[1] != {}

    run(main())


@pytest.mark.interop
@pytest.mark.row("beyond.key_log")
def test_the_same_keys_as_curl(
    run: Run, certificate: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file, to which both append, as if it were set for a shell."""

    async def main() -> None:
        keys = tmp_path / "keys.log"
        keys.unlink(missing_ok=True)
        monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
        server = http2.create_secure_server(cert=certificate.cert, key=certificate.key)
        server.on("stream", hello)
        await server.listen(0, "127.0.0.1")
        url = f"https://127.0.0.1:{server.address()[1]}/"
        async with server:
            assert await execute("curl", "-sS", "--cacert", certificate.cert, url) == b"hello"
        lines = [line for line in keys.read_text().splitlines() if not line.startswith("#")]
        said = [line for line in lines if line.split()[0] in TRAFFIC]
        # each secret twice: this library's and curl's
        assert sorted(said) == sorted([*dict.fromkeys(said)] * 2)
        assert {line.split()[0] for line in said} == TRAFFIC

    run(main())


@pytest.mark.row("beyond.key_log")
@pytest.mark.parametrize("value", ["", "missing/keys.log"])
def test_what_is_no_file_stops_nobody(
    run: Run,
    certificate: Certificate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    value: str,
) -> None:
    async def main() -> None:
        monkeypatch.setenv("SSLKEYLOGFILE", value and str(tmp_path / value))
        identity = {"cert": certificate.cert, "key": certificate.key}
        with caplog.at_level(logging.WARNING, "http2"):
            await talk(certificate, identity, {"ca": certificate.cert})
        said = [record.getMessage() for record in caplog.records]
        if value:
            assert len(said) == 2  # the server's and the client's
            assert all("SSLKEYLOGFILE" in line and value in line for line in said)
        else:
            assert said == []
        assert os.listdir(tmp_path) == []
        caplog.clear()

    run(main())


@pytest.mark.row("beyond.key_log")
def test_a_context_of_the_program_s_own_stays_as_it_is(
    run: Run, certificate: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate.cert, certificate.key)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.load_verify_locations(certificate.cert)
        for context in (server, client):
            context.set_alpn_protocols(["h2"])
        await talk(certificate, {"ssl_context": server}, {"ssl_context": client})
        assert server.keylog_filename is client.keylog_filename is None
        assert os.listdir(tmp_path) == []

    run(main())
