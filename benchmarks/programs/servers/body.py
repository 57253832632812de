"""Responses of 1 MiB from one ``bytes`` object."""

from typing import Any

from benchmarks.programs.serving import serve

BODY = b"x" * 2**20


def send(stream: Any, headers: Any) -> None:
    """Answer every request with the same mebibyte."""
    stream.respond({":status": 200, "content-type": "application/octet-stream"})
    stream.end(BODY)


if __name__ == "__main__":
    serve(lambda server: server.on("stream", send))
