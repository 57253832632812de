"""RFC 9113 section 5.1: the frames that are allowed in each state of a stream."""

from __future__ import annotations

import struct

from ..support import raw
from ..support.running import Run
from ..support.self_signed import Certificate
from .codes import PROTOCOL_ERROR, STREAM_CLOSED
from .reactions import connection_error, fine, stream_error, stream_error_or_worse
from .server_cases import Case, check

CONTINUATION = raw.frame(raw.CONTINUATION, raw.END_HEADERS, 1, raw.block([("x", "y")]))
TRAILERS = raw.headers(1, [("x", "y")], end_stream=True)
PRIORITY = raw.frame(raw.PRIORITY, 0, 1, struct.pack(">IB", 3, 15))
WHOLE = raw.headers(1, raw.request_fields(path="/never"), end_stream=True)
RESET = raw.post(1, "/never") + raw.rst_stream(1)
# the server answers before the request has ended, and resets the rest of it with NO_ERROR
EARLY = raw.post(1, "/early")
OWN_RESET = raw.post(1, "/reset")
PUSHED = raw.headers(1, raw.request_fields(path="/push"), end_stream=True)

CASES = {
    # idle
    "idle: DATA": Case(raw.data(1, b"x"), connection_error(PROTOCOL_ERROR)),
    "idle: RST_STREAM": Case(raw.rst_stream(1), connection_error(PROTOCOL_ERROR)),
    "idle: WINDOW_UPDATE": Case(raw.window_update(1, 100), connection_error(PROTOCOL_ERROR)),
    "idle: CONTINUATION": Case(CONTINUATION, connection_error(PROTOCOL_ERROR)),
    "idle: PRIORITY": Case(PRIORITY + raw.get(1), fine(1)),
    "idle: DATA after another stream": Case(
        raw.data(5, b"x"), connection_error(PROTOCOL_ERROR), before=raw.get(1)
    ),
    # half-closed (remote): the client has ended its side, the server has not answered
    "half-closed (remote): DATA": Case(
        raw.data(1, b"x"), stream_error_or_worse(1, STREAM_CLOSED), before=WHOLE
    ),
    "half-closed (remote): empty DATA": Case(
        raw.data(1, end_stream=True), stream_error_or_worse(1, STREAM_CLOSED), before=WHOLE
    ),
    "half-closed (remote): HEADERS": Case(
        TRAILERS, stream_error_or_worse(1, STREAM_CLOSED), before=WHOLE
    ),
    "half-closed (remote): CONTINUATION": Case(
        CONTINUATION, connection_error(PROTOCOL_ERROR), before=WHOLE
    ),
    "half-closed (remote): WINDOW_UPDATE": Case(raw.window_update(1, 9), fine(), before=WHOLE),
    "half-closed (remote): PRIORITY": Case(PRIORITY, fine(), before=WHOLE),
    "half-closed (remote): RST_STREAM": Case(raw.rst_stream(1), fine(), before=WHOLE),
    # closed by END_STREAM of both sides (if both are in one read: half-closed)
    "closed: DATA": Case(raw.data(1, b"x"), connection_error(STREAM_CLOSED), before=raw.get(1)),
    "closed: empty DATA": Case(raw.data(1), connection_error(STREAM_CLOSED), before=raw.get(1)),
    "closed: padded DATA": Case(
        raw.frame(raw.DATA, raw.PADDED, 1, b"\x02x\0\0"),
        connection_error(STREAM_CLOSED),
        before=raw.get(1),
    ),
    "closed: HEADERS": Case(raw.get(1), connection_error(STREAM_CLOSED), before=raw.get(1)),
    "closed: trailers": Case(TRAILERS, connection_error(STREAM_CLOSED), before=raw.get(1)),
    "closed: HEADERS in pieces": Case(
        raw.headers(1, raw.request_fields(), end_headers=False) + CONTINUATION,
        connection_error(STREAM_CLOSED),
        before=raw.get(1),
    ),
    "closed: CONTINUATION": Case(
        CONTINUATION, connection_error(PROTOCOL_ERROR), before=raw.get(1)
    ),
    "closed: DATA after another request": Case(
        raw.data(1, b"x"), connection_error(STREAM_CLOSED), before=raw.get(1) + raw.get(3)
    ),
    "closed: DATA after a body": Case(
        raw.data(1, b"x"),
        connection_error(STREAM_CLOSED),
        before=raw.post(1) + raw.data(1, b"x", end_stream=True),
    ),
    "closed: DATA after trailers": Case(
        raw.data(1, b"x"), connection_error(STREAM_CLOSED), before=raw.post(1) + TRAILERS
    ),
    "closed: DATA after an early answer and END_STREAM": Case(
        raw.data(1, b"x"),
        connection_error(STREAM_CLOSED),
        before=raw.headers(1, raw.request_fields("POST", "/early"), end_stream=True),
    ),
    "closed: WINDOW_UPDATE": Case(raw.window_update(1, 9), fine(1), before=raw.get(1)),
    "closed: RST_STREAM": Case(raw.rst_stream(1), fine(), before=raw.get(1)),
    "closed: PRIORITY": Case(PRIORITY, fine(1), before=raw.get(1)),
    # closed by the client's RST_STREAM
    "reset by the peer: DATA": Case(
        raw.data(1, b"x"), stream_error(1, STREAM_CLOSED), before=RESET
    ),
    "reset by the peer: DATA again and again": Case(
        raw.data(1, b"x") * 5, stream_error(1, STREAM_CLOSED), before=RESET
    ),
    "reset by the peer: HEADERS": Case(TRAILERS, stream_error(1, STREAM_CLOSED), before=RESET),
    "reset by the peer: another request on it": Case(
        raw.get(1), stream_error(1, STREAM_CLOSED), before=RESET
    ),
    "reset by the peer: CONTINUATION": Case(
        CONTINUATION, connection_error(PROTOCOL_ERROR), before=RESET
    ),
    "reset by the peer: WINDOW_UPDATE": Case(raw.window_update(1, 9), fine(), before=RESET),
    "reset by the peer: RST_STREAM": Case(raw.rst_stream(1), fine(), before=RESET),
    "reset by the peer: PRIORITY": Case(PRIORITY, fine(), before=RESET),
    "reset by the peer: the next stream": Case(raw.get(3), fine(3), before=RESET),
    # closed by the server's RST_STREAM: frames that were on their way are ignored
    "answered early: DATA": Case(
        raw.data(1, b"x") + raw.get(3), fine(3, may_reset=(1,)), before=EARLY
    ),
    "answered early: the rest and its end": Case(
        raw.data(1, b"x") * 9 + raw.data(1, b"x", end_stream=True) + raw.get(3),
        fine(3, may_reset=(1,)),
        before=EARLY,
    ),
    "answered early: trailers": Case(
        raw.data(1, b"x") + TRAILERS + raw.get(3), fine(3, may_reset=(1,)), before=EARLY
    ),
    "answered early: RST_STREAM": Case(
        raw.rst_stream(1) + raw.get(3), fine(3, may_reset=(1,)), before=EARLY
    ),
    "reset by the server: DATA": Case(
        raw.data(1, b"x") * 3, stream_error(1, 8), before=OWN_RESET
    ),
    "reset by the server: trailers": Case(TRAILERS, stream_error(1, 8), before=OWN_RESET),
    "reset by the server: WINDOW_UPDATE and RST_STREAM": Case(
        # in one read, the request would never reach a handler
        raw.window_update(1, 9) + raw.rst_stream(1), stream_error(1, 8),
        before=OWN_RESET, together=False,
    ),
    "reset by the server as malformed: DATA": Case(
        raw.data(1, b"x", end_stream=True),
        stream_error(1, PROTOCOL_ERROR),
        before=raw.headers(1, [*raw.request_fields("POST"), ("X", "y")]),
    ),
    # streams that the server has promised: 2 is reserved, 4 has ended
    "reserved (local): DATA": Case(
        raw.data(2, b"x"), connection_error(PROTOCOL_ERROR), before=PUSHED
    ),
    "reserved (local): HEADERS": Case(
        raw.headers(2, [("x", "y")]), connection_error(PROTOCOL_ERROR), before=PUSHED
    ),
    "reserved (local): WINDOW_UPDATE, PRIORITY and RST_STREAM": Case(
        raw.window_update(2, 1) + raw.frame(raw.PRIORITY, 0, 2, bytes(5)) + raw.rst_stream(2),
        fine(), before=PUSHED, together=False,
    ),
    "pushed and closed: DATA": Case(
        raw.data(4, b"x"), connection_error(STREAM_CLOSED), before=PUSHED, together=False
    ),
    "pushed and closed: HEADERS": Case(
        raw.headers(4, [("x", "y")]), connection_error(PROTOCOL_ERROR), before=PUSHED
    ),
    "pushed and closed: RST_STREAM": Case(
        raw.rst_stream(4), fine(), before=PUSHED, together=False
    ),
}  # fmt: skip


def test_server(run: Run, certificate: Certificate) -> None:
    check(run, certificate, CASES)
