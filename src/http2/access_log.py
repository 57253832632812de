"""`AccessLog`: a line of the log for each request that a server was asked, and its formatter.

A server without one does nothing for it: a session is watched by a listener of its own, and an
HTTP/1 connection makes streams of a class that counts.
"""

from __future__ import annotations

import json
import logging
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from . import events
from .constants import NGHTTP2_CANCEL
from .core.server import Http2Server
from .errors import error_code_name, new_error

if TYPE_CHECKING:
    from .compat.http1_watched import WatchedStream
    from .core.server_session import ServerHttp2Session
    from .core.server_stream import ServerHttp2Stream
    from .core.session import Handlers
    from .headers import Headers

__all__ = ["AccessFormatter", "AccessLog"]

LOGGER: Final = "http2.access"

# What a line does not show as it is: control characters, what is not ASCII, and what would end
# the quotes around it.
UNSHOWN: Final = re.compile(r"[^ !#-\[\]-~]")

LINE: Final = '%s "%s %s %s" %s %d %.3f ms %s'
FIELDS: Final = ("peer", "method", "path", "protocol", "status", "bytes", "milliseconds", "reset")


def escaped(text: str) -> str:
    r"""*text* with ``\xNN`` for what could be taken for something else in a log."""
    return UNSHOWN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


class AccessLog:
    """Logs each request of *server* when its exchange is over, as INFO, on *logger*.

    *logger* is a `logging.Logger` or the name of one. Records have the attributes ``method``,
    ``path`` (the target, escaped), ``status`` (that of the response that went out; None without
    any), ``bytes`` (of the response's body, as they were sent), ``milliseconds`` (from the
    request's headers to the end), ``protocol`` (``HTTP/2``, ``HTTP/1.1``, ``HTTP/1.0``), ``peer``
    (the client's address) and ``reset`` (the name of the error code when the exchange did not come
    to its end, else None). `AccessFormatter` writes them.

    Connections that begin from now on are logged. Raises ERR_INVALID_ARG_TYPE.
    """

    def __init__(self, server: Http2Server, *, logger: logging.Logger | str = LOGGER) -> None:
        if not isinstance(server, Http2Server):
            raise new_error("ERR_INVALID_ARG_TYPE", "server", "an Http2Server", server)
        if isinstance(logger, str):
            logger = logging.getLogger(logger)
        elif not isinstance(logger, logging.Logger):
            raise new_error("ERR_INVALID_ARG_TYPE", "logger", "a Logger or a str", logger)
        self._logger = logger
        self._server = server
        self._closed = False
        server.prepend_listener("session", self._session_begun)
        server._watch_http1(self._http1_over, True)

    def close(self) -> None:
        """Log no more, not even what is under way."""
        if not self._closed:
            self._closed = True
            self._server.off("session", self._session_begun)
            self._server._watch_http1(self._http1_over, False)

    def _session_begun(self, session: ServerHttp2Session) -> None:
        session.prepend_listener("stream", _Streams(self, session))

    def _http1_over(self, stream: WatchedStream) -> None:
        reset = None
        if not stream.complete:
            reset = stream.rst_code or NGHTTP2_CANCEL
        self.note(
            stream.began,
            stream._peer_name(),
            stream.method,
            stream.url,
            f"HTTP/{stream.http_version}",
            stream.status_sent or None,
            stream.body_sent,
            reset,
        )

    def note(
        self,
        began: float,
        peer: str | None,
        method: str,
        target: str,
        protocol: str,
        status: int | None,
        size: int,
        reset: int | None,
    ) -> None:
        """Log an exchange that *began* then; *reset* is the error code of one that was cut."""
        logger = self._logger
        if self._closed or not logger.isEnabledFor(logging.INFO):
            return
        milliseconds = round((time.monotonic() - began) * 1000, 3)
        cut = None if reset is None else error_code_name(reset)
        shown = (
            peer or "-", escaped(method), escaped(target), protocol,
            "-" if status is None else status, size, milliseconds, cut or "-",
        )  # fmt: skip
        values: dict[str, Any] = dict(zip(FIELDS, shown, strict=True))
        values.update(status=status, reset=cut, peer=peer)
        logger.info(LINE, *shown, extra=values)


class _Streams:
    """A listener of a session's streams, which counts what is sent of them."""

    # no handler that will answer: see `http2.core.unanswered`
    answers = False

    def __init__(self, log: AccessLog, session: ServerHttp2Session) -> None:
        self._log = log
        # the bytes of their bodies that were sent
        self._sent: dict[int, int] = {}
        session._count_sent(True)
        session._add_layer(self._lay)

    def _lay(self, handlers: Handlers) -> None:
        others = handlers[events.MEASURED]
        sent = self._sent

        def measured(session: Any, stream_id: int, what: Any, size: Any) -> None:
            if what == 1 and stream_id in sent:
                sent[stream_id] += size
            others(session, stream_id, what, size)

        handlers[events.MEASURED] = measured

    def __call__(self, stream: ServerHttp2Stream, headers: Headers) -> None:
        """A request has come."""
        began = time.monotonic()
        peer = stream._peer_name()
        number = stream.id
        assert number is not None
        self._sent[number] = 0

        def over() -> None:
            method, target = stream._request_line()
            sent = stream.sent_headers
            status = None if sent is None else sent[":status"]
            reset = None
            if stream.rst_code or stream.aborted or not stream.writable_finished:
                reset = stream.rst_code or 0
            self._log.note(
                began, peer, method, target, "HTTP/2",
                None if status is None else int(status), self._sent.pop(number), reset,
            )  # fmt: skip

        stream.once("close", over)


class AccessFormatter(logging.Formatter):
    """Writes the records of an `AccessLog` as lines of text, or with *json* as objects.

    *format* is as for `logging.Formatter`, and has the records' attributes; by default a line is
    ``2026-01-31 12:00:00,000 127.0.0.1 "GET / HTTP/2" 200 12 0.314 ms -``, with the name of the
    error code at its end if the exchange was cut. As JSON, which has no *format*, an object has
    ``time`` (ISO 8601 in UTC) and the records' attributes. Other records are written too.
    """

    def __init__(self, format: str | None = None, *, json: bool = False) -> None:
        super().__init__(format or "%(asctime)s %(message)s")
        self._json = json

    def format(self, record: logging.LogRecord) -> str:
        """The line of *record*."""
        if not self._json:
            return super().format(record)
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        found: dict[str, Any] = {"time": when}
        if hasattr(record, "milliseconds"):
            found.update((name, getattr(record, name, None)) for name in FIELDS)
        else:
            found.update(level=record.levelname, message=record.getMessage())
        return json.dumps(found)
