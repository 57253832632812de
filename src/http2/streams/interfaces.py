"""Define the interfaces between streams and their owners. All names here are internal.

A session, or an HTTP/1 connection, owns its exchanges. An exchange uses only those parts of its
owner that `ExchangeOwner` declares, an HTTP/2 stream those that `StreamOwner` declares; so
this room imports nothing from `sessions`. The names have no underscore because another room uses
them. They are not part of the public API: applications must not use them, and `docs/rows.py`
treats them as internal.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from ..common.interfaces import Emits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from ..common.waiter import Wakes
    from ..engine.connection import Connection as Engine
    from ..engine.events import Handler
    from ..headers import Headers, OutgoingHeaders
    from ..settings import Settings
    from .keywords import Chunk
    from .life import Life

__all__ = [
    "ClientStreamOwner",
    "DrivenClientStream",
    "DrivenServerStream",
    "DrivenStream",
    "ExchangeOwner",
    "ExchangeState",
    "FileSink",
    "Layered",
    "ReadStream",
    "ServerStreamOwner",
    "StreamOwner",
]


class ExchangeOwner(Protocol):
    """The owner of an exchange: an HTTP/2 session, or an HTTP/1 connection."""

    loop: asyncio.AbstractEventLoop
    """The event loop of the owner and its exchanges."""

    in_batch: bool
    """Whether a batch of the peer's data is being handled: output is sent after it."""

    def peer_name(self) -> str | None:
        """Return the peer's address without its port, for the log; None if it has none."""

    def adopt(self, tasks: Iterable[asyncio.Task[object]]) -> None:
        """Keep *tasks*, whose exchange has ended normally, until they are done."""


class OwnersEnd(Protocol):
    """What is known about the end of a session."""

    error_seen: bool
    """Whether the session's error was raised to a waiting caller, so that it need not be logged."""

    def lost_to(self, stream: Any) -> BaseException | None:
        """Return the connection's error if *stream* is incomplete because of it."""


class StreamOwner(ExchangeOwner, Protocol):
    """The owner of an HTTP/2 stream: a session."""

    engine: Engine | None
    """The engine's connection; None before the connection is established and after its end."""

    @property
    def ending(self) -> OwnersEnd:
        """What is known about its end."""

    @property
    def type(self) -> int:
        """``NGHTTP2_SESSION_SERVER`` or ``NGHTTP2_SESSION_CLIENT``."""

    def wake(self) -> None:
        """Send queued data after the batch, or in the next turn of the loop."""

    def send_now(self) -> None:
        """Write queued data before a command that would drop it."""

    def forget(self, stream: Any) -> None:
        """Forget *stream*, which this side has ended."""

    @property
    def encrypted(self) -> bool | None:
        """Whether TLS carries it; None before the connection is established."""

    @property
    def closed(self) -> bool:
        """Whether it accepts no new streams any more."""

    @property
    def destroyed(self) -> bool:
        """Whether it can't be used any more."""

    def keep(self, stream: Any) -> None:
        """Register *stream*, which has begun by a promise: its events go to it."""


class Promises(Protocol):
    """The pushed streams of a session: see `http2.streams.push`."""

    def promise(
        self, parent: Any, headers: OutgoingHeaders | None, exclusive: bool, depends_on: int
    ) -> asyncio.Future[Any]:
        """Promise a response on *parent*: see `ServerHttp2Stream.push_stream`."""


class Layered(Protocol):
    """The handlers of a session's events, which can be extended or replaced."""

    def add(self, layer: Callable[[list[Handler]], None]) -> None:
        """Change the handlers with *layer*, from the next batch of events on."""

    def remove(self, layer: Callable[[list[Handler]], None]) -> None:
        """Remove *layer*, from the next batch of events on."""


class ServerStreamOwner(StreamOwner, Protocol):
    """The owner of a server's stream: a server's session."""

    def pushes(self) -> Promises:
        """Return the session's pushed streams; created with the first."""

    @property
    def handlers(self) -> Layered:
        """Its handlers of events."""


class ClientStreamOwner(StreamOwner, Protocol):
    """The owner of a client's stream: a client's session."""

    scheme: str
    """The default ``:scheme`` of requests."""

    authority: str
    """The default ``:authority`` of requests."""

    wakes: Wakes
    """Continues the tasks that wait for responses."""

    def submit_again(
        self, stream: Any, headers: OutgoingHeaders | None, priority: tuple[int, int, bool]
    ) -> bool:
        """Send the request of *stream* again with a new identifier; return False if impossible."""

    def send_settings(
        self, settings: Settings, waiter: asyncio.Future[tuple[Settings, float]] | None
    ) -> None:
        """Send SETTINGS; *waiter* gets them and the seconds until the server's acknowledgement."""

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport; None before the connection is established and after its end."""

    def listener_count(self, event: str) -> int:
        """Return the number of listeners of *event*."""

    def emit(self, event: str, *args: object) -> bool:
        """Call every listener of *event* with *args*; return False if there is none."""

    def misdirected(self, stream: Any) -> None:
        """Remove the origin of *stream* from those that the server answers for (status 421)."""


class ExchangeState(Protocol):
    """Attributes of an exchange that other rooms read; a property would cost a call per request."""

    life: Life
    """The state; see `http2.streams.life`. Only the exchange changes it."""

    headers_sent: bool
    """Whether the headers of this side were sent."""

    error_seen: bool
    """Whether its error was raised to a waiting caller, so that it need not be logged."""

    @property
    def owner(self) -> ExchangeOwner:
        """The session or HTTP/1 connection; also after the end of the exchange."""

    def touch(self) -> None:
        """Restart the idle time-out, because there was activity."""

    def handler_failed(self, error: Exception, event: str) -> None:
        """Handle *error*, raised by a handler of *event*: it ends only this exchange."""

    def closed_error(self) -> BaseException:
        """Return the error for sending on a closed stream, caused by the peer's error, if any."""

    def request_line(self) -> tuple[str, str]:
        """Return the method and the target of the request."""

    def all_sent(self) -> None:
        """Handle the last written byte, which was passed to the transport."""

    def writable_again(self) -> None:
        """Handle a queue of written data that is short again."""


class ReadStream(Protocol):
    """The interface of a stream for its `Receiver`."""

    def emit(self, event: str, *args: object) -> bool:
        """Call every listener of *event* with *args*; return False if there is none."""

    @property
    def life(self) -> Life:
        """The state; see `http2.streams.life`."""

    def consumed(self, size: int) -> None:
        """Handle *size* bytes that the program has read: the peer may send as many again."""

    def peer_ended(self) -> None:
        """Handle the peer's last byte, which was received."""

    def all_read(self, rest: str) -> None:
        """Handle the end of reading: emit *rest* as ``data`` if it is not empty, and ``end``."""

    def raise_failure(self) -> None:
        """Raise the stream's error if nothing more will arrive because of it."""


class NumberedStream(ExchangeState, Protocol):
    """A stream with its identifier, and the events of a stream that has none yet."""

    @property
    def id(self) -> int | None:
        """The stream identifier; None until it has one."""

    def once(self, event: str, listener: Any) -> Any:
        """Call *listener* the next time *event* happens, and only then."""


class FileSink(NumberedStream, Emits, Protocol):
    """The exchange that sends a file: a response that has not begun."""

    transfer: Any
    """The file in transfer, which sets and removes itself; or None."""

    def respond_with_body_of(
        self, transfer: Any, headers: OutgoingHeaders, wait_for_trailers: bool
    ) -> None:
        """Begin the response; from now on only *transfer* writes its body."""

    def write_piece(self, data: bytes, last: bool) -> bool:
        """Send *data* of the file, and END_STREAM with the *last*; False: wait for `resume`."""

    def destroy(self, error: BaseException | None = None) -> None:
        """Fail: end the stream at once with *error*."""


class RespondingExchange(ExchangeState, Protocol):
    """The interface of an exchange that responds, a `Responder`, for other rooms."""

    received_trailers: Headers | None
    """The trailers of the peer, or None."""

    socket_proxy: Any
    """The ``socket`` of its request and response; created on first access."""

    @property
    def sent_status(self) -> int | None:
        """The status of the response that was sent; None before."""

    @property
    def failure(self) -> BaseException | None:
        """The error that reading, writing and waiting raise, or None."""

    def answered_by(self, count: int) -> None:
        """Count the files and pipes that answer: *count* is 1 at the start, -1 at the end."""

    def is_unanswered(self) -> bool:
        """Return whether nothing has responded, and nothing remains that could."""

    def fail_unanswered(self, handler: object) -> None:
        """Answer with status 500: *handler* has returned without a response."""

    def end_when_idle(self) -> None:
        """Close it on its ``timeout``, unless it or the server has another listener for it."""

    async def wait_sent(self) -> None:
        """Wait until all of it was passed to the transport; raises its error."""

    def end_with_trailers(self, data: Chunk | None, trailers: OutgoingHeaders) -> None:
        """End the response, which has begun, with *data* and then *trailers*."""


class DrivenStream(ExchangeState, Protocol):
    """The interface of a stream for its session: one method for each kind of event."""

    def receive_headers(self, headers: Headers, flags: int) -> None:
        """Handle a header block after the first of a request; *flags* are those of its frame."""

    def receive_data(self, data: bytes, end: bool) -> None:
        """Handle received bytes of the body; *end* marks the last of them."""

    def has_room(self) -> None:
        """Handle a queue of written data that is short again."""

    def wants_trailers(self) -> None:
        """Handle a sent body: the trailers may follow."""

    def over(self, code: int, unsent: int | None) -> None:
        """Handle the end of the stream: END_STREAM of both sides, or RST_STREAM with *code*.

        *unsent*: the number of queued bytes that will not be sent; None if there were none.
        """

    def session_ended(self, error: BaseException | None, code: int) -> None:
        """End with the session, which is destroyed; readers and waiting callers get *error*."""

    def never_sent(self, code: int) -> bool:
        """Handle HEADERS that were not sent; return True if nothing else remains to be done."""

    def is_unsent(self) -> bool:
        """Return whether the stream's HEADERS wait for the peer's MAX_CONCURRENT_STREAMS."""

    def end_late(self, message: str) -> None:
        """End with CANCEL, because its time is up; waiting callers get *message*."""


class DrivenServerStream(DrivenStream, Protocol):
    """The same for a stream on the server."""

    def become_promised(self, *, to_head: bool) -> None:
        """Become a stream that this side has promised: its request is complete from the start."""

    def promise_not_sent(self) -> None:
        """End: the stream of the promise has ended, or the client's settings have changed."""

    def end_with_trailers(self, data: Chunk | None, trailers: OutgoingHeaders) -> None:
        """End the response, which has begun, with *data* and then *trailers*."""

    is_waiting: bool
    """Whether its handlers have not got the request yet. Only the session sets it."""

    def handed_out(self) -> None:
        """Emit trailers that arrived before the handlers got the request."""


class DrivenClientStream(DrivenStream, Protocol):
    """The same for a stream on the client."""

    @property
    def status(self) -> int | None:
        """``:status`` of the final response; None before the response."""

    def wait_to_begin(self, submit: Callable[[], None]) -> None:
        """Wait for the connection; then *submit* sends the request and calls `begin`."""

    def begin_late(self, refusal: BaseException | None) -> None:
        """Send the waiting request on the established connection, or end it with *refusal*."""

    def begin(self, stream_id: int) -> None:
        """Handle the submission of the request as *stream_id*; send the data that has waited."""

    def sent_as(self, stream_id: int) -> None:
        """Continue as *stream_id*: the request was sent again."""

    def abort_with(self, signal: Awaitable[object]) -> None:
        """Abort the request when the awaitable *signal* completes."""

    def goes_unsent(self) -> None:
        """End the request: the peer sent GOAWAY before it could be sent."""

    def cancelled_by_session(self) -> None:
        """Keep the error of a request whose session this side ends: `session_ended` follows."""

    def body_sent(self) -> int:
        """Return the bytes of the request's body passed to the transport; 0 if all were."""
