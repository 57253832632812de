"""A server that accepts JSON by POST and answers in JSON; post_json.py is a client for it."""

from __future__ import annotations

import argparse
import asyncio
import json
from contextlib import suppress
from typing import Any

import http2

LIMIT = 1_000_000

server = http2.create_server()


def answer(stream: http2.ServerHttp2Stream, status: int, value: Any) -> None:
    """Send *value* as JSON."""
    stream.respond({":status": status, "content-type": "application/json"})
    stream.end(json.dumps(value))


@server.on("stream")
async def on_stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """Answer with the sum of the numbers; a coroutine function, because the body arrives later."""
    if headers[":method"] != "POST":
        stream.respond({":status": 405, "allow": "POST"}, end_stream=True)
        return
    body = bytearray()
    async for chunk in stream:
        body += chunk
        if len(body) > LIMIT:
            answer(stream, 413, {"error": f"at most {LIMIT} bytes, please"})
            stream.close()  # after the answer was sent, tell the client to stop
            return
    try:
        numbers = json.loads(body)["numbers"]
        answer(stream, 200, {"sum": sum(numbers), "count": len(numbers)})
    except (KeyError, TypeError, ValueError) as error:
        answer(stream, 400, {"error": repr(error)})


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
