"""Certificates that replace each other, each from its own authority."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

import http2


@dataclass(frozen=True)
class Issued:
    """A certificate for localhost and 127.0.0.1, its key, and its issuer, as PEM."""

    cert: bytes
    key: bytes
    ca: bytes

    @classmethod
    def make(cls) -> Issued:
        """Create another one."""
        authority = trustme.CA()
        made = authority.issue_cert("localhost", "127.0.0.1")
        return cls(
            b"".join(pem.bytes() for pem in made.cert_chain_pems),
            made.private_key_pem.bytes(),
            authority.cert_pem.bytes(),
        )

    def write(self, cert: Path, key: Path) -> None:
        """Write it to the server's files, each atomically, as certbot does."""
        for path, data in ((cert, self.cert), (key, self.key)):
            new = path.with_suffix(".new")
            new.write_bytes(data)
            os.replace(new, path)

    @property
    def der(self) -> bytes:
        """The certificate, as clients get it."""
        return ssl.PEM_cert_to_DER_cert(self.cert.decode().partition("-----END")[0] + END)


END = "-----END CERTIFICATE-----\n"


def shown(session: http2.Http2Session) -> Any:
    """Return the certificate that the server of *session* has sent."""
    return session.socket.get_extra_info("ssl_object").getpeercert(binary_form=True)
