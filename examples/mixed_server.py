"""One port and one handler for HTTP/2, HTTP/1.1 and HTTP/1.0 over TLS.

Client and server agree on a protocol in the TLS handshake, by ALPN. Run it, then compare::

    curl -k --http2 https://localhost:8443/
    curl -k --http1.1 https://localhost:8443/
    curl -k --http1.0 https://localhost:8443/
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from contextlib import suppress

from certificate import make_certificate

import http2


def on_request(request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) -> None:
    """Answer with the client's protocol."""
    assert request.socket is not None
    told = {
        "alpn_protocol": request.socket.alpn_protocol,
        "http_version": request.http_version,
    }
    response.write_head(200, {"content-type": "application/json"})
    response.end(json.dumps(told) + "\n")


async def main(port: int) -> None:
    """Serve until Ctrl-C, with a temporary certificate."""
    with tempfile.TemporaryDirectory() as folder:
        cert, key = make_certificate(folder)
        server = http2.create_secure_server(on_request, cert=cert, key=key, allow_http1=True)
    await server.listen(port, "127.0.0.1")
    print(f"Serving on https://localhost:{server.address()[1]}/", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8443, help="0 for any free one")
    with suppress(KeyboardInterrupt):
        asyncio.run(main(parser.parse_args().port))
