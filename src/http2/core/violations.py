"""The error of a session whose peer broke the protocol: the code, and what the peer did."""

from __future__ import annotations

from ..constants import (
    ERROR_CODE_NAMES,
    NGHTTP2_COMPRESSION_ERROR,
    NGHTTP2_FLOW_CONTROL_ERROR,
    NGHTTP2_FRAME_SIZE_ERROR,
)
from ..errors import SessionError, session_error

__all__ = ["violation"]

# Where nghttp2 gives no reason, there is one that the code leaves.
_REASONS = {
    NGHTTP2_COMPRESSION_ERROR: "a header block that can't be decoded (RFC 7541)",
    NGHTTP2_FLOW_CONTROL_ERROR: "more DATA than its window, or a window of more than 2**31 - 1",
    NGHTTP2_FRAME_SIZE_ERROR: "a frame of a length that its type does not have",
}


def violation(code: int, reason: bytes) -> SessionError:
    """What a session fails with after a GOAWAY of *code* that nghttp2 has decided on."""
    name = ERROR_CODE_NAMES.get(code, str(code)).removeprefix("NGHTTP2_")
    text = reason.decode("latin-1") or _REASONS.get(code, "")
    return session_error(
        code, message=f"the peer broke the protocol: {name}" + (f", {text}" if text else "")
    )
