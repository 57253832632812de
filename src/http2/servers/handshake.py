"""Define `perform_server_handshake`: a server's session without a server."""

from __future__ import annotations

import asyncio
from typing import Unpack

from ..common.suggestions import reject_unknown
from ..common.tasks import Work
from ..net.protocol import SessionProtocol
from ..sessions.keywords import ServerSessionOptions
from ..sessions.options import SessionOptions
from ..sessions.server_session import ServerHttp2Session
from ..sessions.upkeep.deadlines import HandshakeTimer
from ..tunnels.carriers import Carrying, bind, carry

__all__ = ["perform_server_handshake"]


def perform_server_handshake(
    connection: Carrying, **options: Unpack[ServerSessionOptions]
) -> ServerHttp2Session:
    """Create a server's session on an existing *connection*, and return it.

    *connection* is an asyncio ``(reader, writer)`` pair, a connected `socket.socket`, or
    a stream of this library, and belongs to the session from now on. The session has no
    `ServerHttp2Session.server`: listen to its own event ``stream``. Needs a
    running event loop. Options: those of `SessionOptions`.

    Raises ERR_HTTP2_SOCKET_BOUND if *connection* already carries a session,
    ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE, ERR_HTTP2_INVALID_SETTING_VALUE, `TypeError`
    for unknown options.
    """
    loop = asyncio.get_running_loop()
    left: dict[str, object] = {**options}
    session_options = SessionOptions.take_for_server(left)
    reject_unknown(left, "perform_server_handshake", ServerSessionOptions.__annotations__)
    bind(connection)
    session = ServerHttp2Session(loop, session_options, None)
    if session_options.handshake_timeout:
        HandshakeTimer(session, session_options.handshake_timeout)
    under_way = carry(loop, connection, lambda: SessionProtocol(session))
    if under_way is not None:
        session.run_listener(_wait(session, under_way), session, "connect", (session,))
    return session


async def _wait(session: ServerHttp2Session, under_way: Work[object]) -> None:
    try:
        await under_way
    except Exception as error:
        session.destroy(error)
