"""One instance of a service, ended by SIGTERM: ``python -m tests.restarts.instance PORT …``.

It prints "ready" when it listens, and then a line for each problem.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import logging
import signal
import sys

import http2

# Seconds that requests in progress have at the end.
GRACE = 10.0


async def on_request(
    request: http2.Http2ServerRequest, response: http2.Http2ServerResponse
) -> None:
    """Answer ``/bytes?size``, slowly ``/slow?size``, and a POST with the digest of its body."""
    path, _, query = request.url.partition("?")
    if request.method == "POST":
        body = await request.read()
        response.end(f"{len(body)} {hashlib.sha256(body).hexdigest()}")
        return
    size = int(query or 2)
    response.set_header("content-length", str(size))
    if path == "/slow":
        for _ in range(4):
            response.write(bytes(size // 4))
            await asyncio.sleep(0.05)
        response.end(bytes(size - size // 4 * 4))
    else:
        response.end(bytes(size))


async def main() -> None:
    """Serve until SIGTERM, and then until requests in progress have ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--reuse-port", action="store_true")
    given = parser.parse_args()
    logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format="%(message)s")
    server: http2.Http2Server
    if given.cert:
        server = http2.create_secure_server(
            on_request, cert=given.cert, key=given.key, allow_http1=True
        )
    else:
        server = http2.create_server(on_request, allow_http1=True)
    server.on("session_error", lambda error, session: print(f"session error: {error!r}"))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await server.listen(given.port, "127.0.0.1", reuse_port=given.reuse_port)
    print("ready", flush=True)
    await stop.wait()
    await server.close(timeout=GRACE)


asyncio.run(main())
