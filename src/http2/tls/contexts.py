"""Create TLS contexts from options, as RFC 9113 section 9.2 requires.

`ssl` is imported on demand, so that everything without TLS works without it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, cast

from ..common.emitter import logger
from ..errors import new_error

if TYPE_CHECKING:
    import ssl

    from .keywords import Password, Pem

__all__ = ["HTTP1", "client_context", "is_adequate", "server_context"]

# HTTP/1's names in ALPN (RFC 7301 section 6); the second is all that curl --http1.0 offers.
HTTP1 = ("http/1.1", "http/1.0")

# TLS 1.2 with forward secrecy and AEAD: the ciphers that appendix A of RFC 9113 permits.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20"


def is_adequate(connection: ssl.SSLObject) -> bool:
    """Return whether *connection* (an `ssl.SSLObject`) suits HTTP/2 (RFC 9113 section 9.2.2)."""
    version = connection.version()
    if version == "TLSv1.3":
        return True
    if version != "TLSv1.2":
        return False
    name, *_ = connection.cipher() or ("",)
    return name.startswith(("ECDHE-", "DHE-")) and any(
        aead in name for aead in ("-GCM-", "-CCM", "-CHACHA20-")
    )


def _path_or_text(value: Pem) -> tuple[str | None, bytes]:
    """Return *value* as a path, or None and *value* as PEM data."""
    if isinstance(value, (str, os.PathLike)) and not str(value).startswith("-----BEGIN"):
        return os.fspath(value), b""
    return None, value.encode() if isinstance(value, str) else bytes(cast("bytes", value))


class _PemFile:
    """A file with PEM *data* (bytes or a path), for functions of `ssl` that need a file."""

    def __init__(self, data: Pem) -> None:
        self.path: str = ""
        self._made = False
        path, text = _path_or_text(data)
        if path is not None:
            self.path = path
            return
        import tempfile

        descriptor, self.path = tempfile.mkstemp(suffix=".pem")
        self._made = True
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)

    def __enter__(self) -> str:
        return self.path

    def __exit__(self, *_: object) -> None:
        if self._made:
            with suppress(OSError):
                os.unlink(self.path)


def _check_pem(name: str, value: object) -> None:
    if not isinstance(value, (str, bytes, bytearray, memoryview, os.PathLike)):
        raise new_error("ERR_INVALID_ARG_TYPE", name, "a path or PEM bytes", value)


def _load_identity(
    context: ssl.SSLContext, cert: Pem, key: Pem | None, passphrase: Password | None
) -> None:
    _check_pem("cert", cert)
    if key is not None:
        _check_pem("key", key)
    what = _named("cert", cert)
    what += ", which must contain the key because key= is missing" if key is None else ""
    what += "" if key is None else f" and {_named('key', key)}"
    with _PemFile(cert) as cert_path, _PemFile(cert if key is None else key) as key_path:
        _check_there(cert_path, key_path)
        with _naming(what):
            context.load_cert_chain(cert_path, key_path, password=passphrase)


def _named(option: str, value: Pem) -> str:
    """Return the name of *option*'s *value* for messages: the file, never the bytes."""
    path, _ = _path_or_text(value)
    return f"{option}= (PEM data)" if path is None else f"{option}={path!r}"


def _check_there(*paths: str) -> None:
    """Raise the `OSError` of an unreadable file: OpenSSL does not name the file."""
    for path in paths:
        with open(path, "rb"):
            pass


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Add *what* was being loaded to the errors of `ssl`, which do not name the file."""
    import ssl

    try:
        yield
    except ssl.SSLError as error:
        told = type(error)(error.errno, f"{what}: {error.strerror or error}")
        told.library, told.reason = error.library, error.reason
        raise told from error


def _load_authorities(context: ssl.SSLContext, ca: Pem | Sequence[Pem]) -> None:
    entries = ca if isinstance(ca, (list, tuple)) else [cast("Pem", ca)]
    for entry in entries:
        _check_pem("ca", entry)
        path, text = _path_or_text(entry)
        if path is not None:
            _check_there(path)
        with _naming(_named("ca", entry)):
            if path is not None:
                context.load_verify_locations(cafile=path)
            else:
                context.load_verify_locations(cadata=text.decode("ascii"))


def _prepare(context: ssl.SSLContext) -> None:
    import ssl

    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION
    # RFC 9113 section 9.2.1: renegotiation must be off
    context.options |= ssl.OP_NO_RENEGOTIATION
    keys = "" if sys.flags.ignore_environment else os.environ.get("SSLKEYLOGFILE", "")
    if keys:
        try:
            context.keylog_filename = keys
        except OSError as error:
            # a debugging feature must not prevent a service from starting
            logger.warning("cannot log TLS keys: SSLKEYLOGFILE=%r: %s", keys, error.strerror)


def _own(
    given: object,
    side: Literal["client", "server"],
    protocols: Sequence[str],
    identity: dict[str, object],
) -> ssl.SSLContext:
    """Return the application's context *given*, which is never changed."""
    # imported on demand, like `ssl`
    from .own_context import check_own_context

    context = check_own_context(given, side, protocols)
    if identity:
        raise new_error("ERR_INVALID_ARG_VALUE", next(iter(identity)), "with ssl_context")
    return context


def server_context(options: dict[str, Any], protocols: Sequence[str] = ("h2",)) -> ssl.SSLContext:
    """Create the context of a server for *protocols*; remove its options from *options*.

    ``ssl_context``, which is never changed, or ``cert`` and ``key`` (paths or PEM),
    ``passphrase``, ``ca``, ``request_cert`` (False) and ``reject_unauthorized`` (True). Raises
    ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, `ssl.SSLError`, `OSError`.
    """
    import ssl

    given: object = options.pop("ssl_context", None)
    names = ("cert", "key", "passphrase", "ca", "request_cert", "reject_unauthorized")
    identity = {name: options.pop(name) for name in names if name in options}
    if given is not None:
        return _own(given, "server", protocols, identity)
    if identity.get("cert") is None:
        raise new_error("ERR_INVALID_ARG_TYPE", "cert", "a path or PEM bytes", None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _prepare(context)
    _load_identity(context, identity["cert"], identity.get("key"), identity.get("passphrase"))
    if identity.get("ca") is not None:
        _load_authorities(context, identity["ca"])
    if identity.get("request_cert", False):
        strict = identity.get("reject_unauthorized", True)
        context.verify_mode = ssl.CERT_REQUIRED if strict else ssl.CERT_OPTIONAL
    context.set_alpn_protocols(protocols)
    return context


def client_context(options: dict[str, Any]) -> ssl.SSLContext:
    """Create the context of a client; remove its options from *options*.

    ``ssl_context``, or ``ca`` (the system's authorities by default), ``cert`` and
    ``key``, ``passphrase``, and ``reject_unauthorized`` (True). Raises as
    `server_context`.
    """
    import ssl

    given: object = options.pop("ssl_context", None)
    names = ("ca", "cert", "key", "passphrase", "reject_unauthorized")
    identity = {name: options.pop(name) for name in names if name in options}
    if given is not None:
        return _own(given, "client", ["h2"], identity)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _prepare(context)
    if identity.get("ca") is not None:
        _load_authorities(context, identity["ca"])
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if identity.get("cert") is not None:
        _load_identity(context, identity["cert"], identity.get("key"), identity.get("passphrase"))
    if not identity.get("reject_unauthorized", True):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context
