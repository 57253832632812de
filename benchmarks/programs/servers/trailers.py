"""Hello World with trailers, as a gRPC server sends them."""

from typing import Any

from benchmarks.programs.serving import serve


def hello(stream: Any, headers: Any) -> None:
    """Answer with eleven bytes, and with a status behind them."""
    stream.respond({":status": 200, "content-type": "application/grpc"}, wait_for_trailers=True)
    stream.on("want_trailers", lambda: stream.send_trailers({"grpc-status": "0"}))
    stream.end(b"Hello World")


if __name__ == "__main__":
    serve(lambda server: server.on("stream", hello))
