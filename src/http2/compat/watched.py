"""Define `Watched`: a record of an observed exchange over either protocol."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Watched"]


@dataclass(slots=True, eq=False)
class Watched:
    """One request and its response, for an access log or for metrics."""

    began: float
    """The time of the request's headers, on the clock `time.monotonic`."""
    version: str
    """``'2'``, ``'1.1'`` or ``'1.0'``."""
    scheme: str
    """``'https'`` on a connection with TLS, else ``'http'``; independent of the client's claim."""
    peer: str | None
    """The client's address without its port; None on a Unix socket."""
    method: str = ""
    target: str = ""
    received: int = 0
    """Bytes of the request's body, without frames and chunks."""
    status: int | None = None
    """The status of the response that was sent; None without a response."""
    sent: int = 0
    """Bytes of the response's body that were sent."""
    reset: int | None = None
    """The error code of an exchange that ended early; else None."""
