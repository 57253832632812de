"""Reach a TCP server through an HTTP/2 proxy, such as `connect_proxy.py`.

``python examples/connect_client.py http://localhost:8001 localhost:8000``: sends a name and
prints the server's answer.
"""

from __future__ import annotations

import argparse
import sys

import http2


async def main(proxy: str, authority: str) -> None:
    """Open one tunnel."""
    async with http2.connect(proxy) as client:
        # a CONNECT request has neither :scheme nor :path
        stream = client.request({":method": "CONNECT", ":authority": authority})
        headers = await stream.response()
        print(headers[":status"])
        stream.end("Jane")
        print(f"The server says: {(await stream.read()).decode()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("proxy", nargs="?", default="http://localhost:8001")
    parser.add_argument("authority", nargs="?", default="localhost:8000")
    args = parser.parse_args()
    try:
        http2.run(main(args.proxy, args.authority))
    except (OSError, http2.Http2Error) as error:
        sys.exit(f"connect_client.py: {error}")
