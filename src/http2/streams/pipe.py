"""Define `pipe`, which copies from one side to the other at the speed of the slower one."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from ..common.futures import retrieve
from ..common.tasks import start
from ..constants import NGHTTP2_CONNECT_ERROR
from ..errors import new_error, stream_error
from ..net.protocol import reset
from .compiled.base import as_buffer
from .exchange import Exchange, Responder
from .stream import Http2Stream

if TYPE_CHECKING:
    from .keywords import Chunk

__all__ = ["pipe"]

READ_SIZE = 65536


class HasStream(Protocol):
    """A request or a response, which has a stream."""

    @property
    def stream(self) -> Exchange:
        """The stream."""


Source: TypeAlias = (
    "Exchange | HasStream | asyncio.StreamReader | AsyncIterable[Chunk] | Iterable[Chunk]"
)
"""A source for `pipe`."""

Sink: TypeAlias = "Exchange | HasStream | asyncio.StreamWriter"
"""A sink for `pipe`."""

Opened: TypeAlias = "Exchange | asyncio.StreamReader | AsyncIterator[Chunk] | Iterator[Chunk]"


def pipe(source: Source, sink: Sink) -> asyncio.Task[int]:
    """Copy *source* to *sink* to its end, and end *sink*; awaitable → the number of bytes.

    Copying begins at the call, whether it is awaited or not.

    *source* is a stream or request of this library, an `asyncio.StreamReader`, or any other
    iterable of buffers or `str`, async or not; *sink* a stream or response of this library or
    an `asyncio.StreamWriter`. Nothing is read while *sink* is full, so memory does not
    grow with the length. A writer is ended with ``write_eof()`` if its transport supports
    this (with TLS it is closed instead), so that its other direction may continue.

    If one side fails, or the task is cancelled, the other side is ended in such a way that the
    data does not look complete. A stream is reset: with the code of the failed stream, with
    CONNECT_ERROR for a failed connection (RFC 9113 section 8.5), with INTERNAL_ERROR for an
    exception of the application, with CANCEL for a cancelled task. A connection is aborted, an
    iterator closed. Then the error is raised.

    Raises ERR_INVALID_ARG_TYPE at the call; awaiting raises the error of either side.
    """
    # The target for writing to a response; its own `write` and `end` send the headers first.
    stream = sink if isinstance(sink, asyncio.StreamWriter) else _exchange(sink)
    if stream is None:
        raise new_error("ERR_INVALID_ARG_TYPE", "sink", "a stream or an asyncio writer", sink)
    task = start(_pipe(_opened(source), sink, stream))
    task.add_done_callback(retrieve)
    if isinstance(stream, Responder) and not task.done():
        stream.answered_by(1)
        task.add_done_callback(lambda _: stream.answered_by(-1))
    return task


async def _pipe(source: Opened, sink: Sink, stream: Exchange | asyncio.StreamWriter) -> int:
    loop = asyncio.get_running_loop()
    copying = loop.create_task(_copy(source, sink))
    # A waiting reader would not notice that the sink has ended.
    gone: Callable[..., object] | None = None
    if isinstance(stream, Exchange):
        gone = stream.once("close", lambda: copying.cancel())
    try:
        return await copying
    except BaseException as error:
        failure = error
        if isinstance(error, asyncio.CancelledError) and copying.cancelled():
            current = asyncio.current_task()
            if isinstance(stream, Exchange) and stream.destroyed and not (
                current is not None and current.cancelling()
            ):  # fmt: skip
                failure = stream.failure or new_error("ERR_STREAM_PREMATURE_CLOSE")
        elif not copying.done():
            copying.cancel()
        elif isinstance(stream, Exchange) and error.__cause__ is stream.failure is not None:
            # written after the end: the error that ended it says more
            failure = stream.failure
        await _abandon(source, failure)
        _end_badly(stream, failure)
        if failure is error:
            raise
        raise failure from None
    finally:
        if gone is not None and isinstance(stream, Exchange):
            stream.off("close", gone)


def _exchange(side: object) -> Exchange | None:
    """Return the stream that *side* is or has (for a request or a response); else None."""
    stream = getattr(side, "stream", side)
    return stream if isinstance(stream, Exchange) else None


def _opened(source: Source) -> Opened:
    """Return *source*, or an iterator over it."""
    if isinstance(source, asyncio.StreamReader):
        return source
    stream = _exchange(source)
    if stream is not None:
        return stream
    if not isinstance(source, (str, bytes, bytearray, memoryview)):
        if hasattr(source, "__aiter__"):
            iterator: AsyncIterator[Chunk] = source.__aiter__()
            return iterator
        if hasattr(source, "__iter__"):
            return iter(cast("Iterable[Chunk]", source))
    raise new_error(
        "ERR_INVALID_ARG_TYPE", "source", "a stream, an asyncio reader or an iterable", source
    )


async def _chunks(source: Opened) -> AsyncIterator[Chunk]:
    if isinstance(source, (Exchange, asyncio.StreamReader)):
        while data := await source.read(READ_SIZE):
            yield data
    elif isinstance(source, AsyncIterator):
        async for chunk in source:
            yield chunk
    else:
        for chunk in source:
            yield chunk
            # an iterator that never waits must not block other tasks
            await asyncio.sleep(0)


async def _copy(source: Opened, sink: Any) -> int:
    size = 0
    async for chunk in _chunks(source):
        data = as_buffer(chunk)
        if not len(data):
            continue
        size += data.nbytes if isinstance(data, memoryview) else len(data)
        if isinstance(sink, asyncio.StreamWriter):
            sink.write(data)
            await sink.drain()
        elif not sink.write(data):
            await sink.drain()
    if not isinstance(sink, asyncio.StreamWriter):
        sink.end()
    elif sink.can_write_eof():
        sink.write_eof()
        await sink.drain()
    else:
        await sink.drain()
        sink.close()
    return size


def _end_badly(side: object, error: BaseException) -> None:
    """End *side* because of *error*, on it or on the other side."""
    if isinstance(side, Http2Stream):
        if isinstance(error, asyncio.CancelledError):
            side.destroy(new_error("ABORT_ERR"))
        elif isinstance(error, OSError):
            told = stream_error(NGHTTP2_CONNECT_ERROR, side.id)
            told.__cause__ = error
            side.error_seen = True  # it is raised to the caller
            side.destroy(told)
        else:
            side.error_seen = True
            side.destroy(error)
    elif isinstance(side, asyncio.StreamWriter):
        reset(side.transport)
    elif isinstance(side, Exchange):
        side.destroy(error)


async def _abandon(source: Opened, error: BaseException) -> None:
    if isinstance(source, Exchange):
        _end_badly(source, error)
    elif isinstance(source, asyncio.StreamReader):
        # a reader cannot be closed: close its connection
        transport = getattr(source, "_transport", None)
        if transport is not None:
            reset(transport)
    elif inspect.isasyncgen(source):
        await source.aclose()
    elif isinstance(source, Iterator) and hasattr(source, "close"):
        source.close()
