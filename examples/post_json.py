"""Send JSON to json_server.py by POST: two requests at once on one connection."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

import http2


async def post(session: http2.ClientHttp2Session, value: Any) -> tuple[int, Any]:
    """POST *value*; return the status and the answer."""
    stream = session.request(
        {":method": "POST", ":path": "/sum", "content-type": "application/json"}
    )
    # A request that may have a body is sent at once; write() adds to it, end() ends it.
    stream.end(json.dumps(value))
    headers = await stream.response()
    return headers[":status"], json.loads(await stream.read())


async def main(url: str) -> None:
    """Post numbers, and a value that is not a list of numbers."""
    async with http2.connect(url) as session:
        answers = await asyncio.gather(
            post(session, {"numbers": [1, 2, 3.5]}),
            post(session, {"somekey": "somevalue"}),
        )
    for status, value in answers:
        print(status, value)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url", nargs="?", default="http://localhost:8000/")
    asyncio.run(main(parser.parse_args().url))
