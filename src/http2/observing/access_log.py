"""`AccessLog`: a line of the log for each request that a server was asked, and its formatter."""

from __future__ import annotations

import json
import logging
import re
import time
from datetime import UTC, datetime
from typing import Any, Final

from ..errors import error_code_name, new_error
from ..servers.server import Http2Server
from ..streams.watched import Watched
from .exchanges import ExchangeWatch

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


class AccessLog(ExchangeWatch):
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
        if isinstance(logger, str):
            logger = logging.getLogger(logger)
        elif not isinstance(logger, logging.Logger):
            raise new_error("ERR_INVALID_ARG_TYPE", "logger", "a Logger or a str", logger)
        self._logger = logger
        super().__init__(server)

    def close(self) -> None:
        """Log no more, not even what is under way."""
        super().close()

    def _over(self, exchange: Watched) -> None:
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
