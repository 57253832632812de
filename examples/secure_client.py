"""Fetch over TLS from a server with a self-signed certificate.

``python examples/secure_client.py CERT [URL]``: CERT is the server's certificate as a PEM
file, the one that secure_server.py prints. Nothing else is trusted. For servers with a
certificate of a known authority, omit ``ca``.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys

import http2


async def main(cert: str, url: str) -> None:
    """Make one request."""
    async with http2.connect(url, ca=cert) as session:
        stream = session.request({":path": "/"})
        headers = await stream.response()
        print(f"{session.alpn_protocol} over TLS, status {headers[':status']}")
        print((await stream.read()).decode(), end="")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("cert", help="the certificate to trust, a PEM file")
    parser.add_argument("url", nargs="?", default="https://localhost:8443/")
    args = parser.parse_args()
    try:
        asyncio.run(main(args.cert, args.url))
    except ssl.SSLCertVerificationError as error:
        sys.exit(f"not trusted: {error.verify_message}")
