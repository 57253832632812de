"""A server that pushes a stylesheet along with the page that needs it.

Run it, then ``python examples/push_client.py http://localhost:8000/``.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress

import http2

server = http2.create_server()


@server.on("stream")
async def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """Answer with a page; promise its stylesheet before the client can ask for it."""
    stream.respond({":status": 200, "content-type": "text/html"})
    if stream.push_allowed:
        pushed, _ = await stream.push_stream({":path": "/style.css"})
        pushed.respond({":status": 200, "content-type": "text/css"})
        pushed.end("some pushed data")
    stream.end("some data")


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
