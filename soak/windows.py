"""Whether a connection's windows are whole: whether what was received was given back."""

from __future__ import annotations

import http2

__all__ = ["incomplete"]


def incomplete(session: http2.Http2Session) -> str | None:
    """What is wrong with the connection's receive window while no stream is open, if anything is.

    What was read is given back when it is half a window, so less than a half may be missing.
    """
    state = session.state
    whole, left = state.effective_local_window_size, state.local_window_size
    if 2 * left < whole:
        return f"{left:,} of {whole:,} bytes are left of the receive window of {session!r}"
    return None
