"""Cancel requests if the server, such as timeout_server.py, takes too long."""

from __future__ import annotations

import argparse
import asyncio

import http2
from http2.constants import NGHTTP2_CANCEL


async def idle(session: http2.ClientHttp2Session) -> None:
    """Cancel after a time without activity on the stream; a slow body may continue."""
    stream = session.request({":path": "/ping"})

    def give_up() -> None:
        print("request timed out")
        stream.close(NGHTTP2_CANCEL)

    stream.set_timeout(0.1, give_up)
    try:
        await stream.response()
    except http2.StreamError as error:
        print(f"response: {error}")


async def deadline(session: http2.ClientHttp2Session) -> None:
    """Cancel if the whole exchange is not complete in time, with `asyncio.timeout`."""
    stream = session.request({":path": "/ping"})
    try:
        async with asyncio.timeout(0.1):
            await stream.response()
            await stream.read()
    except TimeoutError:
        # tells the server, so that it can stop too
        stream.close(NGHTTP2_CANCEL)
        print("deadline passed")


async def patient(session: http2.ClientHttp2Session) -> None:
    """Wait for as long as it takes."""
    stream = session.request({":path": "/ping"})
    await stream.response()
    print("patience gets:", (await stream.read()).decode().strip())


async def stalled(session: http2.ClientHttp2Session) -> None:
    """Begin an upload and never continue it: the server ends it."""
    stream = session.request({":method": "POST", ":path": "/upload"})
    stream.write("some bytes, and then no more")
    headers = await stream.response()
    print("stalled upload gets:", headers[":status"], (await stream.read()).decode().strip())


async def main(url: str) -> None:
    """Make the four requests, one after the other."""
    async with http2.connect(url) as session:
        await idle(session)
        await deadline(session)
        await patient(session)
        await stalled(session)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url", nargs="?", default="http://localhost:8000/")
    asyncio.run(main(parser.parse_args().url))
