"""Self-signed certificates of the tests, as files; created without another program."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate and its key, as files."""

    cert: str
    key: str

    @classmethod
    def make(cls, folder: str | Path, name: str = "localhost") -> Certificate:
        """Create one for *name* in *folder*; that of localhost is also for 127.0.0.1."""
        made = cls(str(Path(folder) / "cert.pem"), str(Path(folder) / "key.pem"))
        names: list[x509.GeneralName] = [x509.DNSName(name)]
        if name == "localhost":
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        key = make_key(made.key)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        cert = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            # required by Python 3.13 for a trusted certificate
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
            .add_extension(x509.SubjectAlternativeName(names), False)
            .sign(key, hashes.SHA256())
        )
        Path(made.cert).write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        return made


def make_key(path: str | Path) -> rsa.RSAPrivateKey:
    """Write a new key to *path*."""
    key = rsa.generate_private_key(65537, 2048)
    _write(key, path, serialization.NoEncryption())
    return key


def lock_key(key: str, path: str | Path, password: bytes) -> None:
    """Write the key of the file *key* to *path*, encrypted with *password*."""
    read = serialization.load_pem_private_key(Path(key).read_bytes(), None)
    assert isinstance(read, rsa.RSAPrivateKey)
    _write(read, path, serialization.BestAvailableEncryption(password))


def _write(
    key: rsa.RSAPrivateKey, path: str | Path, encryption: serialization.KeySerializationEncryption
) -> None:
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    Path(path).write_bytes(encoded)
