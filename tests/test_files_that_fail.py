"""A disk that fails in the middle of a transfer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import http2
from http2.constants import NGHTTP2_INTERNAL_ERROR

from . import raw
from .conftest import Run
from .peers import pattern
from .raw import RawPeer
from .serving import Events, check_serves, hello, serving

MIB = 2**20


@pytest.mark.row("server_stream.respond_with_fd")
@pytest.mark.parametrize("length", [None, MIB], ids=["without a length", "with a length"])
def test_a_descriptor_that_fails_half_way(run: Run, tmp_path: Path, length: int | None) -> None:
    """The beginning of the body is sent, then there is an error to read: INTERNAL_ERROR."""
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
            os.dup2(folder, fd)  # which nobody can read: EISDIR
            os.close(folder)
            peer.send(raw.window_update(0, MIB), raw.window_update(1, MIB))
            assert (await peer.until(raw.RST_STREAM)).code == NGHTTP2_INTERNAL_ERROR
            assert not any(frame.ends_stream for frame in peer.seen)
            assert isinstance((await events.expect("error"))[1], IsADirectoryError)
            await events.expect("close")
            assert events.names == ["error", "close"]
            # the descriptor is still the program's
            os.close(fd)
            await check_serves(port)

    run(main())
