"""CONNECT, the extended CONNECT, and pipe(): tunnels with Node at either end."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import http2
from http2.constants import NGHTTP2_CANCEL, NGHTTP2_CONNECT_ERROR, NGHTTP2_INTERNAL_ERROR

from ..support import raw
from ..support.filing import pattern
from ..support.peers import Start, start_node
from ..support.raw import RawPeer
from ..support.running import Run, free_port, node
from ..support.self_signed import Certificate
from ..support.serving import Events, eventually, serving
from ..support.tunnels import tunnel

MIB = 2**20


@asynccontextmanager
async def tcp_echo() -> AsyncIterator[int]:
    """A TCP server that echoes, and ends when its client has ended."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.close()
        except OSError:
            writer.transport.abort()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.interop
@pytest.mark.parametrize("size", [0, 4, 3 * MIB])
def test_node_through_our_proxy(run: Run, size: int) -> None:
    async def main() -> None:
        async with tcp_echo() as target, serving(tunnel) as (_, port):
            seen = await node("client/connect.js", str(port), f"127.0.0.1:{target}", str(size))
            body = (b"abc" * (size // 3 + 1))[:size]
            assert (seen["status"], seen["size"], seen["error"]) == (200, size, None)
            assert seen["sha256"] == digest(body)

    run(main())


@pytest.mark.interop
def test_node_is_told_that_nobody_answers(run: Run) -> None:
    async def main() -> None:
        async with serving(tunnel) as (_, port):
            target = f"127.0.0.1:{free_port()}"
            seen = await node("client/connect.js", str(port), target, "4")
            assert (seen["status"], seen["rstCode"]) == (None, NGHTTP2_CONNECT_ERROR)

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("size", [0, 4, 3 * MIB])
def test_through_nodes_proxy(run: Run, background: Start, size: int) -> None:
    peer = start_node(background, "server/proxy.js")

    async def main() -> None:
        async with tcp_echo() as target, http2.connect(peer.origin) as session:
            stream = session.request({":method": "CONNECT", ":authority": f"127.0.0.1:{target}"})
            assert (await stream.response())[":status"] == 200
            assert stream.sent_headers is not None
            assert set(stream.sent_headers) == {":method", ":authority"}
            sent, got = await asyncio.gather(http2.pipe([pattern(size)], stream), stream.read())
            assert sent == size
            assert got == pattern(size)

            refused = session.request(
                {":method": "CONNECT", ":authority": f"127.0.0.1:{free_port()}"}
            )
            with pytest.raises(http2.StreamError) as caught:
                await refused.response()
            assert caught.value.error_code == NGHTTP2_CONNECT_ERROR

    run(main())


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "ERR_HTTP2_CONNECT_AUTHORITY"),
        ({":authority": "a:1", ":path": "/"}, "ERR_HTTP2_CONNECT_PATH"),
        ({":authority": "a:1", ":scheme": "http"}, "ERR_HTTP2_CONNECT_SCHEME"),
    ],
)
def test_what_a_connect_request_may_not_say(run: Run, headers: Any, code: str) -> None:
    async def main() -> None:
        async with serving(tunnel) as (_, port):
            session = http2.connect(f"http://127.0.0.1:{port}")
            for _ in range(2):  # before the connection is established, and after
                with pytest.raises(http2.Http2ValueError) as caught:
                    session.request({":method": "CONNECT", **headers})
                assert caught.value.code == code
                await session
            await session.close()

    run(main())


@pytest.mark.interop
@pytest.mark.row("settings.enable_connect_protocol")
def test_extended_connect_with_nodes_client(run: Run) -> None:
    async def main() -> None:
        asked: list[Any] = []

        async def upper(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            asked.append({name: headers[name] for name in (":protocol", ":path", ":scheme")})
            stream.respond()
            async for chunk in stream:
                stream.write(chunk.upper())
            stream.end()

        settings = {"enable_connect_protocol": True}
        async with serving(upper, settings=settings) as (_, port):
            seen = await node("client/connect.js", str(port), "upper", "6")
        assert (seen["status"], seen["text"]) == (200, "ABCABC")
        assert asked == [{":protocol": "upper", ":path": "/shout", ":scheme": "http"}]

    run(main())


@pytest.mark.interop
@pytest.mark.row("settings.enable_connect_protocol")
def test_extended_connect_with_nodes_server(run: Run, background: Start) -> None:
    peer = start_node(background, "server/proxy.js")

    async def main() -> None:
        session = http2.connect(peer.origin)
        events = Events()
        events.listen(session, "remote_settings")
        assert not session.remote_settings.enable_connect_protocol
        _, settings = await events.expect("remote_settings")
        assert settings.enable_connect_protocol
        stream = session.request({":method": "CONNECT", ":protocol": "echo", ":path": "/p"})
        headers = await stream.response()
        assert (headers[":status"], headers["x-path"]) == (200, "/p")
        stream.write("one")
        assert await stream.readexactly(3) == b"one"
        stream.end("two")
        assert await stream.read() == b"two"
        await session.close()

    run(main())


def test_extended_connect_where_it_is_not_offered(run: Run) -> None:
    """It is sent, as in Node, and the server's HTTP/2 refuses it."""

    async def main() -> None:
        async with (
            serving(tunnel) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request({":method": "CONNECT", ":protocol": "echo"})
            with pytest.raises(http2.StreamError) as caught:
                await stream.response()
            assert caught.value.error_code == http2.constants.NGHTTP2_PROTOCOL_ERROR

    run(main())


# --- pipe ---------------------------------------------------------------------------------


async def agen(*chunks: Any) -> AsyncIterator[Any]:
    for chunk in chunks:
        yield chunk


@pytest.mark.row("module.pipe")
def test_pipe_from_every_kind_of_source(run: Run) -> None:
    async def main() -> None:
        async def echo(stream: http2.ServerHttp2Stream) -> None:
            stream.respond()
            # from a stream to the same one
            assert await http2.pipe(stream, stream) == 9

        reader = asyncio.StreamReader()
        reader.feed_data(b"123456789")
        reader.feed_eof()

        def generator() -> Iterator[str]:
            yield "1234"
            yield "56789"

        sources: list[Any] = [
            reader, agen(b"1234", "", "56789"), generator(), [b"1234", memoryview(b"56789")],
            (bytearray(b"123456789"),),
        ]  # fmt: skip
        async with (
            serving(echo) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            for source in sources:
                stream = session.request({":method": "POST"})
                assert await http2.pipe(source, stream) == 9
                assert stream.writable_ended
                assert await stream.read() == b"123456789"

    run(main())


@pytest.mark.parametrize("source", [None, 5, b"bytes", "text"])
def test_pipe_of_what_is_no_source(run: Run, source: Any) -> None:
    async def main() -> None:
        async with (
            serving(lambda stream: stream.respond(end_stream=True)) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request({":method": "POST"})
            for arguments in ((source, stream), ([], source)):
                with pytest.raises(TypeError) as caught:
                    await http2.pipe(*arguments)
                assert getattr(caught.value, "code", "") == "ERR_INVALID_ARG_TYPE"
            stream.close()

    run(main())


@pytest.mark.row("module.pipe")
def test_pipe_reads_no_more_than_its_sink_takes(run: Run) -> None:
    async def main() -> None:
        streams: list[http2.ServerHttp2Stream] = []
        async with (
            serving(streams.append) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            taken = 0

            async def source() -> AsyncIterator[bytes]:
                nonlocal taken
                for _ in range(1000):
                    taken += 1
                    yield bytes(16384)

            stream = session.request({":method": "POST"})
            copying = http2.pipe(source(), stream)
            await eventually(lambda: bool(streams) and stream.writable_length > 60_000)
            for _ in range(5):
                await session.ping()
            # a window and a queue, and one chunk being copied on each side
            assert taken * 16384 <= 65535 + 65536 + 2 * 16384
            body = await streams[0].read()
            assert len(body) == 1000 * 16384
            assert await copying == 1000 * 16384
            streams[0].respond(end_stream=True)

    run(main())


def test_pipe_whose_source_fails_resets_its_sink(run: Run) -> None:
    async def main() -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield b"half of it"
            raise LookupError("on purpose")

        codes: list[Any] = []

        async def respond(stream: http2.ServerHttp2Stream) -> None:
            stream.respond()
            stream.once("close", lambda: codes.append(stream.rst_code))
            with pytest.raises(LookupError):
                await http2.pipe(broken(), stream)

        async with (
            serving(respond) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            with pytest.raises(http2.StreamError) as caught:
                await session.request().read()
            assert caught.value.error_code == NGHTTP2_INTERNAL_ERROR
            await eventually(lambda: codes == [NGHTTP2_INTERNAL_ERROR])

    run(main())


def test_pipe_whose_sink_is_reset_closes_a_source_that_waits(run: Run) -> None:
    """The source sends nothing: the reset ends the copying."""

    async def main() -> None:
        closed = asyncio.Event()

        async def silent() -> AsyncIterator[bytes]:
            try:
                yield b"first"
                await asyncio.get_running_loop().create_future()
            finally:
                closed.set()

        async with (
            serving(lambda stream: stream.respond()) as (server, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            streams: list[http2.ServerHttp2Stream] = []
            server.on("stream", streams.append)
            stream = session.request({":method": "POST"})
            copying = http2.pipe(silent(), stream)
            await stream.response()
            streams[0].close(11)
            with pytest.raises(http2.StreamError) as caught:
                await copying
            assert caught.value.error_code == 11
            assert closed.is_set()

    run(main())


def test_pipe_that_is_cancelled_ends_both_sides(run: Run) -> None:
    async def main() -> None:
        streams: list[http2.ServerHttp2Stream] = []
        async with (
            serving(streams.append) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            one, two = (session.request({":method": "POST"}) for _ in range(2))
            copying = http2.pipe(one, two)
            await eventually(lambda: len(streams) == 2)
            copying.cancel()
            with pytest.raises(asyncio.CancelledError):
                await copying
            assert (one.rst_code, two.rst_code) == (NGHTTP2_CANCEL, NGHTTP2_CANCEL)
            await eventually(lambda: all(stream.closed for stream in streams))

    run(main())


def test_a_connection_that_breaks_is_a_connect_error(run: Run) -> None:
    """RFC 9113 section 8.5: a TCP error becomes RST_STREAM with CONNECT_ERROR."""

    async def main() -> None:
        async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

        target = await asyncio.start_server(reset, "127.0.0.1", 0)
        authority = f"127.0.0.1:{target.sockets[0].getsockname()[1]}"
        async with (
            target,
            serving(tunnel) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request({":method": "CONNECT", ":authority": authority})
            await stream.response()
            stream.write(b"x")
            with pytest.raises(http2.StreamError) as caught:
                await stream.read()
            assert caught.value.error_code == NGHTTP2_CONNECT_ERROR

    run(main())


def test_a_tunnel_that_is_reset_breaks_the_connection(run: Run) -> None:
    async def main() -> None:
        ends: list[BaseException | bytes] = []

        async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                ends.append(await reader.read())
            except OSError as error:
                ends.append(error)
            writer.close()

        target = await asyncio.start_server(wait, "127.0.0.1", 0)
        authority = f"127.0.0.1:{target.sockets[0].getsockname()[1]}"
        async with target, serving(tunnel) as (_, port):
            peer = await RawPeer.connect(port)
            peer.send(raw.headers(1, [(":method", "CONNECT"), (":authority", authority)]))
            await peer.until(raw.HEADERS)
            await peer.abort()
            await eventually(lambda: len(ends) == 1)

    run(main())


def test_pipe_to_a_writer_over_tls_closes_it(run: Run, certificate: Certificate) -> None:
    """TLS here cannot end one side alone: everything is sent, then it is closed."""
    import ssl

    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate.cert, certificate.key)
    theirs = ssl.create_default_context(cafile=certificate.cert)

    async def main() -> None:
        bodies: asyncio.Queue[bytes] = asyncio.Queue()

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            bodies.put_nowait(await reader.read())
            writer.close()

        target = await asyncio.start_server(take, "127.0.0.1", 0, ssl=ours)
        port = target.sockets[0].getsockname()[1]
        async with target:
            _, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=theirs, server_hostname="localhost"
            )
            assert await http2.pipe([pattern(MIB)] * 3, writer) == 3 * MIB
            assert await bodies.get() == pattern(MIB) * 3
            assert writer.is_closing()

    run(main())
