"""respond_with_file and respond_with_fd, with clients that others have written."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import http2
from http2.constants import NGHTTP2_INTERNAL_ERROR

from . import raw
from .conftest import Run, execute, node
from .peers import pattern
from .raw import RawPeer
from .serving import Events, eventually, serving

MIB = 2**20
SIZES = [0, 1, 65535, 65536, 65537, 20 * MIB]


@pytest.fixture
def file(tmp_path: Path) -> Callable[[int], Path]:
    """Make a file of so many bytes."""

    def make(size: int) -> Path:
        path = tmp_path / f"{size}.bin"
        path.write_bytes(pattern(size))
        return path

    return make


def open_files(path: Path) -> int:
    """How many descriptors of this process lead to *path*."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{name}") == str(path)
        except FileNotFoundError:  # that of the listing itself
            continue
    return found


async def get(port: int, path: str = "/", **fields: Any) -> tuple[http2.Headers, bytes]:
    """A whole response."""
    async with http2.connect(f"http://127.0.0.1:{port}") as session:
        stream = session.request({":path": path, **fields})
        return await stream.response(), await stream.read()


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
                seen = await node("client_files.js", str(port))
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
            # it is the program's own, and its position has not moved
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
            seen = await node("client_files.js", str(port))
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


@pytest.mark.row("server_stream.respond_with_file.option.on_error")
@pytest.mark.parametrize("listening", [True, False])
def test_errors_before_anything_is_sent(run: Run, tmp_path: Path, listening: bool) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").write_bytes(b"text")
    expected: dict[str, Any] = {
        "missing": FileNotFoundError,
        "": "ERR_HTTP2_SEND_FILE",
        "fifo": "ERR_HTTP2_SEND_FILE_NOSEEK",
        "file/below": NotADirectoryError,
        "file": "ERR_OUT_OF_RANGE",
    }

    async def main() -> None:
        errors: list[Any] = []

        def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            def on_error(error: Exception) -> None:
                errors.append(error)
                stream.respond({":status": 404}, end_stream=True)

            if not listening:
                stream.on("error", errors.append)
            stream.respond_with_file(
                tmp_path / headers[":path"].removeprefix("/"),
                on_error=on_error if listening else None,
                offset=5 if headers[":path"] == "/file" else None,
            )

        async with serving(respond) as (_, port):
            for name, kind in expected.items():
                if listening:
                    assert (await get(port, f"/{name}"))[0][":status"] == 404
                else:
                    with pytest.raises(http2.StreamError) as caught:
                        await get(port, f"/{name}")
                    assert caught.value.error_code == NGHTTP2_INTERNAL_ERROR
                error = errors.pop()
                if isinstance(kind, str):
                    assert error.code == kind
                else:
                    assert type(error) is kind
                assert not errors
        await eventually(lambda: open_files(tmp_path) == open_files(tmp_path / "fifo") == 0)

    run(main())


def test_on_error_may_be_a_coroutine_and_send_another_file(
    run: Run, file: Callable[[int], Path], tmp_path: Path
) -> None:
    path = file(1000)

    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream) -> None:
            async def on_error() -> None:
                await asyncio.sleep(0)
                stream.respond_with_file(path, {":status": 404})

            stream.respond_with_file(tmp_path / "missing", on_error=on_error)

        async with serving(respond) as (_, port):
            headers, body = await get(port)
            assert (headers[":status"], body) == (404, pattern(1000))

    run(main())


def test_no_permission(run: Run, file: Callable[[int], Path]) -> None:
    path = file(10)
    path.chmod(0)

    async def main() -> None:
        errors: list[OSError] = []

        def respond(stream: http2.ServerHttp2Stream) -> None:
            def on_error(error: OSError) -> None:
                errors.append(error)
                stream.respond({":status": 403}, end_stream=True)

            stream.respond_with_file(path, on_error=on_error)

        async with serving(respond) as (_, port):
            root = os.geteuid() == 0
            if root:
                os.seteuid(65534)  # root may read anything
            try:
                assert (await get(port))[0][":status"] == 403
            finally:
                if root:
                    os.seteuid(0)
        assert [type(error) for error in errors] == [PermissionError]

    run(main())


@pytest.mark.parametrize("by", ["file", "fd"])
def test_a_file_that_shrinks(run: Run, file: Callable[[int], Path], by: str) -> None:
    """No body is cut short in silence: the stream ends with INTERNAL_ERROR."""
    path = file(MIB)

    async def main() -> None:
        events = Events()

        def respond(stream: http2.ServerHttp2Stream) -> None:
            events.listen(stream, "error", "finish", "close")
            if by == "file":
                stream.respond_with_file(path)
            else:
                fd = os.open(path, os.O_RDONLY)
                stream.on("close", lambda: os.close(fd))
                stream.respond_with_fd(fd, {"content-length": MIB})

        async with serving(respond) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.get())
            await peer.until(raw.HEADERS)
            # the client's window is full, the rest is still in the file
            got = 0
            while got < 65535:
                got += len((await peer.until(raw.DATA)).payload)
            os.truncate(path, 200_000)
            peer.send(raw.window_update(0, MIB), raw.window_update(1, MIB))
            assert (await peer.until(raw.RST_STREAM)).code == NGHTTP2_INTERNAL_ERROR
            _, error = await events.expect("error")
            assert error.error_code == NGHTTP2_INTERNAL_ERROR
            assert f"{MIB - 200_000} bytes are missing" in str(error)
            await events.expect("close")
            assert "finish" not in events.names
        await eventually(lambda: open_files(path) == 0)

    run(main())


def test_a_file_that_grows_sends_what_was_promised(run: Run, file: Callable[[int], Path]) -> None:
    path = file(100)

    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream) -> None:
            fd = os.open(path, os.O_RDONLY)
            stream.on("close", lambda: os.close(fd))
            stream.respond_with_fd(fd, {"content-length": 60})

        async with serving(respond) as (_, port):
            assert (await get(port))[1] == pattern(60)

    run(main())


@pytest.mark.parametrize("what", ["pipe", "directory", "closed"])
def test_descriptors_that_cannot_be_read(run: Run, tmp_path: Path, what: str) -> None:
    async def main() -> None:
        events = Events()
        held = list(os.pipe()) if what == "pipe" else [os.open(tmp_path, os.O_RDONLY)]
        if what == "closed":
            os.close(held[0])

        def respond(stream: http2.ServerHttp2Stream) -> None:
            events.listen(stream, "error")
            stream.respond_with_fd(held[0])

        async with serving(respond) as (_, port):
            with pytest.raises(http2.StreamError) as caught:
                await get(port)
            assert caught.value.error_code == NGHTTP2_INTERNAL_ERROR
            assert isinstance((await events.expect("error"))[1], OSError)
        if what != "closed":
            for fd in held:
                os.close(fd)

    run(main())


def test_a_stat_that_fails(run: Run) -> None:
    async def main() -> None:
        fd = os.open("/", os.O_RDONLY)
        os.close(fd)
        errors = Events()

        def respond(stream: http2.ServerHttp2Stream) -> None:
            errors.listen(stream, "error")
            stream.respond_with_fd(fd, stat_check=lambda stat: None)

        async with serving(respond) as (_, port):
            with pytest.raises(http2.StreamError):
                await get(port)
            assert isinstance((await errors.expect("error"))[1], OSError)

    run(main())


def test_wrong_arguments_raise_at_the_call(run: Run, file: Callable[[int], Path]) -> None:
    path: Any = file(10)

    class NoFile:
        def fileno(self) -> int:
            raise OSError("no descriptor")

    async def nobody_waits_for_this() -> None:
        raise AssertionError

    async def main() -> None:
        codes: list[str] = []

        def respond(stream: Any) -> None:
            attempts: list[Callable[[], None]] = [
                lambda: stream.respond_with_file(5),
                lambda: stream.respond_with_file("a\0b"),
                lambda: stream.respond_with_file(path, offset="1"),
                lambda: stream.respond_with_file(path, offset=-1),
                lambda: stream.respond_with_file(path, length=-2),
                lambda: stream.respond_with_file(path, length=2**63),
                lambda: stream.respond_with_file(path, stat_check=1),
                lambda: stream.respond_with_file(path, stat_check=nobody_waits_for_this),
                lambda: stream.respond_with_file(path, on_error=1),
                lambda: stream.respond_with_file(path, {"bad name": "x"}),
                lambda: stream.respond_with_file(path, {":status": 99}),
                lambda: stream.respond_with_file(path, {":status": 204}),
                lambda: stream.respond_with_fd(0, {":status": 205}),
                lambda: stream.respond_with_fd(0, {":status": 304}),
                lambda: stream.respond_with_fd("0"),
                lambda: stream.respond_with_fd(True),
                lambda: stream.respond_with_fd(-1),
                lambda: stream.respond_with_fd(NoFile()),
            ]
            for attempt in attempts:
                with pytest.raises(http2.Http2Error) as caught:
                    attempt()
                codes.append(caught.value.code)
            with pytest.raises(TypeError):
                stream.respond_with_file(path, start=1)
            stream.respond_with_file(path)
            with pytest.raises(http2.Http2Error) as caught:
                stream.respond_with_file(path)
            codes.append(caught.value.code)
            stream.on("close", lambda: closed(stream))

        def closed(stream: Any) -> None:
            with pytest.raises(http2.Http2Error) as caught:
                stream.respond_with_file(path)
            codes.append(caught.value.code)

        async with serving(respond) as (_, port):
            assert (await get(port))[1] == pattern(10)
            await eventually(lambda: codes[-1] == "ERR_HTTP2_INVALID_STREAM")
        assert codes == [
            "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_VALUE",
            "ERR_INVALID_ARG_VALUE", "ERR_OUT_OF_RANGE", "ERR_OUT_OF_RANGE", "ERR_OUT_OF_RANGE",
            "ERR_INVALID_ARG_VALUE", "ERR_INVALID_ARG_VALUE", "ERR_INVALID_ARG_VALUE",
            "ERR_INVALID_HTTP_TOKEN", "ERR_HTTP2_STATUS_INVALID",
            "ERR_HTTP2_PAYLOAD_FORBIDDEN", "ERR_HTTP2_PAYLOAD_FORBIDDEN",
            "ERR_HTTP2_PAYLOAD_FORBIDDEN",
            "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_TYPE", "ERR_OUT_OF_RANGE",
            "ERR_INVALID_ARG_VALUE", "ERR_HTTP2_HEADERS_SENT", "ERR_HTTP2_INVALID_STREAM",
        ]  # fmt: skip

    run(main())


def test_head_is_forbidden_as_in_node(run: Run, file: Callable[[int], Path]) -> None:
    path = file(10)

    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream) -> None:
            with pytest.raises(http2.Http2ValueError) as caught:
                stream.respond_with_file(path)
            stream.respond({"x-code": caught.value.code}, end_stream=True)

        async with serving(respond) as (_, port):
            headers, _ = await get(port, **{":method": "HEAD"})
            assert headers["x-code"] == "ERR_HTTP2_PAYLOAD_FORBIDDEN"

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
            assert open_files(path) == 20
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
            # whoever would read on does so in the next turns
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
    """A read that takes for ever holds up its own stream alone."""
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
