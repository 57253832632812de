"""`Http2SecureServer`: a server over TLS, whose certificate can be replaced while it serves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

from ..common.suggestions import reject_unknown
from ..errors import new_error
from ..sessions.options import SessionOptions
from ..tls.contexts import server_context
from ..tls.keywords import SecureContextOptions
from .server import Http2Server

if TYPE_CHECKING:
    from ..listening import SecureServerEvents

__all__ = ["IDENTITY", "Http2SecureServer"]

# The options that make a server's context.
IDENTITY = tuple(SecureContextOptions.__annotations__)

# These are one: another certificate has another key.
PAIR = ("ssl_context", "cert", "key", "passphrase")


class Http2SecureServer(Http2Server):
    """A server that speaks HTTP/2 over TLS, chosen by ALPN (``h2``).

    Further events: ``tls_client_error(error, socket)``, with a `HandshakeSocket`: a connection
    that has ended before its TLS handshake was complete; ``unknown_protocol(socket)``, with an
    `UnknownProtocolSocket`: a client that did not use ALPN. Without a listener it gets status 403
    in HTTP/1.1.
    """

    if TYPE_CHECKING:  # the listeners' arguments by event
        on: SecureServerEvents  # type: ignore[assignment]
        once: SecureServerEvents  # type: ignore[assignment]
        add_listener: SecureServerEvents  # type: ignore[assignment]
        prepend_listener: SecureServerEvents  # type: ignore[assignment]
        prepend_once_listener: SecureServerEvents  # type: ignore[assignment]

    def __init__(
        self,
        options: SessionOptions,
        identity: dict[str, Any],
        protocols: Sequence[str],
        max_connections: int | None = None,
    ) -> None:
        super().__init__(options, max_connections)
        self.tls_context = server_context({**identity}, protocols)
        self._identity = identity
        self._protocols = protocols

    def set_secure_context(self, **options: Unpack[SecureContextOptions]) -> None:
        """Replace the certificate, or whatever else *options* say: for connections to come.

        Handshakes that begin from now on have the new ones; connections that are established, and
        their requests, are not touched. Options are those of `create_secure_server`: ``cert`` with
        ``key`` and ``passphrase``, ``ca``, ``request_cert``, ``reject_unauthorized``, or
        ``ssl_context``. What is not given stays as it is, and files are read again: without options
        the server takes over what has been written to them. As Node's ``setSecureContext``, which
        forgets what it is not given.

        Raises what `create_secure_server` does: `OSError` for a file, `ssl.SSLError` for a
        certificate or a key that does not fit, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE,
        `TypeError`. The server then goes on with what it had. ERR_INVALID_ARG_VALUE also when there
        is nothing to read again, as the server has an ``ssl_context``: that one is the program's,
        and has a method ``load_cert_chain``.
        """
        given: dict[str, Any] = {**options}
        unknown = {name: None for name in given if name not in IDENTITY}
        reject_unknown(unknown, "set_secure_context", IDENTITY)
        kept = self._identity
        if given.get("ssl_context") is not None:
            kept = {}
        elif given.get("cert") is not None:
            kept = {name: value for name, value in kept.items() if name not in PAIR}
        elif kept.get("ssl_context") is not None:
            raise new_error(
                "ERR_INVALID_ARG_VALUE",
                message="the server has an ssl_context of the program's own, of which nothing can "
                "be read again: call its load_cert_chain, or give cert and key, or another one",
            )
        identity = {**kept, **given}
        self.tls_context = server_context({**identity}, self._protocols)
        self._identity = identity
