"""Sends request bodies back while they come."""

from typing import Any

from benchmarks.programs.serving import serve


async def echo(stream: Any, headers: Any) -> None:
    """Write each piece as soon as it arrives, and wait while the writer is full."""
    stream.respond({":status": 200, "content-type": "application/octet-stream"})
    async for piece in stream:
        stream.write(piece)
        await stream.drain()
    stream.end()


if __name__ == "__main__":
    serve(lambda server: server.on("stream", echo))
