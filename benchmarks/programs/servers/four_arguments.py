"""Hello World on the Core API, by a listener that takes all that there is."""

from typing import Any

from benchmarks.programs.serving import serve


def hello(stream: Any, headers: Any, flags: int, raw_headers: Any) -> None:
    """Answer every request with the same eleven bytes."""
    stream.respond({":status": 200, "content-type": "text/plain"})
    stream.end(b"Hello World")


if __name__ == "__main__":
    serve(lambda server: server.on("stream", hello))
