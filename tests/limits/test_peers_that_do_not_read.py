"""A peer that reads nothing: the transport gets no more data after it has paused the session."""

from __future__ import annotations

import asyncio
from typing import Any

import http2

from ..support import raw
from ..support.dialled import Dialled
from ..support.running import Run
from ..support.serving import eventually, listening, serving

STREAMS = 100
BODY = bytes(256 * 1024)
WHOLE_WINDOW = 2**31 - 1
INITIAL_WINDOW_SIZE = 4
# a batch of the engine, and the bytes that transports accept before they pause writing
MOST = 1 << 20


async def queued(transport: asyncio.Transport) -> int:
    """Return the bytes that *transport* has got once the kernel accepts no more."""
    await eventually(lambda: transport.get_write_buffer_size() > 0)
    for _ in range(20):
        await asyncio.sleep(0.002)
    return transport.get_write_buffer_size()


def test_responses(run: Run) -> None:
    """Many large responses, and windows that do not limit them."""

    async def main() -> None:
        answered: list[Any] = []

        def answer(stream: Any, headers: Any) -> None:
            stream.respond()
            stream.end(BODY)
            answered.append(stream)

        async with serving(answer, max_session_memory=1000) as (server, port):
            values = {INITIAL_WINDOW_SIZE: WHOLE_WINDOW}
            async with await raw.RawPeer.connect(port, values=values) as peer:
                peer.writer.transport.pause_reading()
                peer.send(raw.window_update(0, WHOLE_WINDOW - 65535))
                peer.send(*(raw.get(1 + 2 * i) for i in range(STREAMS)))
                await eventually(lambda: len(answered) == STREAMS)
                (session,) = server._sessions
                transport = session.transport
                assert transport is not None
                assert await queued(transport) < MOST
                assert any(stream.writable_length for stream in answered)
                # nothing is lost: it arrives once the peer reads
                peer.writer.transport.resume_reading()
                ended = 0
                while ended < STREAMS:
                    got = await peer.frame()
                    assert got is not None
                    ended += got.ends_stream

    run(main())


def test_responses_over_http1(run: Run) -> None:
    """Requests one after the other, each with a large response."""

    async def main() -> None:
        answered = 0

        def on_request(request: Any, response: Any) -> None:
            nonlocal answered
            answered += 1
            response.end(BODY)

        server = http2.create_server(on_request, allow_http1=True)
        async with listening(server) as port, await Dialled.dial(port) as peer:
            peer.writer.transport.pause_reading()
            peer.writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n" * STREAMS)
            await eventually(lambda: answered > 0)
            (connection,) = server._sessions
            transport = connection._transport
            assert transport is not None
            assert await queued(transport) < MOST
            assert answered < STREAMS

    run(main())


def test_requests(run: Run) -> None:
    """Many large bodies to a server that has opened its windows and reads nothing."""

    async def main() -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(raw.settings({INITIAL_WINDOW_SIZE: WHOLE_WINDOW}))
            writer.write(raw.window_update(0, WHOLE_WINDOW - 65535))
            await reader.readexactly(len(raw.PREFACE))
            writer.transport.pause_reading()
            await over.wait()
            writer.transport.abort()

        over = asyncio.Event()
        listener = await asyncio.start_server(accept, "127.0.0.1", 0)
        session = http2.connect(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
        await eventually(lambda: not session.connecting)
        streams = [session.request({":method": "POST"}, end_stream=False) for _ in range(STREAMS)]
        for stream in streams:
            stream.on("error", lambda error: None)
            stream.end(BODY)
        transport = session.transport
        assert transport is not None
        assert await queued(transport) < MOST
        over.set()
        session.destroy()
        await eventually(lambda: session.transport is None)
        listener.close()
        await listener.wait_closed()

    run(main())
