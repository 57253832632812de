"""Implement ASGI's lifespan: the startup and shutdown of an application."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from .scope import VERSION
from .types import Application, Message

__all__ = ["Lifespan", "LifespanError"]

logger = logging.getLogger("http2.asgi")

# Seconds that an application has after its last message, and again after it was cancelled.
PATIENCE = 1.0


class LifespanError(RuntimeError):
    """The application could not start or shut down, or took too long."""


class Lifespan:
    """The startup and the shutdown of *app*; requests get copies of *state*."""

    def __init__(self, app: Application, state: dict[str, Any]) -> None:
        self._app = app
        self._state = state
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        # whether the application supports lifespans
        self._started = False

    async def startup(self, timeout: float | None) -> None:
        """Start the application. Raises `LifespanError`.

        An application that raises does not support lifespans, and is served without one.
        """
        self._task = asyncio.create_task(self._run())
        answer = await self._ask("startup", timeout)
        if answer is None:
            self._task = None
        elif answer["type"] == "lifespan.startup.failed":
            await self._end()
            raise LifespanError(_said("the application failed to start", answer))

    async def shutdown(self, timeout: float | None) -> None:
        """Shut down the application. Raises `LifespanError` if it fails, or takes too long."""
        if self._task is None:
            return
        if self._task.done():
            self._task = None
            return
        answer = await self._ask("shutdown", timeout)
        await self._end()
        if answer is not None and answer["type"] == "lifespan.shutdown.failed":
            raise LifespanError(_said("the application failed to shut down", answer))

    async def _ask(self, what: str, timeout: float | None) -> Message | None:
        """Send ``lifespan.<what>``; return the answer, or None if the application has ended."""
        task = self._task
        assert task is not None
        self._to_app.put_nowait({"type": f"lifespan.{what}"})
        answer = asyncio.create_task(self._from_app.get())
        try:
            await asyncio.wait((answer, task), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            if not task.done():
                await self._end()
                raise LifespanError(f"the application's {what} took longer than {timeout:g} s")
            return None if self._from_app.empty() else self._from_app.get_nowait()
        except asyncio.CancelledError:
            # no further messages will be sent to the application
            self._task = None
            task.cancel()
            raise
        finally:
            answer.cancel()

    async def _end(self) -> None:
        """End the application's task."""
        task, self._task = self._task, None
        if task is not None:
            # its code may continue after its last message
            try:
                done, _ = await asyncio.wait((task,), timeout=PATIENCE)
            except asyncio.CancelledError:
                task.cancel()
                raise
            if not done:
                task.cancel()
                await asyncio.wait((task,), timeout=PATIENCE)

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": VERSION, "spec_version": "2.0"},
            "state": self._state,
        }
        try:
            await self._app(scope, self._to_app.get, self._send)
        except Exception as error:
            if self._started:
                logger.error("exception in the application's lifespan", exc_info=error)
            else:
                logger.debug("the application does not support the lifespan: %r", error)

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if not kind.startswith(("lifespan.startup.", "lifespan.shutdown.")):
            raise RuntimeError(f"unexpected ASGI message {kind!r}: not allowed in the lifespan")
        self._started = True
        self._from_app.put_nowait(message)


def _said(what: str, answer: Message) -> str:
    message = answer.get("message", "")
    return f"{what}: {message}" if message else what
