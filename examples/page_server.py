"""A page for browsers: a stylesheet, a script and images over one connection, and an upload.

Early Hints (status 103) name the stylesheet while the page is still being generated. Run it, and
open https://localhost:8443/ in a browser, which will ask whether to trust its certificate.
"""

from __future__ import annotations

import asyncio
import struct
import zlib

import upload_server
from secure import run

import http2

COLOURS = "ff0000", "ff8000", "ffff00", "00ff00", "00ffff", "0000ff", "8000ff", "ff00ff"

PAGE = f"""<!doctype html>
<html lang="en"><title>Over HTTP/2</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">
<h1>Over HTTP/2</h1>
<p>{"".join(f'<img src="/{colour}.png" alt="{colour}">' for colour in COLOURS)}
<p id="script">
<form method="post" action="/upload" enctype="multipart/form-data">
<input type="file" name="file"><button>Upload</button>
</form>
<script src="/script.js"></script>
"""

STYLE = """body { background: #203040; color: white; margin: 0; padding: 20px }
img { width: 40px; height: 40px } p { display: flex; margin: 20px 0; height: 40px }
"""

SCRIPT = """document.getElementById("script").style.background = "#ffffff"\n"""


def png(colour: str) -> bytes:
    """Return an image of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    pixel = chunk(b"IDAT", zlib.compress(b"\0" + bytes.fromhex(colour)))
    return b"\x89PNG\r\n\x1a\n" + head + pixel + chunk(b"IEND", b"")


FILES = {
    "/style.css": ("text/css", STYLE.encode()),
    "/script.js": ("text/javascript", SCRIPT.encode()),
    **{f"/{colour}.png": ("image/png", png(colour)) for colour in COLOURS},
}


async def on_request(
    request: http2.Http2ServerRequest, response: http2.Http2ServerResponse
) -> None:
    """Answer the requests of a browser."""
    if request.url == "/upload":
        await upload_server.on_request(request, response)
    elif request.url == "/":
        response.write_early_hints({"link": "</style.css>; rel=preload; as=style"})
        await asyncio.sleep(0.1)  # simulates a database query
        response.write_head(200, {"content-type": "text/html; charset=utf-8"})
        response.end(PAGE)
    elif request.url in FILES:
        kind, body = FILES[request.url]
        response.write_head(200, {"content-type": kind, "cache-control": "max-age=60"})
        response.end(body)
    else:
        response.write_head(404, {"content-type": "text/plain"}).end("not here\n")


if __name__ == "__main__":
    run(on_request)
