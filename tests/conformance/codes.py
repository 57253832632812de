"""The error codes of RFC 9113 section 7, by their names in the RFC."""

from http2.constants import (
    NGHTTP2_CANCEL as CANCEL,
)
from http2.constants import (
    NGHTTP2_COMPRESSION_ERROR as COMPRESSION_ERROR,
)
from http2.constants import (
    NGHTTP2_FLOW_CONTROL_ERROR as FLOW_CONTROL_ERROR,
)
from http2.constants import (
    NGHTTP2_FRAME_SIZE_ERROR as FRAME_SIZE_ERROR,
)
from http2.constants import (
    NGHTTP2_NO_ERROR as NO_ERROR,
)
from http2.constants import (
    NGHTTP2_PROTOCOL_ERROR as PROTOCOL_ERROR,
)
from http2.constants import (
    NGHTTP2_REFUSED_STREAM as REFUSED_STREAM,
)
from http2.constants import (
    NGHTTP2_STREAM_CLOSED as STREAM_CLOSED,
)

__all__ = [
    "CANCEL",
    "COMPRESSION_ERROR",
    "FLOW_CONTROL_ERROR",
    "FRAME_SIZE_ERROR",
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "REFUSED_STREAM",
    "STREAM_CLOSED",
]
