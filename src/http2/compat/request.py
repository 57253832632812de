"""Define `Http2ServerRequest`: a request with Node's HTTP/1 interface over an HTTP/2 stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..common.charset import charset_of
from ..errors import new_error
from ..headers import Headers
from .message import Message
from .message_base import RequestBase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..streams.server_stream import ServerHttp2Stream
    from .listening import RequestEvents

__all__ = ["Http2ServerRequest", "ServerRequest"]


class ServerRequest(RequestBase, Message):
    """The base class of requests over any protocol; applications do not construct it.

    Events: ``aborted``, ``close``, ``data(chunk)``, ``end``, ``error(error)``, ``timeout``.

    The body is read like any stream: with ``async for``, `read`, `readexactly`, `text`,
    `json`, or ``data`` listeners. The client may send only as much as the application reads.
    """

    if TYPE_CHECKING:  # the listeners' arguments by event
        on: RequestEvents  # type: ignore[assignment]
        once: RequestEvents  # type: ignore[assignment]
        add_listener: RequestEvents  # type: ignore[assignment]
        prepend_listener: RequestEvents  # type: ignore[assignment]
        prepend_once_listener: RequestEvents  # type: ignore[assignment]

    _forwarded = frozenset({"aborted", "close", "data", "end", "error", "timeout"})

    headers: Headers = RequestBase.headers
    """The header fields by their lower-case names."""

    # --- attributes ---------------------------------------------------------------------

    method: str
    """The method, such as ``'GET'``."""

    url: str
    """The target of the request: path and query."""

    http_version_major: int
    """The first number of the HTTP version."""

    http_version_minor: int
    """The second one."""

    @property
    def http_version(self) -> str:
        """The HTTP version of the request: ``'2.0'``, ``'1.1'`` or ``'1.0'``."""
        return f"{self.http_version_major}.{self.http_version_minor}"

    @property
    def scheme(self) -> str:
        """The scheme, ``'https'`` or ``'http'``."""
        scheme: str = self.headers.get(":scheme")
        return scheme or ("https" if self.stream.owner.encrypted else "http")

    @property
    def authority(self) -> str:
        """``:authority``, else the field ``host``."""
        authority: str = self.headers.get(":authority") or self.headers.get("host", "")
        return authority

    @property
    def raw_headers(self) -> list[tuple[str, str]]:
        """The header fields as received: (name, value) pairs in order, not merged."""
        return self.headers.raw

    @property
    def trailers(self) -> Headers:
        """The trailers; empty until ``end``."""
        received: Headers | None = self.stream.received_trailers
        if received is None or not self.stream.readable_ended:
            return Headers()
        return received

    @property
    def raw_trailers(self) -> list[tuple[str, str]]:
        """The trailers as received: (name, value) pairs; empty until ``end``."""
        return self.trailers.raw

    @property
    def aborted(self) -> bool:
        """Whether the stream ended before the response; ``aborted`` was emitted then."""
        return bool(self.stream.aborted)

    @property
    def complete(self) -> bool:
        """Whether the request has been read to its end, aborted or destroyed."""
        stream = self.stream
        return bool(stream.readable_ended or stream.closed)

    # --- reading ------------------------------------------------------------------------

    @property
    def readable(self) -> bool:
        """Whether there are, or may still come, bytes to read."""
        return bool(self.stream.readable)

    @property
    def readable_ended(self) -> bool:
        """Whether the body has been read to its end."""
        return bool(self.stream.readable_ended)

    async def read(self, n: int = -1) -> bytes:
        """Read at most *n* bytes of the body, or all of it; return ``b""`` at the end.

        Raises the stream's error when the body ended early.
        """
        data: bytes = await self.stream.read(n)
        return data

    async def readexactly(self, n: int) -> bytes:
        """Read exactly *n* bytes; raise `asyncio.IncompleteReadError` if the body is shorter."""
        data: bytes = await self.stream.readexactly(n)
        return data

    async def text(self, encoding: str | None = None) -> str:
        """Read the whole body as text.

        Decoded with *encoding*, else with the ``charset`` of ``content-type``, else with UTF-8.
        `text` and `json` store the body: they may be called repeatedly, in any order.
        Raises like `read`; `UnicodeDecodeError`; `LookupError` for an unknown encoding.
        """
        if encoding is None:
            encoding = self._charset() or "utf-8"
        return (await self._whole()).decode(encoding)

    async def json(self) -> Any:
        """Read the whole body as JSON, in UTF-8, -16 or -32 (RFC 8259).

        Raises like `read`; `ValueError` if it is not JSON.
        """
        import json

        return json.loads(await self._whole())

    async def _whole(self) -> bytes:
        """Return the body, or the rest of it; it is stored for later calls."""
        if self._body is None:
            self._body = await self.read()
        return self._body

    def _charset(self) -> str | None:
        return charset_of(self.headers)

    def __aiter__(self) -> AsyncIterator[Any]:
        chunks: AsyncIterator[object] = self.stream.__aiter__()
        return chunks

    def set_encoding(self, encoding: str = "utf-8") -> None:
        """Decode the body for ``data`` listeners and ``async for``, across chunk boundaries."""
        self.stream.set_encoding(encoding)

    def pause(self) -> None:
        """Stop the ``data`` events; what arrives is kept, and the client is held back."""
        self.stream.pause()

    def resume(self) -> None:
        """Start the ``data`` events; without a listener the data is discarded."""
        self.stream.resume()


class Http2ServerRequest(ServerRequest):
    """A request over HTTP/2, from the event ``request`` of a server.

    Its `headers` include the pseudo-headers, such as ``:path``.
    """

    if TYPE_CHECKING:
        stream: ServerHttp2Stream

    http_version_major = 2
    http_version_minor = 0

    @property
    def http_version(self) -> str:
        """``'2.0'``."""
        return "2.0"

    @property
    def method(self) -> str:
        """The method, such as ``'GET'``; middleware may change it for later handlers.

        Setting raises ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an empty one.
        """
        method: str = self.headers[":method"]
        return method

    @method.setter
    def method(self, method: str) -> None:
        self.headers[":method"] = check_method(method)

    @property
    def url(self) -> str:
        """The path and query, as in the request; None for CONNECT. May be changed."""
        # a pseudo-header has one spelling
        return dict.get(self.headers, ":path")  # type: ignore[return-value]

    @url.setter
    def url(self, url: str) -> None:
        self.headers[":path"] = url


def check_method(method: object) -> str:
    """Check and return *method*: a `str` that is not empty."""
    if not isinstance(method, str):
        raise new_error("ERR_INVALID_ARG_TYPE", "method", "a str", method)
    if not method.strip():
        raise new_error("ERR_INVALID_ARG_VALUE", "method", method)
    return method
