"""Define `Http2ServerResponse`: Node's HTTP/1 response interface over an HTTP/2 stream."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from ..common.futures import Handover
from ..constants import NGHTTP2_CANCEL
from ..errors import new_error
from ..headers import OutgoingHeaders
from .fields import (
    check_links,
    check_name,
    check_status,
    check_value,
    is_for_connection,
    look_up,
    pairs_of,
    warn_unsupported,
)
from .message import Message
from .message_base import ResponseBase
from .request import ServerRequest
from .socket import StreamSocketProxy

if TYPE_CHECKING:
    from ..headers import Headers
    from ..streams.server_stream import ServerHttp2Stream
    from .listening import ResponseEvents

__all__ = ["Http2ServerResponse", "ServerResponse"]


class ServerResponse(ResponseBase, Message):
    """The base class of responses over any protocol; applications do not construct it.

    Events: ``close``, ``drain``, ``error(error)``, ``finish``, ``timeout``. Exactly one of
    ``finish`` (the whole response was passed to the transport) and ``close`` (the stream ended
    before that) is emitted, once.

    Headers are explicit, with `write_head`, or implicit: `set_header` and `status_code` are sent
    with the first byte of the body or with `end`. Awaiting a response waits for ``finish``.
    """

    if TYPE_CHECKING:  # the listeners' arguments by event
        on: ResponseEvents  # type: ignore[assignment]
        once: ResponseEvents  # type: ignore[assignment]
        add_listener: ResponseEvents  # type: ignore[assignment]
        prepend_listener: ResponseEvents  # type: ignore[assignment]
        prepend_once_listener: ResponseEvents  # type: ignore[assignment]

    _forwarded = frozenset({"close", "drain", "error", "finish", "timeout"})

    req: ServerRequest | None = ResponseBase.req
    """The request of this response; None for a pushed response."""

    send_date: bool = ResponseBase.send_date
    """Whether ``date`` is added if it was not set; True by default."""

    status_message: str
    """The reason phrase, which only HTTP/1 has."""

    def _forward(self, event: str) -> None:
        if event == "close":
            self.stream.on("close", self._closed)
        else:
            super()._forward(event)

    def _closed(self) -> None:
        if not self.stream.writable_finished:
            self.emit("close")

    # --- the state ----------------------------------------------------------------------

    @property
    def headers_sent(self) -> bool:
        """Whether the headers were sent."""
        return bool(self.stream.headers_sent)

    @property
    def writable_ended(self) -> bool:
        """Whether `end` was called."""
        return self._ended

    @property
    def finished(self) -> bool:
        """The same as `writable_ended`."""
        return self._ended

    @property
    def writable_finished(self) -> bool:
        """Whether the whole response was passed to the transport."""
        return bool(self.stream.writable_finished)

    @property
    def writable_length(self) -> int:
        """Written bytes that are still queued."""
        return int(self.stream.writable_length)

    @property
    def writable(self) -> bool:
        """Whether `write` may be called."""
        return not self._ended and not self.stream.closed

    @property
    def socket(self) -> StreamSocketProxy | None:
        """The connection, read-only; None once the stream is closed."""
        return None if self.stream.closed else super().socket

    # --- the status ---------------------------------------------------------------------

    @property
    def status_code(self) -> int:
        """The status to be sent, by default 200; after the headers, the status that was sent.

        Setting raises ERR_HTTP2_INFO_STATUS_NOT_ALLOWED for 100 to 199,
        ERR_HTTP2_STATUS_INVALID for an invalid status.
        """
        stream = self.stream
        if stream.headers_sent:
            # not the value that was set: the server has answered for a failed handler
            return int(stream.sent_status or self._status)
        return self._status

    @status_code.setter
    def status_code(self, code: int) -> None:
        code = check_status(code)
        if code < 200:
            raise new_error("ERR_HTTP2_INFO_STATUS_NOT_ALLOWED")
        self._status = code

    # --- headers ------------------------------------------------------------------------

    if not TYPE_CHECKING:  # type checkers find it in the base class
        set_header = ResponseBase.set_header

    def append_header(self, name: str, value: Any) -> None:
        """Add *value* to the header *name*, keeping its values. Raises like `set_header`."""
        earlier = self.get_header(name)
        if earlier is not None:
            value = [
                *(earlier if isinstance(earlier, list) else [earlier]),
                *(value if isinstance(value, (list, tuple)) else [value]),
            ]
        self.set_header(name, value)

    def get_header(self, name: str) -> Any:
        """Return the value set for the header *name*, or None. Raises ERR_INVALID_ARG_TYPE."""
        name = look_up(name)
        return None if name == ":status" else (self._headers or {}).get(name)

    def get_header_names(self) -> list[str]:
        """Return the names of the headers that were set, in lower case."""
        return [name for name in self._headers or () if name != ":status"]

    def get_headers(self) -> dict[str, Any]:
        """Return a copy of the headers that were set, by lower-case name."""
        headers = dict(self._headers or {})
        headers.pop(":status", None)
        return headers

    def has_header(self, name: str) -> bool:
        """Return whether the header *name* was set. Raises ERR_INVALID_ARG_TYPE."""
        name = look_up(name)
        return name != ":status" and name in (self._headers or ())

    def remove_header(self, name: str) -> None:
        """Remove the header *name*; ``date``, once removed, is not added.

        Raises ERR_HTTP2_HEADERS_SENT, ERR_INVALID_ARG_TYPE.
        """
        if self.stream.headers_sent:
            raise new_error("ERR_HTTP2_HEADERS_SENT")
        name = look_up(name)
        if name == "date":
            self.send_date = False
        if self._headers is not None and name != ":status":
            self._headers.pop(name, None)

    def _is_dropped(self, name: str) -> bool:
        """Return whether the protocol drops the header *name*."""
        return False

    if not TYPE_CHECKING:  # type checkers find it in the base class
        write_head = ResponseBase.write_head

    def flush_headers(self) -> None:
        """Send the headers now, without waiting for the body."""
        stream = self.stream
        if not stream.headers_sent and not stream.life.closed:
            self._send_head(self._status)

    # --- informational responses --------------------------------------------------------

    def write_continue(self) -> bool:
        """Send status 100, so that the client sends its body.

        Return False if it is too late.
        """
        return self._send_informational({":status": 100})

    def write_early_hints(self, hints: Mapping[str, object]) -> bool:
        """Send status 103 (RFC 8297) with the fields *hints*.

        ``link`` is one value (RFC 8288) or a list of values. With an empty list, and if it is
        too late, it sends nothing and returns False. Raises ERR_INVALID_ARG_TYPE,
        ERR_INVALID_ARG_VALUE for an invalid link, and the errors of `set_header`.
        """
        if not isinstance(hints, Mapping):
            raise new_error("ERR_INVALID_ARG_TYPE", "hints", "a mapping", hints)
        given = {check_name(name): value for name, value in hints.items()}
        links = check_links(given.get("link"))
        if not links:
            return False
        fields: dict[str, object] = {":status": 103}
        for name, value in given.items():
            fields[name] = links if name == "link" else check_value(name, value)
        return self._send_informational(fields)

    def _send_informational(self, fields: dict[str, object]) -> bool:
        stream = self.stream
        if stream.headers_sent or stream.life.closed:
            return False
        stream.additional_headers(fields)
        return True

    # --- the body -----------------------------------------------------------------------

    if not TYPE_CHECKING:  # type checkers find it in the base class
        write = ResponseBase.write

    async def drain(self) -> None:
        """Wait until `write` may continue; raise the stream's error if it never may."""
        await self.stream.drain()

    if not TYPE_CHECKING:  # type checkers find it in the base class
        end = ResponseBase.end

    def __await__(self) -> Generator[object, None, None]:
        waiting: Generator[object, None, None] = self.stream.wait_sent().__await__()
        return waiting

    # --- push ---------------------------------------------------------------------------

    def create_push_response(self, headers: OutgoingHeaders) -> asyncio.Future[ServerResponse]:
        """Promise the response to the request *headers*, if the protocol supports it.

        Raises ERR_HTTP2_PUSH_DISABLED over HTTP/1.
        """
        raise new_error("ERR_HTTP2_PUSH_DISABLED")

    # --- trailers -----------------------------------------------------------------------

    def set_trailer(self, name: str, value: Any) -> None:
        """Set the trailer *name*, to be sent after the body (RFC 9110 section 6.5).

        Raises ERR_HTTP2_TRAILERS_ALREADY_SENT after `end`, ERR_HTTP2_INVALID_CONNECTION_HEADERS
        for fields that frame a message, and the errors of `set_header`.
        """
        if self._ended:
            raise new_error("ERR_HTTP2_TRAILERS_ALREADY_SENT")
        name = check_name(name)
        if name in ("content-length", "transfer-encoding"):
            raise new_error(
                "ERR_HTTP2_INVALID_CONNECTION_HEADERS",
                message=f"{name!r} is not allowed in trailers (RFC 9110 section 6.5.1)",
            )
        value = check_value(name, value)
        if self._is_dropped(name):
            return
        if self._trailers is None:
            self._trailers = {}
        self._trailers[name] = value

    def add_trailers(self, headers: OutgoingHeaders) -> None:
        """Set each trailer of *headers*, a mapping or pairs. Raises like `set_trailer`."""
        for name, value in pairs_of(headers):
            self.set_trailer(name, value)


class Http2ServerResponse(ServerResponse):
    """The response to a request over HTTP/2, from the event ``request`` of a server."""

    if TYPE_CHECKING:
        stream: ServerHttp2Stream

    def _is_dropped(self, name: str) -> bool:
        return is_for_connection(name)

    @property
    def status_message(self) -> str:
        """``''``: HTTP/2 has no reason phrases, and does not send a value that is set."""
        return ""

    @status_message.setter
    def status_message(self, message: str) -> None:
        warn_of_message()

    def create_push_response(self, headers: OutgoingHeaders) -> asyncio.Future[ServerResponse]:
        """Promise the response to the request *headers* (RFC 9113 section 8.4).

        Awaitable → the pushed response, whose `req` is None. Raises the errors of
        `ServerHttp2Stream.push_stream`; awaiting raises ERR_HTTP2_INVALID_STREAM if
        the stream is closed.
        """
        stream = self.stream
        result: asyncio.Future[ServerResponse] = Handover(
            lambda response: response.stream.close(NGHTTP2_CANCEL), loop=stream.owner.loop
        )
        if stream.life.closed:
            result.set_exception(new_error("ERR_HTTP2_INVALID_STREAM"))
            return result
        kind = type(self)

        def promised(done: asyncio.Future[tuple[ServerHttp2Stream, Headers]]) -> None:
            if result.done():
                if not done.cancelled() and done.exception() is None:
                    done.result()[0].close(NGHTTP2_CANCEL)
            elif done.cancelled():
                result.cancel()
            elif error := done.exception():
                result.set_exception(error)
            else:
                result.set_result(kind(done.result()[0]))

        promising = stream.push_stream(headers)
        if promising.done():
            promised(promising)
        else:
            promising.add_done_callback(promised)
            result.add_done_callback(lambda done: promising.cancel() if done.cancelled() else None)
        return result


def warn_of_message() -> None:
    """Warn that HTTP/2 has no reason phrases."""
    warn_unsupported("HTTP/2 has no status message (RFC 9113 section 8.3.2): it is not sent")
