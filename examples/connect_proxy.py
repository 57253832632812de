"""An HTTP/2 proxy for TCP: CONNECT requests become tunnels (RFC 9113 section 8.5).

``python examples/connect_proxy.py --allow localhost``; `connect_client.py` is its client.
"""

from __future__ import annotations

import argparse
import asyncio
from urllib.parse import urlsplit

import http2
from http2.constants import NGHTTP2_CONNECT_ERROR, NGHTTP2_REFUSED_STREAM

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=8001)
parser.add_argument("--allow", nargs="*", default=["localhost"], help="hosts it connects to")
args = parser.parse_args()

proxy = http2.create_server()


@proxy.on("stream")
async def tunnel(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """Connect to the requested host, and copy bytes in both directions."""
    if headers[":method"] != "CONNECT":
        stream.close(NGHTTP2_REFUSED_STREAM)
        return
    target = urlsplit(f"//{headers[':authority']}")
    # a proxy must not connect to any host that a client names
    if target.hostname not in args.allow:
        stream.respond({":status": 403}, end_stream=True)
        return
    try:
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
    except OSError:
        stream.close(NGHTTP2_CONNECT_ERROR)
        return
    stream.respond()
    # each pipe ends its sink at the end; a failure of one breaks both
    await asyncio.gather(
        http2.pipe(reader, stream), http2.pipe(stream, writer), return_exceptions=True
    )
    writer.close()


async def main() -> None:
    """Listen; `http2.run` continues until Ctrl-C."""
    await proxy.listen(args.port, "127.0.0.1")
    print(f"Proxy on http://127.0.0.1:{proxy.address()[1]}/", flush=True)


if __name__ == "__main__":
    http2.run(main)
