"""Types of the options for TLS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    import os
    import ssl

__all__ = ["Identity", "Password", "Pem", "SecureContextOptions"]

Pem: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview"
"""A path, or PEM data."""

Password: TypeAlias = str | bytes | bytearray | Callable[[], str | bytes | bytearray]
"""A passphrase, or a function that returns one."""


class Identity(TypedDict, total=False):
    """The certificate of one side of TLS, and the authorities that it trusts."""

    ssl_context: ssl.SSLContext
    """The application's own context, instead of all other options."""
    cert: Pem
    """This side's certificate chain."""
    key: Pem
    """Its private key, unless `cert` contains it."""
    passphrase: Password
    """The passphrase of the key."""
    ca: Pem | Sequence[Pem]
    """The authorities that are trusted for the peer's certificate."""
    reject_unauthorized: bool
    """Whether a peer without a valid certificate is refused."""


class SecureContextOptions(Identity, total=False):
    """The keywords of `Http2SecureServer.set_secure_context`."""

    request_cert: bool
    """Whether the server requests a certificate from clients."""
