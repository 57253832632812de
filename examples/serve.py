"""A server for trying out clients, with and without TLS.

HTTP/2 and HTTP/1.1 on http://localhost:8080/ and https://localhost:8443/, with a certificate
that is created at the start and deleted at the end. Ctrl-C or SIGTERM ends it: requests in
progress are finished first, for at most `GRACE` seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from certificate import make_certificate

import http2

GRACE = 3.0

# Errors of bind() on a machine without IPv6.
NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


async def on_request(
    request: http2.Http2ServerRequest, response: http2.Http2ServerResponse
) -> None:
    """Answer one request, over any version of HTTP."""
    method, path = request.method, request.url.partition("?")[0]
    response.set_header("content-type", "text/plain; charset=utf-8")
    if path == "/":
        response.end(
            f"Hello over HTTP/{request.http_version}! This was {method} {request.url}.\n"
            "Try /headers, /ticks, and a POST to /echo.\n"
        )
    elif path == "/headers":
        # as received, in order
        response.end("".join(f"{name}: {value}\n" for name, value in request.raw_headers))
    elif path == "/ticks":
        for tick in range(1, 6):
            response.write(f"tick {tick}\n")
            await asyncio.sleep(0.2)
        response.end()
    elif path == "/echo" and method in ("POST", "PUT"):
        kind = request.headers.get("content-type", "application/octet-stream")
        response.set_header("content-type", kind)
        async for chunk in request:
            # False means that the client reads more slowly than we write: wait, and read no
            # more in the meantime, which holds the client back too.
            if not response.write(chunk):
                await response.drain()
        response.end()
    else:
        response.status_code = 404
        response.end(f"Nothing here answers {method} {path}.\n")


async def listen(
    make: Callable[[], http2.Http2Server], hosts: list[str], port: int, stack: AsyncExitStack
) -> int:
    """Create a server on *port* of each of *hosts*; close them with *stack*; return the port."""
    bound = 0
    for host in hosts:
        server = make()
        try:
            await server.listen(port, host)
        except OSError as error:
            if bound and error.errno in NO_SUCH_ADDRESS:
                continue
            raise SystemExit(f"cannot listen on {host} port {port}: {error.strerror}") from None
        # port 0 means any free one: the port of the first address is then used for all
        port = bound = server.address()[1]
        await stack.enter_async_context(server)
    return bound


async def main(args: argparse.Namespace) -> None:
    """Serve until a signal arrives."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    with tempfile.TemporaryDirectory(prefix="http2-") as folder:
        cert, key = make_certificate(folder)
        hosts = [args.host] if args.host else ["127.0.0.1", "::1"]
        async with AsyncExitStack() as stack:
            port = await listen(
                lambda: http2.create_server(on_request, allow_http1=True), hosts, args.port, stack
            )
            tls_port = await listen(
                lambda: http2.create_secure_server(
                    on_request, cert=cert, key=key, allow_http1=True
                ),
                hosts, args.tls_port, stack,
            )  # fmt: skip
            shown = f"[{args.host}]" if ":" in (args.host or "") else args.host or "localhost"
            plain, secure = f"http://{shown}:{port}/", f"https://{shown}:{tls_port}/"
            print(f"Serving on {plain} and {secure}; Ctrl-C ends it. Try:")
            print(f"  curl -k --http2 {secure}")
            print(f"  curl -k --http1.1 {secure}")
            print(f"  curl --http2-prior-knowledge {plain}headers")
            print(f"  nghttp -v {plain}")
            sys.stdout.flush()
            await stop.wait()
            try:
                async with asyncio.timeout(GRACE):
                    await stack.aclose()
            except TimeoutError:
                print("Some requests did not finish in time.")


def run(coroutine: Any) -> None:
    """Run *coroutine* on uvloop if it is installed, else on asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(coroutine)
    else:
        uvloop.run(coroutine)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A server to try clients on.")
    parser.add_argument("--host", help="the address to listen on (default: 127.0.0.1 and ::1)")
    parser.add_argument("--port", type=int, default=8080, help="in the clear (default: 8080)")
    parser.add_argument("--tls-port", type=int, default=8443, help="for TLS (default: 8443)")
    run(main(parser.parse_args()))
