"""What a session does at each event of the engine; `http2.engine.events` has the table.

An event of a stream is passed to it; the others concern the parts of the session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..common.emitter import logger
from ..constants import (
    NGHTTP2_COMPRESSION_ERROR,
    NGHTTP2_ENHANCE_YOUR_CALM,
    NGHTTP2_ERR_FRAME_SIZE_ERROR,
    NGHTTP2_FLOW_CONTROL_ERROR,
    NGHTTP2_FRAME_SIZE_ERROR,
    NGHTTP2_INTERNAL_ERROR,
    NGHTTP2_NO_ERROR,
    NGHTTP2_PROTOCOL_ERROR,
    NGHTTP2_SESSION_CLIENT,
)
from ..engine import events
from ..errors import Http2Error, goaway_error, new_error, nghttp_error, stream_error
from .compiled.session_base import on_data, on_stream_closed
from .parts.event_table import with_handlers
from .violations import violation

if TYPE_CHECKING:
    from ..headers import Headers
    from .interfaces import SessionDoor

__all__ = [
    "HANDLERS",
    "on_goaway",
    "on_goaway_sent",
    "on_headers",
]

# nghttp2's frame types and errors that are used here.
FRAME_HEADERS = 1
# The code for the peer when nghttp2 cannot continue: it does not use HTTP/2, or floods this side.
_GOAWAY_AFTER = {
    -903: NGHTTP2_PROTOCOL_ERROR,  # NGHTTP2_ERR_BAD_CLIENT_MAGIC
    -904: NGHTTP2_ENHANCE_YOUR_CALM,  # NGHTTP2_ERR_FLOODED
    -905: NGHTTP2_ENHANCE_YOUR_CALM,  # NGHTTP2_ERR_TOO_MANY_CONTINUATIONS
}
# HTTP/2's error codes for frames that could not be sent.
_ERROR_CODES = {
    -505: NGHTTP2_PROTOCOL_ERROR,  # NGHTTP2_ERR_PROTO
    NGHTTP2_ERR_FRAME_SIZE_ERROR: NGHTTP2_FRAME_SIZE_ERROR,
    -523: NGHTTP2_COMPRESSION_ERROR,  # NGHTTP2_ERR_HEADER_COMP
    -524: NGHTTP2_FLOW_CONTROL_ERROR,  # NGHTTP2_ERR_FLOW_CONTROL
}
# Errors of frames whose stream or session had just ended: they are ignored.
# NGHTTP2_ERR_STREAM_CLOSED, _STREAM_CLOSING, _INVALID_STREAM_STATE, _DEFERRED_DATA_EXIST and
# _SESSION_CLOSING.
_EXPECTED_NOT_SENT = frozenset({-510, -511, -514, -515, -530})


# Number of characters of a GOAWAY's debug data in an error message.
SHOWN_REASON = 200


def reason_of(opaque_data: bytes) -> str:
    """Return a GOAWAY's debug data for an error message: one line of limited length."""
    text = opaque_data[: 4 * SHOWN_REASON].decode("utf-8", "replace")[:SHOWN_REASON]
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return f": {shown}" if shown else ""


# --- streams ----------------------------------------------------------------------------------


def on_headers(session: SessionDoor, stream_id: int, headers: Headers, flags: int) -> None:
    stream = session.streams.get(stream_id)
    if stream is not None:
        stream.receive_headers(headers, flags)


def on_end_sent(session: SessionDoor, stream_id: int, _: None, __: None) -> None:
    stream = session.streams.get(stream_id)
    if stream is not None:
        stream.all_sent()


def on_writable(session: SessionDoor, stream_id: int, _: None, __: None) -> None:
    stream = session.streams.get(stream_id)
    if stream is not None:
        stream.has_room()


def on_want_trailers(session: SessionDoor, stream_id: int, _: None, __: None) -> None:
    stream = session.streams.get(stream_id)
    if stream is not None:
        stream.wants_trailers()


def on_goaway(session: SessionDoor, last_stream_id: int, code: int, opaque_data: bytes) -> None:
    session.ending.received = code, last_stream_id
    session.emit("goaway", code, last_stream_id, opaque_data)
    if session.destroyed:
        return
    if code == NGHTTP2_NO_ERROR:
        session.close()
    else:
        # the streams end with the peer's code, as in Node
        error = goaway_error(code, last_stream_id, said=reason_of(opaque_data))
        session.end_with(error, code, NGHTTP2_NO_ERROR)


def on_goaway_sent(session: SessionDoor, _: int, code: int, reason: bytes) -> None:
    ending = session.ending
    if code != NGHTTP2_NO_ERROR and ending.own_code != code:
        # nghttp2 has ended the connection because of a violation by the peer
        error: Http2Error | None = violation(code, reason)
        ending.own_code = code
        if (session.closed or ending.noticed) and not session.streams:
            # It ends anyway, and nothing is lost: HAProxy sends RST_STREAM for a request that
            # it has withheld because of the first GOAWAY.
            logger.debug("%r: %s", session, error)
            error = None
        session.end_with(error, code, None)


def on_window_given(session: SessionDoor, stream_id: int, _: None, __: None) -> None:
    windows = session.upkeep.windows
    if windows is not None:
        windows.given(stream_id, sample=not session.closed)


def on_frame_not_sent(session: SessionDoor, stream_id: int, frame_type: int, code: int) -> None:
    stream = session.streams.get(stream_id)
    if stream is not None and frame_type == FRAME_HEADERS and stream.never_sent(code):
        return
    if code in _EXPECTED_NOT_SENT:
        return
    error_code = _ERROR_CODES.get(code, NGHTTP2_INTERNAL_ERROR)
    if stream is not None:
        unsent = frame_type == FRAME_HEADERS and session.type == NGHTTP2_SESSION_CLIENT
        stream.emit("frame_error", frame_type, error_code, stream_id)
        stream.destroy(stream_error(error_code, stream_id, retryable=unsent))
    else:
        session.emit("frame_error", frame_type, error_code, stream_id)
        session.close()


def on_invalid_frame(session: SessionDoor, stream_id: int, frame_type: int, code: int) -> None:
    session.ending.invalid_frames += 1
    if session.ending.invalid_frames > session.options.max_session_invalid_frames:
        error = new_error("ERR_HTTP2_TOO_MANY_INVALID_FRAMES")
        session.ending.last_words = b"too many invalid frames (max_session_invalid_frames)"
        session.destroy(error, NGHTTP2_PROTOCOL_ERROR)


def on_failed(session: SessionDoor, _: int, code: int, message: str) -> None:
    """Handle the engine's failure: the peer does not use HTTP/2, or floods this side."""
    goaway = _GOAWAY_AFTER.get(code)
    if goaway is None:
        goaway = NGHTTP2_INTERNAL_ERROR
    else:
        session.ending.last_words = message.encode()
    session.destroy(nghttp_error(code, message=message), goaway)


def on_settings(
    session: SessionDoor, _: int, pairs: list[tuple[int, int]], current: list[tuple[int, int]]
) -> None:
    exchange = session.settings_exchange
    exchange.received(pairs)
    if session.listener_count("remote_settings"):
        # those of this frame: another one may have arrived in the same read
        session.emit("remote_settings", exchange.remote(current))


def on_settings_ack(session: SessionDoor, _: int, current: list[tuple[int, int]], __: None) -> None:
    exchange = session.settings_exchange
    exchange.acknowledged(current)
    if session.listener_count("local_settings"):
        session.emit("local_settings", exchange.local(current))


def on_ping(session: SessionDoor, _: int, payload: bytes, __: None) -> None:
    session.emit("ping", payload)


def on_ping_ack(session: SessionDoor, _: int, payload: bytes, __: None) -> None:
    if session.pings is not None:
        session.pings.answered(payload)


def on_nothing(session: SessionDoor, stream_id: int, first: object, second: object) -> None:
    """Handle an event that only sessions of the other role can have."""


HANDLERS = with_handlers(
    [on_nothing] * (events.LAST_DATA + 1),
    {
        events.DATA: on_data,
        events.HEADERS: on_headers,
        events.STREAM_CLOSED: on_stream_closed,
        events.END_SENT: on_end_sent,
        events.WRITABLE: on_writable,
        events.WANT_TRAILERS: on_want_trailers,
        events.GOAWAY: on_goaway,
        events.GOAWAY_SENT: on_goaway_sent,
        events.FRAME_NOT_SENT: on_frame_not_sent,
        events.INVALID_FRAME: on_invalid_frame,
        events.FAILED: on_failed,
        events.WINDOW_GIVEN: on_window_given,
        events.SETTINGS: on_settings,
        events.SETTINGS_ACK: on_settings_ack,
        events.PING: on_ping,
        events.PING_ACK: on_ping_ack,
    },
)
