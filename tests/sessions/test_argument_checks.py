"""Arguments that Node checks: a wrong one raises at the call, and nothing else changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support.http1 import asking, get
from ..support.running import Run
from ..support.serving import Events, hello, serving

NO_TOKENS = ("", "GE T", "(GET)", "G/T", b"G T")
WRONG_BOOLS = (1, 0, "yes", "", [])


def refused(call: Callable[..., Any], *args: Any, **options: Any) -> str:
    with pytest.raises(TypeError) as caught:
        call(*args, **options)
    assert isinstance(caught.value, http2.Http2Error)
    return caught.value.code


def test_options_of_a_request(run: Run) -> None:
    async def main() -> None:
        async with serving(hello) as (_, port):
            session = http2.connect(f"http://127.0.0.1:{port}")
            # before the connection is established, and after
            for _ in range(2):
                for name in ("end_stream", "wait_for_trailers", "exclusive"):
                    for value in WRONG_BOOLS:
                        options: Any = {name: value}
                        code = refused(session.request, **options)
                        assert code == "ERR_INVALID_ARG_TYPE", (name, value)
                for value in ("1", "", None, 1.0, 0.0, False, True):
                    wrong: Any = {"parent": value}
                    code = refused(session.request, **wrong)
                    assert code == "ERR_INVALID_ARG_TYPE", value
                assert not session.streams
                assert not session.waiting_requests
                await session
            stream = session.request(
                end_stream=True, wait_for_trailers=False, exclusive=False, parent=0
            )
            assert await stream.read() == b"hello"
            assert stream.id == 1
            await session.request(end_stream=None, exclusive=True).read()
            await session.close()

    run(main())


def test_options_of_a_response(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("hello")

    async def main() -> None:
        codes: list[Any] = []

        def answer(stream: Any) -> None:
            for value in WRONG_BOOLS:
                for name in ("end_stream", "wait_for_trailers", "send_date"):
                    codes.append(refused(stream.respond, {}, **{name: value}))
                codes.append(refused(stream.push_stream, {}, exclusive=value))
                codes.append(refused(stream.respond_with_file, path, wait_for_trailers=value))
                codes.append(refused(stream.respond_with_fd, 0, wait_for_trailers=value))
            codes.extend(
                refused(stream.push_stream, {}, parent=parent) for parent in ("1", None, 1.0, True)
            )
            assert not stream.headers_sent
            stream.respond_with_file(path, wait_for_trailers=False)

        async with (
            serving(answer) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            session.on("stream", lambda pushed: None)
            assert await session.request().read() == b"hello"
        assert codes == ["ERR_INVALID_ARG_TYPE"] * (6 * len(WRONG_BOOLS) + 4)

    run(main())


def test_options_of_a_response_over_http1(run: Run) -> None:
    async def main() -> None:
        codes: list[str] = []

        def answer(request: Any, response: Any) -> None:
            codes.extend(
                refused(request.stream.respond, {}, **{name: 1})
                for name in ("end_stream", "wait_for_trailers", "send_date")
            )
            response.end("fine")

        async with asking(answer) as peer:
            response = await peer.ask(get())
            assert (response.status, response.body) == (200, b"fine")
        assert codes == ["ERR_INVALID_ARG_TYPE"] * 3

    run(main())


def test_a_method_is_a_token(run: Run) -> None:
    async def main() -> None:
        async def echo(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            if stream.push_allowed:
                with pytest.raises(http2.Http2Error) as caught:
                    stream.push_stream({":method": "GE T"})
                assert caught.value.code == "ERR_INVALID_HTTP_TOKEN"
            stream.respond({"x-method": headers[":method"]}, end_stream=True)

        async with serving(echo) as (_, port):
            session = http2.connect(f"http://127.0.0.1:{port}")
            for _ in range(2):
                for method in (*NO_TOKENS, " GET", "GET ", "G\tT", "caf\xe9"):
                    headers: Any = {":method": method}
                    for given in (headers, [*headers.items()]):
                        with pytest.raises(http2.Http2Error) as caught:
                            session.request(given)
                        assert caught.value.code in (
                            "ERR_INVALID_HTTP_TOKEN",
                            "ERR_HTTP2_INVALID_HEADER_VALUE",  # surrounded by white space
                            "ERR_INVALID_CHAR",
                        ), method
                        if method in NO_TOKENS:
                            assert caught.value.code == "ERR_INVALID_HTTP_TOKEN"
                            assert isinstance(caught.value, TypeError)
                await session
            for method in ("get", "PURGE", "M-SEARCH", "!#$%&'*+-.^_`|~09azAZ"):
                response = await session.request({":method": method}, end_stream=True).response()
                assert response["x-method"] == method
            await session.close()

    run(main())


@pytest.mark.parametrize(
    "wrong",
    [(-1,), ("1",), (True,), (float("inf"),), (1, "no function")],
    ids=json.dumps,
)
def test_a_timeout_that_is_refused_leaves_the_one_that_runs(run: Run, wrong: Any) -> None:
    async def main() -> None:
        async with (
            serving(lambda stream: None) as (_, port),
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request()
            events = Events()
            for name, emitter in (("session", session), ("stream", stream)):
                emitter.set_timeout(0.05)
                with pytest.raises((TypeError, ValueError)):
                    emitter.set_timeout(*wrong)
                events.listen(emitter, "timeout", prefix=f"{name}: ")
            await events.expect("session: timeout")
            await events.expect("stream: timeout")
            stream.close()
            await asyncio.sleep(0)

    run(main())
