"""respond_with_file and respond_with_fd, with other clients."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.filing import MIB, get, open_files, pattern
from ..support.raw import RawPeer
from ..support.running import Run, execute, node
from ..support.serving import Events, eventually, serving

SIZES = [0, 1, 65535, 65536, 65537, 20 * MIB]


@pytest.mark.interop
@pytest.mark.row("server_stream.respond_with_file", "server_stream.respond_with_fd")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("client", ["node", "curl", "nghttp"])
def test_whole_files(run: Run, file: Callable[[int], Path], size: int, client: str) -> None:
    path = file(size)

    async def main() -> None:
        events = Events()

        def respond(stream: http2.ServerHttp2Stream) -> None:
            events.listen(stream, "finish", "close")
            stream.respond_with_file(path, {"content-type": "application/x-test"})

        async with serving(respond) as (_, port):
            if client == "node":
                seen = await node("client/files.js", str(port))
                assert seen["headers"]["content-length"] == str(size)
                assert seen["headers"]["content-type"] == "application/x-test"
                assert seen["size"] == size
                assert seen["sha256"] == hashlib.sha256(pattern(size)).hexdigest()
            else:
                url = f"http://127.0.0.1:{port}/"
                command = ["curl", "-sS", "--http2-prior-knowledge", "--max-time", "25", url]
                if client == "nghttp":
                    command = ["nghttp", "-t", "25", url]
                assert await execute(*command) == pattern(size)
            await events.expect("close")
            assert events.names == ["finish", "close"]
            await eventually(lambda: open_files(path) == 0)

    run(main())


@pytest.mark.row(
    "server_stream.respond_with_file.option.offset",
    "server_stream.respond_with_file.option.length",
    "server_stream.respond_with_fd.option.offset",
    "server_stream.respond_with_fd.option.length",
    "server_stream.respond_with_file.option.stat_check",
    "server_stream.respond_with_fd.option.stat_check",
    "file_range.offset",
    "file_range.length",
)
@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (None, None, (0, 200_000)),
        (0, -1, (0, 200_000)),
        (5, 10, (5, 15)),
        (100_000, None, (100_000, 200_000)),
        (None, 65_536, (0, 65_536)),
        (70_000, 70_000, (70_000, 140_000)),
        (199_999, 100, (199_999, 200_000)),
        (200_000, None, (200_000, 200_000)),
        (7, 0, (7, 7)),
    ],
)
@pytest.mark.parametrize("by", ["file", "fd", "object", "stat_check", "fd_stat_check"])
def test_ranges(
    run: Run,
    file: Callable[[int], Path],
    offset: int | None,
    length: int | None,
    expected: tuple[int, int],
    by: str,
) -> None:
    path = file(200_000)

    async def main() -> None:
        with path.open("rb") as opened:

            def change(stat: os.stat_result, headers: Any, part: Any) -> None:
                assert stat.st_size == 200_000
                assert (part.offset, part["length"]) == (3, 4)
                part.offset = 0 if offset is None else offset
                part["length"] = -1 if length is None else length
                headers["x-size"] = stat.st_size

            def respond(stream: http2.ServerHttp2Stream) -> None:
                if by == "file":
                    stream.respond_with_file(path, offset=offset, length=length)
                elif by == "stat_check":
                    stream.respond_with_file(str(path), stat_check=change, offset=3, length=4)
                elif by == "fd_stat_check":
                    stream.respond_with_fd(opened, stat_check=change, offset=3, length=4)
                else:
                    fd = opened if by == "object" else opened.fileno()
                    stream.respond_with_fd(fd, offset=offset, length=length)

            async with serving(respond) as (_, port):
                headers, body = await get(port)
                assert body == pattern(200_000)[slice(*expected)]
                if by in ("file", "stat_check"):
                    assert headers["content-length"] == str(expected[1] - expected[0])
                if by.endswith("stat_check"):
                    assert headers["x-size"] == "200000"
            await eventually(lambda: open_files(path) == 1)
            # it belongs to the program, and its position has not changed
            assert opened.read(5) == pattern(5)

    run(main())


def test_a_range_of_a_sparse_file_beyond_4_gib(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as made:
        made.seek(5 * 2**30)
        made.write(b"far out")

    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream) -> None:
            stream.respond_with_file(path, offset=5 * 2**30)

        async with serving(respond) as (_, port):
            assert (await get(port))[1] == b"far out"

    run(main())


@pytest.mark.interop
@pytest.mark.row(
    "server_stream.respond_with_fd",
    "server_stream.respond_with_fd.option.wait_for_trailers",
    "server_stream.respond_with_file.option.wait_for_trailers",
)
@pytest.mark.parametrize("by", ["file", "fd"])
def test_trailers_and_the_writable_side(run: Run, file: Callable[[int], Path], by: str) -> None:
    path = file(100_000)

    async def main() -> None:
        refused: list[str] = []

        def respond(stream: http2.ServerHttp2Stream) -> None:
            stream.on("want_trailers", lambda: stream.send_trailers({"x-end": "here"}))
            if by == "file":
                stream.respond_with_file(path, wait_for_trailers=True)
                return
            fd = os.open(path, os.O_RDONLY)
            stream.on("close", lambda: os.close(fd))
            stream.respond_with_fd(fd, {"content-length": 100_000}, wait_for_trailers=True)
            for attempt in (lambda: stream.write(b"x"), stream.respond):
                with pytest.raises(http2.Http2Error) as caught:
                    attempt()
                refused.append(caught.value.code)
            stream.end()

        async with serving(respond) as (_, port):
            seen = await node("client/files.js", str(port))
            assert (seen["size"], seen["trailers"]["x-end"]) == (100_000, "here")
        expected = ["ERR_STREAM_WRITE_AFTER_END", "ERR_HTTP2_HEADERS_SENT"]
        assert refused == (expected if by == "fd" else [])
        await eventually(lambda: open_files(path) == 0)

    run(main())


@pytest.mark.row(
    "server_stream.respond_with_file.option.stat_check",
    "server_stream.respond_with_file.option.on_error",
)
def test_stat_check_cancels_or_answers_otherwise(run: Run, file: Callable[[int], Path]) -> None:
    path, other = file(10), file(20)

    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            def not_modified(stat: os.stat_result, given: dict[Any, Any]) -> bool:
                stream.respond({":status": 304})
                return False

            def other_file() -> None:
                stream.respond_with_file(other)

            def fails(stat: os.stat_result) -> None:
                raise RuntimeError("on purpose")

            def bad_headers(stat: os.stat_result, given: dict[Any, Any]) -> None:
                given["bad name"] = "x"

            checks: dict[str, Callable[..., Any]] = {
                "/304": not_modified, "/other": other_file, "/fails": fails, "/bad": bad_headers,
            }  # fmt: skip
            check = checks[headers[":path"]]
            stream.respond_with_file(
                path,
                stat_check=check,
                on_error=lambda error: stream.respond(
                    {":status": 500, "x-code": error.code}, end_stream=True
                ),
            )

        async with serving(respond) as (_, port):
            assert (await get(port, "/304"))[0][":status"] == 304
            headers, body = await get(port, "/other")
            assert (headers["content-length"], body) == ("20", pattern(20))
            assert (await get(port, "/fails"))[0][":status"] == 500
            headers, body = await get(port, "/bad")
            assert headers["x-code"] == "ERR_INVALID_HTTP_TOKEN"
            await eventually(lambda: open_files(path) == open_files(other) == 0)

    run(main())


def test_headers_as_pairs(run: Run, file: Callable[[int], Path]) -> None:
    path = file(10)

    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream) -> None:
            pairs = [("x-a", "1"), ("Content-Length", "99"), ("x-a", "2")]
            stream.respond_with_file(path, pairs)
            assert len(pairs) == 3

        async with serving(respond) as (_, port):
            headers, body = await get(port)
            assert (headers["x-a"], headers["content-length"]) == ("1, 2", "10")
            assert body == pattern(10)

    run(main())


@pytest.mark.parametrize("way", ["reset", "vanish"])
def test_a_client_that_leaves_closes_our_descriptor(
    run: Run, file: Callable[[int], Path], way: str
) -> None:
    path = file(MIB)

    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream) -> None:
            stream.respond_with_file(path)

        async with serving(respond) as (_, port):
            peer = await RawPeer.connect(port)
            peer.send(*(raw.get(number) for number in range(1, 40, 2)))
            # the first one has filled the connection's window, all others wait
            await peer.until(raw.HEADERS, 39)
            # threads open the files, not in the order of the requests
            await eventually(lambda: open_files(path) == 20)
            if way == "reset":
                peer.send(*(raw.rst_stream(number) for number in range(1, 40, 2)))
            else:
                await peer.abort()
            await eventually(lambda: open_files(path) == 0)
            await peer.close()

    run(main())


def test_clients_that_do_not_read_cost_a_chunk_each(run: Run, file: Callable[[int], Path]) -> None:
    """A hundred transfers of 20 MiB wait with at most 80 KiB in each queue."""
    path = file(20 * MIB)

    async def main() -> None:
        streams: list[http2.ServerHttp2Stream] = []

        def respond(stream: http2.ServerHttp2Stream) -> None:
            streams.append(stream)
            stream.respond_with_file(path)

        async with serving(respond) as (_, port):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            peer = await RawPeer.connect(port)
            peer.send(*(raw.get(number) for number in range(1, 200, 2)))
            await eventually(lambda: len(streams) == 100)
            await eventually(lambda: all(stream.writable_length for stream in streams[1:]))
            # further reads would happen in the next turns
            for _ in range(20):
                await peer.answered()
            assert max(stream.writable_length for stream in streams) <= 80 * 1024
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            assert after - before < 40 * 1024  # KiB
            await peer.abort()

    run(main())


def test_the_loop_goes_on_while_the_disk_is_slow(
    run: Run, file: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read that never ends blocks only its own stream."""
    import threading

    path = file(200_000)
    release = threading.Event()
    pread = os.pread

    def slow(fd: int, size: int, offset: int) -> bytes:
        assert threading.current_thread() is not threading.main_thread()
        release.wait(20)
        return pread(fd, size, offset)

    monkeypatch.setattr(os, "pread", slow)

    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            if headers[":path"] == "/file":
                stream.respond_with_file(path)
            else:
                stream.end("at once")

        async with (
            serving(respond) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            slow_one = session.request({":path": "/file"})
            for _ in range(3):
                assert await session.request().read() == b"at once"
            release.set()
            assert await slow_one.read() == pattern(200_000)

    run(main())


def test_many_at_once_and_a_handler_that_is_a_coroutine(
    run: Run, file: Callable[[int], Path]
) -> None:
    path = file(150_000)

    async def main() -> None:
        async def respond(stream: http2.ServerHttp2Stream) -> None:
            assert await stream.read() == b"asked"
            stream.respond_with_file(path, {"content-type": "x/y"})

        async with (
            serving(respond) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            streams = [session.request({":method": "POST"}) for _ in range(50)]
            for stream in streams:
                stream.end("asked")
            bodies = await asyncio.gather(*(stream.read() for stream in streams))
            assert bodies == [pattern(150_000)] * 50
        await eventually(lambda: open_files(path) == 0)

    run(main())


def test_a_file_is_sent_with_headers_that_were_received(
    run: Run, file: Callable[[int], Path]
) -> None:
    async def main() -> None:
        path = file(1)

        def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            onward = headers.copy()
            for name in (":method", ":path", ":scheme", ":authority"):
                del onward[name]
            stream.respond_with_file(path, onward)

        async with serving(answer) as (_, port):
            marked = {"x-secret": "s", http2.sensitive_headers: ["x-secret"]}
            async with http2.connect(f"http://127.0.0.1:{port}") as session:
                response = await session.request(marked).response()
                assert response["x-secret"] == "s"
                assert response.sensitive == ["x-secret"]

    run(main())


class Jobs(ThreadPoolExecutor):
    """A loop's executor that records its work."""

    def __init__(self) -> None:
        super().__init__(2)
        self.done: list[Any] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.done.append(fn)
        return super().submit(fn, *args, **kwargs)


# What the system answers to preadv(): how many bytes are in its cache, or an error.
CACHES: dict[str, Any] = {
    "all of it": lambda calls: 2**30,
    "not by whole chunks": lambda calls: 5000 + calls,
    "every other piece": lambda calls: 70000 if calls % 2 else BlockingIOError,
    "none of it": lambda calls: BlockingIOError,
    "the system can't tell": lambda calls: OSError,
}


@pytest.mark.row("server_stream.respond_with_file", "server_stream.respond_with_fd")
@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("by_fd", [False, True], ids=["file", "fd"])
def test_what_is_cached_needs_no_thread(
    run: Run,
    file: Callable[[int], Path],
    monkeypatch: pytest.MonkeyPatch,
    cache: str,
    by_fd: bool,
) -> None:
    size = 700_001
    path = file(size)
    calls = 0

    def preadv(fd: int, buffers: Any, offset: int, flags: int = 0) -> int:
        nonlocal calls
        assert flags == os.RWF_NOWAIT
        calls += 1
        cached = CACHES[cache](calls)
        if isinstance(cached, type):
            raise cached
        (buffer,) = buffers
        data = os.pread(fd, min(len(buffer), cached), offset)
        buffer[: len(data)] = data
        return len(data)

    monkeypatch.setattr(os, "preadv", preadv)

    async def main() -> None:
        jobs = Jobs()
        asyncio.get_running_loop().set_default_executor(jobs)
        with path.open("rb") as opened:

            def respond(stream: http2.ServerHttp2Stream) -> None:
                if by_fd:
                    stream.respond_with_fd(opened)
                else:
                    stream.respond_with_file(path)

            async with (
                serving(respond) as (_, port),
                http2.connect(f"http://127.0.0.1:{port}") as client,
            ):
                assert await client.request().read() == pattern(size)
        in_thread = jobs.done.count(os.pread)
        if cache in ("all of it", "not by whole chunks"):
            assert not in_thread
        elif cache == "the system can't tell":
            assert calls == 1
            assert in_thread
        else:
            assert in_thread
            assert calls > in_thread / 2

    run(main())
