"""Check a connection's windows: all received bytes must be returned to the peer."""

from __future__ import annotations

import http2

__all__ = ["incomplete"]


def incomplete(session: http2.Http2Session) -> str | None:
    """Return the problem of the connection's receive window while no stream is open, if any.

    Read bytes are returned when they reach half a window, so less than half may be missing.
    """
    state = session.state
    whole, left = state.effective_local_window_size, state.local_window_size
    if 2 * left < whole:
        return f"{left:,} of {whole:,} bytes are left of the receive window of {session!r}"
    return None
