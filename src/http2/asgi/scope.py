"""Create the scope of a request, and the parts of it that a connection shares."""

from __future__ import annotations

import ssl
from typing import Any

__all__ = ["FORWARDED", "SPEC_VERSION", "VERSION", "tls_extension"]

VERSION = "3.0"
# 2.4: `send` raises OSError after a disconnect. 2.5: a WebSocket's end has a reason.
SPEC_VERSION = "2.5"

# Fields that proxies add, about the client's connection to them.
FORWARDED = (
    "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"
)  # fmt: skip

_TLS_VERSIONS = {"TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}

# Attribute types by the names that RFC 4514 section 3 gives them.
_SHORT_NAMES = {
    "commonName": "CN",
    "countryName": "C",
    "domainComponent": "DC",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "stateOrProvinceName": "ST",
    "streetAddress": "STREET",
    "userId": "UID",
}


def _escaped(value: str) -> str:
    """Return *value* with the escapes of RFC 4514 section 2.4."""
    text = "".join("\\" + char if char in '",+;<>\\' else char for char in value)
    if text[:1] in ("#", " "):
        text = "\\" + text
    if len(value) > 1 and text.endswith(" "):
        text = text[:-1] + "\\ "
    return text


def _distinguished_name(certificate: dict[str, Any]) -> str:
    """Return the subject of *certificate* in RFC 4514's form: the most specific part first."""
    return ",".join(
        "+".join(f"{_SHORT_NAMES.get(kind, kind)}={_escaped(value)}" for kind, value in part)
        for part in reversed(certificate.get("subject", ()))
    )


def tls_extension(tls: Any) -> dict[str, Any]:
    """Return the extension ``tls`` of a connection, from its `ssl.SSLObject`.

    Python does not report which certificate the server has sent, and before 3.13 only the first
    certificate of the client's chain.
    """
    chain: list[str] = []
    name: str | None = None
    certificate = tls.getpeercert(True)
    if certificate:
        chain.append(ssl.DER_cert_to_PEM_cert(certificate))
        name = _distinguished_name(tls.getpeercert() or {})
    version = _TLS_VERSIONS.get(tls.version())
    cipher = tls.cipher()
    suite: int | None = None
    if cipher is not None:
        for known in tls.context.get_ciphers():
            if known["name"] == cipher[0]:
                suite = known["id"] & 0xFFFF
    return {
        "server_cert": None,
        "client_cert_chain": chain,
        "client_cert_name": name,
        "client_cert_error": None,
        "tls_version": version,
        "cipher_suite": suite,
    }
