"""Define the interfaces between a connection and its exchanges over HTTP/1. All are internal.

An exchange uses those parts of its connection that `Http1Owner` declares, a connection those parts
of its current exchange that `DrivenExchange` declares, and those of its service that
`ConnectionService` does. The names have no underscore because another object uses them. They are
not part of the public API: applications must not use them, and `docs/rows.py` treats them as
internal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ..streams.interfaces import ExchangeOwner, ExchangeState

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..engine.http1.fields import Http1FieldRules, Http1Fields
    from ..engine.http1.head import Http1Head, Http1Limits
    from ..headers import Headers, OutgoingHeaders
    from .messages import Http1IncomingMessage
    from .options import Http1Options

__all__ = ["ConnectionService", "DrivenExchange", "Http1Owner"]


class Http1Owner(ExchangeOwner, Protocol):
    """The owner of an exchange over HTTP/1: its connection."""

    field_rules: Http1FieldRules
    """The rules for the fields that are sent."""

    @property
    def encrypted(self) -> bool:
        """Whether the connection is TLS."""

    def write(self, data: bytes) -> None:
        """Queue *data*, which is sent with all other output of this turn of the loop."""

    def wake(self) -> None:
        """Send held back or queued data in the next turn of the loop, unless in a batch."""

    def is_full(self) -> bool:
        """Return whether writers should pause."""

    def unsent_size(self) -> int:
        """Return the number of written bytes that have not left this process."""

    def write_whole(self, fields: Http1Fields, body: bytes) -> bool:
        """Queue a common response; return False for one that `write` must write in parts."""

    def connection_lines(self, version: str, fields: Http1Fields, until_close: bool) -> bytes:
        """Return the fields of a response about the connection's persistence.

        *version* is the client's; *until_close*: the end of the connection marks the end of the
        response (RFC 9112 section 9).
        """

    def continued(self) -> None:
        """Handle a sent status 100: the client will send the request's body."""

    def response_given(self, stream: Any) -> None:
        """Handle a completely written response of *stream*."""

    def response_over(self, stream: Any) -> None:
        """Continue after the response of *stream* if that is the current exchange."""

    def body_taken(self, unread: int) -> None:
        """Continue reading if only *unread* bytes of the body remain, and that is little."""

    def abandoned(self, stream: Any) -> None:
        """Handle *stream*, which the application has ended."""


class DrivenExchange(ExchangeState, Protocol):
    """The interface of an exchange for its connection."""

    method: str
    """The method of the request, such as ``'GET'``."""

    response_ended: bool
    """Whether the whole response has been passed to the connection. Only the exchange sets it."""

    @property
    def destroyed(self) -> bool:
        """Whether it has ended."""

    @property
    def ends_with_connection(self) -> bool:
        """Whether only the end of the connection marks the end of the response."""

    def respond(
        self,
        headers: OutgoingHeaders | None = None,
        *,
        end_stream: bool = False,
        wait_for_trailers: bool = False,
        send_date: bool = True,
    ) -> None:
        """Begin the response with *headers*."""

    def emit(self, event: str, *args: object) -> bool:
        """Call every listener of *event* with *args*; return False if there is none."""

    def receive_data(self, data: bytes, end: bool) -> int:
        """Handle received bytes of the body; *end* marks the last. Return the unread bytes."""

    def receive_trailers(self, trailers: Headers) -> None:
        """Handle the fields after the body."""

    def send_head(self) -> None:
        """Write the head, without waiting for a body any longer."""

    def has_room(self) -> None:
        """Wake waiting writers: the connection accepts more data."""

    def end_unnoticed(self) -> bool:
        """End after a complete request and response if nothing listens, waits or is unread.

        Otherwise, return False.
        """

    def ended_well(self) -> None:
        """Handle a complete request and response; the rest may still be unread."""

    def is_watched(self) -> bool:
        """Return whether something may listen to its end, or wait for it."""

    def reads_on(self) -> bool:
        """Return whether the body is still being read, after the response.

        If a coroutine handler reads it, its end calls `Http1Owner.response_over`.
        """

    def stopped(self) -> None:
        """Discard the rest of the request: the response is complete."""

    def refused(self, status: int) -> bool:
        """Drop a head that is not written; return whether the connection answers with *status*."""

    def failed(self, error: BaseException | None, code: int) -> None:
        """Fail: the connection has ended, or received data was not HTTP."""

    def handed_over(self) -> None:
        """End: the connection has left HTTP with this request, so no response is possible."""


class ConnectionService(Protocol):
    """The data that the HTTP/1 connections of a server share."""

    options: Http1Options
    limits: Http1Limits
    field_rules: Http1FieldRules

    dispatch: Callable[[Any, Headers], None]
    """Passes a request to the listeners of the server."""

    keep_alive: bytes
    """The fields of a response after which the connection stays open."""

    def leaving(self, stream: Any, headers: Headers) -> Http1IncomingMessage:
        """Return the request with which a client leaves HTTP, if it may."""

    @property
    def exchange(self) -> Callable[[Http1Owner, Http1Head], DrivenExchange]:
        """Creates the stream of a request."""
