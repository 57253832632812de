"""Shared code of the Python servers: their arguments, their event loop and their port."""

import argparse
import asyncio
import socket
from collections.abc import Callable
from typing import Any

import http2


def serve(attach: Callable[[Any], object], **options: Any) -> None:
    """Run a server until the process is ended.

    Args:
        attach: Called once with the new server, to add its listeners.
        options: Options of `http2.create_server`.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    parser.add_argument("--cert", help="PEM file; given, the server speaks TLS")
    parser.add_argument("--key", help="PEM file")
    parser.add_argument("--http1", action="store_true", help="serve HTTP/1 clients too")
    parser.add_argument(
        "--observe",
        choices=["always", "before"],
        help="let a PerformanceObserver take every entry, or one that is gone before the load",
    )
    arguments = parser.parse_args()

    async def main() -> None:
        if arguments.observe:
            observer = http2.PerformanceObserver(lambda items: items.get_entries())
            observer.observe(entry_types=["http2"])
            if arguments.observe == "before":
                observer.disconnect()
        if arguments.http1:
            options["allow_http1"] = True
        create: Callable[..., Any] = http2.create_server
        if arguments.cert:
            create = http2.create_secure_server
            options["cert"], options["key"] = arguments.cert, arguments.key
        server = create(**options)
        attach(server)
        await announce(server)
        await server.serve_forever()

    run(main, arguments.loop)


async def announce(server: Any) -> None:
    """Listen on a free port of 127.0.0.1 and print that port."""
    listener = socket.create_server(("127.0.0.1", 0))
    await server.listen(sock=listener)
    print(listener.getsockname()[1], flush=True)


def run(main: Callable[[], Any], loop: str) -> None:
    """Run the coroutine function ``main`` on the event loop called ``loop``."""
    if loop == "uvloop":
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
