"""Streams that end abnormally: every waiting caller gets the right error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

import http2
from http2 import constants

from ..support import raw
from ..support.filing import pattern
from ..support.peers import Flag, Peer, happening, report, serving_url, start_node, starting
from ..support.peers import tls_options as tls
from ..support.running import Run
from ..support.self_signed import Certificate

CANCEL = constants.NGHTTP2_CANCEL
REFUSED = constants.NGHTTP2_REFUSED_STREAM
INTERNAL = constants.NGHTTP2_INTERNAL_ERROR


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with starting() as start:
        yield start_node(start)


@pytest.fixture(scope="module", params=["h2c", "tls"])
def either(request: pytest.FixtureRequest, certificate: Certificate) -> Iterator[Peer]:
    with starting() as start:
        if request.param == "tls":
            yield start_node(start, cert=certificate.cert, key=certificate.key)
        else:
            yield start_node(start)


async def error_of(awaitable: Any) -> http2.Http2Error:
    """Return the library's error that *awaitable* raises."""
    with pytest.raises(http2.Http2Error) as caught:
        await awaitable
    return caught.value


# --- resets by the server ------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.row("beyond.retryable")
@pytest.mark.parametrize("code", range(14))
def test_reset_before_the_response(run: Run, peer: Peer, code: int) -> None:
    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            stream = session.request({":path": f"/reset?code={code}"})
            errors: list[Any] = []
            stream.on("error", errors.append)
            closed = happening(stream, "close")
            for asked in (stream.response(), stream.read(), stream.read(1), stream.response()):
                error = await error_of(asked)
                assert isinstance(error, http2.StreamError)
                assert error.code == "ERR_HTTP2_STREAM_ERROR"
                assert error.error_code == code
                assert error.stream_id == stream.id
                assert error.retryable is (code == REFUSED)
            await closed
            assert stream.rst_code == code
            assert stream.destroyed
            # for listeners, NO_ERROR and CANCEL are not errors, as in Node
            assert len(errors) == (code not in (0, CANCEL))
            # the others continue
            stream = session.request({":path": "/body?size=5"})
            assert len(await stream.read()) == 5

    run(main())


@pytest.mark.row("beyond.no_silent_truncation")
@pytest.mark.parametrize("code", [0, CANCEL, INTERNAL, 0xDEAD])
@pytest.mark.parametrize("how", ["read", "pieces", "exactly", "iterate", "flow"])
def test_cut_by_a_reset(run_asyncio: Run, code: int, how: str) -> None:
    """A body that ends early is never mistaken for a complete one."""

    async def main() -> None:
        streams: list[Any] = []

        def respond(stream: Any, headers: Any) -> None:
            streams.append(stream)
            stream.on("error", lambda error: None)
            if headers[":path"] == "/half":
                stream.respond()
                stream.write("half of it")
            else:
                streams[0].close(code)
                stream.respond(end_stream=True)

        async with serving_url(respond) as (_, origin), http2.connect(origin) as session:
            stream = session.request({":path": "/half"})
            assert (await stream.response())[":status"] == 200
            await session.ping()
            session.request({":path": "/cut"})
            if how == "read":
                error = await error_of(stream.read())
            elif how == "pieces":
                pieces = [await stream.read(3) for _ in range(4)]
                assert b"".join(pieces) == b"half of it"
                error = await error_of(stream.read(3))
            elif how == "exactly":
                error = await error_of(stream.readexactly(100))
            elif how == "iterate":
                assert await anext(aiter(stream)) == b"half of it"
                error = await error_of(anext(aiter(stream)))
            else:
                ended: list[int] = []
                stream.on("data", lambda chunk: None)
                stream.on("end", lambda: ended.append(1))
                stream.on("error", lambda error: None)
                await happening(stream, "close")
                assert not ended
                assert not stream.readable_ended
                assert stream.rst_code == code
                error = await error_of(stream.read())
            assert isinstance(error, http2.StreamError)
            assert error.error_code == code
            assert not error.retryable

    run_asyncio(main())


@pytest.mark.interop
@pytest.mark.row("beyond.no_silent_truncation")
def test_connection_lost_in_the_middle(run: Run, either: Peer) -> None:
    async def main() -> None:
        session = await http2.connect(either.origin, **tls(either))
        held = session.request({":path": "/hold"})
        uploading = session.request({":method": "POST", ":path": "/unread"})
        uploading.write(bytes(200_000))
        draining = asyncio.ensure_future(uploading.drain())
        await session.ping()
        stream = session.request({":path": "/vanish"})
        await stream.response()
        errors = await asyncio.gather(
            stream.read(), held.response(), draining, uploading.read(), return_exceptions=True
        )
        for error in errors:
            assert isinstance(error, (http2.Http2Error, OSError)), error
            assert not getattr(error, "retryable", False)
        assert session.destroyed
        await session.close()
        with pytest.raises(http2.Http2Error) as caught:
            session.request()
        assert caught.value.code == "ERR_HTTP2_INVALID_SESSION"

    run(main())


@pytest.mark.interop
def test_connection_lost_and_nobody_listens(
    run: Run, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "http2")

    async def main() -> None:
        session = http2.connect(peer.origin)
        for _ in range(3):
            session.request({":path": "/hold"})
        session.request({":path": "/vanish"})
        await happening(session, "close")

    run(main())
    # one line for each stream that fails with an error
    assert len({record.getMessage() for record in caplog.records}) == len(caplog.records)
    assert all(record.name == "http2" for record in caplog.records)


@pytest.mark.row("beyond.no_silent_truncation")
@pytest.mark.parametrize(("announced", "size"), [(100, 10), (10, 100), (1, 0), (0, 1)])
def test_content_length_mismatch(run: Run, announced: int, size: int) -> None:
    async def main() -> None:
        async def liar(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            fields = [(":status", "200"), ("content-length", str(announced))]
            answer = raw.headers(1, fields) + raw.data(1, bytes(size), end_stream=True)
            writer.write(raw.settings())
            await reader.readuntil(b"\x86")  # the request has arrived
            writer.write(answer)
            while await reader.read(1000):
                pass
            writer.close()

        server = await asyncio.start_server(liar, "127.0.0.1", 0)
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, http2.connect(origin) as session:
            stream = session.request()
            error = await error_of(stream.read())
            assert error.code == "ERR_HTTP2_STREAM_ERROR"
            assert isinstance(error, http2.StreamError)
            assert error.error_code == constants.NGHTTP2_PROTOCOL_ERROR

        def respond(stream: Any) -> None:
            stream.respond({"content-length": announced})

        # the response to HEAD has a length and no body
        async with serving_url(respond) as (_, origin), http2.connect(origin) as session:
            head = session.request({":method": "HEAD"})
            assert (await head.response())["content-length"] == str(announced)
            assert await head.read() == b""

    run(main())


@pytest.mark.interop
def test_errors_nobody_awaits(run: Run, peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "http2")

    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            stream = session.request({":path": f"/reset?code={INTERNAL}"})
            await happening(stream, "close")
            assert len(caplog.records) == 1
            assert "INTERNAL_ERROR" in caplog.text
            # an error that is raised to a caller is not logged as well
            stream = session.request({":path": f"/reset?code={REFUSED}"})
            closed = happening(stream, "close")
            await error_of(stream.response())
            await closed
            assert len(caplog.records) == 1
            # nor one that has a listener
            stream = session.request({":path": f"/reset?code={INTERNAL}"})
            heard = happening(stream, "error")
            closed = happening(stream, "close")
            assert (await heard)[0].error_code == INTERNAL
            await closed
            assert len(caplog.records) == 1

    run(main())
    assert caplog.records[0].name == "http2"


@pytest.mark.interop
def test_a_listener_that_raises(run: Run, peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            for asynchronous in (False, True):
                stream = session.request({":path": "/body?size=200000"})
                other = session.request({":path": "/body?size=100"})

                def fail(headers: Any) -> None:
                    raise KeyError("for the test")

                async def fail_later(headers: Any) -> None:
                    await asyncio.sleep(0)
                    raise KeyError("for the test")

                stream.on("response", fail_later if asynchronous else fail)
                closed = happening(stream, "close")
                await closed
                assert stream.rst_code == INTERNAL
                with pytest.raises(KeyError):
                    await stream.read()
                assert len(await other.read()) == 100
            seen = await report(session, peer, closed=4)
            assert [entry["rstCode"] for entry in seen["streams"].values()] == [2, 0, 2, 0]

    run(main())
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 2


# --- ends that we make -------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.row("stream.close", "stream.rst_code")
def test_close_with_a_code(run: Run, peer: Peer) -> None:
    async def main() -> None:
        codes = (0, CANCEL, INTERNAL, constants.NGHTTP2_ENHANCE_YOUR_CALM)
        async with http2.connect(peer.origin) as session:
            for code in codes:
                stream = session.request({":method": "POST", ":path": "/hold"})
                aborted = happening(stream, "aborted")
                stream.on("error", lambda error: None)
                await session.ping()
                await stream.close(code)
                assert aborted.done
                assert stream.aborted
                assert stream.closed
                assert stream.destroyed
                assert stream.rst_code == code
                await stream.close(1)  # no effect
                assert stream.rst_code == code
                error = await error_of(stream.response())
                assert isinstance(error, http2.StreamError)
                assert error.error_code == code
            seen = await report(session, peer, closed=len(codes))
            assert [entry["rstCode"] for entry in seen["streams"].values()] == list(codes)
            stream = session.request({":path": "/hold"})
            for wrong, kind in ((-1, ValueError), (2**32, ValueError), ("8", TypeError)):
                with pytest.raises(kind):
                    stream.close(wrong)  # type: ignore[arg-type]
            assert not stream.closed
            stream.close(CANCEL)

    run(main())


@pytest.mark.parametrize("code", [constants.NGHTTP2_NO_ERROR, CANCEL])
@pytest.mark.parametrize("how", ["unread", "begun", "empty", "with a listener", "paused"])
def test_close_of_what_is_complete(run: Run, how: str, code: int) -> None:
    """A caller whose deadline has passed does not lose data that has just arrived."""
    body = b"" if how == "empty" else b"hello"

    async def main() -> None:
        async with (
            serving_url(lambda stream: stream.end(body)) as (_, origin),
            http2.connect(origin) as session,
        ):
            stream = session.request()
            closes: list[None] = []
            if how == "with a listener":
                stream.on("close", lambda: closes.append(None))
            elif how == "paused":
                stream.on("data", lambda _: None)
                stream.pause()
            await stream.response()
            await session.ping()  # the body too
            rest = body
            if how == "begun":
                assert await stream.readexactly(2) == b"he"
                rest = b"llo"
            assert stream.closed
            async with asyncio.timeout(30):
                await stream.close(code)
            assert stream.destroyed
            assert stream.rst_code == constants.NGHTTP2_NO_ERROR
            # nothing is truncated silently
            assert await stream.read() == rest
            assert await stream.read() == b""
            await stream.close()
            assert closes == [None] * (how == "with a listener")

    run(main())


@pytest.mark.parametrize("ended", [False, True])
def test_close_of_an_upload_that_was_answered(run: Run, ended: bool) -> None:
    """With NO_ERROR the response stays complete, and does not wait for its reader."""

    async def main() -> None:
        async with (
            serving_url(lambda stream: stream.end(b"hello")) as (_, origin),
            http2.connect(origin) as session,
        ):
            stream = session.request({":method": "POST"})
            stream.write(b"x")
            await stream.response()
            await session.ping()
            if ended:
                stream.end(bytes(200_000))  # more than the window that the server gives
            async with asyncio.timeout(30):
                await stream.close()
            assert stream.destroyed
            assert await stream.read() == b"hello"

    run(main())


@pytest.mark.interop
@pytest.mark.row("stream.destroy")
def test_destroy(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            heard: list[Any] = []
            reasons: tuple[Any, ...] = (
                None,
                ValueError("for the test"),
                http2.errors.stream_error(constants.NGHTTP2_CONNECT_ERROR, None),
                http2.errors.new_error("ABORT_ERR"),
            )
            for reason in reasons:
                stream = session.request({":method": "POST", ":path": "/hold"})
                stream.on("error", heard.append)
                reader = asyncio.ensure_future(stream.read())
                await session.ping()
                stream.destroy(reason)
                assert stream.destroyed
                stream.destroy(KeyError())  # no effect
                with pytest.raises(type(reason) if reason else http2.StreamError):
                    await reader
                await stream.close()
                with pytest.raises(http2.Http2Error) as caught:
                    stream.write("x")
                assert caught.value.code == "ERR_HTTP2_INVALID_STREAM"
            assert heard == list(reasons[1:])
            seen = await report(session, peer, closed=len(reasons))
            assert [entry["rstCode"] for entry in seen["streams"].values()] == [
                0, INTERNAL, constants.NGHTTP2_CONNECT_ERROR, CANCEL,
            ]  # fmt: skip

    run(main())


@pytest.mark.interop
@pytest.mark.row("module.AbortError", "client_session.request.option.signal")
def test_signal(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            loop = asyncio.get_running_loop()
            future: asyncio.Future[None] = loop.create_future()
            go = asyncio.Event()
            cancelled: asyncio.Future[None] = loop.create_future()
            failed: asyncio.Future[None] = loop.create_future()
            task = loop.create_task(go.wait())

            async def coroutine() -> None:
                await go.wait()

            signals = (future, task, coroutine(), cancelled, failed)
            streams = [session.request({":path": "/hold"}, signal=signal) for signal in signals]
            await session.ping()
            assert not any(stream.destroyed for stream in streams)
            future.set_result(None)
            go.set()
            cancelled.cancel()
            failed.set_exception(ValueError("for the test"))
            for stream in streams:
                error = await error_of(stream.response())
                assert isinstance(error, http2.AbortError)
                assert error.code == "ABORT_ERR"
                await stream.close()
                assert stream.rst_code == CANCEL
            seen = await report(session, peer, closed=len(streams))
            assert [entry["rstCode"] for entry in seen["streams"].values()] == [CANCEL] * 5
            # one that is done already
            stream = session.request({":path": "/hold"}, signal=future)
            assert (await error_of(stream.response())).code == "ABORT_ERR"

    run(main())


@pytest.mark.interop
def test_signal_that_is_not_needed(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            ended = Flag()

            async def forever() -> None:
                try:
                    await asyncio.Event().wait()
                finally:
                    ended.set()

            for signal in (mine, forever()):
                stream = session.request({":path": "/body?size=10"}, signal=signal)
                assert len(await stream.read()) == 10
                await stream.close()
            await ended  # the coroutine belonged to the library, which ends it
            assert not mine.done()
            mine.set_result(None)
            await asyncio.sleep(0)
            assert stream.rst_code == 0

    run(main())


@pytest.mark.interop
@pytest.mark.row("stream.event.timeout", "stream.set_timeout")
def test_timeout_of_a_stream(run: Run, peer: Peer) -> None:
    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            stream = session.request({":path": "/hold"})
            fired = Flag()
            assert stream.set_timeout(0.05, fired.set) is stream
            await fired
            assert not stream.destroyed  # the listener decides
            await stream.close(CANCEL)
            # 0 turns it off; traffic restarts it
            stream = session.request({":path": "/hold"})
            stream.on("timeout", lambda: stream.destroy(TimeoutError()))
            stream.set_timeout(0.05)
            stream.set_timeout(0)
            await asyncio.sleep(0.1)
            assert not stream.destroyed
            stream.close(CANCEL)
            for wrong, kind in ((-1, ValueError), ("1", TypeError), (float("inf"), ValueError)):
                with pytest.raises(kind):
                    stream.set_timeout(wrong)  # type: ignore[arg-type]

    run(main())


@pytest.mark.interop
def test_cancelled_waiters(run: Run, peer: Peer) -> None:
    """A task that waited and was cancelled leaves the stream unchanged.

    The exception is a wait for the response: see tests/cancellation/test_callers.py.
    """

    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            stream = session.request({":method": "POST", ":path": "/hold"})
            stream.write(bytes(300_000))
            for wait in (stream.drain, stream.read, lambda: stream.readexactly(5)):
                task = asyncio.ensure_future(wait())
                await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            stream.end()
            release = session.request({":path": "/release"})
            await release.response()
            await stream.response()
            assert await stream.read() == b"released"

    run(main())


@pytest.mark.interop
def test_end_of_a_large_body_that_nobody_wants(run: Run, peer: Peer) -> None:
    """Closing a stream in the middle returns the connection's window."""

    async def main() -> None:
        async with http2.connect(peer.origin) as session:
            for n in range(12):
                stream = session.request({":path": f"/body?size={1 << 20}"})
                await stream.response()
                if n % 3 == 0:
                    await stream.read(100)
                await stream.close(CANCEL) if n % 2 else stream.destroy()
            stream = session.request({":path": "/body?size=300000"})
            assert await stream.read() == pattern(300_000)

    run(main())
