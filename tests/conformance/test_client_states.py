"""RFC 9113 section 5.1, for clients: frames that a server must not send in a stream's state."""

from __future__ import annotations

import struct

from ..support import raw
from ..support.running import Run
from ..support.self_signed import Certificate
from .client_cases import ClientCase, check_client
from .codes import CANCEL, PROTOCOL_ERROR, STREAM_CLOSED
from .reactions import Either, connection_error, fine, stream_error, stream_error_or_worse

HEAD = raw.headers(1, [(":status", "200")])
WHOLE = raw.headers(1, [(":status", "200")], end_stream=True)
BODY = HEAD + raw.data(1, b"body", end_stream=True)
TRAILERS = raw.headers(1, [("x", "y")], end_stream=True)
REFUSED = raw.rst_stream(1, 7)
PUSHED = raw.headers(2, [(":status", "200")])


def promise(stream_id: int, promised: int, scheme: str = "http") -> bytes:
    """PUSH_PROMISE."""
    fields = [
        (":method", "GET"),
        (":scheme", scheme),
        (":path", "/p"),
        (":authority", "localhost:00000"),
    ]
    return raw.frame(
        raw.PUSH_PROMISE,
        raw.END_HEADERS,
        stream_id,
        struct.pack(">I", promised) + raw.block(fields),
    )


CASES = {
    "idle: DATA": ClientCase(raw.data(3, b"x"), connection_error(PROTOCOL_ERROR)),
    "idle: HEADERS": ClientCase(
        raw.headers(3, [(":status", "200")]), connection_error(PROTOCOL_ERROR)
    ),
    "idle: RST_STREAM": ClientCase(raw.rst_stream(3), connection_error(PROTOCOL_ERROR)),
    "idle: WINDOW_UPDATE": ClientCase(raw.window_update(3, 1), connection_error(PROTOCOL_ERROR)),
    "idle: PUSH_PROMISE": ClientCase(promise(3, 2), connection_error(PROTOCOL_ERROR), pushes=True),
    "idle: HEADERS on a stream that was not promised": ClientCase(
        PUSHED, connection_error(PROTOCOL_ERROR)
    ),
    "idle: DATA on a stream that was not promised": ClientCase(
        raw.data(2, b"x"), connection_error(PROTOCOL_ERROR)
    ),
    "open: DATA before the response": ClientCase(
        raw.data(1, b"x"), stream_error_or_worse(1, PROTOCOL_ERROR)
    ),
    "half-closed (remote): DATA": ClientCase(
        raw.data(1, b"x"), stream_error_or_worse(1, STREAM_CLOSED), before=WHOLE, method="POST"
    ),
    "half-closed (remote): HEADERS": ClientCase(
        TRAILERS, stream_error_or_worse(1, STREAM_CLOSED), before=WHOLE, method="POST"
    ),
    "closed: DATA": ClientCase(raw.data(1, b"x"), connection_error(STREAM_CLOSED), before=WHOLE),
    "closed: DATA after a body": ClientCase(
        raw.data(1), connection_error(STREAM_CLOSED), before=BODY
    ),
    "closed: DATA after trailers": ClientCase(
        raw.data(1, b"x", end_stream=True),
        connection_error(STREAM_CLOSED),
        before=HEAD + TRAILERS,
    ),
    "closed: another response": ClientCase(WHOLE, connection_error(STREAM_CLOSED), before=WHOLE),
    "closed: trailers": ClientCase(TRAILERS, connection_error(STREAM_CLOSED), before=BODY),
    "closed: PUSH_PROMISE": ClientCase(
        promise(1, 2), connection_error(PROTOCOL_ERROR), before=BODY, pushes=True
    ),
    "closed: WINDOW_UPDATE": ClientCase(raw.window_update(1, 1), fine(1), before=BODY),
    "closed: RST_STREAM": ClientCase(raw.rst_stream(1, 0), fine(1), before=BODY),
    "closed: PRIORITY": ClientCase(raw.frame(raw.PRIORITY, 0, 1, bytes(5)), fine(1), before=BODY),
    "reset by the peer: DATA": ClientCase(
        raw.data(1, b"x") * 3, stream_error(1, STREAM_CLOSED), before=HEAD + REFUSED
    ),
    "reset by the peer: HEADERS": ClientCase(
        WHOLE, stream_error(1, STREAM_CLOSED), before=REFUSED
    ),
    "reset by the peer: PUSH_PROMISE": ClientCase(
        promise(1, 2), connection_error(PROTOCOL_ERROR), before=REFUSED, pushes=True
    ),
    "reset by the peer: RST_STREAM": ClientCase(raw.rst_stream(1), fine(), before=REFUSED),
    "reset by the client: the response": ClientCase(BODY, fine(), cancel=True),
    "reset by the client: DATA after the response": ClientCase(
        raw.data(1, b"x"), fine(), before=BODY, cancel=True
    ),
    "reset by the client: RST_STREAM and WINDOW_UPDATE": ClientCase(
        raw.rst_stream(1, 0) + raw.window_update(1, 1), fine(), cancel=True
    ),
    "reset by the client: PUSH_PROMISE": ClientCase(
        promise(1, 2) + PUSHED + raw.data(2, b"x", end_stream=True),
        stream_error(2, CANCEL),
        cancel=True,
        pushes=True,
    ),
    "pushed and refused: the response": ClientCase(
        PUSHED + raw.data(2, b"x", end_stream=True) + BODY,
        # in one read, nghttp2 from 1.69 on knows that the reset comes too late
        Either((stream_error(2, CANCEL), fine())),
        before=promise(1, 2),
    ),
}  # fmt: skip


def pushes(scheme: str) -> dict[str, ClientCase]:
    """Return frames on a promised stream, with the origin that the client has requested."""
    promised = promise(1, 2, scheme)
    whole = promised + PUSHED + raw.data(2, b"x", end_stream=True)
    return {
        f"reserved (remote), {scheme}: the pushed response": ClientCase(
            PUSHED + raw.data(2, b"x", end_stream=True) + BODY,
            fine(1), before=promised, pushes=True, only=scheme,
        ),
        f"reserved (remote), {scheme}: DATA before the response": ClientCase(
            raw.data(2, b"x"),
            connection_error(PROTOCOL_ERROR), before=promised, pushes=True, only=scheme,
        ),
        f"reserved (remote), {scheme}: WINDOW_UPDATE": ClientCase(
            raw.window_update(2, 1),
            connection_error(PROTOCOL_ERROR), before=promised, pushes=True, only=scheme,
        ),
        f"pushed and closed, {scheme}: DATA": ClientCase(
            raw.data(2, b"x"),
            connection_error(STREAM_CLOSED), before=whole, pushes=True, only=scheme,
        ),
        f"pushed and closed, {scheme}: HEADERS": ClientCase(
            PUSHED, connection_error(STREAM_CLOSED), before=whole, pushes=True, only=scheme
        ),
        f"pushed and closed, {scheme}: RST_STREAM": ClientCase(
            raw.rst_stream(2), fine(), before=whole, pushes=True, only=scheme
        ),
    }  # fmt: skip


def test_client(run_asyncio: Run, certificate: Certificate) -> None:
    check_client(run_asyncio, certificate, CASES | pushes("http") | pushes("https"))
