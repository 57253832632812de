"""Differences between versions of nghttp2: tests require what the linked one supports."""

from __future__ import annotations

import http2

VERSION = tuple(int(part) for part in http2.nghttp2_version.split(".")[:2])

# 1.65 has removed the priorities of RFC 7540: it sends no PRIORITY, and does not report received
# ones. All servers then use RFC 9218.
KNOWS_RFC_7540 = VERSION < (1, 65)

# 1.67 ends the connection if the peer makes a stream's window too large, and older versions reset
# the stream: RFC 9113 section 6.9.1 allows both.
RESETS_FOR_A_WINDOW = VERSION < (1, 67)
