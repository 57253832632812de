"""HTTP/2 over TLS, as browsers require it. secure_client.py is a client for it.

A certificate for localhost is created in FOLDER (default: a new temporary folder) unless
FOLDER contains cert.pem and key.pem.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

from certificate import make_certificate

import http2


def hello(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """Answer a request."""
    stream.respond({"content-type": "text/html; charset=utf-8"})
    stream.end("<h1>Secured hello world!</h1>\n")


async def main(folder: Path, port: int) -> None:
    """Serve until Ctrl-C."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    if not (cert.exists() and key.exists()):
        make_certificate(folder)
    # paths, or the PEM text itself as bytes
    server = http2.create_secure_server(cert=cert, key=key)
    server.on("stream", hello)
    await server.listen(port, "127.0.0.1")
    print(f"Serving on https://localhost:{server.address()[1]}/", flush=True)
    print(f"Its certificate: {cert}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--port", type=int, default=8443, help="0 for any free one")
    args = parser.parse_args()
    with suppress(KeyboardInterrupt), tempfile.TemporaryDirectory() as temporary:
        asyncio.run(main(args.folder or Path(temporary), args.port))
