"""Correct programs: a checker must not report anything, in its strictest mode."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Unpack, assert_type
from urllib.parse import SplitResult

import http2
import http2.asgi
from http2 import (
    ClientHttp2Session,
    ClientHttp2Stream,
    Headers,
    Http2Error,
    Http2SecureServer,
    Http2Server,
    Http2ServerRequest,
    Http2ServerResponse,
    ServerHttp2Session,
    ServerHttp2Stream,
)


class MyRequest(Http2ServerRequest):
    """A program's own request."""


class MyResponse(Http2ServerResponse):
    """A program's own response."""


async def handler(request: Http2ServerRequest, response: Http2ServerResponse) -> None:
    """The usual handler."""
    body = await request.read()
    assert_type(body, bytes)
    response.set_header("content-type", "text/plain")
    response.write_head(200, headers={"x-number": 7, "x-list": ["a", "b"]}).end(body)


def own_handler(request: MyRequest, response: MyResponse) -> None:
    """A handler for the program's own classes."""
    response.end(request.url)


class Application:
    """A handler that is an object."""

    async def __call__(self, request: Http2ServerRequest, response: Http2ServerResponse) -> None:
        """Answer."""
        response.end()

    def asked(self, stream: ServerHttp2Stream, headers: Headers, *more: object) -> None:
        """A method that takes any arguments."""
        stream.respond({":status": 204, "x": headers["x"]}, end_stream=True)


def servers(context: ssl.SSLContext, given: dict[str, Any]) -> None:
    """Servers with all kinds of handlers and options."""
    assert_type(http2.create_server(), Http2Server)
    assert_type(http2.create_secure_server(ssl_context=context), Http2SecureServer)
    http2.create_server(handler, allow_http1=True, settings={"enable_push": False})
    http2.create_server(Application(), settings=http2.Settings(max_concurrent_streams=5))
    http2.create_server(lambda request, response: response.end(request.url))
    http2.create_server(lambda: None, max_connections=None, http1_options={"max_header_size": 1})
    http2.create_server(
        own_handler,
        http2_server_request_class=MyRequest,
        http2_server_response_class=MyResponse,
        http1_options=http2.Http1Options(keep_alive_timeout=3),
    )
    http2.create_secure_server(handler, cert=Path("cert.pem"), key=b"PEM", ca=["a.pem", b"PEM"])
    http2.create_secure_server(cert="cert.pem", origins=["https://example.org"], request_cert=True)
    http2.create_server(**given)


def listeners(server: Http2Server, secure: Http2SecureServer, application: Application) -> None:
    """All ways to register listeners."""
    server.on("stream", application.asked)
    server.on("stream", lambda stream, headers: stream.respond({"x": headers["x"]}))
    server.on("stream", lambda stream: stream.end())
    server.on("request", handler)
    server.on("request", own_handler)
    server.on("request", Application())
    server.on("session", print)
    server.on("close", lambda: None)
    server.off("close", server.once("close", lambda: None))
    secure.on("tls_client_error", lambda error, connection: connection.destroy())
    server.on("my-own", lambda thing: None)

    @server.on("stream")
    async def answer(stream: ServerHttp2Stream, headers: Headers, flags: int) -> str:
        stream.respond({":status": 200}, wait_for_trailers=True)
        stream.on("want_trailers", lambda: stream.send_trailers({"x": "y"}))
        pushed, sent = await stream.push_stream({":path": "/style.css"})
        assert_type(pushed, ServerHttp2Stream)
        assert_type(sent, Headers)
        stream.respond_with_file(Path("index.html"), {"x": 1}, on_error=lambda error: None)
        return str(headers[":path"]) + str(flags)

    @server.once("request")
    def own(request: MyRequest) -> None:
        assert_type(request.socket, http2.StreamSocketProxy | None)

    @server.on("my-own")
    def mine(thing: Application) -> None:
        print(thing.asked)

    @server.on("session")
    def session(session: ServerHttp2Session) -> None:
        session.on("goaway", lambda code, last, data: None)
        session.origin("https://example.org")

    mine(application)


def own_event(emitter: http2.EventEmitter, application: Application) -> None:
    """The events of an emitter of any class are unknown."""
    emitter.on("my-own", application.asked)


async def dial(url: SplitResult, options: dict[str, Any]) -> socket.socket:
    """Connections that carry a session."""
    dialled = socket.create_connection((url.hostname, url.port))
    dialled.settimeout(options.get("timeout"))
    return dialled


async def client(**options: Unpack[http2.ConnectOptions]) -> None:
    """A client, whose options a program may pass on."""
    async with http2.connect("https://example.org", **options) as session:
        assert_type(session, ClientHttp2Session)
        async with session.request({":path": "/"}, weight=1) as stream:
            assert_type(stream, ClientHttp2Stream)
            response = await stream.response()
            assert_type(response, Headers)
            async for chunk in stream:
                print(chunk)
            assert_type(await stream.text(), str)
        session.request(
            [(":path", "/"), ("x", 1)], signal=asyncio.get_running_loop().create_future()
        )
        assert_type(await session.ping(), tuple[float, bytes])
        settings, duration = await session.settings({"enable_push": False})
        assert_type(settings, http2.Settings)
        assert_type(duration, float)
        session.on("stream", lambda stream, headers: stream.end())
        session.set_timeout(5, lambda: None).destroy()
    session = await http2.connect("localhost", protocol="http:", create_connection=dial, timeout=3)
    stream = session.request()
    stream.on("response", lambda headers: print(headers[":status"]))
    stream.on("data", lambda chunk: print(chunk))

    @stream.on("data")
    def text(chunk: str) -> None:
        print(chunk)

    @stream.on("error")
    def failed(error: Exception) -> None:
        if isinstance(error, Http2Error):
            assert_type(error.retryable, bool)


async def more(request: Http2ServerRequest, response: Http2ServerResponse) -> None:
    """The properties that a handler reads, and the responses that it may send."""
    assert_type(request.stream, ServerHttp2Stream)
    assert request.socket is not None
    assert_type(request.socket.remote_port, int | None)
    headers = request.headers | {"X-More": "1"}
    assert_type(headers, Headers)
    for name, value in reversed(headers.items()):
        print(name.upper(), value, headers[http2.sensitive_headers])
    pushed = await response.create_push_response({":path": "/style.css"})
    pushed.end(bytearray(b"body"))
    await http2.pipe(request, response)
    await http2.pipe([b"one", "two"], request.stream)
    response.write_head(200, {"x-a": 1}).write(memoryview(b"body"))
    try:
        await response.end()
    except http2.GoAwayError as error:
        assert_type(error.last_stream_id, int | None)
        assert_type(error.error_code, int)
    except (http2.ConnectionClosed, http2.StreamError) as error:
        assert_type(error.retryable, bool)


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """An ASGI application."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    print(scope["path"], await receive())


def serve_application() -> Http2Server:
    """The library's own handler."""
    return http2.create_server(http2.asgi.Handler(application), allow_http1=True)


async def chat(stream: ServerHttp2Stream) -> None:
    """A WebSocket of either side."""
    async with http2.accept_websocket(stream, subprotocols=["chat"], max_size=None) as ws:
        assert_type(ws, http2.WebSocket)
    async with http2.connect_websocket(
        "wss://example.org/", ca="ca.pem", ping_interval=None, close_timeout=1
    ) as ws:
        assert_type(ws.subprotocol, str | None)
