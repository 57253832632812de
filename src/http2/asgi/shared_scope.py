"""Hold the data that all requests of one connection share in their scopes."""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from typing import Any

from ..common.tasks import Work, run
from .scope import SPEC_VERSION, VERSION, tls_extension
from .types import Application, Scope

__all__ = ["SharedScope"]

logger = logging.getLogger("http2.asgi")


class SharedScope:
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
        self.loop = asyncio.get_running_loop()
        self.http_version = http_version
        self.tasks = tasks
        self.state = state
        self.root_path = root_path
        tls = socket.get_extra_info("ssl_object")
        self.extensions: dict[str, Any] = {
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
        self.base: dict[str, Any] = {
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

    def scope(self, method: str, path: str, raw: str, query: bytes, headers: object) -> Scope:
        """Return the scope of a request: a new dict, copied as deep as applications change it."""
        root = self.root_path
        scope = self.base.copy()
        scope["asgi"] = {"version": VERSION, "spec_version": SPEC_VERSION}
        scope["method"] = method.upper()
        scope["path"] = root + path
        scope["raw_path"] = (root + raw).encode("latin-1") if root else raw.encode("latin-1")
        scope["query_string"] = query
        scope["headers"] = headers
        scope["state"] = self.state.copy()
        scope["extensions"] = self.extensions.copy()
        return scope

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

    def added(self) -> tuple[list[tuple[bytes, bytes]] | None, bool]:
        """Return the fields that precede the application's, and whether ``date`` is sent."""
        return None, True

    def responding(self, scope: Scope, status: int) -> None:
        """Handle the beginning of a response with *status*."""

    def responded(self) -> None:
        """Handle a complete response."""

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
