"""`AbortSignal`: an awaitable whose completion aborts a request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ...common.futures import retrieve

__all__ = ["AbortSignal"]


class AbortSignal:
    """Calls *abort* when *signal* completes, unless it is cancelled before."""

    __slots__ = ("_abort", "_future", "_owned")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        signal: Awaitable[object],
        abort: Callable[[], object],
    ) -> None:
        self._abort = abort
        self._future: asyncio.Future[object] = asyncio.ensure_future(signal, loop=loop)
        # the task of a coroutine is cancelled here; a future belongs to the caller
        self._owned = self._future is not signal
        self._future.add_done_callback(self._completed)

    def _completed(self, future: asyncio.Future[object]) -> None:
        retrieve(future)
        self._abort()

    def cancel(self) -> None:
        """Do not wait for the signal any longer: the request has ended."""
        self._future.remove_done_callback(self._completed)
        if self._owned:
            self._future.cancel()
