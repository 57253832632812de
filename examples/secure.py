"""Shared code of the larger examples: serve HTTP/2 and HTTP/1 over TLS until Ctrl-C.

mixed_server.py is the same in one file.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from certificate import make_certificate

import http2


async def serve(on_request: Callable[..., Any], port: int) -> None:
    """Serve on *port* of loopback, with a new temporary certificate."""
    with tempfile.TemporaryDirectory() as folder:
        cert, key = make_certificate(folder)
        server = http2.create_secure_server(on_request, cert=cert, key=key, allow_http1=True)
    await server.listen(port, "127.0.0.1")
    print(f"Serving on https://localhost:{server.address()[1]}/", flush=True)
    await server.serve_forever()


def run(on_request: Callable[..., Any]) -> None:
    """Serve on the port from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8443, help="0 for any free one")
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(on_request, parser.parse_args().port))
