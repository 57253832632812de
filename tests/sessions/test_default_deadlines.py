"""The deadlines that are on by default: what they end, and what they do not."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
import weakref
from typing import Any

import pytest

import http2
from http2.sessions.options import CLIENT_DEFAULTS, SessionOptions
from http2.sessions.upkeep import deadlines, watch

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import check_serves, eventually, hello, listening, serving
from ..support.tls import trusting
from .clocks import Clock, silent

SECONDS = 0.2
HTTP1 = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"


def test_what_they_are() -> None:
    """As in docs/deadlines.md."""
    names = ("handshake_timeout", "headers_timeout", "first_request_timeout", "request_timeout",
             "idle_timeout", "write_timeout")  # fmt: skip
    server = http2.create_server().options
    assert [getattr(server, name) for name in names] == [10, 60, 0, 0, 0, 120]
    client = SessionOptions.take({}, least_pairs=1, client=True)
    assert [getattr(client, name) for name in names] == [0, 300, 0, 0, 0, 120]
    assert {name: getattr(client, name) for name in CLIENT_DEFAULTS} == CLIENT_DEFAULTS


@pytest.mark.slow
@pytest.mark.row(
    "server.option.handshake_timeout", "http1_options.keep_alive_timeout", "beyond.deadlines"
)
def test_silent_connections_end(run_asyncio: Run, certificate: Certificate) -> None:
    """With default options, in real time: ten seconds, five on an HTTP/1 connection."""

    async def lasts(peer: RawPeer) -> float:
        start = time.monotonic()
        async with peer:
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(30):
                    await peer.reader.read()
        return time.monotonic() - start

    async def main() -> None:
        secure = http2.create_secure_server(cert=certificate.cert, key=certificate.key)
        secure.on("session_error", lambda *_: None)
        mixed = http2.create_server(lambda _, response: response.end("hello"), allow_http1=True)
        h2 = trusting(certificate, "h2")
        async with (
            serving(hello) as (clear, port),
            listening(mixed) as mixed_port,
            listening(secure) as secure_port,
        ):
            clear.on("session_error", lambda *_: None)
            begun = await RawPeer.dial(port)
            begun.send(raw.PREFACE[:5])
            half = await RawPeer.dial(port)
            half.send(raw.PREFACE)
            kept = await RawPeer.dial(mixed_port)
            kept.send(HTTP1)
            assert (await kept.reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
            # it uses HTTP/2, and may make its first request at any time
            established = await RawPeer.connect(port)
            took = await asyncio.gather(
                lasts(kept),
                lasts(await RawPeer.dial(port)),
                lasts(begun),
                lasts(half),
                lasts(await RawPeer.dial(mixed_port)),
                lasts(await RawPeer.dial(secure_port)),
                lasts(await RawPeer.dial(secure_port, h2)),
            )
            assert 4.5 <= took[0] < 9
            assert all(9.5 <= seconds < 15 for seconds in took[1:]), took
            async with established:
                established.send(raw.get())
                assert await established.body(1) == b"hello"
            for server in (clear, mixed, secure):
                await eventually(lambda server=server: not server.connections)

    run_asyncio(main())


@pytest.mark.parametrize("allow_http1", [False, True])
@pytest.mark.parametrize("said", [b"", b"PRI", b"GET / HT"])
def test_first_bytes_that_do_not_come(run: Run, said: bytes, allow_http1: bool) -> None:
    async def main() -> None:
        options: dict[str, Any] = {"allow_http1": allow_http1, "handshake_timeout": SECONDS}
        if said.startswith(b"GET") and allow_http1:
            # then HTTP/1's deadline applies
            options.update(handshake_timeout=60, http1_options={"headers_timeout": SECONDS})
        async with serving(hello, **options) as (server, port):
            # the time begins when the connection is accepted
            with Clock():
                async with await RawPeer.dial(port) as peer:
                    with contextlib.suppress(ConnectionError):
                        peer.send(said)
                        await peer.bytes()
            await eventually(lambda: not server.connections)

    run(main())


def test_it_can_be_turned_off(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        server = http2.create_secure_server(
            cert=certificate.cert, key=certificate.key, handshake_timeout=0
        )
        async with (
            serving(hello, handshake_timeout=0) as (clear, port),
            listening(server) as secure_port,
            await RawPeer.dial(port),
            await RawPeer.dial(secure_port),
        ):
            await eventually(lambda: clear.connections == server.connections == 1)
            # nothing would ever end them
            assert clear._unproven is None
            assert server._unproven is None

    run(main())


# --- what is looked at now and then -------------------------------------------------------------


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every time appear long."""
    for module in (deadlines, watch):
        monkeypatch.setattr(module, "COARSE", 0.01)
    watch._period.cache_clear()


@pytest.mark.usefixtures("coarse")
@pytest.mark.row("connect.option.headers_timeout")
def test_a_response_that_does_not_come(run: Run) -> None:
    """The stream ends, and so do later ones in turn; those with a response continue."""

    async def main() -> None:
        def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            if headers[":path"] == "/answered":
                stream.respond()
            elif headers[":path"] == "/informed":
                stream.additional_headers({":status": 103})

        async with (
            serving(answer) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}", headers_timeout=SECONDS) as session,
        ):
            answered = session.request({":path": "/answered"})
            await answered.response()
            late: list[http2.ClientHttp2Stream] = []
            for path in ("/", "/informed"):
                with Clock():
                    stream = session.request({":path": path})
                    await asyncio.sleep(SECONDS / 2)
                    second = session.request({":path": path})
                    for one in (stream, second):
                        one.on("close", lambda one=one: late.append(one))
                    with pytest.raises(http2.StreamTimeoutError, match="headers") as caught:
                        await stream.response()
                assert stream.rst_code == http2.constants.NGHTTP2_CANCEL
                assert not caught.value.retryable
                with pytest.raises(http2.StreamTimeoutError, match="headers"):
                    await second.response()
                both = [stream, second]
                await eventually(lambda both=both: late[-2:] == both)
            assert not answered.destroyed
            answered.close(http2.constants.NGHTTP2_CANCEL)

    run(main())


@pytest.mark.usefixtures("coarse")
def test_a_pushed_response_that_does_not_come(run: Run) -> None:
    async def main() -> None:
        async def promise(stream: http2.ServerHttp2Stream) -> None:
            pushed, _ = await stream.push_stream({":path": "/pushed"})
            pushed.on("error", lambda _: None)
            hello(stream)

        async with (
            serving(promise) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}", headers_timeout=SECONDS) as session,
        ):
            offered: list[http2.ClientHttp2Stream] = []
            session.on("stream", offered.append)
            assert await session.request().read() == b"hello"
            await eventually(lambda: bool(offered))
            with pytest.raises(http2.StreamTimeoutError, match="headers"):
                await offered[0].response()

    run(main())


@pytest.mark.usefixtures("coarse")
def test_a_request_that_waits_for_the_connection(run: Run) -> None:
    """Its time counts from `request`, including the time until the connection is established."""

    async def main() -> None:
        async with silent() as port:

            async def slowly(url: Any, options: Any) -> Any:
                await asyncio.sleep(0 if quick else 3600)
                return await asyncio.open_connection("127.0.0.1", port)

            for quick in (False, True):
                session = http2.connect(
                    "http://localhost", headers_timeout=SECONDS, create_connection=slowly
                )
                with Clock():
                    stream = session.request()
                    with pytest.raises(http2.StreamTimeoutError, match="headers") as caught:
                        await stream.response()
                assert caught.value.retryable is not quick
                session.destroy()
                await session.close()

    run(main())


@pytest.mark.usefixtures("coarse")
def test_an_upload_that_takes_long(run: Run) -> None:
    async def main() -> None:
        async def answer(stream: http2.ServerHttp2Stream) -> None:
            if await stream.read():
                hello(stream)

        async with (
            serving(answer) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}", headers_timeout=1) as session,
        ):
            upload = session.request({":method": "POST"})
            for _ in range(6):
                upload.write("more")
                await asyncio.sleep(0.25)
            upload.end()
            assert (await upload.response())[":status"] == 200
            stuck = session.request({":method": "POST"})
            stuck.write("once")
            with pytest.raises(http2.StreamTimeoutError, match="headers"):
                await stuck.response()

    run(main())


def test_who_is_looked_at(run: Run) -> None:
    """One timer for all sessions of a loop with the same times, and none after their end."""

    async def main() -> None:
        gc.collect()
        before = set(watch._watches.values())
        async with serving(hello) as (server, port):
            async with (
                http2.connect(f"http://127.0.0.1:{port}") as first,
                http2.connect(f"http://127.0.0.1:{port}") as second,
                http2.connect(
                    f"http://127.0.0.1:{port}", headers_timeout=0, write_timeout=0
                ) as none,
            ):
                await second.ping()
                assert first.upkeep.watch is second.upkeep.watch
                assert first.upkeep.watch is not None
                assert none.upkeep.watch is None
                assert {session.upkeep.watch for session in server._sessions} == {
                    first.upkeep.watch
                }
                looked = weakref.ref(first.upkeep.watch)
                assert first.upkeep.watch._handle is not None
                assert await first.request().read() == b"hello"
                first.upkeep.watch._look()
                # idle ones are not stored
                assert not first.upkeep.watch._seen
            await eventually(lambda: not server._sessions)
        await asyncio.sleep(0)
        gc.collect()
        assert looked() is None
        assert set(watch._watches.values()) <= before

    run(main())


def test_many_sessions_are_looked_at_in_turns(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them, with ends in between."""
    monkeypatch.setattr(watch, "AT_ONCE", 2)

    async def main() -> None:
        async with serving(hello, headers_timeout=SECONDS, first_request_timeout=0) as (
            server, port,
        ):  # fmt: skip
            server.on("session_error", lambda *_: None)
            peers = [await RawPeer.connect(port) for _ in range(9)]
            for peer in peers[:7]:
                peer.send(raw.headers(1, raw.request_fields(), end_headers=False))
            await peers[8].close()
            for peer in peers[:7]:
                await peer.until(raw.GOAWAY)
                await peer.close()
            peers[7].send(raw.get())
            assert await peers[7].body(1) == b"hello"
            await peers[7].close()
            await check_serves(port)

    run(main())
