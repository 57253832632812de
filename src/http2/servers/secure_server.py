"""Define `Http2SecureServer`: a server over TLS whose certificate can be replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from ..common.suggestions import reject_unknown
from ..errors import new_error
from ..sessions.options import SessionOptions
from ..tls.contexts import server_context
from ..tls.keywords import SecureContextOptions
from .server import Http2Server

if TYPE_CHECKING:
    from ..listening import SecureServerEvents

__all__ = ["IDENTITY", "Http2SecureServer"]

# The options of a server's context.
IDENTITY = tuple(SecureContextOptions.__annotations__)

# These belong together: another certificate has another key.
PAIR = ("ssl_context", "cert", "key", "passphrase")


class Http2SecureServer(Http2Server):
    """A server for HTTP/2 over TLS, negotiated with ALPN (``h2``).

    Further events: ``tls_client_error(error, socket)``, with a `HandshakeSocket`, for a connection
    that ended before its TLS handshake was complete; ``unknown_protocol(socket)``, with an
    `UnknownProtocolSocket`, for a client that did not use ALPN. Without a listener it gets status
    403 in HTTP/1.1.
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
        identity: dict[str, object],
        protocols: Sequence[str],
        max_connections: int | None = None,
    ) -> None:
        super().__init__(options, max_connections)
        self.tls_context = server_context({**identity}, protocols)
        self._identity = identity
        self._protocols = protocols

    def set_secure_context(self, **options: Unpack[SecureContextOptions]) -> None:
        """Replace the certificate, or other *options*, for future connections.

        Handshakes that begin from now on use the new options; established connections and
        their requests are not affected. Options are those of `create_secure_server`: ``cert`` with
        ``key`` and ``passphrase``, ``ca``, ``request_cert``, ``reject_unauthorized``, or
        ``ssl_context``. Omitted options do not change, and files are read again: without options
        the server loads the current contents of its files. Node's ``setSecureContext`` instead
        resets omitted options.

        Raises what `create_secure_server` does: `OSError` for a file, `ssl.SSLError` for a
        certificate or a key that does not match, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE,
        `TypeError`. The server then keeps its previous context. ERR_INVALID_ARG_VALUE is raised
        if there are no files to read again because the server has an ``ssl_context``: call the
        ``load_cert_chain`` of that context instead.
        """
        given: dict[str, object] = {**options}
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
