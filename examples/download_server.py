"""Send a long report while it is generated, and only as fast as the client reads.

Before the first row is known, Early Hints (status 103) tell browsers to fetch the
stylesheet. Run it, then::

    curl -k -v https://localhost:8443/?rows=10
    curl -k --http1.1 https://localhost:8443/?rows=1000000 | tail -1
    curl -k --limit-rate 1M --max-time 3 -o report.html https://localhost:8443/?rows=100000000
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

from secure import run

import http2

STYLE = "table { margin: auto; text-align: right; font-variant-numeric: tabular-nums }\n"

HEAD = '<!doctype html><link rel="stylesheet" href="/style.css"><table>\n'


async def send_report(response: http2.Http2ServerResponse, rows: int) -> None:
    """Send a table of squares."""
    response.write_early_hints({"link": "</style.css>; rel=preload; as=style"})
    await asyncio.sleep(0.1)  # simulates a database query
    response.write_head(200, {"content-type": "text/html; charset=utf-8"})
    response.write(HEAD)
    done = 0
    try:
        while done < rows:
            end = min(done + 500, rows)
            block = "".join(f"<tr><td>{n}<td>{n * n}\n" for n in range(done, end))
            # False means that the client reads more slowly than we write
            if not response.write(block):
                await response.drain()
            done = end
        await response.end("</table>\n")
    finally:
        # also if the client has disconnected: then this task is cancelled
        print(f"made {done} of {rows} rows", flush=True)


async def on_request(
    request: http2.Http2ServerRequest, response: http2.Http2ServerResponse
) -> None:
    """Answer with the report, or with its stylesheet."""
    url = urlsplit(request.url)
    rows = parse_qs(url.query).get("rows", ["1000"])[0]
    if url.path == "/" and not rows.isdecimal():
        response.write_head(400, {"content-type": "text/plain"}).end("how many rows?\n")
    elif url.path == "/":
        await send_report(response, int(rows))
    elif url.path == "/style.css":
        response.write_head(200, {"content-type": "text/css", "cache-control": "max-age=60"})
        response.end(STYLE)
    else:
        response.write_head(404, {"content-type": "text/plain"}).end("not here\n")


if __name__ == "__main__":
    run(on_request)
