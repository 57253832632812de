"""Files that do not exist, must not be read, or change while they are sent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import http2
from http2.constants import NGHTTP2_INTERNAL_ERROR

from ..support import raw
from ..support.filing import MIB, get, open_files, pattern
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import Events, check_serves, eventually, hello, serving


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
    """No body is truncated silently: the stream ends with INTERNAL_ERROR."""
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
            assert f"{MIB - 200_000} bytes missing" in str(error)
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


@pytest.mark.row("server_stream.respond_with_fd")
@pytest.mark.parametrize("length", [None, MIB], ids=["without a length", "with a length"])
def test_a_descriptor_that_fails_half_way(run: Run, tmp_path: Path, length: int | None) -> None:
    """The beginning of the body is sent, then reading fails: INTERNAL_ERROR."""
    path = tmp_path / "file"
    path.write_bytes(pattern(MIB))

    async def main() -> None:
        events = Events()
        fd = os.open(path, os.O_RDONLY)

        def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            if headers[":path"] == "/":
                hello(stream)
                return
            events.listen(stream, "error", "finish", "close")
            stream.respond_with_fd(fd, {} if length is None else {"content-length": length})

        async with serving(respond) as (_, port), await RawPeer.connect(port) as peer:
            peer.send(raw.get(1, "/file"))
            # the client's window is full, the rest is still in the file
            got = 0
            while got < 65535:
                got += len((await peer.until(raw.DATA)).payload)
            folder = os.open(tmp_path, os.O_RDONLY)
            os.dup2(folder, fd)  # which cannot be read: EISDIR
            os.close(folder)
            peer.send(raw.window_update(0, MIB), raw.window_update(1, MIB))
            assert (await peer.until(raw.RST_STREAM)).code == NGHTTP2_INTERNAL_ERROR
            assert not any(frame.ends_stream for frame in peer.seen)
            assert isinstance((await events.expect("error"))[1], IsADirectoryError)
            await events.expect("close")
            assert events.names == ["error", "close"]
            # the descriptor still belongs to the program
            os.close(fd)
            await check_serves(port)

    run(main())
