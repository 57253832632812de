"""Create the error of a session whose peer violated the protocol."""

from __future__ import annotations

from ..constants import (
    ERROR_CODE_NAMES,
    NGHTTP2_COMPRESSION_ERROR,
    NGHTTP2_ENHANCE_YOUR_CALM,
    NGHTTP2_ERR_FRAME_SIZE_ERROR,
    NGHTTP2_FLOW_CONTROL_ERROR,
    NGHTTP2_FRAME_SIZE_ERROR,
    NGHTTP2_STREAM_CLOSED,
)
from ..errors import Http2Error, NghttpError, SessionError

__all__ = ["violation"]

# Reasons by error code, for errors without a reason from nghttp2.
_REASONS = {
    NGHTTP2_COMPRESSION_ERROR: "a header block that cannot be decoded (RFC 7541)",
    NGHTTP2_FLOW_CONTROL_ERROR: "more DATA than its window, or a window of more than 2**31 - 1",
    NGHTTP2_FRAME_SIZE_ERROR: "a frame with an invalid length for its type",
}

# nghttp2's error number for the code that ended a connection; others are NGHTTP2_ERR_PROTO.
_NUMBERS = {
    NGHTTP2_STREAM_CLOSED: -510,  # NGHTTP2_ERR_STREAM_CLOSED
    NGHTTP2_FRAME_SIZE_ERROR: NGHTTP2_ERR_FRAME_SIZE_ERROR,
    NGHTTP2_COMPRESSION_ERROR: -523,  # NGHTTP2_ERR_HEADER_COMP
    NGHTTP2_FLOW_CONTROL_ERROR: -524,  # NGHTTP2_ERR_FLOW_CONTROL
    NGHTTP2_ENHANCE_YOUR_CALM: -904,  # NGHTTP2_ERR_FLOODED
}
ERR_PROTO = -505


class ViolationError(SessionError, NghttpError):
    """A `SessionError` with the code that was sent to the peer, and with nghttp2's number."""

    def __init__(self, message: str, *, error_code: int, errno: int) -> None:
        Http2Error.__init__(self, "ERR_HTTP2_ERROR", message)
        self.error_code = error_code
        self.errno = errno


def violation(code: int, reason: bytes) -> ViolationError:
    """Return the error of a session after nghttp2 sent a GOAWAY with *code*."""
    name = ERROR_CODE_NAMES.get(code, str(code)).removeprefix("NGHTTP2_")
    text = reason.decode("latin-1") or _REASONS.get(code, "")
    return ViolationError(
        f"the peer violated the protocol: {name}" + (f", {text}" if text else ""),
        error_code=code,
        errno=_NUMBERS.get(code, ERR_PROTO),
    )
