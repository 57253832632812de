"""Limit log lines that peers cause: at most one per minute for each kind of error and peer.

Otherwise a peer could fill the operator's log with a line for each connection
that sends garbage or is reset; it is enough to log that there is such a peer, and how often.
Exceptions of the application's code are not limited: each is logged in full.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

__all__ = ["LogLimit"]

logger = logging.getLogger("http2")

# Number of peers and kinds that are stored at a time: about 300 KB.
MOST = 2000
# Represents all peers when there are too many to store.
ANYBODY = ""


class LogLimit:
    """Admits the first line of a kind and peer, and suppresses further ones for a while.

    Its memory is bounded: if more than *most* of them are within their *period* (seconds), all
    further peers count as one. *clock* returns seconds. It is thread-safe.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, period: float = 60.0, most: int = MOST
    ) -> None:
        self._clock = clock
        self._period = period
        self._most = most
        self._lock = threading.Lock()
        # (kind, peer): the end of the period, and the number of suppressed lines; oldest first
        self._known: dict[tuple[str, str], tuple[float, int]] = {}

    def __len__(self) -> int:
        """Return the number of stored kinds and peers."""
        return len(self._known)

    def forget(self) -> None:
        """Start again: admit the next line of every kind."""
        with self._lock:
            self._known.clear()

    def admit(self, kind: str, peer: str) -> int:
        """Return the number of suppressed lines before this one, or -1 to suppress this one too."""
        now = self._clock()
        with self._lock:
            key = (kind, peer)
            if key not in self._known and len(self._known) >= self._most:
                self._drop_old(now)
                if len(self._known) >= self._most:
                    key = (kind, ANYBODY)
            until, held = self._known.get(key, (now, 0))
            if now < until:
                self._known[key] = (until, held + 1)
                return -1
            # move it to the end: the order is by time
            self._known.pop(key, None)
            self._known[key] = (now + self._period, 0)
            return held

    def _drop_old(self, now: float) -> None:
        while self._known:
            oldest = next(iter(self._known))
            if self._known[oldest][0] > now:
                break
            del self._known[oldest]

    def warn(self, kind: str, peer: str | None, message: str, *args: object) -> None:
        """Log *message* % *args* as a WARNING, or at DEBUG if its period is not over.

        *kind* is one of a few; *peer* is an address without its port, or None if unknown.
        """
        held = self.admit(kind, peer or ANYBODY)
        if peer:
            message += ", peer %s"
            args = (*args, peer)
        if held < 0:
            logger.debug(message, *args, stacklevel=2)
        elif held:
            more = "%s (and %s more in the last minute)"
            logger.warning(more, message % args, f"{held:,}", stacklevel=2)
        else:
            logger.warning(message, *args, stacklevel=2)


limit = LogLimit()
"""The instance of this process."""
