"""A stream has a `Receiver` only if a body is in parts or unread, or if its reader waits."""

from __future__ import annotations

from typing import Any

import pytest

import http2
from http2.streams.parts.receiver import Receiver

from ..support.running import Run


@pytest.mark.parametrize(
    ("body", "reads", "made"),
    [(None, False, 0), (None, True, 1), (b"body", False, 1), (b"body", True, 0)],
)
def test_receivers_are_created_for_data_and_readers(
    run: Run, monkeypatch: pytest.MonkeyPatch, body: bytes | None, reads: bool, made: int
) -> None:
    created: list[Receiver] = []
    initialise = Receiver.__init__

    def counted(receiver: Receiver, *args: Any) -> None:
        created.append(receiver)
        initialise(receiver, *args)

    async def main() -> None:
        server = http2.create_server()

        @server.on("stream")
        async def answer(stream: http2.ServerHttp2Stream) -> None:
            if reads:
                assert await stream.read() == (body or b"")
            stream.respond({":status": 204}, end_stream=True)

        await server.listen(0, "127.0.0.1")
        monkeypatch.setattr(Receiver, "__init__", counted)
        async with http2.connect(f"http://127.0.0.1:{server.address()[1]}") as session:
            stream = session.request({":method": "POST"}, end_stream=body is None)
            if body is not None:
                stream.end(body)
            assert (await stream.response())[":status"] == 204
        assert len(created) == made
        await server.close()

    run(main())
