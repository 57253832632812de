"""Implement `receive` and `send` for one request and its response.

The states of a response in `Exchange.send`:

====== ============================== ====================================================
state  what came last                 what may come
====== ============================== ====================================================
NEW    nothing                        ``start``; push; early hints
HELD   ``http.response.start``        body, pathsend, zerocopysend; push; early hints
OPEN   a body with ``more_body``      the same; the headers have been sent
TAIL   the last body                  ``http.response.trailers``, which ``start`` announced
DONE   the end                        nothing
====== ============================== ====================================================

The headers wait for the first body, as ASGI requires: if the application fails between the two,
the client gets 500.

An exchange creates queues, events and listeners on demand: a simple request, which is read
and answered, needs none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from contextvars import Context
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .. import Headers, Http2Error, Http2ServerResponse
from ..constants import NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR
from .files import send_file, send_part
from .steps import DONE, HELD, NEW, OPEN, TAIL, AsgiExchangeBase, new_exchange, start_request
from .types import Application, Message

if TYPE_CHECKING:
    from .shared_scope import SharedScope

__all__ = ["ClientDisconnected", "Exchange", "of_disconnect", "text_in_header", "text_of"]

# Maximum number of bytes of a request's body in one message.
MOST_BODY = 65536
# Fields that applications send for HTTP/1, and that HTTP/2 forbids (RFC 9113 section 8.2.2).
CONNECTION_SPECIFIC = frozenset(
    {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}
)

PLAIN = (b"content-type", b"text/plain; charset=utf-8")
FAILURE = b"Internal Server Error"
# Characters of a pushed path that need no escape.
PATH = "%/:=&?~#+!$,;'@()*[]"


class ClientDisconnected(OSError):
    """The client has disconnected: the message of `send` was not sent."""

    def __init__(self) -> None:
        super().__init__("the client has disconnected")


class Exchange(AsgiExchangeBase):
    """The arguments of an application for one request, on *stream*.

    *response* is the Compatibility API's response, if there is one: trailers over HTTP/1 need it.
    """

    __slots__ = ()

    @staticmethod
    def begin(
        connection: SharedScope,
        stream: Any,
        headers: Headers,
        method: str,
        target: str,
        response: Any = None,
        *,
        app: Application | None = None,
        context: Context | None = None,
    ) -> None:
        """Run the connection's application, or *app*, for a request in a new task."""
        if app is None and context is None:
            start_request(connection, stream, headers, method, target, response)
        else:
            exchange = new_exchange(connection, stream, headers, method, target, response)
            connection.run(exchange.run(app or connection.app), context)

    async def run(self, app: Application) -> None:
        """Run *app* to its end."""
        try:
            result = await app(self.scope, self.receive, self.send)
            if self._state != DONE or result is not None:
                self._incomplete(result)
        except BaseException as error:
            self._failed(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._leave_request()

    async def finish(self, work: Awaitable[object]) -> None:
        """Wait for *work*, an application that runs already, and handle its end like `run`."""
        try:
            result = await work
            if self._state != DONE or result is not None:
                self._incomplete(result)
        except BaseException as error:
            self._failed(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._leave_request()

    # --- the request -------------------------------------------------------------------

    async def receive(self) -> Message:
        """Return the next message: a part of the body, or the end of the exchange."""
        if self._more and self._state != DONE:
            stream = self._stream
            if stream.end_after_headers:
                self._more = False
                return {"type": "http.request", "body": b"", "more_body": False}
            if self._expects:
                self._expects = False
                self._inform({":status": 100})
            try:
                body = await stream.read(MOST_BODY)
            except (Http2Error, OSError):
                self._more = False
            else:
                more = self._more = not stream.readable_ended
                return {"type": "http.request", "body": body, "more_body": more}
        await self._gone()
        return {"type": "http.disconnect"}

    async def _gone(self) -> None:
        """Wait until the response is complete, or the client has disconnected."""
        stream = self._stream
        if self._state == DONE or stream.closed:
            return
        if self._waiters is None:
            self._waiters = []
            stream.once("aborted", self._wake)
            stream.once("close", self._wake)
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            self._waiters.remove(waiter)

    def _wake(self) -> None:
        for waiter in self._waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    def _leave_request(self) -> None:
        """Stop the request's body, if the response is complete: the application has ended."""
        stream = self._stream
        if not self._more or self._state != DONE or stream.end_after_headers:
            return
        if stream.id is not None and not (stream.readable_ended or stream.closed):
            # not before the last byte, or the trailers, were sent
            if stream.writable_finished:
                stream.close(NGHTTP2_NO_ERROR)
            else:
                stream.once("finish", lambda: stream.close(NGHTTP2_NO_ERROR))

    # --- the response ------------------------------------------------------------------

    async def send(self, message: Message) -> None:
        """Send the next message of the response.

        Waits while the client or the network is slower than the application. Raises
        `ClientDisconnected` after the client has disconnected, RuntimeError for an unexpected
        message, KeyError for a missing key, TypeError for text instead of bytes,
        and the errors of invalid headers and lengths.
        """
        rest = self.take(message)
        if rest is not None:
            await rest

    def _disconnected(self) -> ClientDisconnected:
        return ClientDisconnected()

    async def _extended(self, kind: str, message: Message) -> None:
        """Handle messages of the extensions; see ``extensions`` of the scope."""
        state = self._state
        if kind == "http.response.early_hint" and state != DONE:
            self._inform([(":status", 103), *(("link", link) for link in message["links"])])
        elif kind == "http.response.trailers" and state == TAIL:
            self._trailers.extend(_fields(message))
            if not message.get("more_trailers", False):
                self._end_with_trailers()
        elif kind == "http.response.push" and state in (NEW, HELD, OPEN):
            self._push(message)
        elif kind == "http.response.pathsend" and state == HELD:
            await send_file(self, message["path"])
        elif kind == "http.response.zerocopysend" and state in (HELD, OPEN):
            await send_part(self, message)
        else:
            raise self._unexpected(kind)

    def _unexpected(self, kind: str) -> RuntimeError:
        expected = {
            NEW: "'http.response.start' must be sent first",
            HELD: "'http.response.body' comes next",
            OPEN: "'http.response.body' comes next",
            TAIL: "'http.response.trailers' comes next",
            DONE: "the response is complete",
        }
        return RuntimeError(f"unexpected ASGI message {kind!r}: {expected[self._state]}")

    def _unusual(self, status: int, fields: list[Any]) -> list[Any]:
        """Return ``:status`` and *fields*, which repeat names or are no pairs of bytes."""
        if any(isinstance(name, str) or isinstance(value, str) for name, value in fields):
            raise text_in_header(fields)
        return [(":status", status), *fields]

    def _respond_repaired(self, fields: list[Any], send_date: bool, error: Http2Error) -> None:
        """Send the headers without what HTTP/2 forbids; raise *error* if that is not the reason.

        Fields for HTTP/1, and surrounding spaces, are removed without an error.
        """
        repaired = _repaired(fields)
        if repaired == fields:
            raise error
        self._stream.respond([(":status", self._status), *repaired], send_date=send_date)

    def _end_with_trailers(self) -> None:
        stream = self._stream
        if not stream.writable_ended:
            if self._wants_trailers():
                response = self._response
                if response is None:
                    response = Http2ServerResponse(stream)
                response.add_trailers(
                    [(text_of(name), text_of(value)) for name, value in self._trailers]
                )
                response.end()
            else:
                stream.end()
        self._complete()

    def _wants_trailers(self) -> bool:
        """Return whether the client accepts trailers (RFC 9110 section 6.5.1)."""
        return any(
            name == b"te" and b"trailers" in value.lower() for name, value in self.scope["headers"]
        )

    async def _drain(self) -> None:
        try:
            await self._stream.drain()
        except (Http2Error, OSError):
            raise ClientDisconnected from None

    def _inform(self, headers: Any) -> None:
        """Send an informational response, unless it is too late for one."""
        stream = self._stream
        if not (stream.headers_sent or stream.closed):
            stream.additional_headers(headers)

    def _push(self, message: Message) -> None:
        """Promise the response to a new request, and let the application answer it."""
        stream = self._stream
        if not stream.push_allowed:
            return
        headers = [(text_of(name), text_of(value)) for name, value in _fields(message)]
        promise = stream.push_stream([(":path", quote(message["path"], safe=PATH)), *headers])
        promise.add_done_callback(self._pushed)

    def _pushed(self, promise: Any) -> None:
        if promise.cancelled() or promise.exception() is not None:
            return
        stream, headers = promise.result()
        if not stream.closed:
            self.begin(self._connection, stream, headers, headers[":method"], headers[":path"])

    # --- errors of the application ----------------------------------------------------------

    def _incomplete(self, result: object) -> None:
        """Handle an application that returned *result* before the end of its response."""
        stream = self._stream
        if result is not None:
            message = f"the ASGI application returned {type(result).__name__} instead of None"
        elif self._state == NEW:
            message = "the ASGI application returned without sending a response"
        else:
            message = "the ASGI application returned before its response was complete"
        if result is None and stream.closed:
            return
        self._connection.failed(self.scope, message, None)
        self._answer_failure()

    def _failed(self, error: BaseException) -> None:
        """Handle an application that raised *error*."""
        stream = self._stream
        gone = stream.closed
        if not (gone and self._state != DONE and of_disconnect(error)):
            self._connection.failed(self.scope, "exception in the ASGI application", error)
        self._answer_failure()

    def _answer_failure(self) -> None:
        """Answer with 500 if nothing was sent yet, otherwise with a reset."""
        stream = self._stream
        if self._state == DONE or stream.closed:
            return
        if stream.headers_sent:
            stream.on("error", lambda: None)  # it was logged above
            stream.close(NGHTTP2_INTERNAL_ERROR)
        else:
            self._status = 500
            self._fields = [PLAIN, (b"content-length", b"%d" % len(FAILURE))]
            self._trailers = None
            self._respond(FAILURE)
            self._end(FAILURE)


def _repaired(fields: list[Any]) -> list[Any]:
    """Return *fields* without those of HTTP/1 only, and without spaces around values."""
    kept: list[Any] = []
    for name, value in fields:
        if text_of(name).lower() not in CONNECTION_SPECIFIC:
            kept.append((name, value.strip(b" \t") if isinstance(value, bytes) else value))
    return kept


def text_in_header(fields: Iterable[tuple[Any, Any]]) -> TypeError:
    """Return the error for the field in *fields* whose name or value is text instead of bytes."""
    name, value = next(
        (name, value) for name, value in fields if isinstance(name, str) or isinstance(value, str)
    )
    return TypeError(
        f"the name and the value of a header must be bytes, not str: {name!r}: {value!r}"
    )


def _fields(message: Message) -> list[tuple[object, object]]:
    """Return the fields of a *message* other than the start of a response."""
    found = []
    for name, value in message.get("headers", ()):
        if isinstance(name, str) or isinstance(value, str):
            raise text_in_header([(name, value)])
        found.append((name, value))
    return found


def text_of(value: object) -> Any:
    """Return *value* as `str` if it is bytes."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


def of_disconnect(error: BaseException) -> bool:
    """Return whether *error* is `ClientDisconnected`, or was caused by it."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        if isinstance(at, ClientDisconnected):
            return True
        if isinstance(at, BaseExceptionGroup):
            return all(of_disconnect(inner) for inner in at.exceptions)
        seen.add(id(at))
        at = at.__cause__ or at.__context__
    return False
