"""A JSON API for notes, without TLS: create, read, replace and delete them.

The same port and the same handler serve HTTP/2 and HTTP/1.1. Run it, then::

    curl -d '{"text": "milk"}' http://localhost:8000/notes
    curl -X PUT -d '{"text": "bread"}' http://localhost:8000/notes/1
    curl --http2-prior-knowledge http://localhost:8000/notes
    curl -i -X DELETE http://localhost:8000/notes/1
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
from contextlib import suppress
from typing import Any

import http2

LIMIT = 100_000  # maximum size of a note in bytes

notes: dict[str, str] = {}
numbers = itertools.count(1)


def answer(method: str, path: str, value: Any) -> tuple[int, Any]:
    """Process a request with the JSON *value*; return the status and the JSON of the response."""
    match method, path.split("/")[1:], value:
        case "GET" | "HEAD", ["notes"], _:
            return 200, notes
        case "POST", ["notes"], {"text": str(text)}:
            notes[number := str(next(numbers))] = text
            return 201, {number: text}
        case "GET" | "HEAD", ["notes", number], _ if number in notes:
            return 200, {number: notes[number]}
        case "PUT", ["notes", number], {"text": str(text)} if number in notes:
            notes[number] = text
            return 200, {number: text}
        case "DELETE", ["notes", number], _ if number in notes:
            return 200, {number: notes.pop(number)}
        case "POST" | "PUT", ["notes", *_], _:
            return 400, {"error": 'a note is {"text": "…"}'}
    return 404, {"error": f"nothing answers {method} {path}"}


async def on_request(
    request: http2.Http2ServerRequest, response: http2.Http2ServerResponse
) -> None:
    """Answer a request in JSON."""
    # the library checks that a body is not longer than its content-length
    length = int(request.headers.get("content-length", 0))
    value = None
    if length > LIMIT:
        status, value = 413, {"error": f"a note has at most {LIMIT} bytes"}
    else:
        with suppress(ValueError):
            value = await request.json() if length else None
        status, value = answer(request.method, request.url, value)
    response.write_head(status, {"content-type": "application/json"})
    response.end(json.dumps(value) + "\n")


async def main(port: int) -> None:
    """Serve until Ctrl-C."""
    server = http2.create_server(on_request, allow_http1=True)
    await server.listen(port, "127.0.0.1")
    print(f"Serving on http://localhost:{server.address()[1]}/", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8000, help="0 for any free one")
    with suppress(KeyboardInterrupt):
        asyncio.run(main(parser.parse_args().port))
