"""Define `WebSocket`: messages in both directions, on asyncio."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Self, cast

from ..errors import Http2Error, new_error
from ..headers import Headers
from ..servers.server import Http2Server
from .carriers import Carrier, Receiver
from .errors import WebSocketClosed
from .memory import SMALL, Held, Share
from .options import Options
from .protocol import (
    TOO_MUCH,
    CloseReceived,
    Event,
    PingReceived,
    PongReceived,
    Protocol,
    may_be_sent,
)
from .turns import Turn

__all__ = ["WebSocket"]

# Bytes of messages waiting for `recv` at which the peer is held back.
MOST_WAITING = 64 * 1024
# Frames, or KiB of messages, that are processed before the clock is checked.
MOST_TAKEN = 32
# Seconds that the peer has after the closing handshake to end the stream or the connection.
LINGER = 2.0

Data = str | bytes | bytearray | memoryview


class WebSocket:
    """An open WebSocket (RFC 6455), created by `accept_websocket` and `connect_websocket`.

    ``async for message in ws`` yields messages until either side closes it, and raises
    `WebSocketClosed` after an abnormal end (see `WebSocketClosed.ok`). One coroutine may receive
    while others send. With ``async with``, it is closed at the end of the block: with 1000,
    or with 1011 if the block raises.

    Pings of the peer are answered automatically. Unreceived messages hold the peer
    back: at 16 of them (``max_queue``), or at 64 KiB.
    """

    subprotocol: str | None
    """The negotiated subprotocol, such as ``'graphql-transport-ws'``, or None."""

    path: str
    """The target of the request: path and query."""

    headers: Headers
    """The peer's headers: the request's on a server, the response's on a client."""

    http_version: str
    """The HTTP version that carries it: ``'2.0'`` or ``'1.1'``."""

    close_code: int | None = None
    """The code that it was closed with, as `WebSocketClosed.close_code`; None while it is open."""

    close_reason: str | None = None
    """The text for `close_code`; None while it is open."""

    def __init__(
        self,
        carrier: Carrier,
        protocol: Protocol,
        options: Options,
        *,
        subprotocol: str | None,
        path: str,
        headers: Headers,
        http_version: str,
        share: Share,
        server: Http2Server | None = None,
    ) -> None:
        self.subprotocol = subprotocol
        self.path = path
        self.headers = headers
        self.http_version = http_version
        self._loop = asyncio.get_running_loop()
        self._carrier = carrier
        self._protocol = protocol
        self._options = options
        self._messages: deque[str | bytes] = deque()
        # their size in bytes
        self._waiting = 0
        self._receiver: asyncio.Future[None] | None = None
        # Whether processing pauses: until `recv`, until there is memory, or until the next turn.
        self._paused = False
        # Whether `_come_back` is scheduled.
        self._coming = False
        self._turn = Turn.of(self._loop)
        # The amount processed since the last check of the turn's time, in frames or KiB.
        self._taken = 0
        # Whether a part of a message has arrived.
        self._parts = False
        self._held = Held(share, protocol.compression, self._give_up)
        # Whether the end is known: `recv` has an error to raise.
        self._done = False
        self._over = asyncio.Event()
        # Whether this side has begun the closing handshake.
        self._closing = False
        self._cause: BaseException | None = None
        self._gone = asyncio.Event()
        self._pings: list[tuple[bytes, asyncio.Future[float], float]] = []
        # The carrier's queue is long: of the pongs due meanwhile, only the last one is sent.
        self._congested = False
        self._pong: bytes | None = None
        # Held while the fragments of a message are sent.
        self._fragmenting: asyncio.Lock | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard = True
        self._server = server
        if server is not None:
            server.call_at_close(self._server_closes)
        carrier.begin(Receiver(self._received, self._writable, self._ended, self._lost))
        if options.ping_interval is not None:
            self._timer = self._loop.call_later(options.ping_interval, self._keep_alive)

    def __repr__(self) -> str:
        state = "open" if self.close_code is None else f"closed with {self.close_code}"
        if self.close_code is None and not self._protocol.sends:
            state = "closing"
        return f"<{type(self).__name__} {self.path[:128]} HTTP/{self.http_version} {state}>"

    # --- receiving ------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether it is closed; earlier messages may still be received."""
        return self._done

    async def recv(self) -> str | bytes:
        """Wait for the next message: a `str` of text, or `bytes`.

        A cancelled call loses nothing: the next one gets the message. Raises
        `WebSocketClosed` if it is closed and all earlier messages were received; `RuntimeError` if
        another coroutine is receiving.
        """
        messages = self._messages
        rested = False
        while True:
            while not messages:
                if self._done:
                    raise self._closed()
                if self._receiver is not None:
                    raise RuntimeError("another coroutine is already receiving from this WebSocket")
                self._receiver = self._loop.create_future()
                try:
                    await self._receiver
                finally:
                    self._receiver = None
            if not self._paused or rested or not self._turn.over:
                break
            # let other tasks run, however many messages wait
            rested = True
            await asyncio.sleep(0)
        message = messages.popleft()
        self._waiting -= sys.getsizeof(message)
        if self._paused and not self._coming:
            self._go_on()
        if self._held.counts:
            self._count()
        return message

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            return await self.recv()
        except WebSocketClosed as error:
            if error.ok:
                raise StopAsyncIteration from None
            raise

    def _is_full(self) -> bool:
        return len(self._messages) >= self._options.max_queue or self._waiting >= MOST_WAITING

    def _closed(self) -> WebSocketClosed:
        assert self.close_code is not None
        error = WebSocketClosed(self.close_code, self.close_reason or "")
        error.__cause__ = self._cause
        return error

    # --- sending --------------------------------------------------------------------------

    async def send(self, message: Data | Iterable[Data] | AsyncIterable[Data]) -> None:
        """Send a message: a `str` as text, anything with the buffer protocol as binary.

        An iterable, async or not, is one message whose items are its fragments, all of them
        text or all binary: each is sent as soon as it is available. Waits while earlier data is
        queued. If it is cancelled, the message is sent completely or not at all; a cancellation
        between fragments fails the WebSocket with 1011.

        Raises `WebSocketClosed`; ERR_INVALID_ARG_TYPE.
        """
        if self._fragmenting is not None:
            async with self._fragmenting:
                pass
        if isinstance(message, (str, bytes)):
            # not with `_put`, which would be one more coroutine
            if not self._protocol.sends or self._done:
                raise await self._not_sent()
            if not self._write(self._protocol.message(message)):
                await self._written()
            return
        try:
            view = memoryview(message)  # type: ignore[arg-type]
        except TypeError:
            if isinstance(message, Mapping) or not isinstance(message, (Iterable, AsyncIterable)):
                expected = "a str, a buffer, or an iterable of them"
                raise new_error("ERR_INVALID_ARG_TYPE", "message", expected, message) from None
            await self._send_fragments(cast("Iterable[Data]", message))
        else:
            await self._put(view, True)

    async def _put(self, data: Data, fin: bool) -> None:
        if not self._protocol.sends or self._done:
            raise await self._not_sent()
        if not self._write(self._protocol.message(data, fin)):
            await self._written()

    async def _written(self) -> None:
        """Wait until senders may continue."""
        if self._done:
            raise self._closed()
        try:
            await self._carrier.drain()
        except (Http2Error, OSError) as error:
            self._lost(error)
            raise self._closed() from error

    async def _not_sent(self) -> WebSocketClosed:
        """Wait for the reason why nothing can be sent, and return the error."""
        await self._over.wait()
        return self._closed()

    async def _send_fragments(self, fragments: Iterable[Data] | AsyncIterable[Data]) -> None:
        if self._fragmenting is None:
            self._fragmenting = asyncio.Lock()
        async with self._fragmenting:
            kind: bool | None = None
            try:
                async for fragment in _each(fragments):
                    if kind is None:
                        kind = isinstance(fragment, str)
                    if kind != isinstance(fragment, str) or not isinstance(
                        fragment, (str, bytes, bytearray, memoryview)
                    ):
                        expected = "a str" if kind else "a buffer"
                        raise new_error("ERR_INVALID_ARG_TYPE", "fragment", expected, fragment)
                    await self._put(fragment, False)
                if kind is not None:
                    await self._put("" if kind else b"", True)
            except BaseException as error:
                if kind is not None and not isinstance(error, WebSocketClosed):
                    self._fail(1011, "a message was not sent completely")
                raise

    def _write(self, data: bytes | bytearray) -> bool:
        """Send a frame; return False if senders must wait, or the carrier is lost."""
        try:
            if self._carrier.write(data):
                return True
        except (Http2Error, OSError) as error:
            self._lost(error)
            return False
        self._congested = True
        return False

    # --- pings ----------------------------------------------------------------------------

    def ping(self, payload: str | bytes | None = None) -> asyncio.Future[float]:
        """Send a Ping; awaitable → the seconds until its Pong.

        It is sent at the call, whether it is awaited or not. *payload* has at most 125 bytes; by
        default it is random. A Pong also answers all earlier Pings. Raises `WebSocketClosed` at the
        call, or if it is closed before the Pong; ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
        """
        if payload is None:
            data = os.urandom(4)
        elif isinstance(payload, (str, bytes, bytearray, memoryview)):
            data = payload.encode() if isinstance(payload, str) else bytes(payload)
        else:
            raise new_error("ERR_INVALID_ARG_TYPE", "payload", "a str or a buffer", payload)
        if len(data) > 125:
            raise new_error("ERR_OUT_OF_RANGE", "payload", "at most 125 bytes", payload)
        if not self._protocol.sends or self._done:
            raise (
                self._closed() if self._done else WebSocketClosed(1006, "the WebSocket is closing")
            )
        answer: asyncio.Future[float] = self._loop.create_future()
        # a ping need not be awaited: asyncio must not report its exception
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._pings.append((data, answer, time.monotonic()))
        self._write(self._protocol.ping(data))
        return answer

    def _answered(self, payload: bytes) -> None:
        for index, (data, _, _) in enumerate(self._pings):
            if data == payload:
                now = time.monotonic()
                for _, answer, began in self._pings[: index + 1]:
                    if not answer.done():
                        answer.set_result(now - began)
                del self._pings[: index + 1]
                return

    def _answer_ping(self, payload: bytes) -> None:
        if not self._protocol.sends:
            return
        if self._congested:
            # section 5.5.3: the latest pong also answers earlier pings
            self._pong = payload
        else:
            self._write(self._protocol.pong(payload))

    def _keep_alive(self) -> None:
        """Check with a ping whether the peer is alive; any data from it counts as an answer."""
        self._heard = False
        self._write(self._protocol.ping(os.urandom(4)))
        options = self._options
        assert options.ping_interval is not None
        if self._done:
            return
        if options.ping_timeout is None:
            self._timer = self._loop.call_later(options.ping_interval, self._keep_alive)
        else:
            self._timer = self._loop.call_later(options.ping_timeout, self._check_pong)

    def _check_pong(self) -> None:
        options = self._options
        assert options.ping_interval is not None
        assert options.ping_timeout is not None
        if not self._heard and not self._paused:
            self._fail(1011, f"no answer to a ping within {options.ping_timeout:g} s")
            return
        pause = max(options.ping_interval - options.ping_timeout, 0)
        self._timer = self._loop.call_later(pause, self._keep_alive)

    # --- the carrier's events ---------------------------------------------------------------

    def _received(self, data: bytes) -> None:
        """Process received bytes."""
        self._heard = True
        if not self._done:
            self._protocol.receive(data)
            held = self._held
            if not self._paused and (held.share.roomy or self._may_take()):
                self._take_events()
            if self._paused or self._waiting >= SMALL or held.counts or self._parts:
                self._count()

    def _may_take(self) -> bool:
        """Return whether there is memory for more; if not, hold the peer back until there is."""
        share = self._held.share
        if share.lets(self._held) or not self._protocol.sends:
            return True
        self._hold_back()
        if not self._coming:
            self._coming = True
            share.wait(self._held, self._come_back)
        return False

    def _hold_back(self) -> None:
        self._paused = True
        self._carrier.pause()

    def _come_back(self) -> None:
        """Continue in another turn, or when others use less memory."""
        self._coming = False
        self._go_on()

    def _go_on(self) -> None:
        """Process more data, if there is room."""
        if self._done or not self._paused or (self._is_full() and self._protocol.sends):
            return
        self._paused = False
        if self._may_take():
            self._take_events()
            self._count()
        if not (self._paused or self._done):
            self._carrier.resume()

    def _take_events(self) -> None:
        for event in self._protocol.events():
            self._take(event)
            if self._done or self._paused:
                return
            self._taken += 1
            if self._taken >= MOST_TAKEN:
                self._taken = 0
                if not self._turn.over:
                    continue
                self._hold_back()
                if not self._coming:
                    self._coming = True
                    self._loop.call_soon(self._come_back)
                return

    def _count(self) -> None:
        """Report the memory that is used for the peer."""
        if not self._gone.is_set():
            protocol = self._protocol
            under_way = 0 if self._done else protocol.under_way
            self._parts = under_way > 0
            if self._paused:
                under_way += protocol.unread
            self._held.set(self._waiting, under_way)

    def _give_up(self) -> None:
        """Fail: others wait for the memory of a message without progress."""
        self._fail(1013, "incomplete messages of this connection use too much memory")

    def _take(self, event: Event) -> None:
        if isinstance(event, (str, bytes)):
            if not self._protocol.sends:
                return  # section 1.4: it crossed our Close
            self._messages.append(event)
            size = sys.getsizeof(event)
            self._waiting += size
            self._taken += size >> 10
            receiver = self._receiver
            if receiver is not None and not receiver.done():
                receiver.set_result(None)
            if self._is_full():
                self._hold_back()
        elif isinstance(event, PingReceived):
            self._answer_ping(event.payload)
        elif isinstance(event, PongReceived):
            self._answered(event.payload)
        elif isinstance(event, CloseReceived):
            if self._protocol.sends:
                self._write(self._protocol.answer())
            self._finish()
        elif event is None:
            self._parts = True
        else:
            self._fail(event.code, event.reason)

    def _writable(self) -> None:
        """Handle an empty queue: the waiting data was sent."""
        self._congested = False
        payload, self._pong = self._pong, None
        if payload is not None:
            self._answer_ping(payload)

    def _ended(self) -> None:
        """Handle the end of the peer's data."""
        if not self._done:
            self._finish()
            self._carrier.abort()

    def _lost(self, error: BaseException | None) -> None:
        """Handle the end of the carrier."""
        if not self._gone.is_set():
            self._held.release()
            self._gone.set()
        if self._server is not None:
            self._server.forget_at_close(self._server_closes)
        if not self._done:
            self._cause = error
            self._finish()
        self._stop_timer()

    def _server_closes(self) -> None:
        self.begin_close(1001)

    def _wake(self) -> None:
        receiver = self._receiver
        if receiver is not None and not receiver.done():
            receiver.set_result(None)

    # --- the end ----------------------------------------------------------------------------

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it: send a Close frame with *code* and *reason*, and wait for the peer's.

        Waits at most ``close_timeout`` seconds; then resets the stream, or closes the connection.
        Messages that arrive meanwhile are dropped. Closing it again does nothing. *code* is
        1000 to 1003, 1007 to 1014, or 3000 to 4999; *reason* has at most 123 bytes in UTF-8.
        Raises ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE.
        """
        self.begin_close(code, reason)
        # a server also waits for the end of the stream, because its handler ends then
        await (self._over if self._protocol.client else self._gone).wait()

    def begin_close(self, code: int = 1000, reason: str = "") -> None:
        """Begin to close it, like `close`, but without waiting."""
        if isinstance(code, bool) or not isinstance(code, int):
            raise new_error("ERR_INVALID_ARG_TYPE", "code", "an integer", code)
        if not may_be_sent(code):
            allowed = "1000 to 1003, 1007 to 1014, or 3000 to 4999"
            raise new_error("ERR_OUT_OF_RANGE", "code", allowed, code)
        if not isinstance(reason, str):
            raise new_error("ERR_INVALID_ARG_TYPE", "reason", "a str", reason)
        if len(reason.encode()) > TOO_MUCH:
            raise new_error("ERR_OUT_OF_RANGE", "reason", f"at most {TOO_MUCH} bytes", reason)
        if self._done or not self._protocol.sends:
            return
        self._closing = True
        self._write(self._protocol.close(code, reason))
        if self._done:
            return
        self._stop_timer()
        self._timer = self._loop.call_later(self._options.close_timeout, self._carrier.abort)
        # the peer's Close frame follows the data that was held back
        self._go_on()

    async def wait_closed(self) -> None:
        """Wait until it is closed, and the stream or the connection has ended."""
        await self._gone.wait()

    def _fail(self, code: int, reason: str) -> None:
        """Send the peer the reason why this side cannot continue (section 7.1.7)."""
        if self._done:
            return
        if self._protocol.sends:
            self._write(self._protocol.fail(code, reason))
        if not self._done:
            self._finish()

    def _finish(self) -> None:
        """End receiving and sending; only the end of the carrier remains."""
        self._done = True
        self._protocol.forget()
        self._count()
        self._over.set()
        self.close_code, self.close_reason = self._protocol.outcome
        self._stop_timer()
        self._wake()
        pings, self._pings = self._pings, []
        for _, answer, _ in pings:
            if not answer.done():
                answer.set_exception(self._closed())
        if not self._gone.is_set():
            try:
                self._carrier.end(clean=self._protocol.clean, first=self._closing)
            except (Http2Error, OSError) as error:
                self._cause = self._cause or error
            self._timer = self._loop.call_later(LINGER, self._carrier.abort)
        if self._paused:
            self._carrier.resume()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, WebSocketClosed):
            await self.close()
        elif isinstance(error, Exception):
            await self.close(1011)
        else:
            # cancelled: closing continues without the caller
            self.begin_close(1001)


async def _each(fragments: Iterable[Data] | AsyncIterable[Data]) -> AsyncIterator[Data]:
    """Yield the items of an iterable, async or not."""
    if isinstance(fragments, AsyncIterable):
        async for fragment in fragments:
            yield fragment
    else:
        for fragment in fragments:
            yield fragment
