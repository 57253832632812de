"""Bodies of unusual sizes, in unusual pieces, of all kinds of buffers, in both directions."""

from __future__ import annotations

import array
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support.filing import UNIT, pattern
from ..support.peers import (
    Peer,
    happening,
    serving_url,
    start_nghttpd,
    start_node,
    starting,
    tls_options,
)
from ..support.running import Run
from ..support.self_signed import Certificate

SIZES = (0, 1, 16383, 16384, 16385, 65534, 65535, 65536, 1 << 20)
POST = {":method": "POST", ":path": "/hash"}


@pytest.fixture(scope="module", params=["h2c", "tls"])
def peer(request: pytest.FixtureRequest, certificate: Certificate) -> Iterator[Peer]:
    with starting() as start:
        if request.param == "tls":
            yield start_node(start, cert=certificate.cert, key=certificate.key)
        else:
            yield start_node(start)


@pytest.fixture(scope="module")
def clear() -> Iterator[Peer]:
    with starting() as start:
        yield start_node(start)


def connect(peer: Peer, **options: Any) -> http2.ClientHttp2Session:
    # The windows are fixed, and no size here is a multiple of a stream's: Node 20 resets such a
    # body, without END_STREAM. nghttpd does not, and gets HTTP/2's default window.
    options.setdefault("max_receive_window", 0)
    options.setdefault("settings", {"initial_window_size": 65521})
    return http2.connect(peer.origin, **tls_options(peer), **options)


def roomy(session: http2.ClientHttp2Session) -> None:
    """Streams that share the connection's window could use it up where one of them ends."""
    session.set_local_window_size(2 * sum(SIZES))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def ended(stream: http2.ClientHttp2Stream) -> None:
    """Wait for the end of *stream*, which must not have failed."""
    if not stream.destroyed:
        await happening(stream, "close")
    assert stream.readable_ended


async def uploaded(stream: http2.ClientHttp2Stream) -> tuple[int, str]:
    """Return what Node's server has received: ``(size, hash)``."""
    headers = await stream.response()
    return int(headers["x-size"]), (await stream.read()).decode()


@pytest.mark.interop
def test_download(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            for size in SIZES:
                stream = session.request({":path": f"/body?size={size}&announced={size}"})
                assert (await stream.response())["content-length"] == str(size)
                assert await stream.read() == pattern(size)

    run(main())


@pytest.mark.interop
def test_download_at_once(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            roomy(session)
            streams = []
            for size in SIZES:
                stream = session.request({":path": f"/body?size={size}"})
                hash = hashlib.sha256()
                stream.on("data", hash.update)
                streams.append((stream, size, hash))
            for stream, size, hash in reversed(streams):
                await ended(stream)
                assert hash.hexdigest() == digest(pattern(size))

    run(main())


@pytest.mark.interop
def test_upload(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            for size in SIZES:
                data = pattern(size)
                stream = session.request(POST)
                stream.end(data)
                assert await uploaded(stream) == (size, digest(data))
                assert stream.writable_finished

    run(main())


@pytest.mark.interop
def test_echo_at_once(run: Run, peer: Peer) -> None:
    """Nine requests, together larger than a window, up and down at the same time."""

    async def main() -> None:
        async with connect(peer) as session:
            roomy(session)
            streams = []
            for size in SIZES:
                stream = session.request({":method": "POST", ":path": "/echo"})
                stream.end(pattern(size))
                received: list[bytes] = []
                stream.on("data", received.append)
                streams.append((stream, size, received))
            for stream, size, received in streams:
                await ended(stream)
                assert b"".join(received) == pattern(size)

    run(main())


@pytest.mark.interop
def test_nghttpd(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        for size in SIZES:
            (tmp_path / str(size)).write_bytes(pattern(size))
        with starting() as start:
            peer = start_nghttpd(start, tmp_path, "--echo-upload")
            async with connect(peer, settings={}) as session:
                for size in SIZES:
                    stream = session.request({":path": f"/{size}"})
                    await stream.response()
                    assert await stream.read() == pattern(size)
                    stream = session.request({":method": "POST", ":path": "/"})
                    stream.end(pattern(size))
                    await stream.response()
                    assert await stream.read() == pattern(size)

    run(main())


@pytest.mark.interop
@pytest.mark.row("stream.write")
def test_odd_pieces(run: Run, clear: Peer) -> None:
    async def main() -> None:
        chance = random.Random(1)
        data = pattern(300_000)
        async with connect(clear) as session:
            for sizes in ((1, 3), (1000, 3000), (16380, 16390), (65000, 66000), (2040, 2056)):
                stream = session.request(POST)
                body = data[:5000] if sizes[1] == 3 else data
                at = 0
                while at < len(body):
                    size = chance.randint(*sizes)
                    if not stream.write(body[at : at + size]):
                        await stream.drain()
                    at += size
                stream.end()
                assert await uploaded(stream) == (len(body), digest(body))

    run(main())


@pytest.mark.interop
def test_pieces_of_reading(run: Run, clear: Peer) -> None:
    async def main() -> None:
        data = pattern(200_000)
        async with connect(clear) as session:
            for step in (1, 7, 16384, 65535, 70000, 1 << 20):
                size = 3000 if step == 1 else len(data)
                stream = session.request({":path": f"/body?size={size}"})
                parts = []
                while part := await stream.read(step):
                    assert len(part) <= step
                    parts.append(part)
                assert b"".join(parts) == data[:size]

                stream = session.request({":path": f"/body?size={step}"})
                assert await stream.readexactly(step) == pattern(step)
                assert await stream.read() == b""

            stream = session.request({":path": "/body?size=200000"})
            assert b"".join([chunk async for chunk in stream]) == data
            # a mixture
            stream = session.request({":path": "/body?size=200000"})
            got = await stream.readexactly(10) + await stream.read(0) + await stream.read(90_000)
            async for chunk in stream:
                got += chunk
                break
            got += await stream.read()
            assert got == data

    run(main())


@pytest.mark.interop
@pytest.mark.row("rule.bytes", "stream.write")
def test_kinds_of_buffers(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            numbers = array.array("I", range(40_000))
            grid = memoryview(bytes(range(256)) * 64).cast("B", (128, 128))
            for data, expected in (
                (pattern(100_000), pattern(100_000)),
                (bytearray(pattern(100_000)), pattern(100_000)),
                (memoryview(pattern(100_000)), pattern(100_000)),
                (memoryview(pattern(100_000))[10:90_000], pattern(90_000)[10:]),
                (memoryview(pattern(100_000))[::2], pattern(100_000)[::2]),
                (memoryview(bytearray(pattern(1000)))[::-1], pattern(1000)[::-1]),
                (numbers, numbers.tobytes()),
                (memoryview(numbers), numbers.tobytes()),
                (memoryview(numbers).toreadonly(), numbers.tobytes()),
                (grid, grid.tobytes()),
                ("ž" * 50_000, b"\xc5\xbe" * 50_000),
                ("", b""),
                (b"", b""),
                (bytearray(), b""),
            ):
                # at once, and with data before and after it
                stream = session.request(POST)
                stream.end(data)
                assert await uploaded(stream) == (len(expected), digest(expected))
                stream = session.request(POST)
                stream.write(b"<")
                stream.write(data)
                stream.end(">")
                whole = b"<" + expected + b">"
                assert await uploaded(stream) == (len(whole), digest(whole))
            stream = session.request(POST)
            stream.end("ž", "utf-16-le")
            assert await uploaded(stream) == (2, digest(b"\x7e\x01"))

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("early", [False, True], ids=["connected", "connecting"])
def test_writer_reuses_its_buffer(run: Run, clear: Peer, early: bool) -> None:
    """The data that `write` got is sent, even if the buffer is changed afterwards."""

    async def main() -> None:
        data = pattern(400_000)
        for size in (10, 3000, 50_000):
            for view in (
                lambda buffer: buffer,
                memoryview,
                lambda buffer: memoryview(buffer).toreadonly(),
                lambda buffer: array.array("B", buffer),
            ):
                session = connect(clear)
                if not early:
                    await session
                stream = session.request(POST)
                buffer = bytearray(size)
                for at in range(0, 4 * size, size):
                    buffer[:] = data[at : at + size]
                    given = view(buffer)
                    stream.write(given)
                    if isinstance(given, array.array):
                        given[:] = array.array("B", bytes(size))
                    else:
                        buffer[:] = bytes(size)
                stream.end()
                async with session:
                    assert await uploaded(stream) == (4 * size, digest(data[: 4 * size]))

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize(
    "wrong", [None, 1, pytest.param(object(), id="object"), ["a"], {"a": 1}], ids=repr
)
def test_no_buffer(run_asyncio: Run, clear: Peer, wrong: Any) -> None:
    async def main() -> None:
        async with connect(clear) as session:
            stream = session.request(POST)
            with pytest.raises(http2.Http2TypeError) as caught:
                stream.write(wrong)
            assert caught.value.code == "ERR_INVALID_ARG_TYPE"
            if wrong is not None:
                with pytest.raises(http2.Http2TypeError):
                    stream.end(wrong)
            stream.end("still there")
            assert await uploaded(stream) == (11, digest(b"still there"))

    run_asyncio(main())


@pytest.mark.interop
@pytest.mark.row("stream.end")
def test_after_the_end(run: Run, clear: Peer) -> None:
    async def main() -> None:
        async with connect(clear) as session:
            stream = session.request(POST)
            finished = []
            stream.on("finish", lambda: finished.append(stream.writable_finished))
            stream.end("once")
            assert stream.writable_ended
            stream.end()
            for late in (stream.write, stream.end):
                with pytest.raises(http2.Http2Error) as caught:
                    late("late")
                assert caught.value.code == "ERR_STREAM_WRITE_AFTER_END"
            assert await uploaded(stream) == (4, digest(b"once"))
            await stream.close()
            assert finished == [True]
            with pytest.raises(http2.Http2Error) as caught:
                stream.write("too late")
            assert caught.value.code == "ERR_HTTP2_INVALID_STREAM"
            # a GET has no body
            stream = session.request({":path": "/body?size=1"})
            with pytest.raises(http2.Http2Error) as caught:
                stream.write("body")
            assert caught.value.code == "ERR_STREAM_WRITE_AFTER_END"
            assert await stream.read() == pattern(1)

    run(main())


def test_own_server_both_ways(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        async def echo(stream: Any) -> None:
            stream.respond()
            async for chunk in stream:
                if not stream.write(chunk):
                    await stream.drain()
            stream.end()

        async with (
            serving_url(echo, certificate) as (_, origin),
            http2.connect(origin, ca=certificate.cert) as session,
        ):
            for size in SIZES:
                stream = session.request({":method": "POST"})
                stream.end(pattern(size))
                await stream.response()
                assert await stream.read() == pattern(size)

    run(main())


@pytest.mark.interop
def test_sixty_four_mebibytes_from_nghttpd(run_asyncio: Run, tmp_path: Path) -> None:
    async def main() -> None:
        size = 64 << 20
        expected = hashlib.sha256()
        with (tmp_path / "large").open("wb") as file:
            for at in range(0, size, len(UNIT)):
                part = UNIT[: size - at]
                file.write(part)
                expected.update(part)
        with starting() as start:
            peer = start_nghttpd(start, tmp_path)
            async with connect(peer) as session:
                stream = session.request({":path": "/large"})
                assert (await stream.response())["content-length"] == str(size)
                got = hashlib.sha256()
                async for chunk in stream:
                    got.update(chunk)
                assert got.hexdigest() == expected.hexdigest()

    run_asyncio(main())


@pytest.mark.interop
def test_sixty_four_mebibytes_from_and_to_node(run_asyncio: Run, clear: Peer) -> None:
    async def main() -> None:
        size = 64 << 20
        expected = hashlib.sha256()
        async with connect(clear) as session:
            down = session.request({":path": f"/body?size={size}"})
            up = session.request(POST)
            got = hashlib.sha256()
            over = happening(down, "end")
            down.on("data", got.update)
            for at in range(0, size, len(UNIT)):
                part = UNIT[: size - at]
                expected.update(part)
                if not up.write(part):
                    await up.drain()
            up.end()
            assert await uploaded(up) == (size, expected.hexdigest())
            await over
            assert got.hexdigest() == expected.hexdigest()

    run_asyncio(main())
