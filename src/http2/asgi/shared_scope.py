"""Hold the data that all requests of one connection share in their scopes."""

from __future__ import annotations

import asyncio
import inspect
import logging
from contextvars import Context
from typing import Any

from ..common.tasks import Work, run
from ..field_pairs import PairMemory
from .exchange import Exchange
from .scope import tls_extension
from .steps import SharedScopeBase
from .types import Application, Scope

__all__ = ["SharedScope", "only_creates"]

logger = logging.getLogger("http2.asgi")


def only_creates(app: Application) -> bool:
    """Return whether a call of *app* only creates a coroutine, and runs no code before."""
    function: object = app
    if not (inspect.isfunction(app) or inspect.ismethod(app)):
        function = type(app).__call__
    elif inspect.ismethod(app):
        function = app.__func__
    return inspect.isfunction(function) and bool(function.__code__.co_flags & inspect.CO_COROUTINE)


class SharedScope(SharedScopeBase):
    """An application and a connection whose requests it serves.

    *socket* has ``get_extra_info``: a transport, or a session's ``socket``. *state* is
    the lifespan's state: each request gets a copy. *tasks* are the running applications.
    """

    def __init__(
        self,
        app: Application,
        socket: Any,
        *,
        http_version: str,
        root_path: str,
        state: dict[str, Any],
        tasks: set[asyncio.Task[None]],
        client: tuple[str, int] | None,
        server: tuple[str, int | None] | None,
        push: bool = False,
    ) -> None:
        self.app = app
        self.exchange_class = Exchange
        self._direct = only_creates(app)
        self._memory = PairMemory() if http_version == "2" else None
        self.loop = asyncio.get_running_loop()
        self.http_version = http_version
        self.tasks = tasks
        self.state = state
        self.root_path = root_path
        tls = socket.get_extra_info("ssl_object")
        self.extensions = {
            "http.response.trailers": {},
            "http.response.early_hint": {},
            "http.response.pathsend": {},
            "http.response.zerocopysend": {},
        }
        if push:
            self.extensions["http.response.push"] = {}
        if tls is not None:
            self.extensions["tls"] = tls_extension(tls)
        # with every key of a scope, so that a copy never grows
        self.base = {
            "type": "http",
            "asgi": None,
            "http_version": http_version,
            "scheme": "http" if tls is None else "https",
            "root_path": root_path,
            "client": client,
            "server": server,
            "method": None,
            "path": None,
            "raw_path": None,
            "query_string": None,
            "headers": None,
            "state": None,
            "extensions": None,
        }

    def run(self, work: Work[None], context: Context | None) -> None:
        """Run *work*, which calls the application, in *context*, or in a copy of the current one.

        *work* handles all exceptions.
        """
        loop = self.loop
        try:
            task = run(work, loop) if context is None else context.run(run, work, loop)
        except asyncio.CancelledError:
            # not cancelled by the server: the application has raised it
            return
        if task is not None:
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def opened(self, scope: Scope, status: int) -> None:
        """Handle the answer for a WebSocket: 101 if accepted, or the *status* of a refusal."""

    def failed(self, scope: Scope, message: str, error: BaseException | None) -> None:
        """Log an application's error."""
        client = scope["client"]
        logger.error(
            "%s: %s %r, client %s",
            message,
            scope.get("method", "WebSocket"),
            scope["path"][:200],
            client[0] if client else "unknown",
            exc_info=error,
        )
