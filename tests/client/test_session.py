"""The client's session: GOAWAY, close and destroy, time-outs, pings, settings."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

import http2
from http2 import constants

from ..support.peers import Peer, happening, report, start_node, starting, tls_options
from ..support.running import Run
from ..support.self_signed import Certificate

pytestmark = pytest.mark.interop

CANCEL = constants.NGHTTP2_CANCEL
INTERNAL = constants.NGHTTP2_INTERNAL_ERROR


@pytest.fixture(scope="module", params=["h2c", "tls"])
def peer(request: pytest.FixtureRequest, certificate: Certificate) -> Iterator[Peer]:
    with starting() as start:
        if request.param == "tls":
            yield start_node(start, cert=certificate.cert, key=certificate.key)
        else:
            yield start_node(start)


def connect(peer: Peer, **options: Any) -> http2.ClientHttp2Session:
    return http2.connect(peer.origin, **tls_options(peer), **options)


async def error_of(awaitable: Any) -> http2.Http2Error:
    """Return the library's error that *awaitable* raises."""
    with pytest.raises(http2.Http2Error) as caught:
        await awaitable
    return caught.value


async def text(stream: http2.ClientHttp2Stream) -> str:
    await stream.response()
    return (await stream.read()).decode()


# --- GOAWAY ------------------------------------------------------------------------------


@pytest.mark.row(
    "session.event.goaway", "session.goaway_last_stream_id", "client_session.request.after_close"
)
def test_goaway_without_error(run: Run, peer: Peer) -> None:
    async def main() -> None:
        session = await connect(peer)
        errors: list[Any] = []
        session.on("error", errors.append)
        goaway = happening(session, "goaway")
        closed = happening(session, "close")
        before = session.request({":path": "/hold"})
        release = session.request({":method": "POST", ":path": "/hold"})
        asking = session.request({":path": "/goaway?code=0&data=so+long"})
        code, last, data = await goaway
        assert (code, data) == (0, b"so long")
        assert last >= asking.id  # type: ignore[operator]
        assert session.closed
        assert not session.destroyed
        assert session.goaway_code == 0
        assert session.goaway_last_stream_id == last
        with pytest.raises(http2.Http2Error) as caught:
            session.request()
        assert caught.value.code == "ERR_HTTP2_GOAWAY_SESSION"
        assert isinstance(caught.value, http2.GoAwayError)
        assert caught.value.error_code == constants.NGHTTP2_NO_ERROR
        assert caught.value.retryable
        # open streams continue to their end
        assert await text(asking) == "goaway sent"
        assert not before.destroyed
        async with connect(peer) as other:
            port = session.socket.local_port
            assert await text(other.request({":path": f"/release?port={port}"})) == "released"
        assert await text(before) == "released"
        release.end()
        assert await text(release) == "released"
        await closed
        assert session.destroyed
        assert not errors

    run(main())


@pytest.mark.row("session.event.error", "session.goaway_code", "module.GoAwayError")
@pytest.mark.parametrize("code", [1, INTERNAL, constants.NGHTTP2_ENHANCE_YOUR_CALM])
def test_goaway_with_error(run: Run, peer: Peer, code: int) -> None:
    async def main() -> None:
        session = await connect(peer)
        order: list[Any] = []
        seen: list[Exception] = []
        session.on("goaway", lambda code: order.append(("goaway", code)))
        session.on("error", lambda error: order.append(("error", error.code, error.error_code)))
        session.on("error", lambda error: seen.append(error))
        session.on("close", lambda: order.append("close"))
        held = session.request({":path": "/hold"})
        closed = happening(session, "close")
        session.request({":path": f"/goaway?code={code}"})
        error = await error_of(held.response())
        assert error.code == "ERR_HTTP2_SESSION_ERROR"
        assert isinstance(error, http2.GoAwayError)
        assert isinstance(error, http2.SessionError)
        assert error.error_code == code
        assert error.last_stream_id == session.goaway_last_stream_id
        assert not error.retryable
        await closed
        assert order == [("goaway", code), ("error", "ERR_HTTP2_SESSION_ERROR", code), "close"]
        assert isinstance(seen[0], http2.GoAwayError)

    run(main())


@pytest.mark.row("beyond.retryable")
def test_streams_above_the_last_id(run: Run, peer: Peer) -> None:
    async def main() -> None:
        for code in (0, INTERNAL):
            session = await connect(peer)
            session.on("error", lambda error: None)
            first = session.request({":path": "/hold"})
            goaway = session.request({":path": f"/goaway?code={code}&last=3"})
            others = [session.request({":path": "/hold"}) for _ in range(3)]
            for stream in others:
                assert (await error_of(stream.response())).retryable
            if code:
                assert not (await error_of(first.response())).retryable
            else:
                assert await text(goaway) == "goaway sent"
                assert not first.destroyed
                await first.close(CANCEL)
            await session.close()

    run(main())


def test_requests_that_wait_when_goaway_comes(run: Run) -> None:
    """They are not sent, and fail at once."""

    async def main() -> None:
        with starting() as start:
            limited = start_node(start, settings={"maxConcurrentStreams": 2})
            session = await http2.connect(limited.origin)
            await text(session.request({":path": "/count?n=0"}))
            held = session.request({":path": "/hold"})
            goaway = session.request({":path": "/goaway?code=0"})
            waiting = [session.request({":path": f"/count?n={n}"}) for n in range(5)]
            for stream in waiting:
                error = await error_of(stream.response())
                assert error.retryable
                assert error.code == "ERR_HTTP2_GOAWAY_SESSION"
            assert await text(goaway) == "goaway sent"
            assert not held.destroyed
            await held.close(CANCEL)
            await session.close()

    run(main())


@pytest.mark.row("session.goaway")
def test_our_goaway(run: Run, peer: Peer) -> None:
    async def main() -> None:
        session = connect(peer)
        session.goaway(0, 0, b"before the connection")
        port = (await session).socket.local_port
        await happening(session, "close")  # as Node does
        seen = await report(session, peer, port=port, ended=True)
        assert seen["goaway"][0] == [0, 0, "before the connection"]

        session = await connect(peer)
        port = session.socket.local_port
        session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, b"enough")
        for args, kind in (
            ((-1,), ValueError), (("1",), TypeError), ((0, -1), ValueError),
            ((0, "1"), TypeError), ((0, 0, 5), TypeError),
        ):  # fmt: skip
            with pytest.raises(kind):
                session.goaway(*args)  # type: ignore[arg-type]
        session.on("error", lambda error: None)
        seen = await report(session, peer, port=port, goaways=1)
        assert seen["goaway"][0] == [constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, "enough"]
        await session.close()
        with pytest.raises(http2.Http2Error) as caught:
            session.goaway()
        assert caught.value.code == "ERR_HTTP2_INVALID_SESSION"

    run(main())


def test_server_closes_the_session(run: Run, peer: Peer) -> None:
    async def main() -> None:
        session = await connect(peer)
        closed = happening(session, "close")
        assert await text(session.request({":path": "/close-session"})) == "closing"
        await closed
        assert session.destroyed

    run(main())


# --- close and destroy ---------------------------------------------------------------------


@pytest.mark.row("session.close", "session.closed")
def test_close_waits_for_the_streams(run: Run, peer: Peer) -> None:
    async def main() -> None:
        session = await connect(peer)
        port = session.socket.local_port
        stream = session.request({":method": "POST", ":path": "/echo"})
        closing = session.close()
        assert session.closed
        assert not session.destroyed
        assert "closed" in repr(session)
        with pytest.raises(http2.Http2Error) as caught:
            session.request()
        assert caught.value.code == "ERR_HTTP2_GOAWAY_SESSION"
        stream.end("still possible")
        assert await text(stream) == "still possible"
        await closing
        await session.close()
        await session.close()
        assert session.destroyed
        assert not session.connecting
        seen = await report(session, peer, port=port, ended=True)
        # once to announce the end, and perhaps again at the end
        assert seen["goaway"] in ([[0, 0, ""]], [[0, 0, ""]] * 2)
        assert seen["errors"] == []

    run(main())


@pytest.mark.row("session.destroy", "session.destroyed")
def test_destroy(run: Run, peer: Peer) -> None:
    async def main() -> None:
        for argument, code, stream_code in (
            ((), 0, CANCEL),
            ((ValueError("for the test"),), INTERNAL, INTERNAL),
            ((constants.NGHTTP2_ENHANCE_YOUR_CALM,), 11, 11),
            ((None, constants.NGHTTP2_PROTOCOL_ERROR), 1, CANCEL),
        ):
            session = await connect(peer)
            port = session.socket.local_port
            errors: list[Any] = []
            session.on("error", errors.append)
            closed = happening(session, "close")
            stream = session.request({":path": "/hold"})
            waiter = asyncio.ensure_future(stream.response())
            stream.on("error", lambda error: None)
            await session.ping()
            session.destroy(*argument)
            assert session.destroyed
            session.destroy(KeyError())  # no effect
            assert stream.destroyed
            assert stream.rst_code == stream_code
            with pytest.raises((http2.Http2Error, ValueError)):
                await waiter
            await closed
            assert len(errors) == (1 if argument and argument[0] is not None else 0)
            for call in (session.request, session.ping, session.settings, session.goaway):
                with pytest.raises(http2.Http2Error) as caught:
                    call()
                assert caught.value.code == "ERR_HTTP2_INVALID_SESSION"
            seen = await report(session, peer, port=port, ended=True)
            assert [entry[0] for entry in seen["goaway"]] == [code]

    run(main())


@pytest.mark.row("rule.dispose")
def test_async_with(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            assert not session.connecting
            stream = session.request({":path": "/body?size=10"})
        # the end of the block has waited for open requests
        assert session.destroyed
        assert len(await stream.read()) == 10

        session = connect(peer)
        held = session.request({":path": "/hold"})

        async def leave() -> None:
            async with session:
                raise KeyError

        with pytest.raises(KeyError):
            await leave()
        assert session.destroyed
        await error_of(held.response())

    run(main())


def test_peer_vanishes_while_idle(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        with starting() as start:
            dying = start_node(start)
            session = await http2.connect(dying.origin)
            errors: list[Any] = []
            session.on("error", errors.append)
            closed = happening(session, "close")
            await session.ping()
            dying.process.kill()
            await closed
            assert session.destroyed
            assert not errors

    run(main())
    assert not caplog.records


@pytest.mark.row("client_session.type", "module.ClientHttp2Session", "module.Http2Session")
def test_what_is_known_of_a_session(run: Run, peer: Peer) -> None:
    async def main() -> None:
        session = connect(peer)
        assert session.state == http2.SessionState()
        assert session.local_settings == http2.get_default_settings()
        with pytest.raises(http2.Http2Error) as caught:
            session.socket.remote_port  # noqa: B018
        assert caught.value.code == "ERR_HTTP2_SOCKET_UNBOUND"
        await session
        secure = peer.scheme == "https"
        assert session.encrypted is secure
        assert session.alpn_protocol == ("h2" if secure else "h2c")
        assert session.type == constants.NGHTTP2_SESSION_CLIENT
        socket = session.socket
        assert (socket.remote_address, socket.remote_port) == ("127.0.0.1", peer.port)
        assert socket.local_address == "127.0.0.1"
        socket.set_no_delay()
        socket.set_keep_alive(True)
        for name in ("destroy", "emit", "end", "pause", "read", "resume", "write"):
            with pytest.raises(http2.Http2Error) as caught:
                getattr(socket, name)()
            assert caught.value.code == "ERR_HTTP2_NO_SOCKET_MANIPULATION"
        await session.ping()
        state = session.state
        assert state.next_stream_id == 1
        assert state.local_window_size == 65535
        session.request({":path": "/hold"})
        assert session.state.next_stream_id == 3
        assert "open, 1 streams" in repr(session)
        session.destroy()
        assert session.state == http2.SessionState()
        await session.close()

    run(main())


# --- time --------------------------------------------------------------------------------


@pytest.mark.row("session.event.timeout", "session.set_timeout", "connect.option.timeout")
def test_timeout(run: Run, peer: Peer) -> None:
    async def main() -> None:
        session = await connect(peer)
        timed_out = happening(session, "timeout")
        called: list[int] = []
        assert session.set_timeout(0.05, lambda: called.append(1)) is session
        held = session.request({":path": "/hold"})
        await timed_out
        assert called == [1]
        assert not session.destroyed
        assert not held.destroyed
        session.set_timeout(0)
        session.destroy()
        await session.close()

        session = connect(peer, timeout=0.05)
        await happening(session, "timeout")
        await session
        await session.close()
        for wrong, kind in ((-1, ValueError), ("1", TypeError)):
            with pytest.raises(kind):
                session.set_timeout(wrong)

    run(main())


# --- PING ----------------------------------------------------------------------------------


@pytest.mark.row("session.ping", "session.event.ping")
def test_ping(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer) as session:
            duration, payload = await session.ping()
            assert 0 < duration < 10
            assert len(payload) == 8
            for given in (b"12345678", bytearray(b"abcdefgh"), memoryview(b"ABCDEFGH")):
                duration, payload = await session.ping(given)
                assert payload == bytes(given)
                assert type(payload) is bytes
            for wrong in (b"", b"1234567", b"123456789"):
                with pytest.raises(http2.Http2ValueError) as caught:
                    session.ping(wrong)
                assert caught.value.code == "ERR_HTTP2_PING_LENGTH"
            for wrong_type in (5, "12345678"):
                with pytest.raises(http2.Http2TypeError) as type_caught:
                    session.ping(wrong_type)
                assert type_caught.value.code == "ERR_INVALID_ARG_TYPE"
            seen = await report(session, peer)
            assert seen["pings"] == 4
            # the peer's
            ping = happening(session, "ping")
            told = await text(session.request({":path": "/ping"}))
            (payload,) = await ping
            assert payload.hex() == told

    run(main())


@pytest.mark.row("connect.option.max_outstanding_pings")
def test_too_many_pings(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with connect(peer, max_outstanding_pings=3) as session:
            pings = [session.ping(bytes([n]) * 8) for n in range(5)]
            outcomes = await asyncio.gather(*pings, return_exceptions=True)
            assert [isinstance(outcome, Exception) for outcome in outcomes] == [
                False, False, False, True, True,
            ]  # fmt: skip
            assert [getattr(outcome, "code", None) for outcome in outcomes[3:]] == [
                "ERR_HTTP2_PING_CANCEL"
            ] * 2
            await session.ping()

    run(main())


def test_cancelled_pings(run: Run, peer: Peer) -> None:
    async def main() -> None:
        session = connect(peer)
        early = session.ping()
        assert (await error_of(early)).code == "ERR_HTTP2_PING_CANCEL"
        await session
        pings = [session.ping() for _ in range(3)]
        forgotten = session.ping(b"nobody  ")
        session.destroy()
        for ping in pings:
            assert (await error_of(ping)).code == "ERR_HTTP2_PING_CANCEL"
        await session.close()
        assert forgotten.done()

        session = await connect(peer)
        held = session.request({":path": "/hold"})
        closing = session.close()
        assert (await error_of(session.ping())).code == "ERR_HTTP2_PING_CANCEL"
        await held.close(CANCEL)
        await closing

    run(main())


# --- SETTINGS --------------------------------------------------------------------------------


@pytest.mark.row("session.settings", "session.pending_settings_ack")
def test_settings(run: Run, peer: Peer) -> None:
    async def main() -> None:
        session = connect(peer, settings={"initial_window_size": 100_000, "enable_push": False})
        local = happening(session, "local_settings")
        remote = happening(session, "remote_settings")
        early = session.settings({"max_header_list_size": 20_000})
        assert session.pending_settings_ack
        await session
        (seen,) = await local
        assert seen.initial_window_size == 100_000
        assert (await remote)[0] == session.remote_settings
        settings, duration = await early
        assert settings.max_header_list_size == 20_000
        assert settings == session.local_settings
        assert 0 <= duration < 10
        settings, _ = await session.settings({"max_concurrent_streams": 7})
        assert session.local_settings.max_concurrent_streams == 7
        assert session.local_settings.initial_window_size == 100_000
        assert not session.pending_settings_ack
        told = (await report(session, peer))["settings"][-1]
        assert told["initialWindowSize"] == 100_000
        assert told["maxConcurrentStreams"] == 7
        assert told["maxHeaderListSize"] == 20_000
        assert told["enablePush"] is False
        with pytest.raises(http2.Http2ValueError) as caught:
            session.settings({"max_frame_size": 1})
        assert caught.value.code == "ERR_HTTP2_INVALID_SETTING_VALUE"
        await session.close()

    run(main())


def test_cancelled_settings(run: Run, peer: Peer) -> None:
    async def main() -> None:
        early = connect(peer)
        first = early.settings({"max_concurrent_streams": 1})
        early.destroy()
        late = await connect(peer)
        second = late.settings({"max_concurrent_streams": 1})
        late.settings({"max_concurrent_streams": 2})  # without a waiting caller
        late.destroy()
        for waiting in (first, second):
            assert (await error_of(waiting)).code == "ERR_HTTP2_SETTINGS_CANCEL"
        await early.close()
        await late.close()

    run(main())


# --- errors without a caller -------------------------------------------------------------------


def test_session_error_is_logged_once(
    run: Run, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "http2")

    async def main() -> None:
        session = await connect(peer)
        closed = happening(session, "close")
        session.request({":path": f"/goaway?code={INTERNAL}"})
        session.request({":path": "/hold"})
        await closed
        assert [record.name for record in caplog.records] == ["http2"]
        assert "INTERNAL_ERROR" in caplog.text

    run(main())


def test_session_error_that_is_raised_is_not_logged(
    run: Run, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "http2")

    async def main() -> None:
        session = await connect(peer)
        closed = happening(session, "close")
        session.request({":path": "/hold"})
        error = await error_of(session.request({":path": f"/goaway?code={INTERNAL}"}).read())
        assert error.code == "ERR_HTTP2_SESSION_ERROR"
        await closed
        assert caplog.records == []

    run(main())


def test_listener_of_the_session_that_raises(
    run: Run, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        session = await connect(peer)
        session.on("ping", lambda payload: 1 / 0)
        closed = happening(session, "close")
        stream = session.request({":path": "/ping"})
        await error_of(stream.response())
        await closed

    run(main())
    assert "ZeroDivisionError" in caplog.text
