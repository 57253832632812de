"""Listeners that do not take what their event gives, or that no event of that name gives to."""

from __future__ import annotations

import http2
from http2 import ClientHttp2Stream, Headers, ServerHttp2Stream


def takes_number(number: int) -> None:
    """No event's listener but those of numbers."""


def takes_five(a: object, b: object, c: object, d: object, e: object) -> None:
    """More than any event has."""


async def takes_client(stream: ClientHttp2Stream) -> None:
    """A client's, which a server has none of."""


def takes_server(stream: ServerHttp2Stream, headers: Headers) -> None:
    """A server's."""


def on_server(server: http2.Http2Server, secure: http2.Http2SecureServer) -> None:
    """Listeners of servers."""
    server.on("stream", takes_number)  # wrong
    server.on("stream", takes_five)  # wrong
    server.on("stream", takes_client)  # wrong
    server.once("request", takes_number)  # wrong
    server.on("close", None)  # wrong
    server.on("session", takes_server)  # wrong
    server.on("tls_client_error", takes_number)  # wrong
    secure.on("tls_client_error", takes_number)  # wrong
    server.add_listener("streams", takes_server)  # wrong
    server.prepend_listener("stream", takes_client)  # wrong
    server.on("stream", takes_server).nothing  # wrong # noqa: B018

    @server.on("stream")  # wrong
    def answer(stream: ClientHttp2Stream) -> None:
        """Of the other side."""

    @server.on("close")  # wrong
    def closed(session: http2.ServerHttp2Session) -> None:
        """There is none."""

    @server.on("request")  # wrong
    async def request(request: object, response: object, more: object) -> None:
        """One too many."""


def on_session(session: http2.ClientHttp2Session, stream: ClientHttp2Stream) -> None:
    """Listeners of sessions and streams."""
    session.on("stream", takes_server)  # wrong
    session.on("ping", takes_number)  # wrong
    session.once("remote_settings", takes_number)  # wrong
    stream.on("response", takes_number)  # wrong
    stream.on("data", takes_number)  # wrong
    stream.on("error", takes_client)  # wrong
    stream.prepend_once_listener("trailers", takes_server)  # wrong
