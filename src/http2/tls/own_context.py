"""A context of the program's own: it is asked whether it fits, and never changed.

Others may use it too, and what they need of it is not ours to say. ALPN is the one thing that
HTTP/2 can't do without. Python has no place for it but the context, of which there is no copy;
Node tells each connection. What a context offers can't be read from it either: so a handshake
is begun in memory.

Most contexts offer nothing. Such a one has our protocols for as long as OpenSSL looks at them, and
nothing again after that: on a client while its connection's TLS object is made, on a server in
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

# Flights until the one side knows what the other has chosen: one, and one after HelloRetryRequest.
FLIGHTS = 3

# Those that have offered h2. One that was changed since has a handshake that says so.
_fit: dict[str, weakref.WeakSet[ssl.SSLContext]] = {
    "client": weakref.WeakSet(),
    "server": weakref.WeakSet(),
}


class OwnContext(ssl.SSLContext):
    """Stands for a context of the program's own, which offers nothing by ALPN itself."""

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
        """A TLS object of the program's context, which agrees on our protocols."""
        given = self._given
        with _offering(given, self._protocols):
            tls = given.wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        if server_side:
            tls.__class__ = OwnHandshake
            vars(tls)["protocols"] = self._protocols
        return tls


class OwnHandshake(ssl.SSLObject):
    """A server's TLS object of such a context: what it agrees on is asked for in the handshake."""

    protocols: Sequence[str]

    def do_handshake(self) -> None:
        """As far as the handshake goes with what has come."""
        with _offering(self.context, self.protocols):
            super().do_handshake()


def _standing_for(given: ssl.SSLContext, protocols: Sequence[str]) -> OwnContext:
    context = OwnContext(given.protocol)
    context._given = given
    context._protocols = protocols
    return context


@contextmanager
def _offering(context: ssl.SSLContext, protocols: Sequence[str]) -> Iterator[None]:
    """Have *context*, which offers nothing by ALPN, offer *protocols* within the block."""
    context.set_alpn_protocols(protocols)
    try:
        yield
    finally:
        # OpenSSL before 3 calls a list of nothing a lack of memory, when it has emptied it
        with suppress(MemoryError):
            context.set_alpn_protocols([])


def check_own_context(
    context: object, side: Literal["client", "server"], protocols: Sequence[str]
) -> ssl.SSLContext:
    """*context*, which a program has given, or what stands for it; for this *side*.

    It agrees by ALPN on what it offers itself, and when that is nothing, on *protocols*. Raises
    ERR_INVALID_ARG_TYPE when it is none, ERR_INVALID_ARG_VALUE when it offers others than ``h2``,
    is one for the other side, or allows renegotiation.
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


# What else servers choose.
OTHERS = ("http/1.1", "http/1.0")
LACKS_H2 = "offers ALPN protocols without 'h2': add it with set_alpn_protocols, or offer nothing"


def _asked_as_client(context: ssl.SSLContext) -> str | None:
    """What is wrong with it; nothing when its ClientHello offers h2, None without ALPN."""
    hello = ssl.MemoryBIO()
    try:
        # any name: a context that verifies names wants one
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
    """What is wrong with it; nothing when it chooses h2, or when that can't be known before.

    None when it chooses nothing: it has no ALPN.
    """
    # OpenSSL 3 does not renegotiate for a client, unless it is told to (RFC 9113 section 9.2.1)
    if ssl.OPENSSL_VERSION_INFO < (3,) and not context.options & ssl.OP_NO_RENEGOTIATION:
        return "allows renegotiation: add ssl.OP_NO_RENEGOTIATION to its options"
    if context.sni_callback is not None:
        # it is the program's, and may choose another context by the name that a client asks for
        return ""
    try:
        if _chosen_of(context, "h2") == "h2":
            return ""
        return LACKS_H2 if _chosen_of(context, *OTHERS) else None
    except _Unanswered:
        # for want of a certificate or of a version in common: real clients will find the same
        return ""
    except ssl.SSLError as error:
        return f"is not usable for a server: {error}"


class _Unanswered(Exception):
    """A server has not chosen a cipher for a client, let alone a protocol."""


def _chosen_of(context: ssl.SSLContext, *offered: str) -> str | None:
    """What a server with *context* chooses of what a client has *offered* by ALPN."""
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
    # to be asked for a certificate of its own is far enough
    if client.cipher() is None:
        raise _Unanswered
    return client.selected_alpn_protocol()


def _done(step: Callable[[], None]) -> bool:
    """Whether this side of the handshake is through."""
    try:
        step()
    except ssl.SSLError:
        return False
    return True
