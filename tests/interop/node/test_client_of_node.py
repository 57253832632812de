"""Node's client with this library's server: what each side gets from the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

import http2
from http2 import constants
from http2.constants import NGHTTP2_FLAG_END_HEADERS, NGHTTP2_FLAG_END_STREAM

from ...support.running import Run, node
from ...support.serving import STREAM_EVENTS, Events, serving

ENDS = NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS


@pytest.mark.row(
    "rule.raw_headers",
    "headers.raw",
    "headers.sensitive",
    "headers.cookie",
    "headers.joined",
    "server_stream.additional_headers",
    "server_stream.respond",
    "server_stream.respond.option.wait_for_trailers",
    "server_stream.sent_info_headers",
    "stream.event.want_trailers",
    "stream.event.trailers",
    "stream.send_trailers",
    "module.ServerHttp2Stream",
    "headers.set_cookie",
)
def test_headers_both_ways(run: Run) -> None:
    async def main() -> None:
        events = Events()

        async def answer(
            stream: http2.ServerHttp2Stream,
            headers: http2.Headers,
            flags: int,
            raw_headers: list[tuple[str, str]],
        ) -> None:
            events.add("request", headers, flags, raw_headers)
            events.listen(stream, "trailers")
            stream.additional_headers({":status": 100})
            stream.additional_headers({":status": 103, "link": ["</a>", "</b>"]})
            assert [sent[":status"] for sent in stream.sent_info_headers] == [100, 103]
            events.add("body", await stream.read())
            stream.on("want_trailers", lambda: stream.send_trailers({"x-sum": "7", "x-t": "t"}))
            stream.respond(
                {
                    "Set-Cookie": ["a=1", "b=2"],
                    "X-Many": ["one", "two"],
                    "x-secret": "hidden",
                    "x-number": 5,
                    http2.sensitive_headers: ["X-Secret"],
                },
                wait_for_trailers=True,
            )
            stream.end("höllo")

        async with serving(answer) as (_, port):
            seen = await node("client/headers.js", str(port))

        _, headers, flags, raw_headers = await events.expect("request")
        assert headers[":method"] == "POST"
        assert headers[":path"] == "/headers?a=b"
        assert headers[":scheme"] == "http"
        assert headers[":authority"] == f"127.0.0.1:{port}"
        assert headers["Cookie"] == "a=1; b=2"
        assert headers["x-many"] == "one, two"
        assert headers["x-latin"] == "caf\u00e9"
        # Node itself marks short cookies
        assert headers.sensitive == headers[http2.sensitive_headers]
        assert headers.sensitive == ["cookie", "cookie", "x-secret"]
        assert ("x-many", "one") in raw_headers
        assert ("x-many", "two") in raw_headers
        assert [name for name, _ in raw_headers].count("cookie") == 2
        assert flags & NGHTTP2_FLAG_END_HEADERS
        assert not flags & NGHTTP2_FLAG_END_STREAM
        assert await events.expect("body") == ("body", b"body")
        _, trailers, flags = await events.expect("trailers")
        assert trailers == {"x-sum": "42", "x-many": "3, 4"}
        assert flags & ENDS == ENDS

        # Node emits 'headers' for a 100 too, and 'continue' after it
        assert [entry[0] for entry in seen["events"]] == [
            "headers", "continue", "headers", "response", "trailers",
        ] or [entry[0] for entry in seen["events"]] == [
            "continue", "headers", "headers", "response", "trailers",
        ]  # fmt: skip
        informational = [entry[1] for entry in seen["events"] if entry[0] == "headers"]
        assert [got[":status"] for got in informational] == [100, 103]
        assert informational[1]["link"] == "</a>, </b>"
        [response] = [entry[1] for entry in seen["events"] if entry[0] == "response"]
        assert response[":status"] == 200
        assert response["set-cookie"] == ["a=1", "b=2"]
        assert response["x-many"] == "one, two"
        assert response["x-number"] == "5"
        assert "date" in response
        assert seen["sensitive"] == ["x-secret"]
        assert seen["events"][-1][1:] == [{"x-sum": "7", "x-t": "t"}, ENDS]
        assert seen["body"] == "höllo"
        assert seen["code"] == 0

    run(main())


ERROR_CODES = range(14)


@pytest.mark.row("stream.close", "stream.rst_code")
def test_every_code_of_close(run: Run) -> None:
    """Node emits an error for each, except for NO_ERROR and CANCEL."""

    async def main() -> None:
        def close(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            stream.respond()
            stream.close(int(headers[":path"][1:]))

        async with serving(close) as (_, port):
            paths = [f"/{code}" for code in ERROR_CODES]
            seen = await node("client/resets.js", str(port), *paths)
        for code in ERROR_CODES:
            entry = seen[f"/{code}"]
            assert entry["code"] == code
            assert entry["events"][0] == "response"
            expected = None if code in (0, 8) else "ERR_HTTP2_STREAM_ERROR"
            assert entry.get("error") == expected

    run(main())


@pytest.mark.row(
    "stream.event.aborted",
    "stream.event.close",
    "stream.event.error",
    "stream.destroy",
    "stream.aborted",
)
def test_destroyed_streams(run: Run) -> None:
    async def main() -> None:
        events = Events()

        def destroy(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            events.listen(stream, *STREAM_EVENTS, prefix=headers[":path"] + " ")
            match headers[":path"]:
                case "/error":
                    stream.destroy(ValueError("of ours"))
                case "/none":
                    stream.destroy()
                case "/code":
                    stream.destroy(http2.errors.stream_error(constants.NGHTTP2_CONNECT_ERROR, 1))
                case "/late":
                    stream.respond()
                    stream.write("some")
                    stream.destroy(ValueError("of ours"))

        async with serving(destroy) as (_, port):
            seen = await node("client/resets.js", str(port), "/error", "/none", "/code", "/late")
        codes = {path: entry["code"] for path, entry in seen.items()}
        assert codes == {
            "/error": constants.NGHTTP2_INTERNAL_ERROR,
            "/none": constants.NGHTTP2_NO_ERROR,
            "/code": constants.NGHTTP2_CONNECT_ERROR,
            "/late": constants.NGHTTP2_INTERNAL_ERROR,
        }
        for path in codes:
            names = [name.split()[1] for name in events.names if name.startswith(path + " ")]
            error = [] if path == "/none" else ["error"]
            assert names == ["aborted", *error, "close"]

    run(main())


SESSION_ENDS: dict[str, tuple[Any, list[list[Any]]]] = {
    "/goaway": (
        lambda session: session.goaway(0, 0, b"opaque"),
        [["goaway", 0, 1, "opaque"], ["close"]],
    ),
    "/goaway-id": (
        lambda session: session.goaway(0, 12345),
        [["goaway", 0, 12345, ""], ["close"]],
    ),
    "/goaway-code": (
        lambda session: session.goaway(constants.NGHTTP2_CONNECT_ERROR, 0, b"why"),
        [["goaway", 10, 1, "why"], ["error", "ERR_HTTP2_SESSION_ERROR"], ["close"]],
    ),
    "/close": (lambda session: session.close(), [["goaway", 0, 1, ""], ["close"]]),
    "/destroy": (lambda session: session.destroy(), [["goaway", 0, 1, ""], ["close"]]),
    "/destroy-code": (
        lambda session: session.destroy(code=constants.NGHTTP2_ENHANCE_YOUR_CALM),
        [["goaway", 11, 1, ""], ["error", "ERR_HTTP2_SESSION_ERROR"], ["close"]],
    ),
    "/destroy-int": (
        lambda session: session.destroy(constants.NGHTTP2_SETTINGS_TIMEOUT),
        [["goaway", 4, 1, ""], ["error", "ERR_HTTP2_SESSION_ERROR"], ["close"]],
    ),
    "/destroy-error": (
        lambda session: session.destroy(ValueError("of ours")),
        [["goaway", 2, 1, ""], ["error", "ERR_HTTP2_SESSION_ERROR"], ["close"]],
    ),
}


@pytest.mark.row(
    "session.goaway",
    "session.close",
    "session.destroy",
    "session.event.close",
    "session.event.error",
    "server.event.session_error",
)
@pytest.mark.parametrize("path", SESSION_ENDS)
def test_ends_of_sessions(run: Run, path: str) -> None:
    act, expected = SESSION_ENDS[path]

    async def main() -> None:
        events = Events()
        async with serving() as (server, port):
            events.listen(server, "session_error")

            @server.on("stream")
            def end(stream: http2.ServerHttp2Stream) -> None:
                assert stream.session is not None
                session = stream.session
                events.listen(session, "error", "close")
                stream.respond()
                act(session)
                if not session.destroyed:
                    stream.end("last")

            seen = await node("client/session.js", str(port), path)
            await events.expect("close")
        # an orderly end may send GOAWAY again after the last stream
        again = ["goaway", 0, 1, ""]
        said = [entry for i, entry in enumerate(seen["events"]) if entry != again or i == 0]
        assert said == expected
        if path in ("/goaway", "/close"):
            assert seen["stream"] == [["response"], ["end"], ["close"]]
        # here only a destroy with an error is one, and then every stream gets it
        failed = path in ("/destroy-error", "/destroy-int")
        assert events.names == (["error", "session_error"] if failed else []) + ["close"]

    run(main())


@pytest.mark.row(
    "server.option.settings",
    "session.ping",
    "session.settings",
    "session.local_settings",
    "session.remote_settings",
    "session.pending_settings_ack",
    "session.event.ping",
    "session.event.local_settings",
    "session.event.remote_settings",
)
def test_pings_and_settings_both_ways(run: Run) -> None:
    async def main() -> None:
        events = Events()
        results: list[Any] = []
        settings = {"initial_window_size": 70000, "max_concurrent_streams": 50}

        async def stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            session = stream.session
            assert session is not None
            results.append(await session.ping(b"frompyth"))
            results.append(await session.ping())
            waiting: Awaitable[Any] = session.settings({"max_header_list_size": 5000})
            assert session.pending_settings_ack
            results.append(await waiting)
            assert not session.pending_settings_ack
            results.append((session.local_settings, session.remote_settings))
            stream.respond(end_stream=True)

        async with serving(stream, settings=settings) as (server, port):
            server.on(
                "session",
                lambda session: events.listen(session, "ping", "local_settings", "remote_settings"),
            )
            seen = await node("client/pings.js", str(port))

        assert "frompyth" in seen["pings"]
        assert len(seen["pings"]) == 2
        assert seen["answer"] == [None, "number", "fromnode"]
        assert [entry["initialWindowSize"] for entry in seen["remote"]] == [70000, 70000]
        assert [entry["maxHeaderListSize"] for entry in seen["remote"]][-1] == 5000
        assert seen["remote"][0]["maxConcurrentStreams"] == 50
        assert seen["local"][0]["initialWindowSize"] == 100000
        assert seen["local"][-1]["maxConcurrentStreams"] == 7

        (duration, payload), (_, clock), (acknowledged, waited), (local, remote) = results
        assert payload == b"frompyth"
        assert 0 < duration < 30
        assert len(clock) == 8
        assert acknowledged.max_header_list_size == 5000
        assert 0 < waited < 30
        assert local.initial_window_size == 70000
        assert local.max_concurrent_streams == 50
        assert local.max_header_list_size == 5000
        assert remote.initial_window_size == 100000
        assert remote.max_frame_size == 20000
        assert remote.enable_push is False
        assert remote.max_concurrent_streams == 7
        assert ("ping", b"fromnode") in events.seen
        remotes = [entry[1] for entry in events.seen if entry[0] == "remote_settings"]
        assert [entry.max_concurrent_streams for entry in remotes][-1] == 7
        locals_ = [entry[1] for entry in events.seen if entry[0] == "local_settings"]
        assert [entry.initial_window_size for entry in locals_] == [70000, 70000]

    run(main())


def test_timeouts_of_a_busy_node(run: Run) -> None:
    """A session and a stream without activity."""

    async def main() -> None:
        events = Events()

        async def stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            session = stream.session
            assert session is not None
            fired = asyncio.Event()
            stream.set_timeout(0.05, fired.set)
            stream.respond()
            await fired.wait()
            events.add("stream timeout")
            session.set_timeout(0.05, lambda: events.add("session timeout"))
            await events.expect("session timeout")
            session.set_timeout(0)
            stream.end("late")

        async with serving(stream) as (_, port):
            seen = await node("client/resets.js", str(port), "/")
        assert seen["/"]["events"] == ["response", "end"]
        assert events.names == ["stream timeout", "session timeout"]

    run(main())
