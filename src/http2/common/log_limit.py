"""What may be logged on behalf of a peer: one line a minute of each kind of trouble.

A log is the operator's. A peer could otherwise fill it at will, with a line for each connection
that speaks garbage or is reset; what matters is that there is such a peer, and how often it comes.
What the program's own code has raised is not concerned: that is logged each time, in full.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

__all__ = ["LogLimit"]

logger = logging.getLogger("http2")

# Peers and kinds of trouble that are remembered at a time: some 300 KB.
MOST = 2000
# Stands for all peers when there are too many to remember.
ANYBODY = ""


class LogLimit:
    """Lets the first line of a kind and peer through, and holds the others back for a while.

    Its memory is bounded: when more than *most* of them are within their *period* (seconds), all
    further peers count as one. *clock* returns seconds. Threads may share one.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, period: float = 60.0, most: int = MOST
    ) -> None:
        self._clock = clock
        self._period = period
        self._most = most
        self._lock = threading.Lock()
        # (kind, peer): until when, and how many were held back; the oldest first
        self._known: dict[tuple[str, str], tuple[float, int]] = {}

    def __len__(self) -> int:
        """How many kinds and peers are remembered."""
        return len(self._known)

    def forget(self) -> None:
        """Begin anew: the next line of every kind goes through."""
        with self._lock:
            self._known.clear()

    def admit(self, kind: str, peer: str) -> int:
        """How many lines were held back before this one, or -1 to hold this one back as well."""
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
            # at the end again: the order is that of time
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
        """Log *message* % *args* as a WARNING, or at DEBUG when its minute is not over.

        *kind* is one of few; *peer* an address without its port, None when it is not known.
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
"""The one of this process."""
