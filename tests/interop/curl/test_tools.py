"""curl, nghttp and h2load with this library's server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import http2

from ...support.running import Run, execute
from ...support.serving import Events, hello, serving


async def curl(port: int, *args: str, path: str = "/") -> bytes:
    """Return curl's output."""
    return await execute(
        "curl", "-sS", "--http2-prior-knowledge", *args, f"http://127.0.0.1:{port}{path}"
    )


def test_curl_get(run: Run) -> None:
    async def main() -> None:
        async with serving(hello) as (_, port):
            out = (await curl(port, "-i")).decode()
            head, body = out.replace("\r", "").split("\n\n", 1)
            assert body == "hello"
            assert head.startswith("HTTP/2 200")
            assert "content-type: text/plain" in head
            assert re.search(r"^date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$", head, re.M)

    run(main())


def test_curl_head(run: Run) -> None:
    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream) -> None:
            stream.respond({"content-length": 5})
            stream.end("hello")

        async with serving(respond) as (_, port):
            out = await curl(port, "-I")
            assert out.startswith(b"HTTP/2 200")
            assert b"content-length: 5" in out
            assert b"hello" not in out

    run(main())


def test_curl_upload(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        got: list[Any] = []

        async def receive(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            got.append((headers[":method"], headers.get("content-length"), await stream.read()))
            stream.respond({":status": 201}, end_stream=True)

        body = bytes(range(256)) * 1000
        (tmp_path / "file").write_bytes(body)
        async with serving(receive) as (_, port):
            out = await curl(port, "-T", str(tmp_path / "file"), "-w", "%{http_code}", path="/f")
            assert out == b"201"
        assert got == [("PUT", str(len(body)), body)]

    run(main())


def test_curl_sees_informational_responses_and_trailers(run: Run) -> None:
    async def main() -> None:
        async def respond(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            assert headers["expect"] == "100-continue"
            stream.additional_headers({":status": 100})
            stream.additional_headers({":status": 103, "link": "</style.css>"})
            body = await stream.read()
            stream.on("want_trailers", lambda: stream.send_trailers({"x-length": len(body)}))
            stream.respond(wait_for_trailers=True)
            stream.end("done")

        async with serving(respond) as (_, port):
            out = (
                await curl(
                    port, "-i", "-H", "expect: 100-continue", "--data-binary", "some", "--raw"
                )
            ).decode()
            statuses = re.findall(r"^HTTP/2 (\d+)", out, re.M)
            assert statuses == ["100", "103", "200"]
            assert "link: </style.css>" in out
            assert "done" in out
            assert "x-length: 4" in out

    run(main())


def test_nghttp_sees_the_frames(run: Run) -> None:
    async def main() -> None:
        def respond(stream: http2.ServerHttp2Stream) -> None:
            stream.on("want_trailers", lambda: stream.send_trailers({"x-checksum": "7"}))
            stream.respond({"content-type": "text/plain"}, wait_for_trailers=True)
            stream.end("hello")

        settings = {"max_concurrent_streams": 77, "initial_window_size": 70000}
        async with serving(respond, settings=settings) as (_, port):
            out = (await execute("nghttp", "-nv", f"http://127.0.0.1:{port}/")).decode()
        received = re.findall(
            r"recv (\w+) frame <length=(\d+), flags=(0x\d+), stream_id=(\d+)>", out
        )
        kinds = [(kind, stream_id != "0") for kind, _, _, stream_id in received]
        assert kinds[0] == ("SETTINGS", False)
        assert ("SETTINGS", False) in kinds[1:]  # the acknowledgement
        on_stream = [entry for entry in received if entry[3] != "0"]
        assert [entry[0] for entry in on_stream] == ["HEADERS", "DATA", "HEADERS"]
        assert [entry[2] for entry in on_stream] == ["0x04", "0x00", "0x05"]
        assert "[SETTINGS_MAX_CONCURRENT_STREAMS(0x03):77]" in out
        assert "[SETTINGS_INITIAL_WINDOW_SIZE(0x04):70000]" in out
        assert "x-checksum: 7" in out

    run(main())


@pytest.mark.parametrize("handler", ["function", "coroutine"])
def test_h2load(run: Run, handler: str) -> None:
    async def main() -> None:
        async def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            await stream.read()
            hello(stream)

        events = Events()
        listener: Any = hello if handler == "function" else answer
        async with serving(listener) as (server, port):
            events.listen(server, "session", "session_error")
            out = (
                await execute(
                    "timeout",
                    "50",
                    "h2load",
                    "-n",
                    "3000",
                    "-c",
                    "5",
                    "-m",
                    "20",
                    f"http://127.0.0.1:{port}/",
                    timeout=60,
                )
            ).decode()
        assert "3000 succeeded, 0 failed, 0 errored, 0 timeout" in out
        assert "3000 2xx, 0 3xx, 0 4xx, 0 5xx" in out
        assert events.names == ["session"] * 5

    run(main())


def test_h2load_uploads(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        sizes: list[int] = []

        async def receive(stream: http2.ServerHttp2Stream) -> None:
            sizes.append(len(await stream.read()))
            stream.respond(end_stream=True)

        body = tmp_path / "body"
        body.write_bytes(bytes(100_000))
        async with serving(receive) as (_, port):
            out = (
                await execute(
                    "timeout",
                    "50",
                    "h2load",
                    "-n",
                    "100",
                    "-c",
                    "3",
                    "-m",
                    "4",
                    "-d",
                    str(body),
                    f"http://127.0.0.1:{port}/",
                    timeout=60,
                )
            ).decode()
        assert "100 succeeded, 0 failed" in out
        assert sizes == [100_000] * 100

    run(main())
