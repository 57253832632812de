"""A listener gets as many of an event's arguments as it takes, alone or with others."""

from __future__ import annotations

from typing import Any

import pytest

import http2

from ..support.running import Run


def none(seen: list[Any]) -> Any:
    return lambda: seen.append(())


def one(seen: list[Any]) -> Any:
    return lambda stream: seen.append((stream,))


def two(seen: list[Any]) -> Any:
    return lambda stream, headers: seen.append((stream, headers))


def three(seen: list[Any]) -> Any:
    return lambda stream, headers, flags: seen.append((stream, headers, flags))


def four(seen: list[Any]) -> Any:
    return lambda stream, headers, flags, raw: seen.append((stream, headers, flags, raw))


def more(seen: list[Any]) -> Any:
    return lambda stream, headers, flags, raw, mine=1: seen.append((stream, headers, flags, raw))


def every(seen: list[Any]) -> Any:
    return lambda *args: seen.append(args)


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another"])
@pytest.mark.parametrize(
    ("listener", "count"),
    [(none, 0), (one, 1), (two, 2), (three, 3), (four, 4), (more, 4), (every, 4)],
)
def test_listener_of_stream(run: Run, listener: Any, count: int, beside: bool) -> None:
    async def main() -> None:
        seen: list[Any] = []
        answered: list[Any] = []
        server = http2.create_server()

        def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            answered.append(headers)
            stream.respond()
            stream.end()

        if beside:
            server.on("stream", listener(seen))
            server.on("stream", answer)
        else:
            # the session's listeners are called before the server's
            server.on("session", lambda session: session.on("stream", answer))
            server.on("stream", listener(seen))
        await server.listen(0, "127.0.0.1")
        async with http2.connect(f"http://127.0.0.1:{server.address()[1]}") as session:
            stream = session.request({":path": "/", "x-twice": "a", "cookie": "b=c"})
            assert (await stream.response())[":status"] == 200
            await stream.read()
        await server.close()
        [args] = seen
        [headers] = answered
        assert len(args) == count
        if count > 1:
            assert isinstance(args[0], http2.ServerHttp2Stream)
            assert args[1] is headers
        if count > 2:
            assert args[2] == 5  # END_STREAM and END_HEADERS
        if count > 3:
            assert args[3] == headers.raw
            assert ("x-twice", "a") in args[3]
            assert all(type(pair) is tuple for pair in args[3])

    run(main())
