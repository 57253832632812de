"""Define the options of WebSockets for both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..common.timers import check_timeout
from ..engine.field_rules import is_token
from ..errors import new_error

__all__ = ["Options", "check_subprotocols"]


@dataclass(slots=True, kw_only=True)
class Options:
    """The limits of a WebSocket; the defaults are those of the library ``websockets``."""

    max_size: int | None = 1 << 20
    """Bytes of a decompressed message: a larger one ends the WebSocket with 1009. None: any."""
    max_queue: int = 16
    """Messages waiting for `WebSocket.recv` at which the peer is held back."""
    compression: bool = True
    """Whether permessage-deflate (RFC 7692) is negotiated with a peer that supports it."""
    ping_interval: float | None = 20.0
    """Seconds between pings that check whether the peer is alive; None for no pings."""
    ping_timeout: float | None = 20.0
    """Seconds within which the peer must send anything after a ping, else 1011. None: no limit."""
    close_timeout: float = 10.0
    """Seconds for the peer's Close frame after this side's."""

    def __post_init__(self) -> None:
        if self.max_size is not None:
            _check_count("max_size", self.max_size)
        _check_count("max_queue", self.max_queue)
        if not isinstance(self.compression, bool):
            raise new_error("ERR_INVALID_ARG_TYPE", "compression", "a bool", self.compression)
        for name in ("ping_interval", "ping_timeout"):
            seconds = getattr(self, name)
            if seconds is not None:
                checked = check_timeout(seconds, name)
                if checked == 0:
                    raise new_error("ERR_OUT_OF_RANGE", name, "> 0, or None", seconds)
                setattr(self, name, checked)
        self.close_timeout = check_timeout(self.close_timeout, "close_timeout")


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise new_error("ERR_INVALID_ARG_TYPE", name, "an integer", value)
    if value < 1:
        raise new_error("ERR_OUT_OF_RANGE", name, ">= 1", value)


def check_subprotocols(subprotocols: Any) -> list[str]:
    """Return *subprotocols* as a list of distinct tokens (RFC 6455 section 4.1)."""
    if isinstance(subprotocols, (str, bytes)):
        raise new_error("ERR_INVALID_ARG_TYPE", "subprotocols", "a list of str", subprotocols)
    try:
        found = list(subprotocols)
    except TypeError:
        raise new_error(
            "ERR_INVALID_ARG_TYPE", "subprotocols", "a list of str", subprotocols
        ) from None
    for name in found:
        if not isinstance(name, str):
            raise new_error("ERR_INVALID_ARG_TYPE", "subprotocols", "a list of str", name)
        check_token("Subprotocol", name)
    if len(set(found)) < len(found):
        raise new_error("ERR_INVALID_ARG_VALUE", "subprotocols", found)
    return found


def check_token(what: str, name: str) -> None:
    """Raise ERR_INVALID_HTTP_TOKEN if *name* is not a token (RFC 9110 section 5.6.2)."""
    if not is_token(name):
        raise new_error("ERR_INVALID_HTTP_TOKEN", what, name)
