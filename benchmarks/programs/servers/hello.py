"""Hello World on the Core API: one ``stream`` listener."""

from typing import Any

from benchmarks.programs.serving import serve


def hello(stream: Any, headers: Any) -> None:
    """Answer every request with the same eleven bytes."""
    stream.respond({":status": 200, "content-type": "text/plain"})
    stream.end(b"Hello World")


if __name__ == "__main__":
    serve(lambda server: server.on("stream", hello))
