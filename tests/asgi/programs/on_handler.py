"""The application of tests/asgi/programs/probe.py on a server of our own: ``[root path]``."""

from __future__ import annotations

import asyncio
import signal
import sys

import http2
import http2.asgi
from tests.asgi.programs.probe import app


async def main() -> None:
    """Serve until SIGINT."""
    handler = http2.asgi.Handler(app, root_path=sys.argv[1] if len(sys.argv) > 1 else "")
    server = http2.create_server(handler, allow_http1=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, ended.set)
    async with handler.lifespan():
        await server.listen(0, "127.0.0.1")
        print(f"http://127.0.0.1:{server.address()[1]}", flush=True)
        await ended.wait()
        await server.close(timeout=5)


asyncio.run(main())
