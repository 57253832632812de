"""Read request bodies piece by piece, discard them, and answer with the number of bytes."""

from typing import Any

from benchmarks.programs.serving import serve


async def receive(stream: Any, headers: Any) -> None:
    """Read to the end, then answer with the number of bytes in decimal."""
    received = 0
    async for chunk in stream:
        received += len(chunk)
    stream.respond({":status": 200, "content-type": "text/plain"})
    stream.end(str(received))


if __name__ == "__main__":
    serve(lambda server: server.on("stream", receive))
