"""A connection that is closed or lost: all waiting callers get the same error."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import Events, eventually, serving

MANNERS = pytest.mark.parametrize("manner", ["finish", "reset"])


def end(writer: asyncio.StreamWriter, manner: str) -> None:
    """Close the connection with a FIN, or with a TCP reset."""
    if manner == "reset":
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
    else:
        writer.close()


@asynccontextmanager
async def dying(
    manner: str, first: bytes = raw.settings(), answer: bytes = b""
) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A server that sends *first*, *answer* to a request, and ends when the event is set."""
    now = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)

        async def swallow() -> None:
            said = b""
            while data := await reader.read(10000):
                said += data
                if answer and b"\x82\x86" in said:  # GET and http
                    writer.write(answer)
                    said = b""

        reading = asyncio.ensure_future(swallow())
        await now.wait()
        await asyncio.sleep(0.05)
        end(writer, manner)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], now


@MANNERS
@pytest.mark.row("module.ConnectionClosed", "session.event.error")
def test_every_waiter_of_a_client_is_told(run: Run, manner: str) -> None:
    async def main() -> None:
        async with dying(manner, raw.settings({3: 2})) as (port, now):
            session = await http2.connect(f"http://127.0.0.1:{port}")
            events = Events()
            events.listen(session, "error", "close")
            await eventually(lambda: session.remote_settings.max_concurrent_streams == 2)
            waiting = session.request({":method": "POST"})
            waiting.write(bytes(300_000))
            read = session.request()
            unsent = session.request()
            waiters = {
                "response": waiting.response(),
                "drain": waiting.drain(),
                "read": read.read(),
                "unsent": unsent.response(),
                "ping": session.ping(),
                "settings": session.settings({"enable_push": False}),
            }
            tasks = {name: asyncio.ensure_future(waiter) for name, waiter in waiters.items()}
            await asyncio.sleep(0)
            now.set()
            await asyncio.wait(tasks.values(), timeout=10)
            for name, task in tasks.items():
                error = task.exception()
                assert isinstance(error, http2.ConnectionClosed), (name, error)
                assert isinstance(error, ConnectionError)
                assert error.retryable is (name == "unsent"), name
                if manner == "finish":
                    assert str(error) == "the peer closed the connection"
                    assert error.__cause__ is None
                else:
                    assert str(error).startswith("the connection was lost: ")
                    assert isinstance(error.__cause__, ConnectionResetError)
            codes = {name: getattr(task.exception(), "code", "") for name, task in tasks.items()}
            assert codes["ping"] == "ERR_HTTP2_PING_CANCEL"
            assert codes["settings"] == "ERR_HTTP2_SETTINGS_CANCEL"
            assert codes["read"] == codes["unsent"] == "ERR_HTTP2_STREAM_CANCEL"
            _, told = await events.expect("error")
            assert isinstance(told, http2.ConnectionClosed)
            assert told.code == "ERR_SOCKET_CLOSED"
            await events.expect("close")
            assert events.names == ["error", "close"]
            with pytest.raises(http2.ConnectionClosed):
                await read.read()

    run(main())


@MANNERS
def test_a_client_is_not_told_when_nothing_is_lost(run: Run, manner: str) -> None:
    async def main() -> None:
        async with dying(manner) as (port, now):
            session = await http2.connect(f"http://127.0.0.1:{port}")
            events = Events()
            events.listen(session, "error", "close")
            now.set()
            await events.expect("close")
            assert events.names == ["close"]

    run(main())


@MANNERS
def test_a_whole_response_is_no_less_whole(run: Run, manner: str) -> None:
    """A complete response can be read after the end of the connection."""

    async def main() -> None:
        answer = raw.headers(1, [(":status", "200")]) + raw.data(1, b"all", end_stream=True)
        async with dying(manner, raw.settings(), answer) as (port, now):
            session = await http2.connect(f"http://127.0.0.1:{port}")
            events = Events()
            events.listen(session, "close")
            stream = session.request()
            await stream.response()
            now.set()
            await events.expect("close")
            assert await stream.read() == b"all"

    run(main())


@MANNERS
def test_a_server_is_told(run: Run, manner: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        events = Events()
        began = asyncio.Event()

        def on_stream(stream: Any) -> None:
            events.listen(stream.session, "error")
            events.listen(stream, "aborted", prefix="stream ")
            reads.append(asyncio.ensure_future(stream.read()))
            reads.append(stream.session.ping())
            began.set()

        reads: list[Any] = []
        async with serving(on_stream) as (_, port):
            peer = await RawPeer.connect(port)
            peer.send(raw.post())
            await began.wait()
            await peer.answered()
            end(peer.writer, manner)
            await peer.close()
            for told in await asyncio.gather(*reads, return_exceptions=True):
                assert isinstance(told, http2.ConnectionClosed)
                assert (told.__cause__ is None) == (manner == "finish")
            assert isinstance((await events.expect("error"))[1], http2.ConnectionClosed)
            await events.expect("stream aborted")

    run(main())
    assert not [entry for entry in caplog.records if entry.levelno >= 30]


def test_a_client_that_leaves_is_not_in_the_log(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        closed = asyncio.Event()

        def on_stream(stream: Any) -> None:
            stream.on("close", closed.set)

        async with serving(on_stream) as (_, port):
            peer = await RawPeer.connect(port)
            peer.send(raw.get())
            await peer.answered()
            await peer.close()
            await closed.wait()

    run(main())
    assert not [entry for entry in caplog.records if entry.levelno >= 30]
