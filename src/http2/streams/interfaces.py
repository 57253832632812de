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

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

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


class StreamOwner(ExchangeOwner, Protocol):
    """The owner of an HTTP/2 stream: a session."""

    engine: Engine | None
    """The engine's connection; None before the connection is established and after its end."""

    error_seen: bool
    """Whether the session's error was raised to a caller who waited: no log needs it."""

    @property
    def type(self) -> int:
        """``NGHTTP2_SESSION_SERVER`` or ``NGHTTP2_SESSION_CLIENT``."""

    def schedule_flush(self) -> None:
        """Send what is queued in the next turn of the loop."""

    def wake(self) -> None:
        """Send queued data after the batch, or in the next turn of the loop."""

    def send_now(self) -> None:
        """Write queued data before a command that would drop it."""

    def forget(self, stream: Any) -> None:
        """Forget *stream*, which this side has ended."""

    def lost_to(self, stream: Any) -> BaseException | None:
        """Return the connection's error if *stream* is incomplete because of it."""

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


class ServerStreamOwner(StreamOwner, Protocol):
    """What a stream of a server is one of."""

    def pushes(self) -> Promises:
        """Return the session's pushed streams; made with the first."""

    def add_layer(self, layer: Callable[[list[Handler]], None]) -> None:
        """From the next batch on, let *layer* change the list of the handlers of events."""

    def remove_layer(self, layer: Callable[[list[Handler]], None]) -> None:
        """From the next batch on, do without *layer*."""


class ClientStreamOwner(StreamOwner, Protocol):
    """What a stream of a client is one of."""

    scheme: str
    """``:scheme`` of requests that say no other."""

    authority: str
    """``:authority`` of requests that say no other."""

    def submit_again(
        self, stream: Any, headers: OutgoingHeaders | None, priority: tuple[int, int, bool]
    ) -> bool:
        """Send the request of *stream* again, with a new identifier; False when it can't be."""

    def send_settings(
        self, settings: Settings, waiter: asyncio.Future[tuple[Settings, float]] | None
    ) -> None:
        """Tell the server of *settings*; *waiter* gets them and the seconds that it took."""

    def peer_certificate(self) -> Any:
        """The server's certificate, as `ssl.SSLSocket.getpeercert` has it; None without TLS."""

    def listener_count(self, event: str) -> int:
        """Return the number of listeners of *event*."""

    def emit(self, event: str, *args: object) -> bool:
        """Call every listener of *event* with *args*; return False if there is none."""

    def misdirected(self, stream: Any) -> None:
        """The server is not the one to ask for the origin of *stream*."""


class ExchangeState(Protocol):
    """Attributes of an exchange that other rooms read; a property would cost a call per request."""

    life: Life
    """The state; see `http2.streams.life`. Only the exchange changes it."""

    headers_sent: bool
    """Whether the headers of this side were sent."""

    error_seen: bool
    """Whether its error was raised to a caller who waited: no log needs it."""

    @property
    def owner(self) -> ExchangeOwner:
        """The session, or the connection of HTTP/1; also when the exchange is over."""

    def touch(self) -> None:
        """Something has happened on it: the idle time begins anew."""

    def handler_failed(self, error: Exception, event: str) -> None:
        """A handler of *event* has raised *error*, which ends the exchange and nothing else."""

    def closed_error(self) -> BaseException:
        """Return the error for sending on a closed stream, caused by the peer's error, if any."""

    def request_line(self) -> tuple[str, str]:
        """Return the method and the target of the request."""

    def all_sent(self) -> None:
        """The last byte that was written has been handed to the transport."""

    def writable_again(self) -> None:
        """The queue of what was written is short again."""


class NumberedStream(ExchangeState, Protocol):
    """A stream with its identifier, and what it tells when it gets one."""

    @property
    def id(self) -> int | None:
        """The stream identifier; None until it has one."""

    def once(self, event: str, listener: Any) -> Any:
        """Call *listener* the next time that *event* happens."""


class FileSink(NumberedStream, Protocol):
    """What a file is sent on: a response that has not begun."""

    transfer: Any
    """The file that is on its way; it comes and goes itself."""

    def respond_with_body_of(
        self, transfer: Any, headers: OutgoingHeaders, wait_for_trailers: bool
    ) -> None:
        """Begin the response: what is written from here on is what *transfer* writes."""

    def write_piece(self, data: bytes, last: bool) -> bool:
        """Send *data* of the file, and END_STREAM with the *last*; False: wait for `resume`."""

    def call_handler(self, handler: Callable[..., object], name: str, *args: object) -> None:
        """Call *handler* as a listener of *name* would be: its failure, and its coroutine, too."""

    def destroy(self, error: BaseException | None = None) -> None:
        """Fail: end the stream at once with *error*."""


class RespondingExchange(ExchangeState, Protocol):
    """What other rooms call on an exchange that responds, a `Responder`."""

    received_trailers: Headers | None
    """What the peer has sent after its body."""

    socket_proxy: Any
    """What requests and responses show as its socket; made when it is first asked for."""

    @property
    def sent_status(self) -> int | None:
        """The status that was sent, and not given with the headers."""

    @property
    def failure(self) -> BaseException | None:
        """Why reading, writing and waiting fail."""

    def answered_by(self, count: int) -> None:
        """Count the files and pipes that answer: *count* is 1 at the start, -1 at the end."""

    def is_unanswered(self) -> bool:
        """Whether nothing has answered, and nothing is left that may."""

    def fail_unanswered(self, handler: object) -> None:
        """Answer with status 500: *handler* has returned without a response."""

    def end_when_idle(self) -> None:
        """Close it on its ``timeout``, unless another listener or the server is told."""

    async def wait_sent(self) -> None:
        """Wait until all of it was passed to the transport; raises its error."""

    def end_with_trailers(self, data: Chunk | None, trailers: OutgoingHeaders) -> None:
        """End the response, which has begun, with *data* and then *trailers*."""


class DrivenStream(ExchangeState, Protocol):
    """How a session drives its streams: one call for each thing that happens to one."""

    def receive_headers(self, headers: Headers, flags: int) -> None:
        """A header block has come that is not the first of a request; *flags* of its frame."""

    def receive_data(self, data: bytes, end: bool) -> None:
        """Handle received bytes of the body; *end* marks the last of them."""

    def has_room(self) -> None:
        """The queue of what was written is short again."""

    def wants_trailers(self) -> None:
        """The body has been sent, and the trailers may follow."""

    def over(self, code: int, unsent: int | None) -> None:
        """The stream is over for HTTP/2: by both ends' END_STREAM or by RST_STREAM with *code*.

        *unsent*: so many bytes were queued here that are not sent any more; None: none were.
        """

    def session_ended(self, error: BaseException | None, code: int) -> None:
        """The session is destroyed: all who read or wait are told why."""

    def never_sent(self, code: int) -> bool:
        """Handle HEADERS that were not sent; return True if nothing else remains to be done."""

    def is_unsent(self) -> bool:
        """Whether the stream's HEADERS wait for the peer's MAX_CONCURRENT_STREAMS."""

    def end_late(self, message: str) -> None:
        """End with CANCEL, as its time is up: those who wait for it are told *message*."""


class DrivenServerStream(DrivenStream, Protocol):
    """The same for a stream on the server."""

    def become_promised(self, *, to_head: bool) -> None:
        """This side has promised it: its request is complete, and never came."""

    def promise_not_sent(self) -> None:
        """End: the stream of the promise has ended, or the client's settings have changed."""

    def end_with_trailers(self, data: Chunk | None, trailers: OutgoingHeaders) -> None:
        """End the response, which has begun, with *data* and then *trailers*."""

    is_waiting: bool
    """Whether its handlers don't have the request yet; the session sets it."""

    def handed_out(self) -> None:
        """Its handlers have the request now: tell them of trailers that came before."""


class DrivenClientStream(DrivenStream, Protocol):
    """The same for a stream on the client."""

    @property
    def status(self) -> int | None:
        """``:status`` of the final response; None before the response."""

    def requested(
        self,
        headers: OutgoingHeaders | None,
        ended: bool,
        wait_for_trailers: bool,
        priority: tuple[int, int, bool],
    ) -> None:
        """Keep what was asked for: *headers*, and whether no body follows them."""

    def wait_to_begin(self, submit: Callable[[], None]) -> None:
        """Wait for the connection; *submit* sends the request then, and calls `begin`."""

    def begin_late(self, refusal: BaseException | None) -> None:
        """The connection is established: send the request that waited, or end it with *refusal*."""

    def begin(self, stream_id: int) -> None:
        """Handle the submission of the request as *stream_id*; send the data that has waited."""

    def abort_with(self, signal: Awaitable[object]) -> None:
        """Abort the request when the awaitable *signal* completes."""

    def goes_unsent(self) -> None:
        """End the request: the peer sent GOAWAY before it could be sent."""

    def body_sent(self) -> int:
        """Bytes of the request's body that were passed to the transport; 0 once all were."""

    def receive_response(self, headers: Headers, flags: int) -> None:
        """As `receive_headers`, the everyday response without a detour."""
