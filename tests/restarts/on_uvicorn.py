"""The service of `instance` as an ASGI application on uvicorn: ``python -m … PORT …``."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import logging
import os
import signal
import sys
from typing import Any

import uvicorn

# Seconds that requests in progress have at the end.
GRACE = 10


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer ``/bytes?size``, slowly ``/slow?size``, and a POST with the digest of its body."""
    if scope["type"] != "http":
        raise NotImplementedError
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["method"] == "POST":
        pieces = [f"{len(body)} {hashlib.sha256(body).hexdigest()}".encode()]
    elif scope["path"] == "/process":
        pieces = [b"%d" % os.getpid()]
    elif scope["path"] == "/slow":
        size = int(scope["query_string"] or 2)
        pieces = [bytes(size // 4)] * 4 + [bytes(size - size // 4 * 4)]
    else:
        pieces = [bytes(int(scope["query_string"] or 2))]
    length = sum(map(len, pieces))
    headers = [(b"content-length", b"%d" % length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for piece in pieces[:-1]:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(0.05)
    await send({"type": "http.response.body", "body": pieces[-1]})


class Server(uvicorn.Server):
    """Prints "ready" when it listens."""

    async def startup(self, sockets: Any = None) -> None:
        """Start, and print it."""
        await super().startup(sockets)
        print("ready", flush=True)


def main() -> None:
    """Serve until SIGTERM, and then until requests in progress have ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    given = parser.parse_args()
    logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format="%(message)s")
    # uvicorn raises it again at the end
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Server(
        uvicorn.Config(
            app,
            http="http2.uvicorn:Http2Protocol",
            host="127.0.0.1",
            port=given.port,
            lifespan="off",
            log_config=None,
            access_log=False,
            ssl_certfile=given.cert,
            ssl_keyfile=given.key,
            timeout_graceful_shutdown=GRACE,
        )
    ).run()


if __name__ == "__main__":
    main()
