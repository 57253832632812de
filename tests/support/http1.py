"""Hand-written HTTP/1: bytes out, and responses parsed as strictly as RFC 9112 requires."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import http2

from .dialled import PATIENCE, Dialled
from .serving import listening


@dataclass
class Response:
    """A received response."""

    version: str
    status: int
    reason: str
    raw: list[tuple[str, str]]
    body: bytes = b""
    chunks: list[bytes] = field(default_factory=list)
    trailers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        """The fields, each of which may appear only once."""
        assert len({name for name, _ in self.raw}) == len(self.raw), self.raw
        return dict(self.raw)

    @property
    def closes(self) -> bool:
        """Whether the response announces the end of the connection."""
        return self.headers.get("connection") == "close"


class Http1Peer(Dialled):
    """A client that sends given bytes."""

    def send(self, *parts: str | bytes) -> None:
        """Send bytes, or a text in latin-1."""
        self.writer.write(
            b"".join(part if isinstance(part, bytes) else part.encode("latin-1") for part in parts)
        )

    async def _line(self) -> str:
        line = await self.reader.readuntil(b"\r\n")
        return line[:-2].decode("latin-1")

    async def _fields(self) -> list[tuple[str, str]]:
        found = []
        while line := await self._line():
            name, colon, value = line.partition(": ")
            assert colon, line
            found.append((name, value))
        return found

    async def head(self) -> Response:
        """Return the next head, without reading further."""
        async with asyncio.timeout(PATIENCE):
            version, status, reason = (await self._line()).split(" ", 2)
            return Response(version, int(status), reason, await self._fields())

    async def response(self, method: str = "GET") -> Response:
        """Return the next response, which is one to *method*."""
        got = await self.head()
        headers = got.headers
        if method == "HEAD" or got.status in (204, 304) or got.status < 200:
            return got
        async with asyncio.timeout(PATIENCE):
            if "transfer-encoding" in headers:
                assert headers["transfer-encoding"] == "chunked"
                assert "content-length" not in headers
                await self._chunked(got)
            elif "content-length" in headers:
                got.body = await self.reader.readexactly(int(headers["content-length"]))
            else:
                got.body = await self.reader.read()
        return got

    async def _chunked(self, got: Response) -> None:
        while size := int(await self._line(), 16):
            got.chunks.append(await self.reader.readexactly(size))
            assert await self._line() == ""
        got.trailers = await self._fields()
        got.body = b"".join(got.chunks)

    async def rest(self) -> bytes:
        """Return everything until the server closes."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    async def ask(self, text: str | bytes, method: str = "GET") -> Response:
        """Send *text* and return the response."""
        self.send(text)
        return await self.response(method)


def get(path: str = "/", version: str = "1.1", **fields: str) -> str:
    """Return a whole GET request; underscores in the names of *fields* are hyphens."""
    return request("GET", path, version, **fields)


def request(method: str, path: str = "/", version: str = "1.1", **fields: str) -> str:
    """Return the head of a request."""
    fields.setdefault("host", "localhost")
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items()]
    return f"{method} {path} HTTP/{version}\r\n{''.join(lines)}\r\n"


def chunked(*chunks: bytes, trailers: str = "") -> bytes:
    """Return a body in chunks."""
    parts = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    return b"".join(parts) + b"0\r\n" + trailers.encode() + b"\r\n"


@asynccontextmanager
async def serving_http1(
    on_request: Callable[..., Any] | None = None, /, **options: Any
) -> AsyncIterator[tuple[http2.Http2Server, int]]:
    """A server in the clear that allows HTTP/1; *options* are those of `Http1Options`."""
    server = http2.create_server(on_request, allow_http1=True, http1_options=options)
    async with listening(server) as port:
        yield server, port


@asynccontextmanager
async def asking(
    on_request: Callable[..., Any] | None = None, /, **options: Any
) -> AsyncIterator[Http1Peer]:
    """A client of such a server."""
    async with (
        serving_http1(on_request, **options) as (_, port),
        await Http1Peer.dial(port) as peer,
    ):
        yield peer


async def echo(request: Any, response: Any) -> None:
    """Echo the request's body."""
    async for chunk in request:
        response.write(chunk)
        await response.drain()
    response.end()
