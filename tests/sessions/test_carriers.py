"""Sessions on existing connections: pairs, sockets, and tunnels."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from typing import Any
from urllib.parse import SplitResult

import pytest

import http2

from ..support import raw
from ..support.filing import pattern
from ..support.peers import Start, start_nghttpd, start_node
from ..support.raw import RawPeer
from ..support.running import Run, execute, node
from ..support.self_signed import Certificate
from ..support.serving import Events, eventually, hello, listening, serving
from ..support.tunnels import echo, tunnel

MIB = 2**20


async def pair(port: int) -> Any:
    return await asyncio.open_connection("127.0.0.1", port)


def plain_socket(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port))


@pytest.mark.interop
@pytest.mark.row("connect.option.create_connection")
@pytest.mark.parametrize("kind", ["pair", "socket"])
@pytest.mark.parametrize("peer", ["node", "nghttpd"])
def test_create_connection_to_servers_of_others(
    run: Run, background: Start, tmp_path: Any, kind: str, peer: str
) -> None:
    (tmp_path / "file").write_bytes(pattern(300_000))
    server = start_node(background) if peer == "node" else start_nghttpd(background, tmp_path)

    async def main() -> None:
        seen: list[Any] = []

        def dial(url: SplitResult, options: dict[str, Any]) -> Any:
            seen.append((url, options))
            return (pair if kind == "pair" else plain_socket)(server.port)

        # the authority is in the requests; it is not the address of the connection
        async with http2.connect(
            "http://elsewhere.example", create_connection=dial, timeout=30
        ) as session:
            if peer == "node":
                _, payload = await session.ping(b"12345678")
                assert payload == b"12345678"
            else:
                stream = session.request({":path": "/file"})
                assert (await stream.response())[":status"] == 200
                assert await stream.read() == pattern(300_000)
            assert (session.alpn_protocol, session.encrypted) == ("h2c", False)
            assert session.socket.remote_port == server.port
        (url, options), *others = seen
        assert not others
        assert (url.scheme, url.hostname) == ("http", "elsewhere.example")
        assert options == {"create_connection": dial, "timeout": 30}

    run(main())


def test_create_connection_with_tls_of_its_own(run: Run, certificate: Certificate) -> None:
    import ssl

    context = ssl.create_default_context(cafile=certificate.cert)
    context.set_alpn_protocols(["h2"])
    bare = ssl.create_default_context(cafile=certificate.cert)

    async def main() -> None:
        server = http2.create_secure_server(cert=certificate.cert, key=certificate.key)
        server.on("stream", hello)
        async with listening(server) as port:

            async def dial(url: SplitResult, options: dict[str, Any]) -> Any:
                return await asyncio.open_connection(
                    "127.0.0.1", port, ssl=options["ssl_context"], server_hostname="localhost"
                )

            async with http2.connect(
                "https://localhost", create_connection=dial, ssl_context=context
            ) as session:
                assert (session.alpn_protocol, session.encrypted) == ("h2", True)
                assert await session.request().read() == b"hello"
            with pytest.raises(http2.Http2Error, match="ALPN"):
                await http2.connect("https://localhost", create_connection=dial, ssl_context=bare)

    run(main())


@pytest.mark.row("connect.option.create_connection")
@pytest.mark.parametrize("size", [5, 3 * MIB])
def test_http2_inside_http2(run: Run, size: int) -> None:
    """A session through a CONNECT tunnel of another session, with bodies in both directions."""

    async def main() -> None:
        async with (
            serving(echo) as (_, target),
            serving(tunnel) as (_, proxy),
            http2.connect(f"http://127.0.0.1:{proxy}") as outer,
        ):

            def dial(url: SplitResult, options: dict[str, Any]) -> http2.ClientHttp2Stream:
                return outer.request({":method": "CONNECT", ":authority": url.netloc})

            async with http2.connect(f"http://127.0.0.1:{target}", create_connection=dial) as inner:
                streams = [inner.request({":method": "POST"}) for _ in range(3)]
                body = pattern(size)
                _, *bodies = await asyncio.gather(
                    asyncio.gather(*(http2.pipe([body], stream) for stream in streams)),
                    *(stream.read() for stream in streams),
                )
                assert bodies == [body] * 3
                assert inner.socket.remote_address is None
                assert isinstance(inner.socket.get_extra_info("stream"), http2.Http2Stream)
            assert inner.destroyed
            assert not outer.closed
            await outer.ping()
            await eventually(lambda: not outer.streams)

    run(main())


@pytest.mark.interop
def test_http2_inside_nodes_proxy(run: Run, background: Start) -> None:
    peer = start_node(background, "server/proxy.js")

    async def main() -> None:
        async with (
            serving(echo) as (_, target),
            http2.connect(peer.origin) as outer,
            http2.connect(
                f"http://127.0.0.1:{target}",
                create_connection=lambda url, options: outer.request(
                    {":method": "CONNECT", ":authority": url.netloc}
                ),
            ) as inner,
        ):
            stream = inner.request({":method": "POST"})
            stream.end(pattern(200_000))
            assert await stream.read() == pattern(200_000)

    run(main())


def test_a_tunnel_that_breaks_ends_the_session_inside(run: Run) -> None:
    async def main() -> None:
        async with (
            serving(hello) as (_, target),
            serving(tunnel) as (_, proxy),
            http2.connect(f"http://127.0.0.1:{proxy}") as outer,
        ):
            carrier = outer.request({":method": "CONNECT", ":authority": f"127.0.0.1:{target}"})
            inner = await http2.connect(
                f"http://127.0.0.1:{target}", create_connection=lambda *_: carrier
            )
            waiting = inner.request({":method": "POST"})
            events = Events()
            events.listen(inner, "error", "close")
            carrier.destroy(RuntimeError("on purpose"))
            # as when the network ends a connection; the request had not been sent
            with pytest.raises(http2.Http2Error) as lost:
                await waiting.response()
            assert lost.value.retryable
            assert isinstance(lost.value.__cause__, ConnectionResetError)
            await events.expect("close")
            assert isinstance((await events.expect("error"))[1], ConnectionError)

    run(main())


def test_what_create_connection_does_wrong(run: Run) -> None:
    async def main() -> None:
        async def fails(url: SplitResult, options: dict[str, Any]) -> None:
            raise ConnectionRefusedError("on purpose")

        with pytest.raises(ConnectionRefusedError):
            await http2.connect("http://localhost", create_connection=fails)
        with pytest.raises(http2.Http2TypeError) as wrong:
            await http2.connect("http://localhost", create_connection=lambda *_: "a string")
        assert wrong.value.code == "ERR_INVALID_ARG_TYPE"
        with pytest.raises(http2.Http2TypeError):
            http2.connect("http://localhost", create_connection="a string")

        async with serving(hello) as (_, port):
            shared = plain_socket(port)
            async with http2.connect(
                "http://localhost", create_connection=lambda *_: shared
            ) as session:
                with pytest.raises(http2.Http2Error) as caught:
                    await http2.connect("http://localhost", create_connection=lambda *_: shared)
                assert caught.value.code == "ERR_HTTP2_SOCKET_BOUND"
                assert await session.request().read() == b"hello"

    run(main())


def test_a_session_that_is_closed_while_it_is_dialled(run: Run) -> None:
    async def main() -> None:
        begun, ended = asyncio.Event(), asyncio.Event()

        async def forever(url: SplitResult, options: dict[str, Any]) -> None:
            begun.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ended.set()

        session = http2.connect("http://localhost", create_connection=forever)
        await begun.wait()
        await session.close()
        assert ended.is_set()

    run(main())


# --- servers ------------------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.row("module.perform_server_handshake", "server.event.connection")
@pytest.mark.parametrize("kind", ["pair", "socket"])
@pytest.mark.parametrize("how", ["emit", "handshake"])
def test_connections_that_the_program_accepts(run: Run, kind: str, how: str) -> None:
    """Node, curl and nghttp are served on connections that another listener has accepted."""

    async def main() -> None:
        events = Events()
        server = http2.create_server()
        server.on("stream", echo)
        events.listen(server, "session", "connection")
        tasks: set[asyncio.Task[None]] = set()
        sessions: list[http2.ServerHttp2Session] = []

        def give(connection: Any) -> None:
            if how == "emit":
                assert server.emit("connection", connection)
                with pytest.raises(http2.Http2Error) as caught:
                    server.emit("connection", connection)
            else:
                session = http2.perform_server_handshake(connection, max_outstanding_pings=3)
                assert session.server is None
                session.on("stream", echo)
                sessions.append(session)
                with pytest.raises(http2.Http2Error) as caught:
                    http2.perform_server_handshake(connection)
            assert caught.value.code == "ERR_HTTP2_SOCKET_BOUND"

        async def accept(sock: socket.socket) -> None:
            while True:
                accepted, _ = await asyncio.get_running_loop().sock_accept(sock)
                give(accepted)

        if kind == "pair":
            front: Any = await asyncio.start_server(
                lambda reader, writer: give((reader, writer)), "127.0.0.1", 0
            )
            port = front.sockets[0].getsockname()[1]
        else:
            front = socket.create_server(("127.0.0.1", 0))
            front.setblocking(False)
            port = front.getsockname()[1]
            tasks.add(asyncio.create_task(accept(front)))
        async with server:
            url = f"http://127.0.0.1:{port}/"
            body = pattern(300_000)
            curl = ["curl", "-sS", "--http2-prior-knowledge", "--max-time", "20"]
            got = await execute(*curl, "--data-binary", "@-", url, stdin=body)
            assert got == body
            await execute("nghttp", "-nt", "20", url)
            seen = await node("client/files.js", str(port))
            assert (seen["headers"][":status"], seen["size"]) == (200, 0)
            async with http2.connect(url) as session:
                stream = session.request({":method": "POST"})
                stream.end("hello")
                assert await stream.read() == b"hello"
            await asyncio.gather(*(session.close() for session in sessions))
            if how == "emit":
                assert events.names.count("session") == events.names.count("connection") == 4
            else:
                assert len(sessions) == 4
        for task in tasks:
            task.cancel()
        front.close()
        assert not server.open_connections.transports

    run(main())


def test_a_server_in_a_tunnel(run: Run) -> None:
    """A stream of one server is a connection of another, or of none."""

    async def main() -> None:
        inner_server = http2.create_server()
        inner_server.on("stream", echo)

        def on_stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            stream.respond()
            if headers[":authority"] == "server":
                inner_server.emit("connection", stream)
            else:
                session = http2.perform_server_handshake(stream)
                session.on("stream", echo)

        async with (
            inner_server,
            serving(on_stream) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as outer,
        ):
            for name in ("server", "none"):
                carrier = outer.request({":method": "CONNECT", ":authority": name})
                async with http2.connect(
                    "http://inner", create_connection=lambda *_, carrier=carrier: carrier
                ) as inner:
                    stream = inner.request({":method": "POST"})
                    stream.end(pattern(MIB))
                    digest = hashlib.sha256(await stream.read()).digest()
                    assert digest == hashlib.sha256(pattern(MIB)).digest()

    run(main())


@pytest.mark.interop
def test_the_secure_server_takes_sockets(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        server = http2.create_secure_server(cert=certificate.cert, key=certificate.key)
        server.on("stream", hello)
        front = socket.create_server(("127.0.0.1", 0))
        front.setblocking(False)
        port = front.getsockname()[1]

        async def accept() -> None:
            while True:
                accepted, _ = await asyncio.get_running_loop().sock_accept(front)
                server.emit("connection", accepted)

        accepting = asyncio.create_task(accept())
        async with server:
            url = f"https://localhost:{port}/"
            curl = ["curl", "-sS", "--http2", "--max-time", "20", "--cacert", certificate.cert]
            assert await execute(*curl, "--connect-to", "::127.0.0.1:", url) == b"hello"
            # a client without TLS causes no error for other code
            plain = await RawPeer.dial(port)
            plain.send(raw.PREFACE)
            await plain.rest()
            await plain.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with pytest.raises(http2.Http2Error) as caught:
                server.emit("connection", (reader, writer))
            assert caught.value.code == "ERR_INVALID_ARG_VALUE"
            writer.close()
        accepting.cancel()
        front.close()

    run(main())


def test_what_cannot_carry_a_session(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        for connection in (None, "text", (1, 2), object()):
            for attempt in (
                lambda it: server.emit("connection", it),
                http2.perform_server_handshake,
            ):
                with pytest.raises(http2.Http2TypeError) as caught:
                    attempt(connection)
                assert caught.value.code == "ERR_INVALID_ARG_TYPE"
        with pytest.raises(TypeError):
            http2.perform_server_handshake(None, port=1)
        await server.close()

    run(main())


def test_a_socket_that_is_not_connected(run: Run) -> None:
    async def main() -> None:
        loose = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        session = http2.perform_server_handshake(loose)
        events = Events()
        events.listen(session, "error", "close")
        await events.expect("close")
        assert isinstance(events.seen[0][1], (ValueError, OSError))
        loose.close()

    run(main())


@pytest.mark.row("server.event.connection")
def test_the_event_connection_of_accepted_ones(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        for server in (
            http2.create_server(),
            http2.create_secure_server(cert=certificate.cert, key=certificate.key),
        ):
            server.on("stream", hello)
            seen: list[Any] = []
            server.on("connection", seen.append)
            server.on("session", seen.append)
            scheme = "http" if type(server) is http2.Http2Server else "https"
            async with (
                listening(server) as port,
                http2.connect(
                    f"{scheme}://localhost:{port}",
                    **({} if scheme == "http" else {"ca": certificate.cert}),
                ) as session,
            ):
                assert await session.request().read() == b"hello"
                sock, accepted = seen
                assert sock.get_extra_info("peername")[1] == session.socket.local_port
                assert isinstance(accepted, http2.ServerHttp2Session)

    run(main())


def test_a_listener_of_connection_may_turn_a_client_away(run: Run) -> None:
    async def main() -> None:
        async with serving(hello) as (server, port):
            server.on("connection", lambda sock: sock.abort())
            peer = await RawPeer.dial(port)
            peer.send(raw.PREFACE, raw.settings(), raw.get())
            assert await peer.rest() == []
            await peer.close()

    run(main())
