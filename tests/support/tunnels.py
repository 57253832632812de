"""Handlers of CONNECT."""

from __future__ import annotations

import asyncio

import http2
from http2.constants import NGHTTP2_CONNECT_ERROR


async def echo(stream: http2.ServerHttp2Stream) -> None:
    stream.respond()
    await http2.pipe(stream, stream)


async def tunnel(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """A handler like that of examples/connect_proxy.py."""
    host, _, port = headers[":authority"].rpartition(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        stream.close(NGHTTP2_CONNECT_ERROR)
        return
    stream.respond()
    await asyncio.gather(
        http2.pipe(reader, stream), http2.pipe(stream, writer), return_exceptions=True
    )
    writer.close()
