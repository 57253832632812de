"""Twenty wrong calls, one on each line: type checkers must find these errors, and no others."""

from __future__ import annotations

import http2
from http2 import Headers, Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream

# An option that is mistyped, or spelled as in Node; a value of another type.
http2.connect("https://example.org", tiemout=3)  # wrong
http2.connect("https://example.org", keepalive_interval="30")  # wrong
http2.connect("https://example.org", stream_reset_burst=10)  # wrong
http2.connect(443)  # wrong
http2.create_server(allowHTTP1=True)  # wrong
http2.create_server(cert="cert.pem")  # wrong
http2.create_server(max_connections="many")  # wrong
http2.create_secure_server(cert="cert.pem", key=7)  # wrong
http2.create_secure_server(http2_server_request_class=http2.Http2ServerResponse)  # wrong
http2.Settings(maxConcurrentStreams=1)  # wrong


async def requests(session: http2.ClientHttp2Session) -> None:
    """Errors of a client."""
    session.request({":path": "/"}, endStream=True)  # wrong
    session.request({":path": "/"}, weight="16")  # wrong
    session.request(["/"])  # wrong
    stream = session.request()
    stream.write(7)  # wrong
    session.on("goaway", handler)  # wrong
    session.set_timeout("5")  # wrong


def handler(request: Http2ServerRequest, response: Http2ServerResponse) -> None:
    """Errors of a handler."""
    response.write_head("200")  # wrong


server = http2.create_server(handler)


def answer(stream: ServerHttp2Stream, headers: Headers) -> None:
    """Errors with the Core API."""
    stream.respond({":status": 200}, endStream=True)  # wrong
    stream.respond_with_file("index.html", statCheck=None)  # wrong


server.on("steam", answer)  # wrong
