"""Check and use the application's own context without changing it.

Other code may use the context too. HTTP/2 requires ALPN, which Python sets only on a context,
and contexts cannot be copied; Node sets it on each connection. The protocols that a context
offers cannot be read from it either: so a handshake
is begun in memory.

Most contexts offer nothing. Such a context gets the library's protocols while OpenSSL reads them,
and is then restored: on a client while its connection's TLS object is created, on a server in
each step of a handshake. Code of other connections does not run in between.
"""

from __future__ import annotations

import ssl
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Literal

from ..errors import new_error
from .client_hello import read_client_hello

__all__ = ["check_own_context"]

# Flights until one side knows the selection of the other: one, and one after HelloRetryRequest.
FLIGHTS = 3

# Contexts that offered h2. If one was changed since, its handshakes show it.
_fit: dict[str, weakref.WeakSet[ssl.SSLContext]] = {
    "client": weakref.WeakSet(),
    "server": weakref.WeakSet(),
}


class OwnContext(ssl.SSLContext):
    """Wraps an application's context that offers no ALPN protocols itself."""

    _given: ssl.SSLContext
    _protocols: Sequence[str]

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Create a TLS object from the application's context with the library's protocols."""
        given = self._given
        with _offering(given, self._protocols):
            tls = given.wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        if server_side:
            tls.__class__ = OwnHandshake
            vars(tls)["protocols"] = self._protocols
        return tls


class OwnHandshake(ssl.SSLObject):
    """A server's TLS object of such a context; ALPN is set in each step of the handshake."""

    protocols: Sequence[str]

    def do_handshake(self) -> None:
        """Continue the handshake with the received data."""
        with _offering(self.context, self.protocols):
            super().do_handshake()


def _standing_for(given: ssl.SSLContext, protocols: Sequence[str]) -> OwnContext:
    context = OwnContext(given.protocol)
    context._given = given
    context._protocols = protocols
    return context


@contextmanager
def _offering(context: ssl.SSLContext, protocols: Sequence[str]) -> Iterator[None]:
    """Let *context*, which has no ALPN protocols, offer *protocols* within the block."""
    context.set_alpn_protocols(protocols)
    try:
        yield
    finally:
        # OpenSSL before 3 reports an empty list as a lack of memory, after it has emptied it
        with suppress(MemoryError):
            context.set_alpn_protocols([])


def check_own_context(
    context: object, side: Literal["client", "server"], protocols: Sequence[str]
) -> ssl.SSLContext:
    """Check the application's *context* for this *side*; return it, or a wrapper.

    It negotiates its own ALPN protocols, or *protocols* if it has none. Raises
    ERR_INVALID_ARG_TYPE if it is not a context, ERR_INVALID_ARG_VALUE if it offers protocols
    without ``h2``, is for the other side, or allows renegotiation.
    """
    if not isinstance(context, ssl.SSLContext):
        raise new_error("ERR_INVALID_ARG_TYPE", "ssl_context", "an ssl.SSLContext", context)
    fit = _fit[side]
    if context in fit:
        return context
    ask = {"client": _asked_as_client, "server": _asked_as_server}[side]
    wrong = ask(context)
    if wrong is None:
        return _standing_for(context, protocols)
    if wrong:
        raise new_error("ERR_INVALID_ARG_VALUE", message=f"ssl_context {wrong}")
    fit.add(context)
    return context


# Other protocols that servers select.
OTHERS = ("http/1.1", "http/1.0")
LACKS_H2 = "offers ALPN protocols without 'h2': add it with set_alpn_protocols, or offer nothing"


def _asked_as_client(context: ssl.SSLContext) -> str | None:
    """Return the problem of a client's context; empty if it offers h2, None without ALPN."""
    hello = ssl.MemoryBIO()
    try:
        # any name: a context that verifies names requires one
        context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    except ssl.SSLError as error:
        return f"is not usable for a client: {error}"
    _, offered = read_client_hello(hello.read())
    if offered is not None and not offered:
        return None
    return "" if offered is None or b"h2" in offered else LACKS_H2


def _asked_as_server(context: ssl.SSLContext) -> str | None:
    """Return the problem of a server's context; empty if it selects h2, or if that is unknown.

    None if it selects nothing: it has no ALPN.
    """
    # OpenSSL 3 lets no client renegotiate, unless an option allows it (RFC 9113 section 9.2.1)
    if ssl.OPENSSL_VERSION_INFO < (3,) and not context.options & ssl.OP_NO_RENEGOTIATION:
        return "allows renegotiation: add ssl.OP_NO_RENEGOTIATION to its options"
    if context.sni_callback is not None:
        # it is the application's code, and may select another context by the client's server name
        return ""
    try:
        if _chosen_of(context, "h2") == "h2":
            return ""
        return LACKS_H2 if _chosen_of(context, *OTHERS) else None
    except _Unanswered:
        # because of a missing certificate or common version: real clients get the same error
        return ""
    except ssl.SSLError as error:
        return f"is not usable for a server: {error}"


class _Unanswered(Exception):
    """A server has selected neither a cipher nor a protocol."""


def _chosen_of(context: ssl.SSLContext, *offered: str) -> str | None:
    """Return the protocol that a server with *context* selects from a client's *offered* ones."""
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    client_context.set_alpn_protocols(offered)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(FLIGHTS):
        if _done(client.do_handshake):
            break
        _done(server.do_handshake)
    # a request for the client's certificate is far enough
    if client.cipher() is None:
        raise _Unanswered
    return client.selected_alpn_protocol()


def _done(step: Callable[[], None]) -> bool:
    """Return whether this side of the handshake is complete."""
    try:
        step()
    except ssl.SSLError:
        return False
    return True
