"""Dead connections are detected: PING after silence, and an end without an answer."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.peers import Flag, happening, start_node, starting
from ..support.proxies import proxied
from ..support.raw import RawPeer
from ..support.running import Run, node
from ..support.serving import serving

INTERVAL = 0.15
TIMEOUT = 0.15
# what a busy machine may add
SLACK = 2.0


@pytest.mark.interop
@pytest.mark.row(
    "beyond.keepalive",
    "connect.option.keepalive_interval",
    "connect.option.keepalive_timeout",
    "module.SessionTimeoutError",
)
def test_a_client_finds_that_nobody_answers_any_more(run: Run) -> None:
    """Behind a proxy that drops the connection, with a server of Node at the other end."""
    with starting() as start:
        peer = start_node(start, settings={"maxConcurrentStreams": 1})

        async def main() -> None:
            async with proxied(peer.port) as proxy:
                session = await http2.connect(
                    f"http://127.0.0.1:{proxy.port}",
                    keepalive_interval=INTERVAL,
                    keepalive_timeout=TIMEOUT,
                )
                await session.ping()
                held = session.request({":path": "/hold"})
                await asyncio.sleep(0)
                unsent = session.request({":path": "/headers"})
                # answers keep the connection open, however long it takes
                await asyncio.sleep(3 * (INTERVAL + TIMEOUT))
                assert not session.destroyed
                proxy.swallow()
                started = time.monotonic()
                ping = session.ping()
                ended = happening(session, "error")
                with pytest.raises(http2.SessionTimeoutError) as caught:
                    await held.response()
                assert INTERVAL * 0.5 < time.monotonic() - started < INTERVAL + TIMEOUT + SLACK
                assert caught.value.code == "ERR_HTTP2_SESSION_ERROR"
                assert isinstance(caught.value, TimeoutError)
                assert "PING" in str(caught.value)
                assert not caught.value.retryable
                assert held.rst_code == http2.constants.NGHTTP2_CANCEL
                with pytest.raises(http2.Http2Error) as never:
                    await unsent.response()
                assert never.value.retryable
                with pytest.raises(http2.Http2Error) as cancelled:
                    await ping
                assert cancelled.value.code == "ERR_HTTP2_PING_CANCEL"
                assert (await ended)[0] is caught.value
                await session.close()

        run(main())


@pytest.mark.row(
    "beyond.keepalive", "server.option.keepalive_interval", "server.option.keepalive_timeout"
)
def test_a_server_finds_that_its_client_has_gone(run: Run) -> None:
    async def main() -> None:
        streams: asyncio.Queue[http2.ServerHttp2Stream] = asyncio.Queue()
        options = {"keepalive_interval": INTERVAL, "keepalive_timeout": TIMEOUT}
        failed = Flag()
        async with serving(streams.put_nowait, **options) as (server, port):
            server.on("session_error", failed.set)
            async with proxied(port) as proxy, await RawPeer.connect(proxy.port) as peer:
                peer.send(raw.post())
                stream = await streams.get()
                stream.on("error", lambda error: None)
                started = time.monotonic()
                proxy.swallow()
                with pytest.raises(http2.SessionTimeoutError):
                    await stream.read()
                assert time.monotonic() - started < INTERVAL + TIMEOUT + SLACK
                error, session = await failed
                assert isinstance(error, http2.SessionTimeoutError)
                assert session.destroyed

    run(main())


def test_whoever_says_anything_is_alive(run: Run) -> None:
    """A peer that does not answer PING, but sends data, is alive; it gets no PING either."""

    async def main() -> None:
        options = {"keepalive_interval": 0.3, "keepalive_timeout": 0.3}
        async with serving(None, **options) as (_, port), await RawPeer.connect(port) as peer:
            end = time.monotonic() + 1.2
            while time.monotonic() < end:
                peer.send(raw.ping(b"talking."))
                await peer.until(raw.PING, test=lambda got: got.payload == b"talking.")
                await asyncio.sleep(0.05)
            pings = [got for got in peer.seen if got.type == raw.PING]
            assert {got.payload for got in pings} == {b"talking."}
            # now it is silent: it gets a PING, and the session ends without an answer
            asked = await peer.until(raw.PING)
            assert not asked.flags & raw.ACK
            assert [got.type for got in await peer.rest()] == [raw.GOAWAY]

    run(main())


def test_a_ping_that_nobody_judges(run: Run) -> None:
    async def main() -> None:
        options = {"keepalive_interval": 0.05, "keepalive_timeout": 0}
        async with serving(None, **options) as (_, port), await RawPeer.connect(port) as peer:
            for _ in range(3):
                assert not (await peer.until(raw.PING)).flags & raw.ACK

    run(main())


@pytest.mark.interop
def test_node_stays_connected_to_a_server_that_asks(run: Run) -> None:
    async def main() -> None:
        options = {"keepalive_interval": 0.1, "keepalive_timeout": 1.0}
        seen: list[http2.Http2Session] = []

        def later(stream: http2.ServerHttp2Stream) -> None:
            seen.append(stream._session)
            stream._session.loop.call_later(0.7, stream.respond, {":status": 200})
            stream._session.loop.call_later(0.8, stream.end, "late")

        async with serving(later, **options) as (_, port):
            got: Any = await node("client/keepalive.js", str(port))
            assert got["body"] == "late"
            assert got["error"] is None
            assert got["pings"] >= 3
        assert seen

    run(main())


def test_a_full_program_of_pings_does_not_stop_ours(run: Run) -> None:
    """Those of the program are counted separately: `max_outstanding_pings`."""

    async def main() -> None:
        options = {"keepalive_interval": 0.05, "max_outstanding_pings": 1}
        sessions: asyncio.Queue[http2.ServerHttp2Session] = asyncio.Queue()
        async with serving(None, **options) as (server, port):
            server.on("session", sessions.put_nowait)
            async with await RawPeer.connect(port) as peer:
                session = await sessions.get()
                first = session.ping(b"program.")
                payloads = {(await peer.until(raw.PING)).payload for _ in range(2)}
                assert b"program." in payloads
                assert len(payloads) == 2
                peer.send(*(raw.ping(payload, ack=True) for payload in payloads))
                assert (await first)[1] == b"program."

    run(main())


@pytest.mark.parametrize("name", ["keepalive_interval", "keepalive_timeout"])
@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("1", "ERR_INVALID_ARG_TYPE"),
        (True, "ERR_INVALID_ARG_TYPE"),
        (None, "ERR_INVALID_ARG_TYPE"),
        (-1, "ERR_OUT_OF_RANGE"),
        (float("inf"), "ERR_OUT_OF_RANGE"),
        (float("nan"), "ERR_OUT_OF_RANGE"),
    ],
)
def test_bad_options(name: str, value: Any, code: str) -> None:
    with pytest.raises(http2.Http2Error, match=name) as caught:
        http2.create_server(**{name: value})
    assert caught.value.code == code
