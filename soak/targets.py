"""The client's targets: one long-lived session for each server, and short ones."""

from __future__ import annotations

import asyncio
from typing import Any

import http2

from .ledger import Ledger
from .payload import Wrong, check
from .windows import incomplete

__all__ = ["Target"]


class Target:
    """A server, of this library (``core``, ``compat``) or another (``node``, ``nghttpd``)."""

    def __init__(self, name: str, port: int, ca: str, ledger: Ledger) -> None:
        self.name = name
        self.kind = name.removesuffix("-tls")
        self.port = port
        self.tls = name.endswith("-tls")
        self.promises: dict[str, asyncio.Future[int]] = {}
        self._ca = ca
        self._ledger = ledger
        self._session: http2.ClientHttp2Session | None = None

    def connect(self, **options: Any) -> http2.ClientHttp2Session:
        """Return a new session, which belongs to the caller."""
        if self.tls:
            options["ca"] = self._ca
        scheme = "https" if self.tls else "http"
        return http2.connect(f"{scheme}://localhost:{self.port}", family=2, **options)

    async def session(self) -> http2.ClientHttp2Session:
        """Return the long-lived session, created at the first call. Its end is a problem."""
        session = self._session
        if session is None:
            session = self._session = self.connect()
            session.on("stream", self._take)
            session.on("error", lambda error: self._lost(session, repr(error)))
            session.on("close", lambda: self._lost(session, f"GOAWAY {session.goaway_code}"))
        return await session

    def _lost(self, session: http2.ClientHttp2Session, why: str) -> None:
        if self._session is session:
            self._session = None
            self._ledger.problem("session", f"the session with {self.name} has ended: {why}")

    async def _take(self, pushed: http2.ClientHttp2Stream, request: http2.Headers) -> None:
        """Read a pushed response if it is wanted, refuse it otherwise."""
        query = dict(pair.split("=") for pair in request[":path"].partition("?")[2].split("&"))
        wanted = self.promises.get(query["token"])
        if wanted is None or wanted.done():
            pushed.close(http2.constants.NGHTTP2_CANCEL)
            return
        try:
            await pushed.response()
            body = await pushed.read()
            at, size = int(query["at"]), int(query["size"])
            result = check(f"push from {self.name}", body, at, size)
        except (http2.Http2Error, OSError, Wrong) as error:
            if not wanted.done():
                wanted.set_exception(error)
        else:
            if not wanted.done():
                wanted.set_result(result)

    def look(self) -> None:
        """Check, while there is no traffic, that the connection's window is complete."""
        if self._session is not None and (wrong := incomplete(self._session)):
            self._ledger.problem("window", f"{self.name}: {wrong}")

    async def close(self) -> None:
        """Close the long-lived session; destroy it after a time-out."""
        session, self._session = self._session, None
        if session is not None:
            try:
                await session.close()
            finally:
                session.destroy()
