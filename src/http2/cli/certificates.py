"""Reload a replaced certificate on SIGHUP, without losing a connection."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
import sys
from collections.abc import Callable
from tempfile import NamedTemporaryFile

import uvicorn

__all__ = ["reload_on_hangup", "take_over"]

logger = logging.getLogger("uvicorn.error")


def take_over(config: uvicorn.Config) -> None:
    """Load the certificate and the key of *config* again, for new connections.

    Raises `OSError` for a file, `ssl.SSLError` (also an `OSError`) if they do not match; then the
    old ones are kept.
    """
    context = config.ssl
    assert context is not None
    assert config.ssl_certfile is not None
    pem = b""
    for path in (config.ssl_keyfile, config.ssl_certfile):
        if path is not None:
            with open(path, "rb") as file:
                pem += file.read() + b"\n"

    def password() -> str:
        # OpenSSL would prompt on the terminal
        return config.ssl_keyfile_password or ""

    # Check and load the same data: ssl reads only files, which may change in between. This
    # one is private, and removed at the end of the block.
    with NamedTemporaryFile() as both:
        both.write(pem)
        both.flush()
        # after an error, a context may have only half of the new data
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(both.name, password=password)
        context.load_cert_chain(both.name, password=password)


def reload_on_hangup(config: uvicorn.Config, end: Callable[[], object]) -> None:
    """Make SIGHUP call `take_over`, or *end* if the terminal was closed.

    Called in the loop that serves.
    """
    loop = asyncio.get_running_loop()
    terminal = has_terminal()

    def heard() -> None:
        if terminal and not has_terminal():
            end()
            return
        try:
            take_over(config)
        except OSError as error:
            logger.error("Certificate not reloaded, the server keeps the old one: %s", error)
        else:
            logger.info("Certificate reloaded: %s", os.fspath(config.ssl_certfile or ""))

    def hear(*_: object) -> None:
        # the loop does the rest, between the steps of handshakes
        if not loop.is_closed():
            loop.call_soon_threadsafe(heard)

    # as uvicorn does it with its own signals
    signal.signal(signal.SIGHUP, hear)


def has_terminal() -> bool:
    """Return whether the standard input is a terminal that still exists."""
    return sys.__stdin__ is not None and not sys.__stdin__.closed and sys.__stdin__.isatty()
