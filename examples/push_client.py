"""A client that accepts a server's pushes.

Run ``python examples/push_server.py``, then this with its address.
"""

from __future__ import annotations

import asyncio
import sys

import http2


async def main() -> None:
    """Make one request; print its response and the pushed ones."""
    url = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000/"
    async with http2.connect(url) as session:
        taken: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        @session.on("stream")
        async def take(pushed: http2.ClientHttp2Stream, request: http2.Headers) -> None:
            headers = await pushed.response()
            body = (await pushed.read()).decode()
            taken.set_result(f"pushed {request[':path']}: {headers[':status']}, {body}")

        stream = session.request({":path": "/"})
        print(f"asked for: {(await stream.read()).decode()}")
        print(await taken)


if __name__ == "__main__":
    asyncio.run(main())
