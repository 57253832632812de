"""The reading and writing halves of a Duplex without a session."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from http2 import Http2Error, StreamError
from http2.common.futures import quiet_future
from http2.errors import stream_error

from ..support.fed import Fed
from ..support.running import Run
from ..support.serving import Events


def fed(*chunks: bytes, end: bool = True) -> Fed:
    stream = Fed()
    for chunk in chunks:
        stream.receive_data(chunk, False)
    if end:
        stream.receive_data(b"", True)
    return stream


async def soon(awaitable: Any) -> asyncio.Task[Any]:
    """Create a task that has run to its first wait."""
    task = asyncio.ensure_future(awaitable)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


# --- read(n) --------------------------------------------------------------------------------


@pytest.mark.row("duplex.read")
def test_read_all(run: Run) -> None:
    async def main() -> None:
        stream = fed(b"one", b"two", b"three")
        assert stream.readable
        assert stream.taken == 0
        assert await stream.read() == b"onetwothree"
        assert stream.taken == 11
        assert stream.readable_ended
        assert not stream.readable
        assert stream.reading_ended == 1
        assert await stream.read() == b""
        assert await stream.read(5) == b""
        assert stream.reading_ended == 1

    run(main())


def test_a_single_chunk_is_not_copied(run: Run) -> None:
    async def main() -> None:
        chunk = bytes(1000)
        assert await fed(chunk).read() is chunk
        assert await fed(chunk).read(1000) is chunk
        assert await fed(chunk).read(5000) is chunk

    run(main())


@pytest.mark.row("duplex.read")
def test_read_some(run: Run) -> None:
    async def main() -> None:
        stream = fed(b"abcdef", b"ghi", b"j")
        assert await stream.read(0) == b""
        assert await stream.read(2) == b"ab"
        assert stream.taken == 2
        assert await stream.read(5) == b"cdefg"
        assert stream.taken == 7
        assert await stream.read(100) == b"hij"
        assert stream.taken == 10
        assert await stream.read(1) == b""
        assert stream.readable_ended

    run(main())


def test_read_waits(run: Run) -> None:
    async def main() -> None:
        stream = Fed()
        some = await soon(stream.read(10))
        assert not some.done()
        stream.receive_data(b"abc", False)
        assert await some == b"abc"
        rest = await soon(stream.read())
        stream.receive_data(b"d", False)
        await asyncio.sleep(0)
        assert not rest.done()
        stream.receive_data(b"e", True)
        assert await rest == b"de"

    run(main())


@pytest.mark.row("duplex.readexactly")
def test_readexactly(run: Run) -> None:
    async def main() -> None:
        stream = fed(b"abc", b"defg", b"hi")
        assert await stream.readexactly(0) == b""
        assert await stream.readexactly(5) == b"abcde"
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await stream.readexactly(5)
        assert caught.value.partial == b"fghi"
        assert caught.value.expected == 5
        with pytest.raises(ValueError, match="n must be") as refused:
            await stream.readexactly(-1)
        assert isinstance(refused.value, Http2Error)
        assert refused.value.code == "ERR_OUT_OF_RANGE"

    run(main())


def test_readexactly_waits(run: Run) -> None:
    async def main() -> None:
        stream = Fed()
        task = await soon(stream.readexactly(4))
        for byte in b"abcd":
            assert not task.done()
            stream.receive_data(bytes([byte]), False)
            await asyncio.sleep(0)
        assert await task == b"abcd"

    run(main())


@pytest.mark.row("rule.duplex", "duplex.iterate")
def test_async_for(run: Run) -> None:
    async def main() -> None:
        stream = Fed()

        async def collect() -> list[bytes]:
            return [chunk async for chunk in stream]

        stream.receive_data(b"one", False)
        task = await soon(collect())
        stream.receive_data(b"two", False)
        await asyncio.sleep(0)
        stream.receive_data(b"three", True)
        assert await task == [b"one", b"two", b"three"]
        assert stream.taken == 11
        assert [chunk async for chunk in stream] == []

    run(main())


def test_leaving_async_for_keeps_the_rest(run: Run) -> None:
    async def main() -> None:
        stream = fed(b"one", b"two", b"three")
        async for chunk in stream:
            assert chunk == b"one"
            break
        assert stream.taken == 3
        assert await stream.read() == b"twothree"

    run(main())


def test_one_reader_at_a_time(run: Run) -> None:
    async def main() -> None:
        stream = Fed()
        first = await soon(stream.read())
        with pytest.raises(RuntimeError, match="already waiting"):
            await stream.read()
        stream.receive_data(b"x", True)
        assert await first == b"x"

    run(main())


def test_a_cancelled_reader_loses_nothing(run: Run) -> None:
    async def main() -> None:
        stream = Fed()
        task = await soon(stream.read(5))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        stream.receive_data(b"abc", False)
        assert await stream.read(5) == b"abc"
        # nor one that is cancelled when the bytes have already arrived
        task = await soon(stream.read(5))
        stream.receive_data(b"def", True)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await stream.read() == b"def"

    run(main())


def test_many_small_chunks(run: Run) -> None:
    async def main() -> None:
        stream = fed(*[bytes([i % 256]) for i in range(20_000)])
        parts = [await stream.read(777) for _ in range(20_000 // 777)]
        assert b"".join(parts) + await stream.read() == bytes(i % 256 for i in range(20_000))

    run(main())


# --- a body that ends early -------------------------------------------------------------------


@pytest.mark.parametrize("how", ["read", "read some", "readexactly", "async for"])
@pytest.mark.parametrize("waiting", [False, True])
def test_a_body_that_ends_early_raises(run: Run, how: str, waiting: bool) -> None:
    async def consume(stream: Fed) -> Any:
        if how == "read":
            return await stream.read()
        if how == "read some":
            return await stream.read(5)
        if how == "readexactly":
            return await stream.readexactly(5)
        return [chunk async for chunk in stream]

    async def main() -> None:
        stream = Fed()
        error = stream_error(8, 1)
        task = await soon(consume(stream)) if waiting else None
        stream.fail(error)
        with pytest.raises(StreamError) as caught:
            await (task or consume(stream))
        assert caught.value is error
        # and again, for later callers
        with pytest.raises(StreamError):
            await stream.read()
        assert not stream.readable

    run(main())


def test_what_came_before_the_end_can_be_read(run: Run) -> None:
    async def main() -> None:
        stream = fed(b"abc", end=False)
        stream.fail(stream_error(8, 1))
        assert await stream.read(2) == b"ab"
        assert await stream.read(2) == b"c"
        with pytest.raises(StreamError):
            await stream.read(2)

    run(main())


def test_an_end_without_a_reason_is_premature(run: Run) -> None:
    async def main() -> None:
        stream = Fed()
        stream.life = stream.life.on_broken.on_fail
        with pytest.raises(Http2Error) as caught:
            await stream.read()
        assert caught.value.code == "ERR_STREAM_PREMATURE_CLOSE"

    run(main())


# --- the events -------------------------------------------------------------------------------


@pytest.mark.row("stream.event.data")
def test_data_events(run: Run) -> None:
    async def main() -> None:
        stream = fed(b"early", end=False)
        seen = Events()
        seen.listen(stream, "end")
        assert stream.taken == 0
        seen.listen(stream, "data")
        # not before the code that registered the listener has continued
        assert seen.seen == []
        await seen.expect("data")
        assert stream.taken == 5
        stream.receive_data(b"late", False)
        assert seen.seen == [("data", b"early"), ("data", b"late")]
        stream.receive_data(b"last", True)
        await seen.expect("end")
        assert seen.seen[2:] == [("data", b"last"), ("end",)]
        assert stream.readable_ended
        assert stream.reading_ended == 1

    run(main())


@pytest.mark.row("duplex.pause", "duplex.resume")
def test_pause_and_resume(run: Run) -> None:
    async def main() -> None:
        stream = Fed()
        seen = Events()
        seen.listen(stream, "data", "end")
        stream.receive_data(b"one", False)
        stream.pause()
        stream.receive_data(b"two", False)
        stream.receive_data(b"three", True)
        await asyncio.sleep(0)
        assert seen.seen == [("data", b"one")]
        assert stream.taken == 3
        stream.resume()
        await seen.expect("end")
        assert seen.seen[1:] == [("data", b"two"), ("data", b"three"), ("end",)]

    run(main())


def test_pause_in_a_data_listener_stops_at_once(run: Run) -> None:
    async def main() -> None:
        stream = fed(b"one", b"two", b"three")
        seen = Events()
        seen.listen(stream, "data")
        stream.on("data", stream.pause)
        await seen.expect("data")
        await asyncio.sleep(0)
        assert seen.seen == [("data", b"one")]
        stream.resume()
        await seen.expect("data", 2)
        await asyncio.sleep(0)
        assert stream.taken == 6
        assert await stream.read() == b"three"

    run(main())


def test_a_listener_after_pause_does_not_start_the_flow(run: Run) -> None:
    async def main() -> None:
        stream = fed(b"one")
        stream.pause()
        seen = Events()
        seen.listen(stream, "data")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert seen.seen == []
        stream.resume()
        await seen.expect("data")

    run(main())


def test_resume_without_a_listener_throws_away(run: Run) -> None:
    async def main() -> None:
        stream = fed(b"one", b"two")
        seen = Events()
        seen.listen(stream, "end")
        stream.resume()
        await seen.expect("end")
        assert stream.taken == 6
        assert await stream.read() == b""

    run(main())


@pytest.mark.row("stream.event.end", "duplex.readable_ended", "duplex.readable")
def test_end_is_emitted_to_readers_too(run: Run) -> None:
    async def main() -> None:
        for read in (lambda s: s.read(), lambda s: s.read(100), lambda s: s.readexactly(3)):
            stream = fed(b"abc")
            seen = Events()
            seen.listen(stream, "end")
            assert await read(stream) == b"abc"
            assert seen.names == ["end"]

    run(main())


def test_end_comes_after_the_last_byte_only(run: Run) -> None:
    async def main() -> None:
        stream = fed(b"abc")
        seen = Events()
        seen.listen(stream, "end")
        assert await stream.read(2) == b"ab"
        assert seen.names == []
        assert not stream.readable_ended
        assert await stream.read(2) == b"c"
        assert seen.names == ["end"]

    run(main())


# --- text -------------------------------------------------------------------------------------

TEXT = "h\xe9llo \N{SNOWMAN} \N{GRINNING FACE}"


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_text_across_the_borders_of_chunks(run: Run, size: int) -> None:
    octets = TEXT.encode()
    chunks = [octets[i : i + size] for i in range(0, len(octets), size)]

    async def main() -> None:
        read = fed(*chunks)
        read.set_encoding()
        assert "".join([text async for text in read]) == TEXT
        flowing = fed(*chunks)
        flowing.set_encoding("utf-8")
        seen = Events()
        seen.listen(flowing, "data", "end")
        await seen.expect("end")
        texts = [entry[1] for entry in seen.seen if entry[0] == "data"]
        assert all(isinstance(text, str) for text in texts)
        assert all(texts)
        assert "".join(texts) == TEXT

    run(main())


def test_text_that_is_cut_off_is_replaced(run: Run) -> None:
    async def main() -> None:
        cut = fed(b"ab\xe2\x98")
        cut.set_encoding()
        assert "".join([text async for text in cut]) == "ab\N{REPLACEMENT CHARACTER}"
        flowing = fed(b"ab\xe2\x98")
        flowing.set_encoding()
        seen = Events()
        seen.listen(flowing, "data", "end")
        await seen.expect("end")
        assert seen.seen == [("data", "ab"), ("data", "\N{REPLACEMENT CHARACTER}"), ("end",)]

    run(main())


def test_an_encoding_that_nobody_knows() -> None:
    with pytest.raises(LookupError):
        Fed().set_encoding("no-such-encoding")


# --- writing ------------------------------------------------------------------------------------


@pytest.mark.row("duplex.drain", "stream.event.drain")
def test_drain(run: Run) -> None:
    async def main() -> None:
        stream = Fed()
        await stream.drain()
        seen = Events()
        seen.listen(stream, "drain", "finish")
        stream._drainers = []
        waiters = [await soon(stream.drain()) for _ in range(3)]
        assert not any(task.done() for task in waiters)
        stream.writable_again()
        await asyncio.gather(*waiters)
        assert seen.names == ["drain"]
        await stream.drain()

    run(main())


def test_drain_fails_with_the_stream(run: Run) -> None:
    async def main() -> None:
        stream = Fed()
        stream._drainers = []
        waiter = await soon(stream.drain())
        error = stream_error(8, 1)
        stream.fail(error)
        with pytest.raises(StreamError) as caught:
            await waiter
        assert caught.value is error
        with pytest.raises(StreamError):
            await stream.drain()

    run(main())


@pytest.mark.row("stream.event.finish", "duplex.writable_finished")
def test_finish_wakes_who_drains_and_comes_once(run: Run) -> None:
    async def main() -> None:
        stream = Fed()
        seen = Events()
        seen.listen(stream, "finish")
        stream._drainers = []
        stream.life = stream.life.on_end
        waiter = await soon(stream.drain())
        stream.all_sent()
        stream.all_sent()
        await waiter
        assert seen.names == ["finish"]
        assert stream.writable_finished

    run(main())


def test_close_is_emitted_once_and_can_be_awaited_by_many(run: Run) -> None:
    async def main() -> None:
        stream = Fed()
        seen = Events()
        seen.listen(stream, "close")
        waiters = [await soon(stream._wait_closed()) for _ in range(3)]
        waiters[0].cancel()
        stream.life = stream.life.on_broken.on_fail
        stream._emit_close()
        stream._emit_close()
        await asyncio.gather(*waiters[1:])
        await stream._wait_closed()
        assert seen.names == ["close"]

    run(main())


def test_a_quiet_future_never_complains(run: Run) -> None:
    async def main() -> None:
        # `run` fails if the loop's exception handler is called
        quiet_future(asyncio.get_running_loop()).set_exception(ValueError("nobody asks"))

    run(main())
