"""Sentences of the ASGI specification that no other test proves.

Each test's docstring has the requirement. docs/asgi_rules.toml lists all sentences.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
import websockets
from asgiref.compatibility import guarantee_single_callable
from docs import asgi_rules as rules

import http2
import http2.asgi

from ..support import http1, raw
from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import Events, eventually, listening
from .asking import ask, handling, opened, port_of

START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}
BODY: dict[str, Any] = {"type": "http.response.body", "body": b"x"}
MORE: dict[str, Any] = {**BODY, "more_body": True}
BOTH = pytest.mark.parametrize("version", ["2", "1.1"])


def test_every_rule_has_a_test_that_exists() -> None:
    assert rules.problems() == []


def test_a_rule_without_a_test_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = [
        rules.Rule("HTTP", "this", ["test_scope.py::test_nothing"], ""),
        rules.Rule("HTTP", "that", [], ""),
    ]
    monkeypatch.setattr(rules, "rules", lambda: wrong)
    assert rules.problems() == [
        "this: there is no test_scope.py::test_nothing",
        "that: neither a test nor a reason",
    ]


# --- the base -----------------------------------------------------------------------------------


def check_event(event: Any) -> None:
    """A scope has a type, its keys are text, and its values can be serialized."""
    assert type(event) is dict
    assert event["type"].startswith(("http.", "websocket.", "lifespan."))
    for key, value in event.items():
        assert type(key) is str
        assert type(value) in (bytes, str, int, float, list, dict, bool, type(None)), event


@pytest.mark.interop
@BOTH
def test_events(run: Run, version: str) -> None:
    """Events are dicts of a few types, a new one for each `receive`."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            seen.append(await receive())
            if scope["type"] == "lifespan":
                await send({"type": seen[-1]["type"] + ".complete"})
                if seen[-1]["type"] == "lifespan.shutdown":
                    return
            elif scope["type"] == "websocket":
                if seen[-1]["type"] == "websocket.connect":
                    await send({"type": "websocket.accept"})
                elif seen[-1]["type"] == "websocket.disconnect":
                    return
            elif not seen[-1].get("more_body"):
                await send(START)
                await send(BODY)
                seen.append(await receive())
                return

    async def main() -> None:
        async with handling(app) as (handler, url), handler.lifespan():
            await ask(url, "-d", "x" * 100_000, version=version)
            async with opened(url, version) as ws:
                await ws.send("text")
                await ws.send(b"bytes")
            await handler.finish(5)

    run(main())
    for event in seen:
        check_event(event)
    assert {event["type"] for event in seen} == {
        "lifespan.startup", "lifespan.shutdown", "http.request", "http.disconnect",
        "websocket.connect", "websocket.receive", "websocket.disconnect",
    }  # fmt: skip
    assert len({id(event) for event in seen}) == len(seen)


@pytest.mark.interop
@BOTH
def test_types_of_the_scope(run: Run, version: str) -> None:
    """Text is `str`, bytes are `bytes`; each extension is a dict under its name."""
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await send(START)
        await send(BODY)

    async def main() -> None:
        async with handling(app) as (_, url):
            await ask(url, version=version)

    run(main())
    [scope] = scopes
    assert type(scope) is dict
    for key in ("type", "http_version", "method", "scheme", "path", "root_path"):
        assert type(scope[key]) is str
    for key in ("raw_path", "query_string"):
        assert type(scope[key]) is bytes
    assert all(type(text) is bytes for pair in scope["headers"] for text in pair)
    assert all(type(scope["asgi"][key]) is str for key in ("version", "spec_version"))
    for name, value in scope["extensions"].items():
        assert (type(name), type(value)) == (str, dict)
    for host, port in (scope["client"], scope["server"]):
        assert (type(host), type(port)) == (str, int)


@pytest.mark.interop
@BOTH
def test_additional_keys(run_asyncio: Run, caplog: pytest.LogCaptureFixture, version: str) -> None:
    """Additional keys of a message do not raise."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in (START, MORE, BODY):
            await send({**message, "of_another_version": object()})

    async def main() -> None:
        async with handling(app) as (_, url):
            assert (await ask(url, version=version)).body == b"xx"

    run_asyncio(main())
    assert not caplog.records


@pytest.mark.interop
def test_an_application_of_two_calls(run: Run) -> None:
    """Applications of ASGI 2 are served by `asgiref.compatibility`."""

    class Old:
        def __init__(self, scope: Any) -> None:
            self.scope = scope

        async def __call__(self, receive: Any, send: Any) -> None:
            await send(START)
            await send({**BODY, "body": self.scope["path"].encode()})

    async def main() -> None:
        async with handling(guarantee_single_callable(Old)) as (_, url):
            assert (await ask(url, path="/old")).body == b"/old"

    run(main())


@BOTH
def test_a_send_that_waits_ends_with_its_client(run: Run, version: str) -> None:
    """`send` returns when the data was sent or the connection is closed."""
    events = Events()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        try:
            while True:
                await send({**MORE, "body": bytes(10_000)})
                events.add("sent")
        except OSError as error:
            events.add("error", error)

    async def main() -> None:
        async with handling(app) as (_, url):
            _, writer = await asyncio.open_connection("127.0.0.1", port_of(url), limit=4096)
            if version == "2":
                writer.write(raw.PREFACE + raw.settings() + raw.get())
            else:
                writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await events.expect("sent")
            before = -1
            while before != len(events.seen):
                before = len(events.seen)
                await asyncio.sleep(0.05)
            writer.transport.abort()
            error = (await events.expect("error"))[1]
            assert isinstance(error, http2.asgi.ClientDisconnected)

    run(main())


# --- HTTP ---------------------------------------------------------------------------------------


def test_responses_go_back_to_their_streams(run: Run) -> None:
    """Requests of one connection have their own scopes, and are answered in any order."""
    going_on = {"/1": asyncio.Event(), "/3": asyncio.Event()}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await going_on[scope["path"]].wait()
        await send(START)
        await send({**BODY, "body": scope["path"].encode()})

    async def main() -> None:
        async with handling(app) as (_, url), await raw.RawPeer.connect(port_of(url)) as peer:
            peer.send(raw.get(1, "/1"), raw.get(3, "/3"))
            await peer.answered()
            for stream_id in (3, 1):
                going_on[f"/{stream_id}"].set()
                assert await peer.body(stream_id) == b"/%d" % stream_id

    run(main())


def test_the_method_is_in_upper_case(run: Run) -> None:
    methods: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        methods.append(scope["method"])
        await send(START)
        await send(BODY)

    async def main() -> None:
        async with handling(app) as (_, url), await raw.RawPeer.connect(port_of(url)) as peer:
            for stream_id, method in ((1, "get"), (3, "Own"), (5, "POST")):
                fields = raw.request_fields(method, "/")
                peer.send(raw.headers(stream_id, fields, end_stream=True))
                await peer.body(stream_id)

    run(main())
    assert methods == ["GET", "OWN", "POST"]


def test_host_and_authority(run_asyncio: Run) -> None:
    """`host` appears once, and first: from `:authority`, or the field that came without one.

    A request in which they differ is malformed (RFC 9113 section 8.3.1).
    """
    headers: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers.append(scope["headers"])
        await send(START)
        await send(BODY)

    async def main() -> None:
        async with handling(app) as (_, url), await raw.RawPeer.connect(port_of(url)) as peer:
            plain = [(":method", "GET"), (":scheme", "http"), (":path", "/")]
            peer.send(raw.headers(1, [*plain, ("x", "y"), ("host", "a.example")], end_stream=True))
            await peer.body(1)
            peer.send(raw.headers(3, [*plain, (":authority", "b.example")], end_stream=True))
            await peer.body(3)
        assert all(not name.startswith(b":") for fields in headers for name, _ in fields)
        assert [sum(name == b"host" for name, _ in fields) for fields in headers] == [1, 1]
        assert headers[1][0] == (b"host", b"b.example")
        assert (b"host", b"a.example") in headers[0]

    run_asyncio(main())


def test_paths_that_are_utf8(run_asyncio: Run) -> None:
    """UTF-8 bytes are decoded in the path, and unchanged in `raw_path`."""
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append((scope["path"], scope["raw_path"]))
        await send(START)
        await send(BODY)

    async def main() -> None:
        async with handling(app) as (_, url), await raw.RawPeer.connect(port_of(url)) as peer:
            fields = raw.request_fields("GET", "/é/%C3%A9".encode().decode("latin-1"))
            peer.send(raw.headers(1, fields, end_stream=True))
            await peer.until(raw.HEADERS, 1)

    run_asyncio(main())
    assert scopes == [("/é/é", b"/\xc3\xa9/%C3%A9")]


@pytest.mark.interop
def test_unix_sockets(run: Run, tmp_path: Path) -> None:
    """`server` is the path, without a port; there is no `client`."""
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await send(START)
        await send(BODY)

    async def main() -> None:
        path = str(tmp_path / "socket")
        server = http2.create_server(http2.asgi.Handler(app), allow_http1=True)
        await server.listen(path=path)
        async with server:
            for version in ("2", "1.1"):
                await ask("http://x", "--unix-socket", path, version=version)
        for scope in scopes:
            assert scope["server"] == (path, None)
            assert scope["client"] is None

    run(main())
    assert len(scopes) == 2


def test_chunked_requests(run: Run) -> None:
    """The server decodes chunks: the application gets only the bytes."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        await send(START)
        await send({**BODY, "body": body})

    async def main() -> None:
        async with handling(app) as (_, url):
            peer = await http1.Http1Peer.dial(port_of(url))
            async with peer:
                head = http1.request("POST", transfer_encoding="chunked")
                peer.send(head, http1.chunked(b"one ", b"two", trailers="x-a: b\r\n"))
                assert (await peer.response("POST")).body == b"one two"

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("coding", ["chunked", "identity", "gzip, chunked"])
@BOTH
def test_transfer_encoding_of_the_application_is_ignored(
    run_asyncio: Run, version: str, coding: str
) -> None:
    """The server frames bodies itself; `content-encoding` is the application's."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        fields = [(b"transfer-encoding", coding.encode()), (b"content-encoding", b"x-own")]
        await send({**START, "headers": fields})
        if scope["path"] == "/pieces":
            await send(MORE)
        await send(BODY)

    async def main() -> None:
        async with handling(app) as (_, url):
            for path, body in (("/", b"x"), ("/pieces", b"xx")):
                answer = await ask(url, path=path, version=version)
                assert answer.body == body
                assert answer.headers["content-encoding"] == "x-own"
                codings = [value for name, value in answer.raw if name == "transfer-encoding"]
                assert codings in ([], ["chunked"])

    run_asyncio(main())


@BOTH
def test_data_is_on_its_way_when_send_returns(run: Run, version: str) -> None:
    """Sent data does not wait for the next message."""
    going_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({**MORE, "body": b"first"})
        await going_on.wait()
        await send(BODY)

    async def main() -> None:
        async with handling(app) as (_, url):
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(url))
            if version == "2":
                writer.write(raw.PREFACE + raw.settings() + raw.get())
            else:
                writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            async with asyncio.timeout(10):
                await reader.readuntil(b"first")
            going_on.set()
            writer.close()
            await writer.wait_closed()

    run(main())


@pytest.mark.interop
@BOTH
def test_defaults_of_messages(run_asyncio: Run, version: str) -> None:
    """Without `headers`, `body`, `more_body`, `trailers`: none, empty, False, False."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 201})
        await send({"type": "http.response.body"})

    async def main() -> None:
        async with handling(app) as (_, url):
            answer = await ask(url, version=version)
            assert (answer.status, answer.body) == (201, b"")

    run_asyncio(main())


# --- WebSockets ---------------------------------------------------------------------------------


@BOTH
def test_the_handshake_waits_for_the_answer(run: Run, version: str) -> None:
    """The handshake is not complete until the application has answered `websocket.connect`."""
    events = Events()
    going_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["subprotocols"] == []
        assert await receive() == {"type": "websocket.connect"}
        events.add("asked")
        await going_on.wait()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})

    async def main() -> None:
        async with handling(app) as (_, url):

            async def client() -> int | None:
                async with opened(url, version) as ws:
                    events.add("opened")
                    with pytest.raises((http2.WebSocketClosed, websockets.ConnectionClosed)):
                        await ws.recv()
                    code: int | None = ws.close_code
                    return code

            opening = asyncio.ensure_future(client())
            await events.expect("asked")
            await asyncio.sleep(0.05)
            assert events.names == ["asked"]
            going_on.set()
            # the code's default
            assert await opening == 1000

    run(main())


@pytest.mark.interop
@BOTH
def test_wss(run: Run, certificate: Certificate, version: str) -> None:
    """Over TLS the scheme is `wss`, and there is the extension `tls`."""
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await receive()
        await send({"type": "websocket.close"})

    async def main() -> None:
        server = http2.create_secure_server(
            http2.asgi.Handler(app), allow_http1=True, cert=certificate.cert, key=certificate.key
        )
        async with listening(server) as port:
            if version == "2":
                with pytest.raises(http2.WebSocketHandshakeError):
                    await http2.connect_websocket(f"wss://localhost:{port}/", ca=certificate.cert)
            else:
                key = "dGhlIHNhbXBsZSBub25jZQ=="
                await ask(
                    f"https://localhost:{port}", "-H", "upgrade: websocket",
                    "-H", "connection: upgrade", "-H", "sec-websocket-version: 13",
                    "-H", f"sec-websocket-key: {key}", version="1.1",
                )  # fmt: skip

    run(main())
    [scope] = scopes
    assert (scope["scheme"], scope["http_version"]) == ("wss", version)
    assert scope["extensions"]["tls"]["tls_version"] == 0x0304


CLOSES = {
    "with a code": (b"\x88\x85\0\0\0\0\x0f\xa0bye", (4000, "bye")),
    "without a code": (b"\x88\x80\0\0\0\0", (1005, "")),
    "lost": (None, (1006, "")),
}


@BOTH
@pytest.mark.parametrize("how", CLOSES)
def test_the_end_of_a_websocket(
    run: Run, caplog: pytest.LogCaptureFixture, version: str, how: str
) -> None:
    """The code is the client's, or 1005 without one; `send` raises an OSError, unlogged."""
    frame, expected = CLOSES[how]
    events = Events()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        end = await receive()
        assert end["type"] == "websocket.disconnect"
        events.add("end", (end["code"], end["reason"]))
        await send({"type": "websocket.send", "text": "to nobody"})

    async def main() -> None:
        async with handling(app) as (handler, url):
            await end_websocket(url, version, frame)
            assert (await events.expect("end"))[1] == expected
            await eventually(lambda: "0 running" in repr(handler))

    run(main())
    assert not [record for record in caplog.records if record.name.startswith("http2")]


async def end_websocket(url: str, version: str, frame: bytes | None) -> None:
    """Open a WebSocket by hand, and send *frame* or disconnect."""
    if version == "2":
        async with await raw.RawPeer.connect(port_of(url)) as peer:
            fields = [
                (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
                (":path", "/"), (":authority", "localhost"), ("sec-websocket-version", "13"),
            ]  # fmt: skip
            peer.send(raw.headers(1, fields))
            await peer.until(raw.HEADERS, 1)
            peer.send(raw.data(1, frame) if frame is not None else raw.rst_stream(1))
            await peer.answered()
        return
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(url))
    writer.write(
        b"GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    if frame is None:
        writer.transport.abort()
    else:
        writer.write(frame)
        await reader.read()
        writer.close()
        await writer.wait_closed()


@BOTH
def test_a_denial_is_the_end(
    run_asyncio: Run, caplog: pytest.LogCaptureFixture, version: str
) -> None:
    """After a response in place of a WebSocket, no other message may follow."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.http.response.start", "status": 404, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"none"})
        assert (await receive())["type"] == "websocket.disconnect"
        await send({"type": "websocket.accept"})

    async def main() -> None:
        async with handling(app) as (_, url):
            with pytest.raises((http2.WebSocketHandshakeError, websockets.InvalidStatus)):
                async with opened(url, version):
                    pass

    run_asyncio(main())
    assert "unexpected ASGI message 'websocket.accept': the WebSocket is closed" in caplog.text


# --- the lifespan -------------------------------------------------------------------------------


@pytest.mark.interop
def test_the_state_is_a_shallow_copy(run: Run) -> None:
    """Each request has its own dict, with the objects that the startup has created."""
    states: list[Any] = []
    database = object()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            assert scope["state"] == {}
            scope["state"]["db"] = database
            for _ in range(2):
                await send({"type": (await receive())["type"] + ".complete"})
            return
        states.append(scope["state"])
        await send(START)
        await send(BODY)

    async def main() -> None:
        async with handling(app) as (handler, url), handler.lifespan() as state:
            for version in ("2", "1.1"):
                await ask(url, version=version)
            assert all(found["db"] is database for found in states)
            assert len({id(found) for found in (*states, state)}) == len(states) + 1

    run(main())


def test_nothing_is_served_before_the_startup_is_complete(run: Run) -> None:
    """The block begins when the application has confirmed."""
    told: list[str] = []
    going_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        await going_on.wait()
        told.append("complete")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def main() -> None:
        asyncio.get_running_loop().call_later(0.05, going_on.set)
        async with http2.asgi.Handler(app).lifespan():
            assert told == ["complete"]

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("when", ["scope", "startup"])
def test_an_exception_means_no_lifespan(
    run: Run, caplog: pytest.LogCaptureFixture, when: str
) -> None:
    """At the scope or at `lifespan.startup`: the server serves, without lifespan messages."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            if when == "startup":
                seen.append((await receive())["type"])
            raise KeyError("lifespan")
        await send(START)
        await send(BODY)

    async def main() -> None:
        async with handling(app) as (handler, url), handler.lifespan():
            assert (await ask(url)).body == b"x"

    with caplog.at_level(logging.INFO):
        run(main())
    assert seen == (["lifespan.startup"] if when == "startup" else [])
    assert not [record for record in caplog.records if record.name.startswith("http2")]


@pytest.mark.parametrize("phase", ["startup", "shutdown"])
def test_a_failure_without_a_message(run: Run, phase: str) -> None:
    """`message` may be missing."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            kind = (await receive())["type"]
            failed = kind.endswith(phase)
            await send({"type": kind + (".failed" if failed else ".complete")})
            if failed:
                return

    async def main() -> None:
        said = "start" if phase == "startup" else "shut down"
        with pytest.raises(http2.asgi.LifespanError, match=f"^the application failed to {said}$"):
            async with http2.asgi.Handler(app).lifespan():
                assert phase == "shutdown"

    run(main())


# --- extensions ---------------------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.parametrize("first", [True, False], ids=["body first", "path first"])
def test_a_path_is_sent_once_and_alone(run_asyncio: Run, tmp_path: Path, first: bool) -> None:
    """`http.response.pathsend` cannot be combined with bodies, nor sent twice."""
    path = tmp_path / "file"
    path.write_bytes(b"content")
    pathsend = {"type": "http.response.pathsend", "path": str(path)}
    said: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(MORE if first else pathsend)
        for message in (pathsend,) if first else (pathsend, BODY):
            with pytest.raises(RuntimeError) as wrong:
                await send(message)
            said.append(str(wrong.value))
        if first:
            await send(BODY)

    async def main() -> None:
        async with handling(app) as (_, url):
            assert (await ask(url)).body == (b"xx" if first else b"content")

    run_asyncio(main())
    assert all(text.startswith("unexpected ASGI message 'http.response.") for text in said)
    assert len(said) == (1 if first else 2)
