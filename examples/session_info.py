"""Print a session's properties on both sides, and the events of its end.

Server and client run in the same program, over a real connection.
"""

from __future__ import annotations

import asyncio

import http2

server = http2.create_server(settings={"initial_window_size": 100_000})


@server.on("session")
def on_session(session: http2.ServerHttp2Session) -> None:
    """Watch a connection: sessions are emitters, like streams and servers."""
    session.on("local_settings", lambda: print("server: our settings are acknowledged"))
    session.on("close", lambda: print("server: session is closed"))


@server.on("stream")
def on_stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """Answer with the name of the protocol, then close the session."""
    session = stream.session
    assert session is not None  # it is None after a stream was destroyed
    stream.respond({"content-type": "text/plain"})
    stream.write("hello; ")
    stream.end(f"session protocol: {session.alpn_protocol}")
    # sends GOAWAY: this stream may finish, then the connection ends
    session.close()


async def main() -> None:
    """Make one request and print the properties of its session."""
    await server.listen(0, "127.0.0.1")
    session = http2.connect(f"http://127.0.0.1:{server.address()[1]}")
    session.on("remote_settings", lambda: print("client: the server's settings are here"))
    session.on("local_settings", lambda: print("client: our settings are acknowledged"))
    session.on("goaway", lambda code: print(f"client: goaway with code {code}"))
    session.on("close", lambda: print("client: session is closed"))
    await session

    duration, _ = await session.ping()
    print(f"client: ping answered: {0 < duration < 10}")
    print(f"client: to {session.socket.remote_address}, encrypted: {session.encrypted}")
    print(f"client: server's window for new streams: {session.remote_settings.initial_window_size}")
    print(f"client: own window for new streams: {session.local_settings.initial_window_size}")
    print(f"client: window of the connection: {session.state.local_window_size}")
    print(f"client: next stream: {session.state.next_stream_id}")

    stream = session.request()
    headers = await stream.response()
    print(f"client: status: {headers[':status']}")
    print(f"client: received: {(await stream.read()).decode()}")
    await session.close()
    await server.close()
    print(f"client: destroyed: {session.destroyed}")


if __name__ == "__main__":
    asyncio.run(main())
