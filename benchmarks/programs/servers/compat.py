"""Hello World on the Compatibility API: a request and a response."""

from typing import Any

from benchmarks.programs.serving import serve


def hello(request: Any, response: Any) -> None:
    """Answer every request with the same eleven bytes."""
    response.write_head(200, headers={"content-type": "text/plain"})
    response.end(b"Hello World")


if __name__ == "__main__":
    serve(lambda server: server.on("request", hello))
