"""Listeners that do not accept their event's arguments, or that listen to an unknown event."""

from __future__ import annotations

import http2
from http2 import ClientHttp2Stream, Headers, ServerHttp2Stream


def takes_number(number: int) -> None:
    """A listener for events with a number."""


def takes_five(a: object, b: object, c: object, d: object, e: object) -> None:
    """More arguments than any event has."""


async def takes_client(stream: ClientHttp2Stream) -> None:
    """A listener of a client, which servers do not have."""


def takes_server(stream: ServerHttp2Stream, headers: Headers) -> None:
    """A listener of a server."""


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
        """Listeners of the other side."""

    @server.on("close")  # wrong
    def closed(session: http2.ServerHttp2Session) -> None:
        """The event has no argument."""

    @server.on("request")  # wrong
    async def request(request: object, response: object, more: object) -> None:
        """One argument too many."""


def on_session(session: http2.ClientHttp2Session, stream: ClientHttp2Stream) -> None:
    """Listeners of sessions and streams."""
    session.on("stream", takes_server)  # wrong
    session.on("ping", takes_number)  # wrong
    session.once("remote_settings", takes_number)  # wrong
    stream.on("response", takes_number)  # wrong
    stream.on("data", takes_number)  # wrong
    stream.on("error", takes_client)  # wrong
    stream.prepend_once_listener("trailers", takes_server)  # wrong
