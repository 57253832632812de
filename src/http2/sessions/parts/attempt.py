"""`Attempt`: a client's session while its connection is being established."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...common.futures import fail, wait_among, wake
from ..options import SessionOptions, engine_connection

if TYPE_CHECKING:
    from ...engine.connection import Connection as Engine
    from ...headers import OutgoingHeaders

__all__ = ["Attempt"]


class Attempt:
    """The task that makes the connection, and the callers that wait for it."""

    __slots__ = ("_awaited", "_checker", "_taken", "_waiters", "dial", "error")

    def __init__(self) -> None:
        self.dial: asyncio.Task[None] | None = None
        self.error: BaseException | None = None
        """The reason why there is no connection."""
        self._waiters: list[asyncio.Future[None]] | None = None
        # The number of callers that wait for the connection, and whether one has got the session.
        self._awaited = 0
        self._taken = False
        self._checker: Engine | None = None

    async def wait(self, give_up: Callable[[], object]) -> None:
        """Wait for the end of the attempt; call *give_up* if the last caller is cancelled."""
        if self._waiters is None:
            self._waiters = []
        self._awaited += 1
        try:
            await wait_among(self._waiters)
            self._taken = True
        except asyncio.CancelledError:
            if self._awaited == 1 and not self._taken:
                # The last waiting caller was cancelled, perhaps in the same turn of the loop in
                # which the connection was established. `await connect(…)` has no other reference
                # to the session.
                give_up()
            raise
        finally:
            self._awaited -= 1

    def succeeded(self) -> None:
        """Wake all callers that wait: the connection is established."""
        waiters, self._waiters = self._waiters, None
        wake(waiters, None)
        self._checker = None

    def failed(self, error: BaseException) -> bool:
        """Raise *error* in all callers that wait; return whether there was one."""
        waiters, self._waiters = self._waiters, None
        return fail(waiters, error)

    def needs_no_body(
        self,
        options: SessionOptions,
        headers: OutgoingHeaders | None,
        authority: str,
        scheme: str,
        end_stream: bool | None,
    ) -> bool:
        """Check *headers* before the connection exists; return whether they need no body."""
        if self._checker is None:
            self._checker = engine_connection(options, True)
        return self._checker.check_request(headers, authority, scheme, end_stream)[1]
