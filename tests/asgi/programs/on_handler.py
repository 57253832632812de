"""Serve an application with `Handler`: ``module:app [--loop …] [--root-path …] [--cert …]``."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import signal
from typing import Any

import uvloop

import http2
import http2.asgi

parser = argparse.ArgumentParser()
parser.add_argument("app")
parser.add_argument("--loop", default="uvloop")
parser.add_argument("--root-path", default="")
parser.add_argument("--cert")
parser.add_argument("--key")


async def main(args: Any) -> None:
    """Serve until SIGINT."""
    module, _, name = args.app.partition(":")
    app = getattr(importlib.import_module(module), name)
    handler = http2.asgi.Handler(app, root_path=args.root_path)
    server: http2.Http2Server
    if args.cert:
        server = http2.create_secure_server(handler, allow_http1=True, cert=args.cert, key=args.key)
    else:
        server = http2.create_server(handler, allow_http1=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, ended.set)
    async with handler.lifespan():
        await server.listen(0, "127.0.0.1")
        scheme = "https" if args.cert else "http"
        print(f"{scheme}://127.0.0.1:{server.address()[1]}", flush=True)
        await ended.wait()
        await server.close(timeout=5)


args = parser.parse_args()
factory = uvloop.new_event_loop if args.loop == "uvloop" else asyncio.new_event_loop
with asyncio.Runner(loop_factory=factory) as runner:
    runner.run(main(args))
