"""A slow server with time limits of its own; see timeout_client.py.

``/ping`` answers late, and stops as soon as the client cancels.
``/upload`` reads a body, and ends the request if no data arrives for a while.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress

import http2

WORK = 0.75
PATIENCE = 0.3

server = http2.create_server()


@server.on("stream")
async def on_stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """Pass the request to its handler."""
    if headers[":path"] == "/upload":
        await upload(stream)
    else:
        await slow_ping(stream)


async def slow_ping(stream: http2.ServerHttp2Stream) -> None:
    """Answer late. The handler's task is cancelled when its stream ends before it does."""
    try:
        await asyncio.sleep(WORK)
    except asyncio.CancelledError:
        print("ping: the client has gone, no more work is done for it", flush=True)
        raise
    stream.respond({"content-type": "text/plain"})
    stream.end("pong\n")


async def upload(stream: http2.ServerHttp2Stream) -> None:
    """Count a body's bytes; answer 408 after PATIENCE seconds without activity on the stream."""

    def give_up() -> None:
        print("upload: timed out", flush=True)
        stream.respond({":status": 408, "content-type": "text/plain"})
        stream.end("this took you too long\n")
        # tells the client that the rest of the request is not needed
        stream.close()

    stream.set_timeout(PATIENCE, give_up)
    size = 0
    async for chunk in stream:
        size += len(chunk)
    stream.respond({"content-type": "text/plain"})
    stream.end(f"{size} bytes\n")


async def main(port: int) -> None:
    """Serve until Ctrl-C."""
    await server.listen(port, "127.0.0.1")
    print(f"Serving on http://localhost:{server.address()[1]}/", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8000, help="0 for any free one")
    with suppress(KeyboardInterrupt):
        asyncio.run(main(parser.parse_args().port))
