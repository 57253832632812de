"""A server with routes: a handler for each method and path, and one for all other requests."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from contextlib import suppress

import http2

Handler = Callable[[http2.ServerHttp2Stream, http2.Headers], None]

TEXT = {"content-type": "text/plain; charset=utf-8"}


def hello_world(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """Say hello."""
    stream.respond(TEXT)
    stream.end("Hello World\n")


def ping(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """Answer a health check."""
    stream.respond(TEXT)
    stream.end("pong\n")


def not_found(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """Answer requests without a route."""
    stream.respond({":status": 404, **TEXT})
    stream.end("path not found\n")


ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", "/hello-world"): hello_world,
    ("GET", "/ping"): ping,
}


def route(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """Pass a request to the handler for its method and path."""
    path, _, _query = headers[":path"].partition("?")
    handler = ROUTES.get((headers[":method"], path), not_found)
    handler(stream, headers)


async def main(port: int) -> None:
    """Serve until Ctrl-C."""
    server = http2.create_server()
    server.on("stream", route)
    await server.listen(port, "127.0.0.1")
    print(f"Serving on http://localhost:{server.address()[1]}/", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8000, help="0 for any free one")
    with suppress(KeyboardInterrupt):
        asyncio.run(main(parser.parse_args().port))
