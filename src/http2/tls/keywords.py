"""The keywords of TLS, as types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    import os
    import ssl

__all__ = ["Identity", "Password", "Pem", "SecureContextOptions"]

Pem: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview"
"""A path, or PEM itself."""

Password: TypeAlias = str | bytes | bytearray | Callable[[], str | bytes | bytearray]
"""A passphrase, or what gives one."""


class Identity(TypedDict, total=False):
    """Who one side of TLS is, and whom it believes."""

    ssl_context: ssl.SSLContext
    """A context made elsewhere, instead of all the others."""
    cert: Pem
    """Our certificate chain."""
    key: Pem
    """Its private key, unless `cert` holds it."""
    passphrase: Password
    """What the key is encrypted with."""
    ca: Pem | Sequence[Pem]
    """Who may vouch for the peer."""
    reject_unauthorized: bool
    """Whether a peer without a valid certificate is refused."""


class SecureContextOptions(Identity, total=False):
    """The keywords of `Http2SecureServer.set_secure_context`."""

    request_cert: bool
    """Whether clients are asked for a certificate."""
