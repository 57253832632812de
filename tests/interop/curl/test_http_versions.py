"""One handler, three versions of HTTP, in the clear and over TLS, for other clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import http2

from ...support.running import Run, execute
from ...support.self_signed import Certificate
from ...support.serving import listening

VERSIONS = {"--http1.0": "1.0", "--http1.1": "1.1", "--http2": "2.0"}


async def application(request: Any, response: Any) -> None:
    """Answer with the method, the target and the version."""
    body = await request.read()
    response.set_header("content-type", "text/plain")
    response.set_header("x-version", request.http_version)
    response.end(f"{request.method} {request.url} {request.scheme} {len(body)}\n")


async def curl(*arguments: str) -> tuple[int, dict[str, str], bytes]:
    """Return the status, the headers and the body that curl gets."""
    out = await execute("curl", "-sS", "-i", "-m", "20", *arguments)
    head, _, body = out.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    return int(line.split()[1]), dict(f.lower().split(": ", 1) for f in fields), body


@pytest.mark.row("server.option.allow_http1")
@pytest.mark.parametrize("version", VERSIONS)
def test_curl_in_the_clear(run: Run, version: str) -> None:
    async def main() -> None:
        server = http2.create_server(application, allow_http1=True)
        async with listening(server) as port:
            option = version.replace("http2", "http2-prior-knowledge")
            status, headers, body = await curl(option, f"http://127.0.0.1:{port}/a?b")
            assert (status, headers["x-version"]) == (200, VERSIONS[version])
            assert body == b"GET /a?b http 0\n"

    run(main())


@pytest.mark.row("secure_server.option.allow_http1", "secure_server.alpn")
@pytest.mark.parametrize("version", [*VERSIONS, "--no-alpn"])
def test_curl_over_tls(run: Run, certificate: Certificate, version: str, tmp_path: Path) -> None:
    """ALPN selects the version; a client without it gets HTTP/1.1."""

    async def main() -> None:
        server = http2.create_secure_server(
            application, allow_http1=True, cert=certificate.cert, key=certificate.key
        )
        upload = tmp_path / "upload"
        upload.write_bytes(bytes(100_000))
        async with listening(server) as port:
            status, headers, body = await curl(
                version, "--cacert", certificate.cert, "--data-binary", f"@{upload}",
                f"https://127.0.0.1:{port}/",
            )  # fmt: skip
            assert (status, headers["x-version"]) == (200, VERSIONS.get(version, "1.1"))
            assert body == b"POST / https 100000\n"

    run(main())


def test_not_allowed_without_the_option(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        server = http2.create_server(application)
        async with listening(server) as port:
            status, _, _ = await curl("--http1.1", f"http://127.0.0.1:{port}/")
            assert status == 505
        secure = http2.create_secure_server(
            application, cert=certificate.cert, key=certificate.key, http1_options={}
        )
        async with listening(secure) as port:
            status, _, _ = await curl("-k", "--no-alpn", f"https://127.0.0.1:{port}/")
            assert status == 403
            with pytest.raises(AssertionError, match="no application protocol"):
                await curl("-k", "--http1.1", f"https://127.0.0.1:{port}/")

    run(main())
