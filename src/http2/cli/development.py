"""Create a certificate for development, which is never written to a permanent file."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from tempfile import NamedTemporaryFile

import trustme

from ..uvicorn import Http2Protocol
from .listening import Addresses


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, as uvicorn's `ssl_context_factory`; workers get a copy."""

    pem: bytes

    @classmethod
    def make(cls, addresses: Addresses) -> Certificate:
        """Create a certificate for *addresses* and localhost."""
        names = ["localhost", "127.0.0.1", "::1"]
        names += [host for host in addresses.hosts if host not in names and is_address(host)]
        if addresses.name is not None and addresses.name not in names:
            names.append(addresses.name)
        made = trustme.CA().issue_cert(*names)
        return cls(made.private_key_and_cert_chain_pem.bytes())

    def __call__(self, config: object, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        """Create the context of a server."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.set_alpn_protocols(Http2Protocol.alpn_protocols)
        # ssl reads only files; this one is private, and removed at the end of the block
        with NamedTemporaryFile() as file:
            file.write(self.pem)
            file.flush()
            context.load_cert_chain(file.name)
        return context


def is_address(host: str) -> bool:
    """Return whether a certificate can contain it: addresses with a zone are not allowed."""
    try:
        return not getattr(ip_address(host), "scope_id", None)
    except ValueError:
        return False
