"""Define the socket of a request: a combination of its stream and its session's socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import new_error

if TYPE_CHECKING:
    from ..streams.exchange import Responder

__all__ = ["StreamSocketProxy"]

_OF_THE_STREAM = frozenset(
    {"destroy", "destroyed", "emit", "end", "on", "once", "readable", "writable"}
)
_FORBIDDEN = frozenset({"pause", "read", "resume", "write"})


class StreamSocketProxy:
    """The value of `Http2ServerRequest.socket` and `Http2ServerResponse.socket`.

    ``destroyed``, ``readable``, ``writable``, ``destroy``, ``emit``, ``end``, ``on`` and
    ``once`` are the stream's. ``set_timeout`` is the session's. ``pause``, ``read``,
    ``resume`` and ``write`` raise ERR_HTTP2_NO_SOCKET_MANIPULATION. All other attributes,
    such as ``remote_address`` and ``get_peer_certificate()``, are those of the session's socket.
    """

    __slots__ = ("_stream",)

    _stream: Any

    if TYPE_CHECKING:
        alpn_protocol: str | None
        encrypted: bool
        local_address: str | None
        local_port: int | None
        remote_address: str | None
        remote_port: int | None

    def __init__(self, stream: Responder) -> None:
        object.__setattr__(self, "_stream", stream)

    def __getattr__(self, name: str) -> Any:
        if name in _OF_THE_STREAM:
            return getattr(self._stream, name)
        if name in _FORBIDDEN:
            raise new_error("ERR_HTTP2_NO_SOCKET_MANIPULATION")
        return getattr(self._stream.owner.socket, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FORBIDDEN:
            raise new_error("ERR_HTTP2_NO_SOCKET_MANIPULATION")
        setattr(self._stream if name in _OF_THE_STREAM else self._stream.owner.socket, name, value)

    def set_timeout(self, seconds: float, callback: Callable[[], object] | None = None) -> Any:
        """Call `Http2Session.set_timeout` of the stream's session, and return the session."""
        return self._stream.owner.set_timeout(seconds, callback)


def socket_of(stream: Responder) -> StreamSocketProxy:
    """Return the proxy of *stream*."""
    proxy: StreamSocketProxy | None = stream.socket_proxy
    if proxy is None:
        proxy = stream.socket_proxy = StreamSocketProxy(stream)
    return proxy
