"""Join the chat of websocket_chat.py over HTTP/2: send each TEXT, and print all messages.

``python examples/websocket_client.py wss://localhost:8443/chat "hello" "is anybody there?"``
"""

from __future__ import annotations

import argparse
import asyncio
import sys

import http2


async def main(url: str, texts: list[str]) -> None:
    """Send *texts*, and print messages until all of them have come back."""
    async with http2.connect_websocket(url, subprotocols=["chat"], reject_unauthorized=False) as ws:
        left = list(texts)
        for text in texts:
            await ws.send(text)
        async for message in ws:
            print(message, flush=True)
            if message in left:
                left.remove(str(message))
            if not left:
                break


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url", help="such as wss://localhost:8443/chat")
    parser.add_argument("text", nargs="+")
    args = parser.parse_args()
    try:
        asyncio.run(main(args.url, args.text))
    except (http2.Http2Error, OSError) as error:
        sys.exit(f"websocket_client.py: {error}")
