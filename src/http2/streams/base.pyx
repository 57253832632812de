# cython: language_level=3
"""What a stream has and does in each request, compiled.

The attributes are fields of C. `add_members` makes them attributes of Python objects, too, so that
the methods of `Duplex`, `Exchange` and their subclasses use them like any other.
"""

from http2.common.members import add_members
from http2.constants import NGHTTP2_NO_ERROR

cdef object NO_ERROR = NGHTTP2_NO_ERROR
cdef tuple NOTHING_SENT = (None, None, None)


cdef class ExchangeBase:
    """The attributes of every exchange, over any protocol; see `base.pyi`."""

    def __cinit__(self):
        # all others are None
        self._watched = False
        self.error_seen = False
        self.end_after_headers = False
        self.headers_sent = False
        self._head_request = False
        self._code = NO_ERROR
        self._sent = NOTHING_SENT


add_members(
    ExchangeBase,
    "_listeners", "_tasks", "_watched",
    "life", "_error", "error_seen", "_receiver", "_whole", "_drainers",
    "id", "end_after_headers", "headers_sent", "_session", "_code", "_head_request", "_request",
    "_sent", "_timer",
    docs={
        "id": "The stream identifier; None until the connection is established.",
        "end_after_headers": (
            "Whether the received headers carried END_STREAM: there is no body to read."),
        "headers_sent": "Whether the response headers have been sent; True for a request.",
    },
)
