"""Properties and awaitables after a body was read, or a stream has ended."""

from __future__ import annotations

from typing import Any

import pytest

import http2

from ..support import http1, raw
from ..support.both_protocols import PROTOCOLS, serving_both
from ..support.http1 import Http1Peer
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import Events
from ..support.serving import serving as serving_h2


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.row("request.text", "request.json")
def test_a_body_is_asked_for_again(run: Run, protocol: str) -> None:
    async def main() -> None:
        asked: list[Any] = []

        async def handler(request: Any, response: Any) -> None:
            asked.extend([await request.text(), await request.json(), await request.text()])
            response.end("done")

        async with serving_both(handler) as (_, port):
            body = b'{"a": 1}'
            if protocol == "h2c":
                async with await RawPeer.connect(port) as peer:
                    peer.send(raw.post(), raw.data(1, body, end_stream=True))
                    assert await peer.body(1) == b"done"
            else:
                async with await Http1Peer.dial(port) as old:
                    old.send(http1.request("POST", content_length=str(len(body))), body)
                    assert (await old.response()).body == b"done"
        assert asked == ['{"a": 1}', {"a": 1}, '{"a": 1}']

    run(main())


@pytest.mark.parametrize("manner", ["well", "reset by peer", "destroyed", "connection lost"])
@pytest.mark.row("stream.session", "stream.event.close", "session.socket.remote_port")
def test_the_session_of_a_stream_that_closes(run: Run, manner: str) -> None:
    async def main() -> None:
        noted = Events()

        def on_close(stream: Any) -> None:
            socket = stream.session.socket
            noted.add("close", stream.session is sessions[0], socket.remote_port, socket.local_port)

        def on_stream(stream: Any) -> None:
            sessions.append(stream.session)
            streams.append(stream)
            stream.on("close", lambda: on_close(stream))
            if manner == "well":
                stream.end("hello")
            elif manner == "destroyed":
                stream.destroy()

        sessions: list[http2.ServerHttp2Session] = []
        streams: list[http2.ServerHttp2Stream] = []
        async with serving_h2(on_stream) as (_, port), await RawPeer.connect(port) as peer:
            own = peer.writer.get_extra_info("sockname")[1]
            peer.send(raw.get())
            if manner == "reset by peer":
                await peer.answered()
                peer.send(raw.rst_stream(1))
            elif manner == "connection lost":
                await peer.answered()
                await peer.abort()
            assert await noted.expect("close") == ("close", True, own, port)
            assert streams[0].session is None

    run(main())
