"""The smallest server: it answers every request with a greeting.

Run it, then ``python examples/fetch.py http://localhost:8000/`` or
``curl --http2-prior-knowledge http://localhost:8000/``. Browsers use HTTP/2 only over
TLS: see secure_server.py.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress

import http2

server = http2.create_server()


@server.on("stream")
def hello(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """Answer a request: `stream` is both the request's body and the response's."""
    stream.respond({":status": 200, "content-type": "text/plain; charset=utf-8"})
    stream.write("Hello ")
    stream.end("World!\n")


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
