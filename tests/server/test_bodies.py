"""Request bodies of unusual sizes, read in every way, and sent back unchanged."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import http2

from ..support import raw
from ..support.filing import pattern
from ..support.raw import RawPeer
from ..support.running import Run, execute, node
from ..support.serving import serving

SIZES = (0, 1, 16383, 16384, 16385, 65534, 65535, 65536, 1 << 20)

Read = Callable[[http2.ServerHttp2Stream], Awaitable[bytes]]


async def by_iteration(stream: http2.ServerHttp2Stream) -> bytes:
    return b"".join([chunk async for chunk in stream])


async def by_read(stream: http2.ServerHttp2Stream) -> bytes:
    return await stream.read()


async def by_read_n(stream: http2.ServerHttp2Stream) -> bytes:
    parts = []
    while part := await stream.read(10_007):
        assert len(part) <= 10_007
        parts.append(part)
    return b"".join(parts)


async def by_readexactly(stream: http2.ServerHttp2Stream) -> bytes:
    parts = []
    while True:
        try:
            parts.append(await stream.readexactly(5003))
        except asyncio.IncompleteReadError as rest:
            return b"".join([*parts, rest.partial])


async def by_listeners(stream: http2.ServerHttp2Stream) -> bytes:
    parts: list[bytes] = []
    ended = asyncio.Event()
    stream.on("data", parts.append)
    stream.on("end", ended.set)
    await ended.wait()
    assert stream.readable_ended
    return b"".join(parts)


async def by_pausing(stream: http2.ServerHttp2Stream) -> bytes:
    """Pause at each chunk: the next one arrives after `resume`, and not before."""
    parts: list[bytes] = []
    ended = asyncio.Event()
    paused = False
    loop = asyncio.get_running_loop()

    @stream.on("data")
    def data(chunk: bytes) -> None:
        nonlocal paused
        assert not paused
        paused = True
        parts.append(chunk)
        stream.pause()
        loop.call_soon(resume)

    def resume() -> None:
        nonlocal paused
        paused = False
        stream.resume()

    stream.on("end", ended.set)
    await ended.wait()
    return b"".join(parts)


@pytest.mark.interop
@pytest.mark.parametrize(
    "read", [by_iteration, by_read, by_read_n, by_readexactly, by_listeners, by_pausing]
)
def test_sizes_from_node_and_back(run: Run, read: Read) -> None:
    async def main() -> None:
        hashes: list[str] = []

        async def echo(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            body = await read(stream)
            assert len(body) == int(headers[":path"][1:])
            hashes.append(hashlib.sha256(body).hexdigest())
            stream.respond()
            stream.end(body)

        async with serving(echo) as (_, port):
            report = await node("client/bodies.js", str(port), *map(str, SIZES))
        assert [entry["size"] for entry in report] == list(SIZES)
        for entry, digest in zip(report, hashes, strict=True):
            assert entry["status"] == 200
            assert entry["length"] == entry["size"]
            assert entry["sent"] == entry["got"] == digest

    run(main())


@pytest.mark.interop
def test_sizes_from_curl_and_back(run: Run, tmp_path: Path) -> None:
    """Sent back chunk by chunk, with back-pressure."""

    async def main() -> None:
        async def echo(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            stream.respond({"content-length": headers["content-length"]})
            async for chunk in stream:
                if not stream.write(chunk):
                    await stream.drain()
            stream.end()

        async with serving(echo) as (_, port):
            for size in SIZES:
                sent, got = tmp_path / "sent", tmp_path / "got"
                sent.write_bytes(pattern(size))
                await execute(
                    "curl", "-sS", "--fail", "--http2-prior-knowledge",
                    "-H", "expect:", "--data-binary", f"@{sent}", "-o", str(got),
                    f"http://127.0.0.1:{port}/",
                )  # fmt: skip
                assert (got.read_bytes() if got.exists() else b"") == pattern(size)
                got.unlink(missing_ok=True)

    run(main())


@pytest.mark.interop
def test_64_mib_there_and_back(run_asyncio: Run) -> None:
    size = 64 << 20

    async def main() -> None:
        hashes: list[str] = []

        async def echo(stream: http2.ServerHttp2Stream) -> None:
            digest = hashlib.sha256()
            stream.respond()
            async for chunk in stream:
                digest.update(chunk)
                if not stream.write(chunk):
                    await stream.drain()
            stream.end()
            hashes.append(digest.hexdigest())

        async with serving(echo) as (_, port):
            [entry] = await node("client/bodies.js", str(port), str(size), timeout=90)
        assert entry["length"] == size
        assert entry["sent"] == entry["got"] == hashes[0]

    run_asyncio(main())


@pytest.mark.row("duplex.set_encoding")
@pytest.mark.parametrize("how", ["async for", "data"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_set_encoding_across_chunks(run: Run, how: str, encoding: str) -> None:
    """Characters of one to four bytes, one byte in each frame; the last one is incomplete."""
    text = "aé€😀" * 3

    async def main() -> None:
        texts: asyncio.Queue[list[str]] = asyncio.Queue()

        async def read(stream: http2.ServerHttp2Stream) -> None:
            stream.set_encoding(encoding)
            parts: list[str] = []
            if how == "data":
                ended = asyncio.Event()
                stream.on("data", parts.append)
                stream.on("end", ended.set)
                await ended.wait()
            else:
                async for part in stream:
                    parts.append(part)
            stream.respond(end_stream=True)
            texts.put_nowait(parts)

        async with serving(read) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post())
            body = text.encode(encoding) + "😀".encode(encoding)[-4:-1]
            for index in range(len(body)):
                peer.send(raw.data(1, body[index : index + 1]))
                await peer.flush()
            peer.send(raw.data(1, end_stream=True))
            parts = await texts.get()
            assert all(isinstance(part, str) and part for part in parts)
            assert "".join(parts) == text + "\ufffd"

    run(main())


def test_read_is_bytes_whatever_the_encoding(run: Run) -> None:
    async def main() -> None:
        bodies: asyncio.Queue[bytes] = asyncio.Queue()

        async def read(stream: http2.ServerHttp2Stream) -> None:
            stream.set_encoding("utf-8")
            stream.respond(end_stream=True)
            bodies.put_nowait(await stream.read(2))
            bodies.put_nowait(await stream.read())

        async with serving(read) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post(), raw.data(1, "é€".encode(), end_stream=True))
            assert await bodies.get() == "é".encode()
            assert await bodies.get() == "€".encode()

    run(main())


def test_a_paused_body_holds_the_client_back(run: Run) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        async with serving(streams.put_nowait) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post(), raw.data(1, bytes(16384)) * 3, raw.data(1, bytes(16383)))
            stream = await streams.get()
            sizes: list[int] = []
            stream.on("data", lambda chunk: sizes.append(len(chunk)))
            stream.pause()
            await peer.answered()
            assert sizes == []
            assert raw.WINDOW_UPDATE not in [got.type for got in peer.seen]
            stream.resume()
            await peer.until(raw.WINDOW_UPDATE, 1)
            assert sum(sizes) == 65535
            peer.send(raw.data(1, b"end", end_stream=True))
            stream.respond(end_stream=True)
            await peer.until(raw.HEADERS, 1)

    run(main())


def test_two_readers_at_a_time_are_refused(run: Run) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        async with serving(streams.put_nowait) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.post())
            stream = await streams.get()
            first = asyncio.ensure_future(stream.read())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError):
                await stream.read(1)
            peer.send(raw.data(1, b"body", end_stream=True))
            assert await first == b"body"
            stream.respond(end_stream=True)
            await peer.until(raw.HEADERS, 1)

    run(main())
