"""Receive uploads, by PUT or from a form: count and hash them, without storing them.

Run it, then::

    curl -k -T FILE https://localhost:8443/             # PUT
    curl -k -F file=@FILE https://localhost:8443/       # a form, as browsers send it
    curl -k --http1.1 -T FILE https://localhost:8443/   # the same over HTTP/1.1
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterable, AsyncIterator
from email.message import Message

from secure import run

import http2

LIMIT = 16 << 20  # maximum size of a file in bytes; the answer to a larger one is 413


async def file_of(form: AsyncIterable[bytes], content_type: str) -> AsyncIterator[bytes]:
    """Yield the first file of a multipart *form*, in pieces (RFC 2046 section 5.1.1)."""
    message = Message()
    message["content-type"] = content_type
    border = f"\r\n--{message.get_boundary()}".encode()
    held, within = b"", False
    async for chunk in form:
        held += chunk
        if not within and b"\r\n\r\n" in held:
            within, held = True, held.partition(b"\r\n\r\n")[2]
        if within:
            # the end may be the beginning of the border: it waits for the next chunk
            piece, found, _ = held.partition(border)
            piece = piece if found else held[: 1 - len(border)]
            yield piece
            held = border if found else held[len(piece) :]
        elif len(held) > 10_000:
            raise ValueError("the head of a field can't be that long")


async def on_request(
    request: http2.Http2ServerRequest, response: http2.Http2ServerResponse
) -> None:
    """Answer with the number of received bytes, and their hash."""
    if request.method not in ("POST", "PUT"):
        response.write_head(405, {"allow": "POST, PUT"}).end()
        return
    kind = request.headers.get("content-type", "")
    size, digest = 0, hashlib.sha256()
    async for chunk in file_of(request, kind) if kind.startswith("multipart/") else request:
        size += len(chunk)
        if size > LIMIT:
            response.write_head(413, {"content-type": "text/plain"}).end("too much\n")
            return
        digest.update(chunk)
    response.write_head(200, {"content-type": "application/json"})
    response.end(json.dumps({"size": size, "sha256": digest.hexdigest()}) + "\n")


if __name__ == "__main__":
    run(on_request)
