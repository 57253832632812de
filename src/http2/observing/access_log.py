"""Define `AccessLog`, which logs a line for each request of a server, and its formatter."""

from __future__ import annotations

import logging
import re
import time
from typing import Final

from ..compat.watched import Watched
from ..errors import error_code_name, new_error
from ..servers.server import Http2Server
from .exchanges import ExchangeWatch

__all__ = ["AccessFormatter", "AccessLog"]

LOGGER: Final = "http2.access"

# Characters that are escaped in a line: control characters, non-ASCII characters, and those that
# would end the surrounding quotes.
UNSHOWN: Final = re.compile(r"[^ !#-\[\]-~]")

LINE: Final = '%s "%s %s %s" %s %d %.3f ms %s'
FIELDS: Final = ("peer", "method", "path", "protocol", "status", "bytes", "milliseconds", "reset")


def escaped(text: str) -> str:
    r"""Return *text* with ``\xNN`` for each character that could be misread in a log."""
    return UNSHOWN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


class AccessLog(ExchangeWatch):
    """Logs each request of *server* at INFO on *logger*, when its exchange has ended.

    *logger* is a `logging.Logger` or the name of one. Records have the attributes ``method``,
    ``path`` (the target, escaped), ``status`` (of the response that was sent; None without
    one), ``bytes`` (of the response's body that were sent), ``milliseconds`` (from the
    request's headers to the end), ``protocol`` (``HTTP/2``, ``HTTP/1.1``, ``HTTP/1.0``), ``peer``
    (the client's address) and ``reset`` (the name of the error code if the exchange ended early,
    else None). `AccessFormatter` formats them.

    Connections that begin from now on are logged. Raises ERR_INVALID_ARG_TYPE.
    """

    def __init__(self, server: Http2Server, *, logger: logging.Logger | str = LOGGER) -> None:
        if isinstance(logger, str):
            logger = logging.getLogger(logger)
        elif not isinstance(logger, logging.Logger):
            raise new_error("ERR_INVALID_ARG_TYPE", "logger", "a Logger or a str", logger)
        self._logger = logger
        super().__init__(server)

    def close(self) -> None:
        """Stop logging, including requests in progress."""
        super().close()

    def over(self, exchange: Watched) -> None:
        self.note(
            exchange.began,
            exchange.peer,
            exchange.method,
            exchange.target,
            f"HTTP/{exchange.version}",
            exchange.status,
            exchange.sent,
            exchange.reset,
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
        """Log an exchange; *began* is its beginning, *reset* the error code if it ended early."""
        logger = self._logger
        if self._closed or not logger.isEnabledFor(logging.INFO):
            return
        milliseconds = round((time.monotonic() - began) * 1000, 3)
        cut = None if reset is None else error_code_name(reset)
        shown = (
            peer or "-", escaped(method), escaped(target), protocol,
            "-" if status is None else status, size, milliseconds, cut or "-",
        )  # fmt: skip
        values: dict[str, object] = dict(zip(FIELDS, shown, strict=True))
        values.update(status=status, reset=cut, peer=peer)
        logger.info(LINE, *shown, extra=values)


class AccessFormatter(logging.Formatter):
    """Writes the records of an `AccessLog` as lines of text, or with *json* as objects.

    *format* is as for `logging.Formatter`, and has the records' attributes; by default a line is
    ``2026-01-31 12:00:00,000 127.0.0.1 "GET / HTTP/2" 200 12 0.314 ms -``, with the name of the
    error code at its end if the exchange ended early. With *json*, which has no *format*, an object
    has ``time`` (ISO 8601 in UTC) and the records' attributes. Other records are written too.
    """

    def __init__(self, format: str | None = None, *, json: bool = False) -> None:
        super().__init__(format or "%(asctime)s %(message)s")
        self._json = json

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for *record*."""
        if not self._json:
            return super().format(record)
        import json
        from datetime import UTC, datetime

        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        found: dict[str, object] = {"time": when}
        if hasattr(record, "milliseconds"):
            found.update((name, getattr(record, name, None)) for name in FIELDS)
        else:
            found.update(level=record.levelname, message=record.getMessage())
        return json.dumps(found)
