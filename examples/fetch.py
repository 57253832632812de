"""Fetch a URL, print the response's headers and its body.

``python examples/fetch.py https://www.example.com/``, or a server of the other examples.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from urllib.parse import urlsplit

import http2


async def main(url: str) -> None:
    """Make one request; the session ends with the block."""
    parts = urlsplit(url)
    path = parts.path or "/"
    if parts.query:
        path += f"?{parts.query}"
    async with http2.connect(parts) as session:
        stream = session.request({":path": path, "user-agent": "fetch.py"})
        headers = await stream.response()
        for name, value in headers.items():
            print(f"{name}: {value}")
        print(flush=True)
        # The server sends only as fast as this loop reads: a large body needs little memory.
        async for chunk in stream:
            sys.stdout.buffer.write(chunk)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url", nargs="?", default="http://localhost:8000/")
    try:
        asyncio.run(main(parser.parse_args().url))
    except (OSError, http2.Http2Error) as error:
        sys.exit(f"fetch.py: {error}")
