"""Run the blocks of a page of the documentation, one after the other."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import re
from typing import Any

import http2

from ..support.running import free_port
from .snippets import Snippet


async def echo(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """The server of ``session`` blocks."""
    stream.respond({"content-type": "text/plain"})
    if stream.end_after_headers:
        stream.end(f"Hello, {headers[':path']}!\n")
        return
    async for chunk in stream:
        if not stream.write(chunk):
            await stream.drain()
    stream.end()


async def clean_up(namespace: dict[str, Any]) -> None:
    """End the sessions and servers that a page has left open."""
    for value in namespace.values():
        if isinstance(value, http2.ClientHttp2Session):
            value.destroy()
            await value.close()
    for value in namespace.values():
        if isinstance(value, http2.Http2Server):
            async with value:
                pass


async def run_sequence(sequence: list[Snippet], printed: list[str]) -> None:
    """Run the blocks of *sequence* one after the other; *printed* gets the output of each."""
    port = str(free_port())
    namespace: dict[str, Any] = {"__name__": "__main__"}
    if sequence[0].marker == "session":
        server = namespace["server"] = http2.create_server()
        server.on("stream", echo)
        await server.listen(int(port), "127.0.0.1")
        namespace["session"] = await http2.connect(f"http://127.0.0.1:{port}")
        namespace |= {"asyncio": asyncio, "http2": http2}
    try:
        for snippet in sequence:
            code = compile(
                re.sub(r"\b8000\b", port, snippet.padded),
                str(snippet.path), "exec",
                flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True,
            )  # fmt: skip
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                result = eval(code, namespace)
                if inspect.iscoroutine(result):
                    async with asyncio.timeout(30):
                        await result
            printed.append(out.getvalue())
    finally:
        await clean_up(namespace)
