"""Run uvicorn on sockets that are already open, and print how to reach the server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
import traceback
from functools import partial
from types import FrameType, TracebackType
from typing import Any

import click
import uvicorn
from uvicorn.config import STARTUP_FAILURE, create_ssl_context
from uvicorn.lifespan.on import LifespanOn
from uvicorn.supervisors import ChangeReload, Multiprocess

from .certificates import reload_on_hangup
from .development import Certificate
from .listening import Addresses

HTTP = "http2.uvicorn:Http2Protocol"

logger = logging.getLogger("uvicorn.error")

# Seconds that connections have to end after their applications were cancelled, and seconds
# between two checks of them.
LAST_MOMENT, A_MOMENT = 0.5, 0.02


class Config(uvicorn.Config):
    """uvicorn's configuration with this library's protocol, and with short error messages."""

    clear_port: int | None = None
    """The port that serves without TLS, beside those with TLS."""

    def __init__(self, app: object, **options: object) -> None:
        super().__init__(app, http=HTTP, **options)  # type: ignore[arg-type]

    def check_tls(self) -> None:
        """Check the certificate now, before a worker fails because of it."""
        for flag, path in (
            ("--ssl-certfile", self.ssl_certfile),
            ("--ssl-keyfile", self.ssl_keyfile),
            ("--ssl-ca-certs", self.ssl_ca_certs),
        ):
            if path and not os.path.isfile(path):
                raise click.ClickException(f"{flag}: file not found: {os.fspath(path)}")
        if self.ssl_keyfile and not self.ssl_certfile:
            raise click.ClickException("--ssl-keyfile needs --ssl-certfile as well")
        if self.ssl_certfile:
            try:
                create_ssl_context(
                    keyfile=self.ssl_keyfile,
                    certfile=self.ssl_certfile,
                    password=self.ssl_keyfile_password,
                    ssl_version=self.ssl_version,
                    cert_reqs=self.ssl_cert_reqs,
                    ca_certs=self.ssl_ca_certs,
                    ciphers=self.ssl_ciphers,
                )
            except (OSError, ValueError) as error:
                what = f"cannot set up TLS with {os.fspath(self.ssl_certfile)}"
                reason = getattr(error, "reason", None) or error
                raise click.ClickException(
                    f"{what}: {reason}; it must contain a certificate, and --ssl-keyfile its key"
                ) from None

    def load(self) -> None:
        """Import the application; if that fails, print the application's part of the traceback."""
        try:
            super().load()
        except Exception as error:
            traceback.print_exception(type(error), error, own_frames(error.__traceback__))
            sys.exit(STARTUP_FAILURE)


def own_frames(frames: TracebackType | None) -> TracebackType | None:
    """Return *frames* without those of this command, uvicorn and the import system.

    None for a syntax error: the error itself says where it is.
    """
    skipped = (os.path.dirname(__file__), os.path.dirname(uvicorn.__file__))
    while frames is not None:
        name = frames.tb_frame.f_code.co_filename
        imports = frames.tb_frame.f_globals.get("__name__", "").partition(".")[0] == "importlib"
        if not (imports or name.startswith((*skipped, "<frozen importlib"))):
            break
        frames = frames.tb_next
    return frames


class Server(uvicorn.Server):
    """uvicorn's server. It prints *lines* once it serves, and a signal also ends its startup."""

    config: Config
    # the loop while the application starts
    _starting: asyncio.AbstractEventLoop | None = None

    def __init__(self, config: Config, lines: list[str]) -> None:
        super().__init__(config)
        self._lines = lines

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal also during startup; uvicorn would wait until the startup is complete."""
        super().handle_exit(sig, frame)
        if self._starting is not None:
            self._starting.call_soon_threadsafe(self._give_up)

    def _give_up(self) -> None:
        lifespan = self.lifespan
        if isinstance(lifespan, LifespanOn) and not lifespan.startup_event.is_set():
            logger.error("Stopped before the application's startup was complete.")
            lifespan.startup_failed = True
            lifespan.startup_event.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print the lines."""
        clear = [sock for sock in sockets or () if self._is_clear(sock)]
        self._starting = asyncio.get_running_loop()
        try:
            await super().startup(sockets and [sock for sock in sockets if sock not in clear])
        finally:
            self._starting = None
        if self.started:
            await self._serve_clear(clear)
            if self._lines:
                # the main process, not the one that --reload restarts
                if self.config.ssl_certfile:
                    reload_on_hangup(self.config, self._lose_terminal)
                say(self._lines)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down, and close every connection.

        uvicorn cancels applications that take too long, and then stops: their last bytes would stay
        unsent, and their connections open.
        """
        await super().shutdown(sockets)
        left: set[Any] = set(self.server_state.connections)
        loop = asyncio.get_running_loop()
        end = loop.time() + LAST_MOMENT
        # uvicorn's set: no event says when it is empty
        while self.server_state.connections and loop.time() < end:  # noqa: ASYNC110
            await asyncio.sleep(A_MOMENT)
        for connection in left & self.server_state.connections:
            connection.transport.abort()
        if left:
            # let the loop close them
            await asyncio.sleep(A_MOMENT)

    def _is_clear(self, sock: socket.socket) -> bool:
        port = self.config.clear_port
        return port is not None and sock.getsockname()[1] == port

    async def _serve_clear(self, sockets: list[socket.socket]) -> None:
        """Listen on *sockets* like uvicorn, but without TLS; uvicorn closes them."""
        loop = asyncio.get_running_loop()
        protocol: Any = self.config.http_protocol_class
        make = partial(
            protocol,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        for sock in sockets:
            listener = await loop.create_server(make, sock=sock, backlog=self.config.backlog)
            self.servers.append(listener)

    def _lose_terminal(self) -> None:
        self.should_exit = True


def run(
    config: Config,
    sockets: list[socket.socket],
    addresses: Addresses,
    clear: Addresses | None,
    *,
    name: str,
    app_dir: str,
) -> None:
    """Serve until a signal, in this process or in those that uvicorn starts."""
    sys.path.insert(0, app_dir)
    lines = introduction(config, addresses, clear, name)
    started = True
    try:
        if config.should_reload or config.workers > 1:
            for sock in sockets:
                sock.set_inheritable(True)
            say(lines)
            if config.should_reload:
                target = Server(config, []).run
                ChangeReload(config, target=target, sockets=sockets).run()
            else:
                supervisor = Multiprocess(config, sockets=sockets)
                supervisor.run()
                exits = [process.exitcode for process in supervisor.processes]
                started = STARTUP_FAILURE not in exits
        else:
            server = Server(config, lines)
            server.run(sockets)
            started = server.started
    except KeyboardInterrupt:
        # uvicorn has closed everything, and has raised the signal again
        pass
    finally:
        for sock in sockets:
            sock.close()
        if config.uds:
            with contextlib.suppress(FileNotFoundError):
                os.remove(config.uds)
    if not started:
        sys.exit(STARTUP_FAILURE)


def say(lines: list[str]) -> None:
    """Print *lines* and flush, also into a pipe."""
    click.echo("\n".join(lines))
    sys.stdout.flush()


def introduction(
    config: Config, addresses: Addresses, clear: Addresses | None, name: str
) -> list[str]:
    """Return the five lines: what is served, where, over which protocols, and how to try it."""
    tls = config.is_ssl
    urls = addresses.urls("https" if tls else "http")
    where = " ".join(urls) if addresses.uds is None else f"Unix socket {addresses.uds}"
    curl = "curl" if addresses.uds is None else f"curl --unix-socket {addresses.uds}"
    if isinstance(config.ssl_context_factory, Certificate):
        protocols = (
            "HTTP/2 and HTTP/1.1 over TLS, with a development certificate made by trustme, "
            "which browsers warn about"
        )
    elif tls:
        protocols = "HTTP/2 and HTTP/1.1 over TLS, by ALPN"
    else:
        protocols = "HTTP/2 with prior knowledge, HTTP/1.1; browsers need TLS for HTTP/2: --dev-tls"
    if clear is not None:
        where += " " + " ".join(clear.urls("http"))
        protocols += "; in the clear HTTP/2 with prior knowledge, HTTP/1.1"
    http2, insecure = ("--http2", "-k ") if tls else ("--http2-prior-knowledge", "")
    return [
        f"http2 serves {name}; Ctrl-C ends it.",
        f"  addresses  {where}",
        f"  protocols  {protocols}",
        f"  try        {curl} {insecure}{http2} {urls[0]}",
        f"             {curl} {insecure}--http1.1 {urls[0]}",
    ]
