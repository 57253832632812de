"""GET a page of an https: server through an HTTP/2 proxy, such as `connect_proxy.py`.

``python examples/proxied_fetch.py http://localhost:8001 https://localhost:8443/ --ca cert.pem``:
the proxy sees the destination, but not the contents.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any
from urllib.parse import SplitResult, urlsplit

import http2


async def main(proxy: str, url: str, **options: Any) -> None:
    """Open a tunnel, a TLS connection in it, and a session on that."""
    async with http2.connect(proxy) as outer:

        def dial(authority: SplitResult, _: dict[str, Any]) -> http2.ClientHttp2Stream:
            address = f"{authority.hostname}:{authority.port or 443}"
            return outer.request({":method": "CONNECT", ":authority": address})

        async with http2.connect(url, create_connection=dial, **options) as inner:
            stream = inner.request({":path": urlsplit(url).path or "/"})
            headers = await stream.response()
            print(headers[":status"], inner.socket.get_extra_info("ssl_object").version())
            print((await stream.read()).decode(), end="")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("proxy", nargs="?", default="http://localhost:8001")
    parser.add_argument("url", nargs="?", default="https://localhost:8443/")
    parser.add_argument("--ca", help="what to trust instead of the system's authorities")
    args = parser.parse_args()
    try:
        http2.run(main(args.proxy, args.url, **({"ca": args.ca} if args.ca else {})))
    except (OSError, http2.Http2Error) as error:
        sys.exit(f"proxied_fetch.py: {error}")
