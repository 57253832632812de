"""Origins as text, and ALTSVC and ORIGIN with Node as the peer."""

from __future__ import annotations

import json
import subprocess
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

import http2
from http2.net.origins import covers, serialize_origin

from ..support.peers import serving_url, start_node, starting
from ..support.running import Run, node
from ..support.self_signed import Certificate
from ..support.serving import Events

URLS = [
    "https://example.org",
    "https://example.org/path?query#fragment",
    "HTTPS://User:Pa@ss@EXAMPLE.org:443/",
    "http://example.org:443",
    "http://example.org:80/",
    "https://example.org:00080",
    "https://example.org:",
    "https://example.org.",
    "  https://exa\tmple.org\n",
    "https://[2001:DB8:0:0:0:0:0:1]:8443/",
    "https://[::ffff:1.2.3.4]",
    "https://[::ffff:0:0]",
    "https://[::FFFF:0a00:0001]:443",
    "https://[::1.2.3.4]",
    "https://[fe80::1%eth0]",
    "https://[fe80::1%25eth0]",
    "http://4294967296",
    "http://1.2.3.4.5",
    "http://256.1.1.1",
    "http://1.2.3.09",
    "https://m\u00fcnchen.example",
    "https://a_b.example",
    "https://*.example.org",
    "ws://example.org:80",
    "ftp://example.org:21",
    "https://example.org:65535",
    "https://example.org:65536",
    "https://example.org:port",
    "https://exa mple.org",
    "https://exa<mple.org",
    "https://",
    "https://:443",
    "https://[::1",
    "https://[1]",
    "https://a%2fb",
    "/path",
    "example.org",
    "",
    "file:///etc",
    "data:text/plain,x",
    "abc:",
    "1http://example.org",
]

# Hosts in unusual spellings, which Node's URL accepts.
UNUSUAL = [
    "https:example.org",
    "https:\\\\example.org\\path",
    "http://127.1/",
    "http://0x7f.0.0.1:8000",
    "http://017700000001",
    "http://1.2.3",
    "http://4294967295",
    "https://ex%41mple.org",
]

IN_NODE = """
const urls = JSON.parse(process.argv[1]);
console.log(JSON.stringify(urls.map((url) => {
  try { const { origin } = new URL(url); return origin === 'null' ? null : origin; }
  catch { return null; }
})));
"""


@pytest.mark.interop
def test_origins_are_those_of_nodes_url() -> None:
    out = subprocess.run(
        ["node", "-e", IN_NODE, json.dumps(URLS)], check=True, capture_output=True, timeout=30
    ).stdout
    assert dict(zip(URLS, map(serialize_origin, URLS), strict=True)) == dict(
        zip(URLS, json.loads(out), strict=True)
    )


@pytest.mark.parametrize("url", UNUSUAL)
def test_unusual_spellings_are_refused(url: str) -> None:
    assert serialize_origin(url) is None


def test_what_a_certificate_covers() -> None:
    certificate = {"subjectAltName": (("DNS", "*.Example.org"), ("IP Address", "10.0.0.1"))}
    assert covers(certificate, "a.example.org:8443")
    assert covers(certificate, "10.0.0.1")
    assert not covers(certificate, "a.b.example.org")
    assert not covers(certificate, "example.org")
    assert not covers({}, "a.example.org")
    assert not covers(None, "a.example.org")


@pytest.mark.interop
@pytest.mark.row("server_session.altsvc", "server_session.origin", "secure_server.option.origins")
def test_node_hears_of_alternatives_and_origins(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        def answer(stream: http2.ServerHttp2Stream) -> None:
            session = stream.session
            assert isinstance(session, http2.ServerHttp2Session)
            session.altsvc('h2=":8000"', "https://EXAMPLE.org:443/path")
            session.altsvc('h2=":8001"', urlsplit("https://example.org:8443"))
            session.altsvc('h2=":8002"', SimpleNamespace(origin="https://example.com"))
            session.altsvc("clear", stream.id)
            session.origin("https://more.example/x", SimpleNamespace(origin="https://o.example"))
            session.origin()
            assert session.origin_set == [
                "https://first.example", "https://more.example", "https://o.example",
            ]  # fmt: skip
            stream.respond()
            stream.end("told")

        origins = ["https://FIRST.example:443/path"]
        async with serving_url(answer, certificate, origins=origins) as (_, origin):
            port = origin.rpartition(":")[2]
            seen = await node("client/push.js", port, certificate.cert)
        assert seen["altsvc"] == [
            ['h2=":8000"', "https://example.org", 0],
            ['h2=":8001"', "https://example.org:8443", 0],
            ['h2=":8002"', "https://example.com", 0],
            ["clear", "", 1],
        ]
        assert seen["origin"] == [
            ["https://first.example"],
            ["https://more.example", "https://o.example"],
        ]
        assert seen["originSet"] == [
            f"https://localhost:{port}", "https://first.example",
            "https://more.example", "https://o.example",
        ]  # fmt: skip

    run(main())


def test_arguments_that_make_no_sense(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        seen = Events()

        def answer(stream: http2.ServerHttp2Stream) -> None:
            session: Any = stream.session
            for arguments, code in (
                (("h2", "/path"), "ERR_HTTP2_ALTSVC_INVALID_ORIGIN"),
                (("h2", ""), "ERR_HTTP2_ALTSVC_INVALID_ORIGIN"),
                (("h2", "abc:"), "ERR_HTTP2_ALTSVC_INVALID_ORIGIN"),
                (("h2", SimpleNamespace(origin="null")), "ERR_HTTP2_ALTSVC_INVALID_ORIGIN"),
                (("h2", SimpleNamespace(origin="")), "ERR_HTTP2_ALTSVC_INVALID_ORIGIN"),
                (("h2", SimpleNamespace(origin="\u00fc")), "ERR_HTTP2_ALTSVC_INVALID_ORIGIN"),
                (("h2", SimpleNamespace(origin=1)), "ERR_INVALID_ARG_TYPE"),
                (("h2", None), "ERR_INVALID_ARG_TYPE"),
                (("h2", True), "ERR_INVALID_ARG_TYPE"),
                (("h2", 1.5), "ERR_INVALID_ARG_TYPE"),
                (("h2", 0), "ERR_OUT_OF_RANGE"),
                (("h2", -1), "ERR_OUT_OF_RANGE"),
                (("h2", 2**31), "ERR_OUT_OF_RANGE"),
                ((b"h2", 1), "ERR_INVALID_ARG_TYPE"),
                ((None, 1), "ERR_INVALID_ARG_TYPE"),
                (("a\\b", 1), "ERR_INVALID_CHAR"),
                (("a\nb", 1), "ERR_INVALID_CHAR"),
                (("a\u0100b", 1), "ERR_INVALID_CHAR"),
                (("a" * 16383, 1), "ERR_HTTP2_ALTSVC_LENGTH"),
                (("a" * 16374, "https://b"), "ERR_HTTP2_ALTSVC_LENGTH"),
            ):
                with pytest.raises(http2.Http2Error) as caught:
                    session.altsvc(*arguments)
                assert caught.value.code == code, arguments
                assert isinstance(caught.value, (TypeError, ValueError))
            for origin, code in (
                ("/path", "ERR_HTTP2_INVALID_ORIGIN"),
                ("file:///", "ERR_HTTP2_INVALID_ORIGIN"),
                (SimpleNamespace(origin="null"), "ERR_HTTP2_INVALID_ORIGIN"),
                (None, "ERR_INVALID_ARG_TYPE"),
                (5, "ERR_INVALID_ARG_TYPE"),
                ("https://" + "a" * 16375, "ERR_HTTP2_ORIGIN_LENGTH"),
            ):
                with pytest.raises(http2.Http2Error) as caught:
                    session.origin("https://fine.example", origin)
                assert caught.value.code == code, origin
            with pytest.raises(http2.Http2Error) as caught:
                session.origin(*["https://a.example"] * 863)
            assert caught.value.code == "ERR_HTTP2_ORIGIN_LENGTH"
            # exactly the maximum
            session.altsvc("a" * 16382, 1)
            session.altsvc("a" * 16373, "https://b")
            session.origin("https://" + "a" * 16374)
            session.origin(*["https://a.example"] * 862)
            stream.respond(end_stream=True)
            seen.add("done", session)

        async with (
            serving_url(answer, certificate) as (_, origin),
            http2.connect(origin, ca=certificate.cert) as session,
        ):
            heard = Events()
            heard.listen(session, "altsvc", "origin")
            await session.request().response()
            assert [len(entry[1]) for entry in heard.seen] == [16382, 16373, 1, 862]
        _, server_session = await seen.expect("done")
        for command in (lambda: server_session.altsvc("h2", 1), lambda: server_session.origin()):
            with pytest.raises(http2.Http2Error) as caught:
                command()
            assert caught.value.code == "ERR_HTTP2_INVALID_SESSION"

    run(main())


@pytest.mark.parametrize(
    ("origins", "code"),
    [
        (["/path"], "ERR_HTTP2_INVALID_ORIGIN"),
        ([5], "ERR_INVALID_ARG_TYPE"),
        ("https://a.example", "ERR_INVALID_ARG_TYPE"),
        (["https://" + "a" * 16375], "ERR_HTTP2_ORIGIN_LENGTH"),
    ],
)
def test_the_option_is_checked_at_the_call(
    origins: Any, code: str, certificate: Certificate
) -> None:
    with pytest.raises(http2.Http2Error) as caught:
        http2.create_secure_server(cert=certificate.cert, key=certificate.key, origins=origins)
    assert caught.value.code == code
    with pytest.raises(TypeError):
        http2.create_server(origins=[])


@pytest.mark.interop
@pytest.mark.row("client_session.event.altsvc", "client_session.event.origin", "session.origin_set")
def test_node_tells_us(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        with starting() as start:
            peer = start_node(
                start, "server/push.js", cert=certificate.cert, key=certificate.key,
                origins=["https://first.example:443"],
            )  # fmt: skip
            own = f"https://localhost:{peer.port}"
            session = http2.connect(own, ca=certificate.cert)
            heard = Events()
            heard.listen(session, "altsvc", "origin")
            assert session.origin_set is None
            async with session:
                await session.request().response()
                assert session.origin_set == [own, "https://first.example"]
                await session.request({":path": "/altsvc"}).response()
                await session.request({":path": "/origin"}).response()
                assert heard.seen == [
                    ("origin", ["https://first.example"]),
                    ("altsvc", 'h2=":8000"', "https://example.org", 0),
                    ("altsvc", "clear", "", 3),
                    ("origin", ["https://example.com", "https://example.org:8443"]),
                ]
                known = [
                    own, "https://first.example", "https://example.com",
                    "https://example.org:8443",
                ]  # fmt: skip
                assert session.origin_set == known

                # the server is not authoritative for this one
                asked = session.request({":path": "/misdirected", ":authority": "EXAMPLE.org:8443"})
                assert (await asked.response())[":status"] == 421
                assert session.origin_set == known[:3]
                session.origin_set.append("only a copy")
                assert session.origin_set == known[:3]
            assert session.origin_set is None

    run(main())


@pytest.mark.interop
def test_origins_mean_nothing_in_the_clear(run: Run) -> None:
    async def main() -> None:
        with starting() as start:
            peer = start_node(start, "server/push.js")
            async with http2.connect(peer.origin) as session:
                heard = Events()
                heard.listen(session, "altsvc", "origin")
                await session.request({":path": "/origin"}).response()
                await session.request({":path": "/altsvc"}).response()
                assert heard.names == ["altsvc", "altsvc"]
                assert session.origin_set is None

    run(main())


def test_a_push_for_another_name_of_the_certificate(run: Run, certificate: Certificate) -> None:
    """RFC 9113 section 8.4: the server must be authoritative for the pushed response."""

    async def main() -> None:
        async def answer(stream: http2.ServerHttp2Stream) -> None:
            for authority in (f"127.0.0.1:{port}", f"elsewhere.example:{port}"):
                pushed, _ = await stream.push_stream({":authority": authority})
                pushed.respond(end_stream=True)
                pushed.on("error", lambda error: ends.add("error", error.code))
                pushed.on("close", lambda pushed=pushed: ends.add("close", pushed.rst_code))
            stream.respond(end_stream=True)

        ends, offered = Events(), Events()
        async with serving_url(answer, certificate) as (_, origin):
            port = origin.rpartition(":")[2]
            async with http2.connect(f"https://localhost:{port}", ca=certificate.cert) as session:

                def take(stream: http2.ClientHttp2Stream, headers: http2.Headers) -> None:
                    offered.add(headers[":authority"])
                    stream.resume()

                session.on("stream", take)
                await session.request().response()
                await session.ping()
                assert offered.names == [f"127.0.0.1:{port}"]

    run(main())
