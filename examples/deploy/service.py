"""A server of this library as a service, with an access log and a graceful shutdown.

    python examples/deploy/service.py --port 8444 --proxy 127.0.0.0/8
    python examples/deploy/service.py --fd 3    # the socket that systemd has opened

With --proxy, every connection must begin with a PROXY header, as HAProxy's `send-proxy-v2`
and nginx's `proxy_protocol on` send it. SIGTERM or Ctrl-C ends it; SIGHUP makes it load its
certificate again.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import socket
import sys

import http2

# Seconds that requests in progress have at the shutdown.
GRACE = 25.0


def hello(request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) -> None:
    """Answer with the client's address, also behind a proxy that uses the PROXY protocol."""
    if request.url == "/health":
        response.end("ready\n")
        return
    client = request.socket.remote_address
    response.end(f"HTTP/{request.http_version} from {client}\n")


def make(given: argparse.Namespace) -> http2.Http2Server:
    """Create the server for the command line's options."""
    if given.cert:
        return http2.create_secure_server(
            hello, cert=given.cert, key=given.key, allow_http1=True, proxy_protocol=given.proxy
        )
    return http2.create_server(hello, allow_http1=True, proxy_protocol=given.proxy)


async def main(given: argparse.Namespace) -> None:
    """Serve until a signal arrives, then finish the requests in progress."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = make(given)
    http2.AccessLog(server)
    if isinstance(server, http2.Http2SecureServer):
        # load a replaced certificate
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, server.set_secure_context)
    if given.fd is None:
        await server.listen(given.port, given.host)
    else:
        await server.listen(sock=socket.socket(fileno=given.fd))
    logging.info("listening at %s", server.address())
    await stop.wait()
    await server.close(timeout=GRACE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8444)
    parser.add_argument("--fd", type=int, help="a socket that is inherited, in place of a port")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--proxy", action="append", help="a network of proxies; may be repeated")
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    asyncio.run(main(parser.parse_args()))
