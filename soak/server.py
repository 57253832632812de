"""The server process: four servers, on the Core and the Compatibility API, with and without TLS."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import http2

from .compat_handlers import on_request
from .core_handlers import on_stream
from .faults import Faults
from .station import Station, run
from .windows import incomplete

__all__: list[str] = []

# Seconds that sessions have to close at the end.
CLOSING = 5


async def main(options: dict[str, Any]) -> None:
    """Serve until the command to stop."""
    station = Station("server")
    faults = Faults(options["faults"])
    block = Path(options["block"])
    identity = {"cert": options["cert"], "key": options["key"]}
    # Most programs use the default options, so these are tested.
    servers: dict[str, http2.Http2Server] = {
        "core": http2.create_server(),
        "core-tls": http2.create_secure_server(**identity),
        "compat": http2.create_server(allow_http1=True),
        "compat-tls": http2.create_secure_server(**identity, allow_http1=True),
    }
    sessions: weakref.WeakSet[http2.ServerHttp2Session] = weakref.WeakSet()
    for name, server in servers.items():
        server.on("session", sessions.add)
        if name.startswith("core"):
            server.on("stream", on_stream(faults, block))
        else:
            server.on("request", on_request(faults, block))
        await server.listen(0, "127.0.0.1")

    async def ports() -> dict[str, Any]:
        return {"ports": {name: server.address()[1] for name, server in servers.items()}}

    async def windows() -> None:
        for session in list(sessions):
            if not session.closed and (wrong := incomplete(session)):
                station.ledger.problem("window", wrong)

    async def open_sessions() -> dict[str, Any]:
        return {"sessions": sum(not session.destroyed for session in sessions)}

    async def close() -> None:
        for server in servers.values():
            await server.close(timeout=CLOSING)

    station.commands |= {
        "ports": ports,
        "windows": windows,
        "sessions": open_sessions,
        "close": close,
    }
    await station.obey()


if __name__ == "__main__":
    run(main)
