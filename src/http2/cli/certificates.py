"""A replaced certificate, taken over on SIGHUP: no connection is lost for it."""

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
    """Load the certificate and the key of *config* again: connections to come are shown it.

    Raises `OSError` for a file, `ssl.SSLError` (an `OSError`, too) for what does not fit; then the
    old ones stay.
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
        # OpenSSL would ask the terminal
        return config.ssl_keyfile_password or ""

    # What is tried is what is loaded: ssl reads files alone, and those may change in between. This
    # one is its owner's, and is gone at the end of the block.
    with NamedTemporaryFile() as both:
        both.write(pem)
        both.flush()
        # a context is left with half of what does not fit
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(both.name, password=password)
        context.load_cert_chain(both.name, password=password)


def reload_on_hangup(config: uvicorn.Config, end: Callable[[], object]) -> None:
    """Have SIGHUP call `take_over`, or *end* when it tells of the end of the terminal.

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
        # the rest is done by the loop: between the steps of handshakes, and not in one
        if not loop.is_closed():
            loop.call_soon_threadsafe(heard)

    # as uvicorn does it with its own signals
    signal.signal(signal.SIGHUP, hear)


def has_terminal() -> bool:
    """Whether the standard input is a terminal, and is still there."""
    return sys.__stdin__ is not None and not sys.__stdin__.closed and sys.__stdin__.isatty()
