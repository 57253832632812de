"""The socket of a request and of a response, compared with Node."""

from __future__ import annotations

from typing import Any

import pytest

import http2

from ..support.running import Run, execute
from ..support.self_signed import Certificate
from ..support.serving import Events, listening
from .scenarios import Note, Scenarios, attempt, differences, of_node, ours

Request = http2.Http2ServerRequest
Response = http2.Http2ServerResponse

scenario = Scenarios()


@scenario("/looked-at")
def _(request: Request, response: Response, note: Note) -> None:
    socket: Any = request.socket
    assert request.stream.session is not None
    note(request.connection is socket, response.socket is socket, response.connection is socket)
    note(socket.destroyed, socket.readable, socket.writable)
    note(socket.remote_address, socket.local_address, socket.remote_port == socket.local_port)
    note(socket.remote_port == request.stream.session.socket.remote_port)
    response.end()


@scenario("/forbidden")
def _(request: Request, response: Response, note: Note) -> None:
    socket: Any = request.socket
    for name in ("pause", "read", "resume", "write"):
        note(attempt(getattr, socket, name), attempt(setattr, socket, name, 1))
    response.end()


@scenario("/ended")
def _(request: Request, response: Response, note: Note) -> None:
    response.write("some ")
    socket: Any = response.socket
    socket.end("more")


@scenario("/destroyed")
def _(request: Request, response: Response, note: Note) -> None:
    request.on("aborted", lambda: note("aborted"))
    socket: Any = request.socket
    socket.destroy()
    note(socket.destroyed, socket.readable, socket.writable)


@scenario("/emitter")
def _(request: Request, response: Response, note: Note) -> None:
    socket: Any = request.socket
    socket.on("mine", lambda value: note("on", value))
    socket.once("mine", lambda value: note("once", value))
    request.stream.on("mine", lambda value: note("stream", value))
    note(
        attempt(socket.emit, "mine", 1),
        attempt(socket.emit, "mine", 2),
        attempt(socket.emit, "nobody"),
    )
    response.end()


@scenario("/closed")
def _(request: Request, response: Response, note: Note) -> None:
    response.end()
    request.stream.on("close", lambda: note(response.socket is None, response.connection is None))


@scenario("/timeout")
def _(request: Request, response: Response, note: Note) -> None:
    socket: Any = request.socket
    session = request.stream.session

    def late() -> None:
        note("timeout")
        socket.set_timeout(0)
        response.end()

    note(socket.set_timeout(0.03, late) is session)


WANTED = [{"path": path} for path in scenario]


@pytest.fixture(scope="module")
def theirs() -> Any:
    """Node's results."""
    return of_node("sockets", WANTED)


@pytest.mark.interop
@pytest.mark.row(
    "request.connection",
    "request.socket",
    "request_socket.set_timeout",
    "response.connection",
    "response.socket",
)
def test_beside_node(run: Run, theirs: Any) -> None:
    async def main() -> None:
        assert differences(await ours(scenario, WANTED), theirs) == {}

    run(main())


@pytest.mark.interop
@pytest.mark.row("request.socket", "response.socket")
def test_over_tls(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        def handler(request: Request, response: Response) -> None:
            socket: Any = request.socket
            assert socket.encrypted
            assert socket.get_peer_certificate() is None or isinstance(
                socket.get_peer_certificate(), dict
            )
            cipher, version, _ = socket.get_extra_info("cipher")
            assert cipher
            socket.set_no_delay(True)
            socket.set_keep_alive(True)
            with pytest.raises(AttributeError):
                _ = socket.no_such_thing
            response.end(version)

        server = http2.create_secure_server(handler, cert=certificate.cert, key=certificate.key)
        async with listening(server) as port:
            curl = ["curl", "-sS", "--http2", "--max-time", "20", "--cacert", certificate.cert]
            url = f"https://localhost:{port}/"
            got = await execute(*curl, "--connect-to", "::127.0.0.1:", url)
            assert got.startswith(b"TLSv1")

    run(main())


@pytest.mark.row("request.socket")
def test_a_socket_that_is_gone(run: Run) -> None:
    """After the end of the connection, the stream's attributes are still available."""

    async def main() -> None:
        events = Events()
        kept: list[Any] = []

        def handler(request: Request, response: Response) -> None:
            kept.append(request.socket)
            assert request.stream.session is not None
            request.stream.session.on("close", lambda: events.add("close"))
            response.end()

        async with listening(http2.create_server(handler)) as port:
            async with http2.connect(f"http://127.0.0.1:{port}") as session:
                await session.request().read()
            await events.expect("close")
            (socket,) = kept
            assert socket.destroyed
            assert not socket.writable
            assert attempt(socket.get_extra_info, "peername") == "ERR_HTTP2_SOCKET_UNBOUND"
            assert socket.remote_address == "127.0.0.1"
            assert attempt(getattr, socket, "write") == "ERR_HTTP2_NO_SOCKET_MANIPULATION"

    run(main())
