"""The messages of a request and its response, valid and invalid, and the ends of both."""

from __future__ import annotations

import asyncio
import inspect
import logging
from http.client import HTTPConnection
from typing import Any

import pytest

import http2
import http2.asgi

from ..support import raw
from ..support.running import Run
from ..support.serving import Events, eventually
from .asking import ask, handling, port_of

START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}
BODY: dict[str, Any] = {"type": "http.response.body", "body": b"x"}
MORE: dict[str, Any] = {**BODY, "more_body": True}


async def whole_body(receive: Any) -> bytes:
    """Return the body of a request."""
    parts = []
    while True:
        message = await receive()
        assert message["type"] == "http.request", message
        parts.append(message["body"])
        if not message["more_body"]:
            return b"".join(parts)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the body."""
    body = await whole_body(receive)
    await send({**START, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.interop
@pytest.mark.parametrize("version", ["2", "1.1"])
@pytest.mark.parametrize("size", [0, 1, 5, 65536, 1_000_000])
def test_echo(run: Run, version: str, size: int) -> None:
    async def main() -> None:
        async with handling(echo) as (_, url):
            sent = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
            answer = await ask(
                url, "-H", "expect:", "--data-binary", "@-", stdin=sent, version=version
            )
            assert (answer.status, answer.body) == (200, sent)
            assert answer.headers["content-length"] == str(size)
            assert "date" in answer.headers

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_streaming(run: Run, version: str) -> None:
    """A response of unknown length: each part is sent before the next one is created."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        for number in range(3):
            await send({**MORE, "body": b"%d\n" % number})
        await send({"type": "http.response.body"})

    async def main() -> None:
        async with handling(app) as (_, url):
            answer = await ask(url, version=version)
            assert answer.body == b"0\n1\n2\n"
            assert "content-length" not in answer.headers

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_head_and_bodiless(run: Run, version: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        status = int(scope["path"][1:])
        await send({**START, "status": status})
        await send({**BODY, "body": b"" if status in (204, 304) else b"hello", "more_body": True})
        await send({"type": "http.response.body"})

    async def main() -> None:
        async with handling(app) as (_, url):
            head = await ask(url, "--head", path="/200", version=version)
            assert (head.status, head.body) == (200, b"")
            for status in (204, 304):
                answer = await ask(url, path=f"/{status}", version=version)
                assert (answer.status, answer.body) == (status, b"")

    run(main())


@pytest.mark.interop
def test_headers_go_as_they_are(run_asyncio: Run) -> None:
    """In order, with repeated fields, from any iterable; fields of HTTP/1 only are dropped."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        fields = [
            [b"set-cookie", b"a=1"], (b"X-Upper", b"v"), (b"set-cookie", b"b=2"),
            (b"Connection", b"keep-alive"), (b"x-spaces", b" v\t"), (b"date", b"now"),
        ]  # fmt: skip
        await send({**START, "headers": iter(fields)})
        await send(BODY)

    async def main() -> None:
        async with handling(app) as (_, url):
            answer = await ask(url)
            assert answer.raw == [
                ("set-cookie", "a=1"), ("x-upper", "v"), ("set-cookie", "b=2"),
                ("x-spaces", "v"), ("date", "now"),
            ]  # fmt: skip

    run_asyncio(main())


@pytest.mark.interop
def test_headers_wait_for_the_body(run_asyncio: Run) -> None:
    """ASGI: nothing is sent until the first body; until then, the answer can be replaced."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        if scope["path"] == "/fail":
            raise KeyError("too early")
        await going_on.wait()
        await send(BODY)

    going_on = asyncio.Event()

    async def main() -> None:
        async with handling(app) as (_, url):
            assert (await ask(url, path="/fail")).status == 500
            async with await raw.RawPeer.connect(port_of(url)) as peer:
                peer.send(raw.get())
                await peer.answered()
                assert not [frame for frame in peer.seen if frame.type == raw.HEADERS]
                going_on.set()
                await peer.until(raw.HEADERS, 1)

    run_asyncio(main())


@pytest.mark.interop
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_messages_are_coroutines(run: Run, version: str) -> None:
    """As of other servers: a program may run them in tasks, and ask what they are."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert inspect.iscoroutinefunction(receive)
        assert inspect.iscoroutinefunction(send)
        message = await asyncio.create_task(receive())
        assert message == {"type": "http.request", "body": b"sent", "more_body": False}
        unused = send({**BODY, "body": b"never sent"})
        assert inspect.iscoroutine(unused)
        unused.close()
        start = asyncio.create_task(send(START))
        # nothing is sent before the task runs
        with pytest.raises(RuntimeError, match="must be sent first"):
            await send(MORE)
        await start
        await asyncio.gather(send(MORE), asyncio.wait_for(send(MORE), 5))
        await asyncio.shield(send(BODY))

    async def main() -> None:
        async with handling(app) as (_, url):
            answer = await ask(url, "--data-binary", "sent", version=version)
            assert (answer.status, answer.body) == (200, b"xxx")

    run(main())


# --- the client goes ------------------------------------------------------------------------


@pytest.mark.row("asgi.ClientDisconnected")
@pytest.mark.parametrize("how", ["reset", "fin", "http1"])
def test_disconnect(run: Run, how: str) -> None:
    """A waiting `receive` returns at once; `send` raises an OSError from then on."""
    events = Events()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert await whole_body(receive) == b""
        await send(START)
        await send(MORE)
        events.add("begun")
        events.add("told", (await receive())["type"])
        events.add("again", (await receive())["type"])
        with pytest.raises(OSError, match="the client has disconnected"):
            await send(MORE)
        events.add("done")
        await send(BODY)

    async def main() -> None:
        async with handling(app) as (_, url):
            if how == "http1":
                _, writer = await asyncio.open_connection("127.0.0.1", port_of(url))
                writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                await events.expect("begun")
                writer.close()
                await writer.wait_closed()
                await events.expect("done")
            else:
                async with await raw.RawPeer.connect(port_of(url)) as peer:
                    peer.send(raw.get())
                    await peer.until(raw.HEADERS, 1)
                    if how == "reset":
                        peer.send(raw.rst_stream(1))
                    else:
                        peer.finish()
                    await events.expect("done")
        assert (await events.expect("told"))[1] == "http.disconnect"
        assert (await events.expect("again"))[1] == "http.disconnect"

    run(main())


def test_a_client_that_goes_is_no_error(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the error of `send`, nor an error that the application raises from it, is logged."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(MORE)
        await receive()
        await receive()
        try:
            await send(MORE)
        except OSError:
            raise RuntimeError("of the framework's") from None

    async def main() -> None:
        async with (
            handling(app) as (handler, url),
            await raw.RawPeer.connect(port_of(url)) as peer,
        ):
            peer.send(raw.get())
            await peer.until(raw.HEADERS, 1)
            peer.send(raw.rst_stream(1))
            await peer.answered()
            await eventually(lambda: "0 running" in repr(handler))

    with caplog.at_level(logging.INFO):
        run(main())
    assert not [record for record in caplog.records if record.name.startswith("http2")]


def test_disconnect_in_the_middle_of_the_body(run: Run) -> None:
    seen = Events()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            seen.add(message["type"], message.get("body"), message.get("more_body"))
            if message["type"] == "http.disconnect":
                return

    async def main() -> None:
        async with handling(app) as (_, url), await raw.RawPeer.connect(port_of(url)) as peer:
            peer.send(raw.post(), raw.data(1, b"half"))
            assert await seen.expect("http.request") == ("http.request", b"half", True)
            peer.send(raw.rst_stream(1))
            await seen.expect("http.disconnect")

    run(main())


@pytest.mark.interop
def test_disconnect_after_the_response(run: Run) -> None:
    """The response is complete: `receive` returns."""
    told = Events()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        waiting = asyncio.ensure_future(receive_twice(receive))
        await asyncio.sleep(0)
        await send(START)
        await send(BODY)
        await waiting
        told.add((await receive())["type"])

    async def receive_twice(receive: Any) -> None:
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"

    async def main() -> None:
        async with handling(app) as (_, url):
            await ask(url)
            await told.expect("http.disconnect")

    run(main())


def test_a_cancelled_receive_loses_nothing(run: Run) -> None:
    """Frameworks check for a disconnect by a `receive` that they cancel at once."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(3):
            looking = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            looking.cancel()
            await asyncio.wait((looking,))
            assert looking.cancelled()
        going_on.set()
        await echo(scope, receive, send)

    going_on = asyncio.Event()

    async def main() -> None:
        async with handling(app) as (_, url), await raw.RawPeer.connect(port_of(url)) as peer:
            peer.send(raw.post())
            await going_on.wait()
            peer.send(raw.data(1, b"hello", end_stream=True))
            assert await peer.body(1) == b"hello"

    run(main())


# --- back-pressure --------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2", "1.1"])
def test_send_waits_for_a_slow_client(run: Run, version: str) -> None:
    """An application cannot write a gigabyte to a client that does not read."""
    sent = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        await send(START)
        for _ in range(10_000):
            await send({**MORE, "body": bytes(10_000)})
            sent += 10_000
        await send({"type": "http.response.body"})

    async def main() -> None:
        async with handling(app) as (_, url):
            _, writer = await asyncio.open_connection("127.0.0.1", port_of(url), limit=4096)
            if version == "2":
                writer.write(raw.PREFACE + raw.settings() + raw.get())
            else:
                writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await eventually(lambda: sent > 0)
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.1)
            assert sent < 20_000_000
            writer.close()
            await writer.wait_closed()

    run(main())


def test_a_body_is_not_read_ahead(run: Run) -> None:
    """The client cannot send more than the application receives."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await going_on.wait()
        body = await whole_body(receive)
        await send(START)
        await send({**BODY, "body": b"%d" % len(body)})

    going_on = asyncio.Event()

    async def main() -> None:
        async with handling(app) as (_, url), await raw.RawPeer.connect(port_of(url)) as peer:
            peer.send(raw.post())
            for _ in range(4):
                peer.send(raw.data(1, bytes(16000)))
            await peer.answered()
            assert not [f for f in peer.seen if f.type == raw.WINDOW_UPDATE]
            going_on.set()
            await peer.until(raw.WINDOW_UPDATE, 1)
            peer.send(raw.data(1, b"", end_stream=True))
            assert await peer.body(1) == b"64000"

    run(main())


def test_an_upload_that_is_answered_early_is_stopped(run: Run) -> None:
    """RFC 9113 section 8.1: a reset with NO_ERROR, after the complete response."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(START)
        await send(BODY)

    async def main() -> None:
        async with handling(app) as (_, url), await raw.RawPeer.connect(port_of(url)) as peer:
            peer.send(raw.post(), raw.data(1, b"some"))
            await peer.until(raw.DATA, 1, lambda frame: frame.ends_stream)
            assert (await peer.until(raw.RST_STREAM, 1)).code == 0

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_expect_100_continue(run: Run, version: str) -> None:
    async def main() -> None:
        async with handling(echo) as (_, url):
            answer = await ask(url, "-H", "expect: 100-continue", "-d", "hello", version=version)
            assert answer.body == b"hello"
            assert [status for status, _ in answer.informational] == [100]

    run(main())


# --- what applications do wrong -----------------------------------------------------------------

Script = list[dict[str, Any]]
WRONG: dict[str, tuple[Script, str, bool]] = {
    # name: (messages, the expected log, whether the response has begun)
    "body first": ([BODY], "unexpected ASGI message 'http.response.body': "
                   "'http.response.start' must be sent first", False),
    "start twice": ([START, START], "unexpected ASGI message 'http.response.start': "
                    "'http.response.body' comes next", False),
    "start after body": ([START, MORE, START], "'http.response.body' comes next", True),
    "unknown": ([START, {"type": "http.response.nonsense"}], "unexpected ASGI message", False),
    "websocket": ([{"type": "websocket.accept"}], "unexpected ASGI message", False),
    "trailers unasked": ([START, MORE, {"type": "http.response.trailers"}], "unexpected", True),
    "line feed in a value": ([{**START, "headers": [(b"x", b"a\r\nb: c")]}, BODY],
                             "a character that is not allowed there", False),
    "bad name": ([{**START, "headers": [(b"a b", b"c")]}, BODY], "'a b' is not an HTTP token",
                 False),
    "pseudo-header": ([{**START, "headers": [(b":path", b"/")]}, BODY], "", False),
    "no status": ([{"type": "http.response.start"}], "KeyError: 'status'", False),
    "bad status": ([{**START, "status": 99}, BODY], "'99' is not a status", False),
    "body too long": ([{**START, "headers": [(b"content-length", b"0")]}, MORE],
                      "content-length", True),
    "body too short": ([{**START, "headers": [(b"content-length", b"2")]}, BODY],
                       "content-length", True),
    "body with 204": ([{**START, "status": 204}, BODY],
                      "a response with status 204 must not have a body: 1 bytes", False),
    "number as body": ([START, {**BODY, "body": 7}], "must be a buffer or a str", True),
    "text as body": ([START, {**BODY, "body": "x"}],
                     "TypeError: the body of 'http.response.body' must be bytes, not str", False),
    "text as a later body": ([START, MORE, {**BODY, "body": "x"}], "must be bytes, not str", True),
    "text as a name": ([{**START, "headers": [("x-a", b"b")]}, BODY],
                       "TypeError: the name and the value of a header must be bytes, not str: "
                       "'x-a': b'b'", False),
    "text as a value": ([{**START, "headers": [(b"x-a", "b")]}, BODY],
                        "must be bytes, not str: b'x-a': 'b'", False),
    "text as status": ([{**START, "status": "200"}, BODY],
                       "the status of 'http.response.start' must be an int, not '200'", False),
    "no type": ([{"status": 200}], "KeyError: 'type'", False),
    "text in trailers": ([{**START, "trailers": True}, BODY,
                          {"type": "http.response.trailers", "headers": [("x", "y")]}],
                         "must be bytes, not str: 'x': 'y'", True),
    "no links": ([START, {"type": "http.response.early_hint"}, BODY], "KeyError: 'links'", False),
    "nothing at all": ([], "the ASGI application returned without sending a response", False),
    "no body": ([START], "the ASGI application returned before its response was complete", False),
    "no end": ([START, MORE], "the ASGI application returned before its response", True),
}  # fmt: skip


@pytest.mark.interop
@pytest.mark.parametrize("version", ["2", "1.1"])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_messages(
    run_asyncio: Run, caplog: pytest.LogCaptureFixture, name: str, version: str
) -> None:
    """500 if nothing was sent, else a cut response; one log entry; other requests are served."""
    script, said, begun = WRONG[name]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/well":
            script_to_run: Script = [START, BODY]
        else:
            script_to_run = script
        for message in script_to_run:
            await send(message)

    async def main() -> None:
        async with handling(app) as (_, url):
            if begun:
                with pytest.raises(AssertionError):  # curl's exit status
                    await ask(url, version=version)
            else:
                answer = await ask(url, version=version)
                assert (answer.status, answer.body) == (500, b"Internal Server Error")
            assert (await ask(url, path="/well", version=version)).body == b"x"

    run_asyncio(main())
    [record] = [record for record in caplog.records if record.name.startswith("http2")]
    assert record.name == "http2.asgi"
    text = caplog.text
    assert said in text
    assert "GET '/', client 127.0.0.1" in text


@pytest.mark.interop
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_messages_after_the_end(
    run_asyncio: Run, caplog: pytest.LogCaptureFixture, version: str
) -> None:
    """The response is complete when the client disconnects: the application and the log get it."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(BODY)
        await send(BODY)

    async def main() -> None:
        async with handling(app) as (_, url):
            assert (await ask(url, version=version)).body == b"x"

    run_asyncio(main())
    assert "unexpected ASGI message 'http.response.body': the response is complete" in caplog.text
    assert len(caplog.records) == 1


def test_an_exception_before_and_after_the_headers(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/after":
            await send(START)
            await send(MORE)
        raise ValueError("of mine")

    async def main() -> None:
        async with handling(app) as (_, url), await raw.RawPeer.connect(port_of(url)) as peer:
            peer.send(raw.get(1))
            assert (await peer.until(raw.HEADERS, 1)).status == 500
            peer.send(raw.get(3, "/after"))
            assert (await peer.until(raw.HEADERS, 3)).status == 200
            code = (await peer.until(raw.RST_STREAM, 3)).code
            assert code == http2.constants.NGHTTP2_INTERNAL_ERROR

    run(main())
    assert len(caplog.records) == 2
    assert caplog.text.count("ValueError: of mine") == 2
    assert caplog.text.count("exception in the ASGI application: GET '/") == 2


@pytest.mark.interop
def test_a_result_is_an_error(run_asyncio: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> str:
        return "a response?"

    async def main() -> None:
        async with handling(app) as (_, url):
            assert (await ask(url)).status == 500

    run_asyncio(main())
    assert "the ASGI application returned str instead of None" in caplog.text
    assert len(caplog.records) == 1


@pytest.mark.interop
@pytest.mark.row("asgi.handler.finish")
def test_work_after_the_response_goes_on(run: Run) -> None:
    """Background tasks end neither with the stream nor with the server's close."""
    done = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(BODY)
        await going_on.wait()
        done.append("work")

    going_on = asyncio.Event()

    async def main() -> None:
        handler = http2.asgi.Handler(app)
        server = http2.create_server(handler)
        await server.listen(0, "127.0.0.1")
        async with server:
            await ask(f"http://127.0.0.1:{server.address()[1]}")
        assert not done
        going_on.set()
        await handler.finish()
        assert done == ["work"]

    run(main())


@pytest.mark.interop
def test_finish_cancels_what_takes_too_long(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(BODY)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    cancelled: list[bool] = []

    async def main() -> None:
        handler = http2.asgi.Handler(app)
        server = http2.create_server(handler)
        await server.listen(0, "127.0.0.1")
        async with server:
            await ask(f"http://127.0.0.1:{server.address()[1]}")
        await handler.finish(0.05)
        assert cancelled == [True]

    logging.getLogger("http2.asgi").disabled = True
    try:
        run(main())
    finally:
        logging.getLogger("http2.asgi").disabled = False


@pytest.mark.parametrize("version", ["2", "1.1"])
def test_applications_that_never_wait(run: Run, version: str) -> None:
    """They may use their task, or raise its cancellation; their connection serves on."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        if scope["path"] == "/task":
            assert not task.done()
        elif scope["path"] == "/cancelled":
            raise asyncio.CancelledError
        await send(START)
        await send(BODY)

    expected = [("/task", 200), ("/cancelled", 500), ("/", 200), ("/task", 200)]

    async def main() -> None:
        async with handling(app) as (handler, url):
            if version == "2":
                async with http2.connect(url) as session:
                    for path, status in expected:
                        stream = session.request({":path": path})
                        assert (await stream.response())[":status"] == status
                        await stream.read()
            else:
                connection = HTTPConnection(url.removeprefix("http://"), timeout=10)
                for path, status in expected:
                    assert await asyncio.to_thread(get, connection, path) == status
                connection.close()
            await eventually(lambda: not handler._tasks)

    def get(connection: HTTPConnection, path: str) -> int:
        sock = connection.sock
        connection.request("GET", path)
        # the same connection, which is only made for the first request
        assert sock is None or connection.sock is sock
        response = connection.getresponse()
        response.read()
        return response.status

    run(main())
