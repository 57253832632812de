"""Invalid requests are refused at the call, without an effect on the session."""

from __future__ import annotations

import math
from typing import Any

import pytest

import http2

from ..support.peers import serving_url
from ..support.running import Run


class Liar:
    """Neither a str nor a number nor bytes."""

    def __str__(self) -> str:
        return "value"


WRONG: list[tuple[Any, str]] = [
    # names
    ({"": "1"}, "ERR_INVALID_HTTP_TOKEN"),
    ({"a b": "1"}, "ERR_INVALID_HTTP_TOKEN"),
    ({"a\n": "1"}, "ERR_INVALID_HTTP_TOKEN"),
    ({"a\0": "1"}, "ERR_INVALID_HTTP_TOKEN"),
    ({"a:": "1"}, "ERR_INVALID_HTTP_TOKEN"),
    ({"\xe9": "1"}, "ERR_INVALID_HTTP_TOKEN"),
    ({"ž": "1"}, "ERR_INVALID_HTTP_TOKEN"),
    ({"\u212a": "1"}, "ERR_INVALID_HTTP_TOKEN"),  # KELVIN SIGN is lower-cased to k
    ({b"a b": "1"}, "ERR_INVALID_HTTP_TOKEN"),
    ({1: "1"}, "ERR_INVALID_ARG_TYPE"),
    ({None: "1"}, "ERR_INVALID_ARG_TYPE"),
    ([("a", "1"), ("b c", "2")], "ERR_INVALID_HTTP_TOKEN"),
    # values
    ({"a": "b\r\nc: d"}, "ERR_INVALID_CHAR"),
    ({"a": "\n"}, "ERR_INVALID_CHAR"),
    ({"a": "b\rc"}, "ERR_INVALID_CHAR"),
    ({"a": "b\0c"}, "ERR_INVALID_CHAR"),
    ({"a": b"b\nc"}, "ERR_INVALID_CHAR"),
    ({"a": ["fine", "b\nc"]}, "ERR_INVALID_CHAR"),
    ({"a": "\u0161"}, "ERR_INVALID_CHAR"),
    ({"a": "\u010a"}, "ERR_INVALID_CHAR"),  # its low byte is LF
    ({"a": "\U0001f600"}, "ERR_INVALID_CHAR"),
    ({":path": "/\r\n"}, "ERR_INVALID_CHAR"),
    ({":path": "/\u0161"}, "ERR_INVALID_CHAR"),
    ({"a": " b"}, "ERR_HTTP2_INVALID_HEADER_VALUE"),
    ({"a": "b\t"}, "ERR_HTTP2_INVALID_HEADER_VALUE"),
    ({"a": True}, "ERR_INVALID_ARG_TYPE"),
    ({"a": Liar()}, "ERR_INVALID_ARG_TYPE"),
    ({"a": {"b": "c"}}, "ERR_INVALID_ARG_TYPE"),
    ({"a": [["b"], "c"]}, "ERR_INVALID_ARG_TYPE"),
    ({"a": ["b", None]}, "ERR_INVALID_ARG_TYPE"),
    # fields of HTTP/1 connections
    ({"connection": "close"}, "ERR_HTTP2_INVALID_CONNECTION_HEADERS"),
    ({"Keep-Alive": "5"}, "ERR_HTTP2_INVALID_CONNECTION_HEADERS"),
    ({"proxy-connection": "close"}, "ERR_HTTP2_INVALID_CONNECTION_HEADERS"),
    ({"transfer-encoding": "chunked"}, "ERR_HTTP2_INVALID_CONNECTION_HEADERS"),
    ({"upgrade": "h2c"}, "ERR_HTTP2_INVALID_CONNECTION_HEADERS"),
    ({"http2-settings": "AAMAAABkAAQAAP__"}, "ERR_HTTP2_INVALID_CONNECTION_HEADERS"),
    ({"te": "gzip"}, "ERR_HTTP2_INVALID_CONNECTION_HEADERS"),
    ({"TE": "trailers, gzip"}, "ERR_HTTP2_INVALID_CONNECTION_HEADERS"),
    # pseudo-headers
    ({":status": 200}, "ERR_HTTP2_INVALID_PSEUDOHEADER"),
    ({":what": "ever"}, "ERR_HTTP2_INVALID_PSEUDOHEADER"),
    ({":": "x"}, "ERR_HTTP2_INVALID_PSEUDOHEADER"),
    ([("a", "1"), (":path", "/")], "ERR_HTTP2_INVALID_PSEUDOHEADER"),
    ([(":path", "/"), (":path", "/")], "ERR_HTTP2_HEADER_SINGLE_VALUE"),
    ({":path": ["/", "/"]}, "ERR_HTTP2_HEADER_SINGLE_VALUE"),
    # fields with one value
    ({"content-type": ["a/b", "c/d"]}, "ERR_HTTP2_HEADER_SINGLE_VALUE"),
    ({"Content-Length": "1", "content-length": "1"}, "ERR_HTTP2_HEADER_SINGLE_VALUE"),
    ([("user-agent", "a"), ("User-Agent", "b")], "ERR_HTTP2_HEADER_SINGLE_VALUE"),
    # CONNECT
    ({":method": "CONNECT"}, "ERR_HTTP2_CONNECT_AUTHORITY"),
    ({":method": "CONNECT", ":authority": "a:1", ":scheme": "http"}, "ERR_HTTP2_CONNECT_SCHEME"),
    ({":method": "CONNECT", ":authority": "a:1", ":path": "/"}, "ERR_HTTP2_CONNECT_PATH"),
    # no headers at all
    ("headers", "ERR_INVALID_ARG_TYPE"),
    (b"headers", "ERR_INVALID_ARG_TYPE"),
    (1, "ERR_INVALID_ARG_TYPE"),
    ([("a",)], "ERR_INVALID_ARG_TYPE"),
    ([1], "ERR_INVALID_ARG_TYPE"),
    ({http2.sensitive_headers: "name"}, "ERR_INVALID_ARG_VALUE"),
]

WRONG_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"weight": 0}, "ERR_OUT_OF_RANGE"),
    ({"weight": 257}, "ERR_OUT_OF_RANGE"),
    ({"weight": "16"}, "ERR_INVALID_ARG_TYPE"),
    ({"parent": -1}, "ERR_OUT_OF_RANGE"),
    ({"parent": 2**31}, "ERR_OUT_OF_RANGE"),
    ({"parent": 1.5}, "ERR_INVALID_ARG_TYPE"),
    ({"signal": 5}, "ERR_INVALID_ARG_TYPE"),
]


@pytest.mark.row("headers.validation", "headers.pseudo")
@pytest.mark.parametrize("early", [False, True], ids=["connected", "connecting"])
def test_wrong_requests(run: Run, early: bool) -> None:
    async def main() -> None:
        async with serving_url(lambda stream: stream.respond(end_stream=True)) as (server, origin):
            seen: list[int] = []
            server.on("stream", lambda stream: seen.append(stream.id))
            session = http2.connect(origin)
            if not early:
                await session
            for headers, code in WRONG:
                with pytest.raises((TypeError, ValueError)) as caught:
                    session.request(headers)
                assert getattr(caught.value, "code", None) == code, headers
                assert isinstance(caught.value, http2.Http2Error)
            for options, code in WRONG_OPTIONS:
                with pytest.raises((TypeError, ValueError)) as caught:
                    session.request({}, **options)
                assert getattr(caught.value, "code", None) == code, options
            with pytest.raises(TypeError):
                session.request({}, endstream=True)  # type: ignore[call-arg]
            # nothing was sent, no identifier was used, and the session still works
            stream = session.request({"a": "right"})
            assert (await stream.response())[":status"] == 200
            assert stream.id == 1
            assert seen == [1]
            await session.close()

    run(main())


@pytest.mark.row(
    "connect.option.strict_field_whitespace_validation", "connect.option.strict_single_value_fields"
)
def test_lenient_options(run: Run) -> None:
    async def main() -> None:
        seen: list[Any] = []

        def respond(stream: Any, headers: Any) -> None:
            seen.append(headers.raw)
            stream.respond(end_stream=True)

        lenient = {"strict_field_whitespace_validation": False, "strict_single_value_fields": False}
        async with (
            serving_url(respond, **lenient) as (_, origin),
            http2.connect(origin, **lenient) as session,
        ):
            await session.request({"user-agent": ["a", "b"], "x-space": " padded "}).response()
            assert [pair for pair in seen[0] if not pair[0].startswith(":")] == [
                ("user-agent", "a"),
                ("user-agent", "b"),
                ("x-space", " padded "),
            ]
            with pytest.raises(http2.Http2TypeError) as caught:
                session.request([(":path", "/"), (":path", "/")])
            assert caught.value.code == "ERR_HTTP2_HEADER_SINGLE_VALUE"
            with pytest.raises(http2.Http2TypeError) as caught:
                session.request({"a": "b\nc"})
            assert caught.value.code == "ERR_INVALID_CHAR"

    run(main())


def test_trailers_follow_the_rules(run: Run) -> None:
    async def main() -> None:
        async def respond(stream: Any) -> None:
            await stream.read()
            stream.respond(end_stream=True)

        async with serving_url(respond) as (_, origin), http2.connect(origin) as session:
            stream = session.request({":method": "POST"}, wait_for_trailers=True)
            codes: list[str] = []

            @stream.on("want_trailers")
            def send() -> None:
                for wrong in (
                    {"a b": "1"}, {"a": "b\nc"}, {"connection": "close"}, {":path": "/"}, 5,
                ):  # fmt: skip
                    with pytest.raises((TypeError, ValueError)) as caught:
                        stream.send_trailers(wrong)  # type: ignore[arg-type]
                    codes.append(getattr(caught.value, "code", ""))
                    assert stream.sent_trailers is None
                stream.send_trailers({"a": "right"})

            stream.end()
            assert (await stream.response())[":status"] == 200
            assert codes == [
                "ERR_INVALID_HTTP_TOKEN",
                "ERR_INVALID_CHAR",
                "ERR_HTTP2_INVALID_CONNECTION_HEADERS",
                "ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED",
                "ERR_INVALID_ARG_TYPE",
            ]

    run(main())


@pytest.mark.parametrize(
    ("authority", "options", "code"),
    [
        ("ftp://localhost", {}, "ERR_HTTP2_UNSUPPORTED_PROTOCOL"),
        ("localhost", {"protocol": "gopher:"}, "ERR_HTTP2_UNSUPPORTED_PROTOCOL"),
        ("http://", {}, "ERR_INVALID_ARG_VALUE"),
        ("http://localhost:99999", {}, "ERR_INVALID_ARG_VALUE"),
        ("http://localhost:port", {}, "ERR_INVALID_ARG_VALUE"),
        ("http://[::1", {}, "ERR_INVALID_ARG_VALUE"),
        (b"http://localhost", {}, "ERR_INVALID_ARG_TYPE"),
        (None, {}, "ERR_INVALID_ARG_TYPE"),
        (80, {}, "ERR_INVALID_ARG_TYPE"),
        ("http://localhost", {"timeout": -1}, "ERR_OUT_OF_RANGE"),
        ("http://localhost", {"timeout": math.nan}, "ERR_OUT_OF_RANGE"),
        ("http://localhost", {"timeout": "1"}, "ERR_INVALID_ARG_TYPE"),
        ("http://localhost", {"listener": 5}, "ERR_INVALID_ARG_TYPE"),
        ("http://localhost", {"settings": 5}, "ERR_INVALID_ARG_TYPE"),
        ("http://localhost", {"settings": {"max_frame_size": 1}},
         "ERR_HTTP2_INVALID_SETTING_VALUE"),
        ("http://localhost", {"padding_strategy": 3}, "ERR_OUT_OF_RANGE"),
        ("http://localhost", {"max_outstanding_pings": "1"}, "ERR_INVALID_ARG_TYPE"),
        ("http://localhost", {"max_settings": 0}, "ERR_OUT_OF_RANGE"),
        ("http://localhost", {"peer_max_concurrent_streams": -1}, "ERR_OUT_OF_RANGE"),
        ("http://localhost", {"strict_single_value_fields": 1}, "ERR_INVALID_ARG_TYPE"),
        ("http://localhost", {"servername": "localhost"}, "ERR_INVALID_ARG_VALUE"),
        ("https://localhost", {"ssl_context": True}, "ERR_INVALID_ARG_TYPE"),
        ("https://localhost", {"ca": 5}, "ERR_INVALID_ARG_TYPE"),
        ("https://localhost", {"cert": 5}, "ERR_INVALID_ARG_TYPE"),
    ],
)  # fmt: skip
def test_wrong_connects(run_asyncio: Run, authority: Any, options: Any, code: str) -> None:
    async def main() -> None:
        with pytest.raises((TypeError, ValueError)) as caught:
            http2.connect(authority, **options)
        assert getattr(caught.value, "code", None) == code

    run_asyncio(main())


@pytest.mark.row("rule.options")
@pytest.mark.parametrize(
    "options",
    [{"unknown": 1}, {"maxSettings": 1}, {"stream_reset_burst": 1}, {"ca": "x"}, {"key": "x"}],
    ids=lambda options: next(iter(options)),
)
def test_unknown_options_of_connect(run_asyncio: Run, options: Any) -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match=next(iter(options))):
            http2.connect("http://localhost", **options)

    run_asyncio(main())


def test_connect_needs_a_running_loop() -> None:
    with pytest.raises(RuntimeError):
        http2.connect("http://localhost")
