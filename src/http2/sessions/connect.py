"""Define `connect`, which creates a session for an authority."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Unpack

from ..common.suggestions import reject_unknown
from ..common.timers import check_timeout
from ..errors import new_error
from ..net.misunderstandings import explain_handshake
from ..net.origins import serialize_origin
from ..net.protocol import SessionProtocol
from ..streams.stream import Http2Stream
from ..tls.contexts import client_context
from ..tunnels.carriers import bind, carry
from .client_session import CLOSE_TIMEOUT, ClientHttp2Session
from .keywords import ConnectOptions
from .options import SessionOptions

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from ..tunnels.carriers import Carrying

__all__ = ["connect"]

TLS_OPTIONS = ("ssl_context", "ca", "cert", "key", "passphrase", "reject_unauthorized")
DIAL_OPTIONS = ("family", "local_addr", "happy_eyeballs_delay")
SERVER_ONLY = (
    "stream_reset_burst",
    "stream_reset_rate",
    "unknown_protocol_timeout",
    "first_request_timeout",
)
DEFAULT_PORTS = {"http:": 80, "https:": 443}


def connect(
    authority: str | SplitResult,
    listener: Callable[..., object] | None = None,
    **options: Unpack[ConnectOptions],
) -> ClientHttp2Session:
    """Connect to *authority*, ``http://host:port`` or ``https://host:port``.

    Needs a running event loop, and returns the session at once; requests
    wait until the connection is established. ``await connect(…)`` and ``async with
    connect(…) as session`` wait for the connection, and raise the error if it fails; if they are
    cancelled, by a deadline for example, no connection is left or established later. *listener* is
    called once with ``(session, socket)`` when the connection is established. Userinfo, path and
    query of *authority* are ignored.

    Options: those of `SessionOptions`, ``protocol`` (``'https:'``, for an *authority*
    without a scheme), ``path`` (a Unix socket), ``family``, ``local_addr``,
    ``happy_eyeballs_delay`` (seconds), ``timeout`` (seconds; see `set_timeout`),
    ``close_timeout`` (5 seconds; how long the end of ``async with`` waits for incomplete
    requests before it resets them with CANCEL; None: no limit); for TLS
    ``servername``, ``ssl_context`` (which must offer ``h2`` by ALPN, and is never changed) or
    ``ca``, ``cert``, ``key``, ``passphrase`` and ``reject_unauthorized``.

    ``create_connection``, a function of ``(url, options)``, plain or async, creates the
    carrier: an asyncio ``(reader, writer)`` pair, a connected `socket.socket`,
    or a stream of this library. *url* is a `urllib.parse.SplitResult` of *authority*,
    *options* a dict of the options given here. A stream (a tunnel) gets TLS
    inside if *authority* uses ``https:``. Pairs and sockets are used unchanged:
    the function must add TLS itself, and apply the options for TLS and for connecting. If it
    raises, the session fails to connect with that error; if it returns a carrier that
    already has a session, with ERR_HTTP2_SOCKET_BOUND.

    Raises ERR_HTTP2_UNSUPPORTED_PROTOCOL, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE,
    ERR_OUT_OF_RANGE, `TypeError` for unknown options.
    """
    loop = asyncio.get_running_loop()
    left: dict[str, Any] = {**options}
    given = dict(left)
    default_protocol = left.pop("protocol", "https:")
    protocol, host, port = _parse_authority(authority, default_protocol)
    session_options = SessionOptions.take(left, least_pairs=1, unused=SERVER_ONLY, client=True)
    timeout = check_timeout(left.pop("timeout", 0))
    close_timeout = left.pop("close_timeout", CLOSE_TIMEOUT)
    if close_timeout is not None:
        close_timeout = check_timeout(close_timeout, "close_timeout")
    path = left.pop("path", None)
    servername = left.pop("servername", None)
    dial_options = _take(left, DIAL_OPTIONS)
    create_connection = left.pop("create_connection", None)
    tunnel_options: dict[str, object] = {}
    if create_connection is not None:
        if not callable(create_connection):
            raise new_error(
                "ERR_INVALID_ARG_TYPE", "create_connection", "a callable", create_connection
            )
        tunnel_options = _take(left, TLS_OPTIONS)
    secure = protocol == "https:" and create_connection is None
    context = client_context(left) if secure else None
    if context is None and create_connection is None and servername is not None:
        raise new_error("ERR_INVALID_ARG_VALUE", "servername", servername)
    reject_unknown(left, "connect", ConnectOptions.__annotations__)
    name = servername or host
    shown = f"[{name}]" if ":" in name else name
    suffix = "" if port == DEFAULT_PORTS[protocol] else f":{port}"
    session = ClientHttp2Session(
        loop, session_options, shown + suffix, protocol[:-1], close_timeout
    )
    if protocol == "https:":
        session.origins = (serialize_origin(f"https://{shown}{suffix}") or "",)
    if listener is not None:
        session.once("connect", listener)

    if context is not None:
        dial_options.update(ssl=context, server_hostname=name)

    def factory() -> SessionProtocol:
        return SessionProtocol(session)

    async def dial() -> None:
        try:
            if create_connection is not None:
                made = create_connection(_url(authority, default_protocol), given)
                if inspect.isawaitable(made):
                    made = await made
                tls_name = name if protocol == "https:" else None
                await _begin_on(loop, made, factory, tls_name, tunnel_options)
            elif path is not None:
                await loop.create_unix_connection(factory, path, **dial_options)
            else:
                await loop.create_connection(factory, host, port, **dial_options)
        except Exception as error:
            session.fail_to_connect(error if context is None else explain_handshake(error))

    session.dialled_by(loop.create_task(dial()))
    if timeout:
        session.set_timeout(timeout)
    return session


def _take(options: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Remove the options in *names* from *options*, and return them."""
    return {name: options.pop(name) for name in names if name in options}


async def _begin_on(
    loop: asyncio.AbstractEventLoop,
    made: Carrying,
    factory: Callable[[], SessionProtocol],
    tls_name: str | None,
    tls_options: dict[str, object],
) -> None:
    """Connect *made*, the result of ``create_connection``, with the protocol from *factory*.

    With *tls_name*, the server's name for an ``https:`` authority, a stream gets TLS
    inside. Raises the errors of `bind`, `client_context` and `carry_tls`.
    """
    bind(made)
    if tls_name is not None and isinstance(made, Http2Stream):
        # imported on demand, like `ssl`
        from ..tunnels.tls import carry_tls

        await carry_tls(loop, made, factory, client_context(tls_options), tls_name)
        return
    under_way = carry(loop, made, factory)
    if under_way is not None:
        await under_way


def _url(authority: object, default_protocol: object) -> SplitResult:
    """Split *authority* into its parts."""
    from urllib.parse import SplitResult, urlsplit

    if isinstance(authority, str):
        text = authority if "://" in authority else f"{default_protocol}//{authority}"
        try:
            return urlsplit(text)
        except ValueError:
            raise new_error("ERR_INVALID_ARG_VALUE", "authority", authority) from None
    if isinstance(authority, SplitResult):
        return authority
    raise new_error("ERR_INVALID_ARG_TYPE", "authority", "a str or a SplitResult", authority)


def _parse_authority(authority: object, default_protocol: str) -> tuple[str, str, int]:
    """Return (protocol, host, port) of *authority*."""
    parts = _url(authority, default_protocol)
    protocol = f"{parts.scheme}:" if parts.scheme else default_protocol
    if protocol not in DEFAULT_PORTS:
        raise new_error("ERR_HTTP2_UNSUPPORTED_PROTOCOL", protocol)
    try:
        port = parts.port
    except ValueError:
        raise new_error("ERR_INVALID_ARG_VALUE", "authority", authority) from None
    if not parts.hostname:
        raise new_error("ERR_INVALID_ARG_VALUE", "authority", authority)
    return protocol, parts.hostname, DEFAULT_PORTS[protocol] if port is None else port
