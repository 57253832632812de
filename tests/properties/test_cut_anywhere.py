"""Connections that end after every single byte: no truncated body counts as complete.

The same conversation is repeated, and ends one byte later each time, with a FIN or with a TCP
reset. A reader gets the error, unless the body was complete; and nothing is logged above WARNING.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import check_serves, eventually, serving
from ..support.sessions import raw_server, response

BODY = b"0123456789" * 3
PATIENCE = 30


def cut(peer: RawPeer, manner: str) -> Any:
    return peer.abort() if manner == "reset" else peer.close()


@pytest.mark.slow
@pytest.mark.row("beyond.reset_kills_nothing", "beyond.no_silent_truncation")
@pytest.mark.parametrize("manner", ["reset", "close"])
def test_request_cut_after_every_byte(
    run: Run, manner: str, caplog: pytest.LogCaptureFixture
) -> None:
    wire = raw.PREFACE + raw.settings() + raw.settings(ack=True) + raw.post()
    wire += raw.data(1, BODY[:10]) + raw.data(1, BODY[10:], end_stream=True)

    async def main() -> None:
        outcomes: list[Any] = []

        async def handler(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            if headers[":method"] == "GET":
                stream.end("hello")
                return
            try:
                outcomes.append(await stream.read())
                stream.end("read")
            except asyncio.CancelledError:
                outcomes.append("cancelled")
                raise
            except http2.Http2Error as error:
                outcomes.append(error)

        async with serving(handler) as (server, port):
            for size in range(len(wire) + 1):
                peer = await RawPeer.dial(port)
                peer.send(wire[:size])
                await peer.flush()
                await cut(peer, manner)
            await eventually(lambda: not server._sessions and not server.open_connections)
            await check_serves(port)
        # a reset may overtake the last bytes, so none of these is certain to arrive
        whole = [outcome for outcome in outcomes if isinstance(outcome, bytes)]
        assert len(whole) <= 1
        assert set(whole) <= {BODY}
        if manner == "close":
            assert whole == [BODY]
            assert len(outcomes) == len(raw.data(1, BODY[:10])) + len(raw.data(1, BODY[10:])) + 1

    with caplog.at_level(logging.DEBUG):
        run(main())
    assert [record for record in caplog.records if record.levelno > logging.WARNING] == []


@pytest.mark.slow
@pytest.mark.row("beyond.reset_kills_nothing", "beyond.no_silent_truncation")
@pytest.mark.parametrize("manner", ["reset", "close"])
def test_response_cut_after_every_byte(
    run: Run, manner: str, caplog: pytest.LogCaptureFixture
) -> None:
    wire = raw.settings() + raw.settings(ack=True)
    wire += raw.headers(1, [(":status", "103")]) + raw.headers(1, [(":status", "200")])
    wire += raw.data(1, BODY[:10]) + raw.data(1, BODY[10:], end_stream=True)

    async def main() -> None:
        size = 0
        asked = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = RawPeer(reader, writer)
            await reader.readexactly(len(raw.PREFACE))
            await peer.until(raw.HEADERS, 1)
            peer.send(wire[:size])
            await peer.flush()
            await cut(peer, manner)
            asked.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            for size in range(len(wire) + 1):
                asked.clear()
                session = http2.connect(f"http://127.0.0.1:{port}")
                stream = session.request()
                async with asyncio.timeout(PATIENCE):
                    [end] = await asyncio.gather(stream.read(), return_exceptions=True)
                if isinstance(end, bytes):
                    assert (size, end) == (len(wire), BODY)
                else:
                    assert isinstance(end, (http2.Http2Error, ConnectionError))
                    assert size < len(wire) or manner == "reset"
                    assert not getattr(end, "retryable", False)
                await asked.wait()
                session.destroy()
                await session.close()

    with caplog.at_level(logging.DEBUG):
        run(main())
    assert [record for record in caplog.records if record.levelno > logging.WARNING] == []


@pytest.mark.row("beyond.retryable")
@pytest.mark.parametrize("code", [0, 2, 11])
def test_goaway_says_what_may_be_repeated(run: Run, code: int) -> None:
    """Streams above its last id were not processed; those up to it may have been."""

    async def main() -> None:
        async def script(peer: RawPeer) -> None:
            await peer.until(raw.HEADERS, 9)
            peer.send(raw.goaway(code, 5))
            if code == 0:
                peer.send(response(1), response(3), response(5))

        async with raw_server(script) as origin:
            session = await http2.connect(origin)
            session.on("error", lambda error: None)
            asked = [session.request() for _ in range(5)]
            ends = await asyncio.gather(*(one.read() for one in asked), return_exceptions=True)
            for end in ends[:3]:
                if code == 0:
                    assert end == b""
                else:
                    assert isinstance(end, http2.Http2Error)
                    assert not end.retryable
            for end in ends[3:]:
                assert isinstance(end, http2.Http2Error)
                assert end.retryable
            with pytest.raises(http2.Http2Error) as failure:
                session.request()
            assert failure.value.retryable
            await session.close()

    run(main())
