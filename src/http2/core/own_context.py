"""A context of the program's own: it is asked whether it fits, and never changed.

Others may use it too, and what they need of it is not ours to say. ALPN is the one thing that
HTTP/2 can't do without. Python has no place for it but the context, of which there is no copy;
Node tells each connection. What a context offers can't be read from it either: so a handshake
is begun in memory.
"""

from __future__ import annotations

import ssl
import weakref
from collections.abc import Callable
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


def check_own_context(context: object, side: Literal["client", "server"]) -> ssl.SSLContext:
    """*context*, which a program has given, when HTTP/2 can be spoken with it on this *side*.

    Raises ERR_INVALID_ARG_TYPE when it is none, ERR_INVALID_ARG_VALUE when it does not agree on
    ``h2`` by ALPN, is one for the other side, or allows renegotiation.
    """
    if not isinstance(context, ssl.SSLContext):
        raise new_error("ERR_INVALID_ARG_TYPE", "ssl_context", "an ssl.SSLContext", context)
    fit = _fit[side]
    if context in fit:
        return context
    wrong = {"client": _wrong_for_client, "server": _wrong_for_server}[side](context)
    if wrong:
        raise new_error("ERR_INVALID_ARG_VALUE", message=f"ssl_context {wrong}")
    fit.add(context)
    return context


LACKS_ALPN = "does not offer 'h2' by ALPN: call its set_alpn_protocols(['h2']) before you give it"


def _wrong_for_client(context: ssl.SSLContext) -> str:
    """What is wrong with it; nothing when its ClientHello offers h2."""
    hello = ssl.MemoryBIO()
    try:
        # any name: a context that verifies names wants one
        context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    except ssl.SSLError as error:
        return f"is none for a client: {error}"
    _, offered = read_client_hello(hello.read())
    return "" if offered is None or b"h2" in offered else LACKS_ALPN


def _wrong_for_server(context: ssl.SSLContext) -> str:
    """What is wrong with it; nothing when it chooses h2, or when that can't be known before."""
    # OpenSSL 3 does not renegotiate for a client, unless it is told to (RFC 9113 section 9.2.1)
    if ssl.OPENSSL_VERSION_INFO < (3,) and not context.options & ssl.OP_NO_RENEGOTIATION:
        return "allows renegotiation: add ssl.OP_NO_RENEGOTIATION to its options"
    if context.sni_callback is not None:
        # it is the program's, and may choose another context by the name that a client asks for
        return ""
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    client_context.set_alpn_protocols(["h2"])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server)
    try:
        server = context.wrap_bio(to_server, to_client, server_side=True)
    except ssl.SSLError as error:
        return f"is none for a server: {error}"
    for _ in range(FLIGHTS):
        if _done(client.do_handshake):
            break
        _done(server.do_handshake)
    # Without a cipher there was no answer, for want of a certificate or of a version in common:
    # real clients will find the same. To be asked for a certificate of its own is far enough.
    answered = client.cipher() is not None
    return LACKS_ALPN if answered and client.selected_alpn_protocol() != "h2" else ""


def _done(step: Callable[[], None]) -> bool:
    """Whether this side of the handshake is through."""
    try:
        step()
    except ssl.SSLError:
        return False
    return True
