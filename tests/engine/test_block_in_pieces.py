"""A header block that arrives in several reads: the engine keeps what it has."""

from __future__ import annotations

import http2

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import hello, serving


def test_header_block_in_pieces(run: Run) -> None:
    """TCP may split anywhere: in a field, between fields, between HEADERS and CONTINUATION."""

    async def main() -> None:
        got: list[http2.Headers] = []

        def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            got.append(headers)
            hello(stream)

        async with serving(respond) as (_, port), await RawPeer.connect(port) as peer:
            request = raw.headers(1, raw.request_fields(), end_stream=True, end_headers=False)
            request += raw.frame(
                raw.CONTINUATION, raw.END_HEADERS, 1, raw.block([("x", "1"), ("y", "2")])
            )
            for octet in request:
                peer.send(bytes([octet]))
                await peer.flush()
            assert await peer.body(1) == b"hello"
            assert got[0]["x"] == "1"
            assert got[0].raw == [*raw.request_fields(), ("x", "1"), ("y", "2")]

    run(main())
