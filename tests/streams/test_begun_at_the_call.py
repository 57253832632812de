"""`listen` and `pipe` begin at the call, whether they are awaited or not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import http2

from ..support.both_protocols import told
from ..support.running import Run
from ..support.serving import eventually, hello, serving


@pytest.mark.row("server.listen")
def test_listen_without_await(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        server.on("stream", hello)
        beginning = server.listen(0, "127.0.0.1")
        with pytest.raises(RuntimeError):
            server.listen(0, "127.0.0.1")
        await eventually(lambda: server.listening)
        assert (await told(server.address()[1], "h2c")).body == b"hello"
        assert await beginning is server
        # for an unavailable address, asyncio reports no error that was never retrieved
        other = http2.create_server()
        errors: list[Any] = []
        other.on("error", errors.append)
        other.listen(server.address()[1], "127.0.0.1")
        await eventually(lambda: bool(errors))
        (first,) = await asyncio.gather(asyncio.ensure_future(other.listen(0, "127.0.0.1")))
        assert first is other
        await server.close(timeout=1)
        await other.close(timeout=1)

    run(main())


def test_closed_before_it_listens(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server()
        beginning = server.listen(0, "localhost")
        closing = server.close()
        await beginning
        await closing
        assert not server.listening

    run(main())


@pytest.mark.row("module.pipe")
def test_pipe_without_await(run: Run) -> None:
    async def main() -> None:
        async def handler(stream: Any, headers: Any) -> None:
            http2.pipe(parts(), stream)

        async def parts() -> Any:
            await asyncio.sleep(0.01)
            yield b"pi"
            yield b"ped"

        async with serving(handler) as (_, port):
            assert (await told(port, "h2c")).body == b"piped"
            with pytest.raises(TypeError):
                http2.pipe(b"", 5)

    run(main())
