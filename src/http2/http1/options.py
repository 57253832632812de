"""Define the options in ``http1_options`` of a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..common.suggestions import reject_unknown
from ..common.timers import check_timeout
from ..errors import new_error

__all__ = ["Http1Options"]

MAX_INT = 2**31 - 1


@dataclass(slots=True, kw_only=True)
class Http1Options:
    """Options of a server for HTTP/1 clients; see ``http1_options`` of `create_server`."""

    keep_alive_timeout: float = 5
    """Seconds that a connection is kept open after a response; 0 for no limit."""
    headers_timeout: float = 60
    """Seconds for the head of a request, for the first one from the connection's
    beginning; then 408. 0 for no limit."""
    request_timeout: float = 300
    """Seconds for a whole request, including its body; then 408. 0 for no limit."""
    max_header_size: int = 16384
    """Bytes that the header section of a request, or its trailer section, may have."""
    max_headers_count: int = 2000
    """Fields that either section may have."""
    max_url_size: int = 8192
    """Bytes that the target in a request line may have."""
    max_requests_per_socket: int = 0
    """Requests that a connection may make; 0 for any number."""
    should_upgrade_callback: Callable[[Any], object] | None = None
    """The initial value of `Http2Server.should_upgrade_callback`."""

    def __post_init__(self) -> None:
        if not (self.should_upgrade_callback is None or callable(self.should_upgrade_callback)):
            raise new_error(
                "ERR_INVALID_ARG_TYPE",
                "should_upgrade_callback",
                "a callable or None",
                self.should_upgrade_callback,
            )
        for name in ("keep_alive_timeout", "headers_timeout", "request_timeout"):
            setattr(self, name, check_timeout(getattr(self, name), name))
        for name, low in (
            ("max_header_size", 1),
            ("max_headers_count", 1),
            ("max_url_size", 1),
            ("max_requests_per_socket", 0),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise new_error("ERR_INVALID_ARG_TYPE", name, "an integer", value)
            if not low <= value <= MAX_INT:
                raise new_error("ERR_OUT_OF_RANGE", name, f">= {low} and <= {MAX_INT}", value)

    @classmethod
    def of(cls, given: Mapping[str, object] | Http1Options | None) -> Http1Options:
        """Return the options in *given*: a mapping, an instance, or None.

        Raises ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE, and `TypeError` for unknown names.
        """
        if given is None:
            return cls()
        if isinstance(given, cls):
            return given
        if not isinstance(given, Mapping):
            raise new_error("ERR_INVALID_ARG_TYPE", "http1_options", "a mapping", given)
        left: dict[str, Any] = {**given}
        known = {name: left.pop(name) for name in cls.__slots__ if name in left}
        reject_unknown(left, "http1_options", cls.__slots__)
        return cls(**known)
