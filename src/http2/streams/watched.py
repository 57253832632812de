"""`Watched`: what is known of an exchange that is watched, over either protocol."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Watched"]


@dataclass(slots=True, eq=False)
class Watched:
    """One request and its response, for an access log or for metrics."""

    began: float
    """When the request's headers had come, on the clock `time.monotonic`."""
    version: str
    """``'2'``, ``'1.1'`` or ``'1.0'``."""
    scheme: str
    """``'https'`` on a connection with TLS, else ``'http'``: the client has no say in it."""
    peer: str | None
    """The client's address without its port; None on a Unix socket."""
    method: str = ""
    target: str = ""
    received: int = 0
    """Bytes of the request's body, without frames and chunks."""
    status: int | None = None
    """That of the response that went out; None without any."""
    sent: int = 0
    """Bytes of the response's body that went out."""
    reset: int | None = None
    """The error code of an exchange that did not come to its end."""
