"""Write the response of an exchange over HTTP/1: its head, and the framing of its body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import new_error
from ..headers import headers_as_sent
from ..streams.compiled.base import as_buffer
from ..streams.exchange import Responder
from .http1_base import CHUNKED, LENGTH, NO_BODY, UNTIL_CLOSE, Http1StreamBase
from .status_line import status_line

if TYPE_CHECKING:
    from ..engine.http1.fields import Http1Fields
    from ..headers import Headers, OutgoingHeaders
    from ..streams.keywords import Chunk
    from .interfaces import Http1Owner

__all__ = ["Http1Writer"]

# Chunks up to this many bytes are copied between their size and CRLF: one buffer less.
SMALL_CHUNK = 16 * 1024


class Http1Writer(Http1StreamBase, Responder):
    """The writing side of `Http1Stream`."""

    _session: Http1Owner

    # --- attributes -------------------------------------------------------------------

    @property
    def writable_length(self) -> int:
        """Bytes written that are still queued here: the client or the network is slow."""
        return self._session.unsent_size() if self.life.on_wire else 0

    @property
    def sent_headers(self) -> Headers | None:
        """The headers that were sent, including the default ones."""
        fields = self._given
        if fields is None:
            return None
        defaults: dict[str, object] = {":status": fields.status}
        if fields.date is not None:
            defaults["date"] = fields.date
        return headers_as_sent(fields.held, defaults)

    @property
    def sent_status(self) -> int | None:
        """The status of the response that was sent; None before."""
        return None if self._given is None else self._given.status

    @property
    def ends_with_connection(self) -> bool:
        """Whether only the end of the connection marks the end of the response."""
        return self._framing == UNTIL_CLOSE

    # --- the head of the response -------------------------------------------------------

    def _head(self, whole: int | None) -> bytes:
        """Return the head as bytes, and determine the framing of the body.

        *whole* is the length of the body, if known.
        """
        fields = self._fields
        assert fields is not None
        self._fields = None
        status = fields.status
        length = fields.length
        if self._head_request or fields.bodiless:
            self._framing = NO_BODY
            if status == 204:
                length = None
            elif status == 205:
                length = 0
            elif length is None and whole and self._head_request and not self._wants_chunks:
                length = whole
        elif length is not None:
            self._framing = LENGTH
            self._left = length
        elif whole is not None and not self._wants_chunks:
            self._framing = LENGTH
            length = self._left = whole
        elif self.http_version == "1.1":
            self._framing = CHUNKED
        else:
            self._framing = UNTIL_CLOSE
        if length is not None:
            framing = b"content-length: %d\r\n" % length
        else:
            framing = b"transfer-encoding: chunked\r\n" if self._framing == CHUNKED else b""
        connection = self._session.connection_lines(
            self.http_version, fields, self._framing == UNTIL_CLOSE
        )
        line = status_line(status, self.status_message)
        return b"%b%b%b%b\r\n" % (line, fields.lines, framing, connection)

    def send_head(self) -> None:
        """Write the head, without waiting for a body any longer."""
        if self._fields is not None:
            self._session.write(self._head(None))

    def refused(self, status: int) -> bool:
        """Drop a head that is not written; return whether the connection answers with *status*."""
        unanswered = not self.headers_sent or self._fields is not None
        self._fields = None
        return unanswered

    def additional_headers(self, headers: OutgoingHeaders) -> None:
        """Send an informational response (status 1xx), which HTTP/1.0 does not have.

        Raises ERR_HTTP2_HEADERS_AFTER_RESPOND, ERR_HTTP2_INVALID_INFO_STATUS,
        ERR_HTTP2_STATUS_101, ERR_HTTP2_INVALID_STREAM, and the errors of the header
        rules.
        """
        self._check_informational()
        connection = self._session
        fields = connection.field_rules.informational(headers)
        status = fields.status
        if status == 101:
            raise new_error("ERR_HTTP2_STATUS_101")
        if status < 100 or status > 199:
            raise new_error("ERR_HTTP2_INVALID_INFO_STATUS", status)
        if self.http_version == "1.0":
            return
        self._keep_informational(fields.held)
        if status == 100:
            connection.continued()
        connection.write(b"%b%b\r\n" % (status_line(status), fields.lines))

    # --- the body of the response -------------------------------------------------------

    def has_room(self) -> None:
        """Wake waiting writers: the connection accepts more data."""
        if self._drainers is not None:
            self.writable_again()

    def _write_body(self, data: bytes, size: int) -> None:
        connection = self._session
        if self._framing != CHUNKED:
            connection.write(data)
        elif size <= SMALL_CHUNK:
            connection.write(b"%x\r\n%b\r\n" % (size, data))
        else:
            connection.write(b"%x\r\n" % size)
            connection.write(data)
            connection.write(b"\r\n")

    def end_with_trailers(self, data: Chunk | None, trailers: OutgoingHeaders) -> None:
        """End the response, which has begun, with *data* and then *trailers*.

        Only a chunked body can have trailers: with ``content-length``, and for HTTP/1.0, they are
        dropped (RFC 9110 section 6.5).
        """
        if not self.life.writable:
            self.end(data)
            return
        connection = self._session
        fields = connection.field_rules.trailers(trailers)
        if self._fields is not None:
            self._wants_chunks = True
        data = b"" if data is None else bytes(as_buffer(data))
        self._end(data, fields)

    def _end(self, data: bytes, trailers: Http1Fields | None) -> None:
        """Write the last bytes, together with the head if it is not written yet."""
        size = len(data)
        left = self._left
        head = b""
        fields = self._fields
        if fields is not None:
            if not self._head_request:
                left = fields.length
                if left is not None and size > left:
                    self._check_length(left, size)
            if self.http_version != "1.1":
                self._wants_chunks = False
            head = self._head(size)
            left = self._left
        elif left is not None:
            self._check_length(left, size)
        self.life = self.life.on_end
        if self._timer is not None:
            self._timer.touch()
        framing = self._framing
        if framing == NO_BODY:
            data = b""
        elif framing == CHUNKED:
            last = b"0\r\n\r\n"
            if trailers is not None:
                self.sent_trailers = headers_as_sent(trailers.held, {})
                last = b"0\r\n%b\r\n" % trailers.lines
            data = b"%x\r\n%b\r\n%b" % (size, data, last) if size else last
        elif left is not None and left != size:
            if head:
                self._session.write(head)
            if size:
                self._session.write(data)
            self._too_short(left - size)
            return
        self.response_ended = True
        self._left = None
        connection = self._session
        if head and len(data) > SMALL_CHUNK:
            connection.write(head)
            connection.write(data)
        elif head or data:
            connection.write(head + data)
        connection.response_given(self)

    def _too_short(self, missing: int) -> None:
        raise self._wrong_length(f"shorter than its content-length: {missing} bytes missing")

    def _check_length(self, left: int, size: int) -> None:
        if size > left:
            raise self._wrong_length(
                f"longer than its content-length: {size} bytes written, {left} left"
            )

    def _wrong_length(self, how: str) -> Exception:
        """End the exchange, whose body has a wrong length; return the error."""
        error = new_error("ERR_HTTP_CONTENT_LENGTH_MISMATCH", message=f"the body is {how}")
        self.error_seen = True  # it is raised to the caller
        self.life = self.life.on_end_refused
        self.destroy(error)
        return error
