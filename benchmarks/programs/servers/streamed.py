"""A response of 50 small pieces, each written when there is room for it."""

from typing import Any

from benchmarks.programs.serving import serve

PIECE = b"x" * 100


async def pieces(stream: Any, headers: Any) -> None:
    """Write, wait for room, and again."""
    stream.respond({":status": 200, "content-type": "text/plain"})
    for _ in range(50):
        stream.write(PIECE)
        await stream.drain()
    stream.end()


if __name__ == "__main__":
    serve(lambda server: server.on("stream", pieces))
