"""Server push, in both directions and with other peers."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest

import http2
from http2 import constants

from ..support import raw
from ..support.peers import Flag, happening, serving_url, start_node, starting
from ..support.running import Run, execute, node
from ..support.serving import Events, eventually, serving


def connect(peer: Any, **options: Any) -> http2.ClientHttp2Session:
    return http2.connect(peer.origin, **options)


# --- our server ------------------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.row("server_stream.push_stream", "server_stream.push_allowed")
def test_node_sees_what_is_pushed(run: Run) -> None:
    async def main() -> None:
        events = Events()

        async def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            assert stream.push_allowed
            stream.respond()
            pushed, sent = await stream.push_stream({":path": "/style.css", "X-Why": "link"})
            events.add("sent", sent, pushed.id, pushed.sent_headers)
            pushed.on("close", lambda: events.add("close"))
            pushed.additional_headers({":status": 103, "link": "</a>"})
            pushed.on("want_trailers", lambda: pushed.send_trailers({"x-sum": "7"}))
            pushed.respond({"content-type": "text/css"}, wait_for_trailers=True)
            assert pushed.write("body {")
            pushed.end("}")

            head, _ = await stream.push_stream({":method": "HEAD", ":path": "/head"})
            head.respond({"content-length": 5})
            head.end("dropped")
            unwanted, _ = await stream.push_stream([(":path", "/unwanted")])
            unwanted.on("close", lambda: events.add("unwanted", unwanted.rst_code))
            stream.end("asked for")

        async with serving(answer) as (_, port):
            seen = await node("client/push.js", str(port))
            await events.expect("close")
            assert await events.expect("unwanted") == ("unwanted", constants.NGHTTP2_CANCEL)
        assert seen["body"] == "asked for"
        assert seen["errors"] == []
        style = seen["pushed"]["/style.css"]
        request = {
            ":method": "GET", ":scheme": "http", ":authority": f"127.0.0.1:{port}",
            ":path": "/style.css", "x-why": "link",
        }  # fmt: skip
        assert style["request"] == request
        assert await events.expect("sent") == ("sent", request, style["id"], None)
        assert style["body"] == "body {}"
        # for Node, the first block on a pushed stream is 'push', even a 103
        assert [name for name, _ in style["events"]] == ["push", "response", "trailers"]
        assert style["events"][1][1]["content-type"] == "text/css"
        assert style["events"][2][1] == {"x-sum": "7"}
        assert style["code"] == 0
        assert seen["pushed"]["/head"]["events"][0][1]["content-length"] == "5"
        assert seen["pushed"]["/head"]["body"] == ""

    run(main())


@pytest.mark.interop
def test_nghttp_shows_the_promise(run_asyncio: Run) -> None:
    async def main() -> None:
        async def answer(stream: http2.ServerHttp2Stream) -> None:
            pushed, _ = await stream.push_stream({":path": "/pushed"})
            stream.respond()
            stream.end("asked for")
            pushed.respond()
            pushed.end("pushed")

        async with serving(answer) as (_, port):
            out = (await execute("nghttp", "-v", f"http://127.0.0.1:{port}/")).decode()
        promise = out.index("recv PUSH_PROMISE frame")
        # before data that may refer to it, and after it the response that it depends on
        assert promise < out.index("asked for") < out.index("pushed", out.index("asked for"))
        assert "(padlen=0, promised_stream_id=2)" in out

    run_asyncio(main())


@pytest.mark.interop
def test_curl_gets_its_answer(run_asyncio: Run) -> None:
    async def main() -> None:
        async def answer(stream: http2.ServerHttp2Stream) -> None:
            events.add("allowed", stream.push_allowed)
            stream.respond()
            stream.end("asked for")

        events = Events()
        async with serving(answer) as (_, port):
            url = f"http://127.0.0.1:{port}/"
            out = await execute("curl", "-s", "--http2-prior-knowledge", url)
        assert out == b"asked for"
        # the tool turns push off, and gets none
        assert events.seen == [("allowed", False)]

    run_asyncio(main())


@pytest.mark.interop
def test_what_may_not_be_pushed(run: Run) -> None:
    async def main() -> None:
        def code_of(headers: Any, **options: Any) -> str:
            with pytest.raises(http2.Http2Error) as caught:
                stream_.push_stream(headers, **options)
            assert isinstance(caught.value, (TypeError, ValueError))
            return caught.value.code

        async def answer(stream: http2.ServerHttp2Stream) -> None:
            nonlocal stream_
            stream_ = stream
            assert code_of({":path": "/", "bad name": "x"}) == "ERR_INVALID_HTTP_TOKEN"
            assert code_of({":status": 200}) == "ERR_HTTP2_INVALID_PSEUDOHEADER"
            assert code_of({"connection": "close"}) == "ERR_HTTP2_INVALID_CONNECTION_HEADERS"
            assert code_of({":method": "POST"}) == "ERR_INVALID_ARG_VALUE"
            assert code_of("text") == "ERR_INVALID_ARG_TYPE"
            assert code_of({}, parent=-1) == "ERR_OUT_OF_RANGE"
            assert code_of({}, parent="1") == "ERR_INVALID_ARG_TYPE"
            assert code_of({}, exclusive=1) == "ERR_INVALID_ARG_TYPE"
            assert code_of({}, parent=2) == "ERR_HTTP2_STREAM_SELF_DEPENDENCY"
            pushed, _ = await stream.push_stream()
            assert pushed.id == 2
            with pytest.raises(http2.Http2Error) as caught:
                pushed.push_stream({":path": "/nested"})
            assert caught.value.code == "ERR_HTTP2_NESTED_PUSH"
            pushed.respond(end_stream=True)
            stream.respond(end_stream=True)

        stream_: Any = None
        async with serving(answer) as (_, port):
            seen = await node("client/push.js", str(port))
            assert list(seen["pushed"]) == ["/"]
            with pytest.raises(http2.Http2Error) as caught:
                stream_.push_stream({})
            assert caught.value.code == "ERR_HTTP2_PUSH_DISABLED"

    run(main())


@pytest.mark.row("settings.enable_push")
@pytest.mark.parametrize("values", [{2: 0}, {3: 0}], ids=["enable_push", "no streams"])
def test_a_client_that_takes_no_pushes(run: Run, values: dict[int, int]) -> None:
    async def main() -> None:
        def answer(stream: http2.ServerHttp2Stream) -> None:
            assert not stream.push_allowed
            with pytest.raises(http2.Http2Error) as caught:
                stream.push_stream({":path": "/pushed"})
            stream.respond()
            stream.end(caught.value.code)

        async with (
            serving(answer) as (_, port),
            await raw.RawPeer.connect(port, values=values) as peer,
        ):
            peer.send(raw.get())
            assert await peer.body(1) == b"ERR_HTTP2_PUSH_DISABLED"
            assert raw.PUSH_PROMISE not in [frame.type for frame in peer.seen]

    run(main())


def test_pushes_wait_for_the_clients_limit(run: Run) -> None:
    """All are promised at once; no more responses begin than the client allows."""

    async def main() -> None:
        begun = Events()

        async def answer(stream: http2.ServerHttp2Stream) -> None:
            promises = [stream.push_stream({":path": f"/{n}"}) for n in range(4)]
            stream.respond()
            stream.end("asked for")
            for promise in promises:
                try:
                    pushed, headers = await promise
                except http2.Http2Error as error:
                    begun.add("refused", error.code)
                    continue
                pushed.respond()
                pushed.write("begun")
                begun.add("begun", headers[":path"], pushed)

        async with (
            serving(answer) as (_, port),
            await raw.RawPeer.connect(port, values={3: 1}) as peer,
        ):
            peer.send(raw.get())
            assert await peer.body(1) == b"asked for"
            assert [f.type for f in peer.seen].count(raw.PUSH_PROMISE) == 4
            await peer.until(raw.DATA, 2)
            await peer.answered()
            assert [entry[1] for entry in begun.seen] == ["/0"]
            # refused while it waits, it never begins
            peer.send(raw.rst_stream(4, constants.NGHTTP2_REFUSED_STREAM))
            await peer.answered()
            begun.seen[0][2].end()
            await peer.until(raw.DATA, 6)
            assert begun.names == ["begun", "refused", "begun"]
            assert begun.seen[1][1] == "ERR_HTTP2_STREAM_ERROR"
            assert not [f for f in peer.seen if f.stream_id == 4 and f.type == raw.HEADERS]
            # room for one more
            peer.send(raw.settings({3: 2}))
            await peer.until(raw.DATA, 8)
            peer.send(raw.rst_stream(6), raw.rst_stream(8))
            await peer.answered()

    run(main())


def test_a_promise_that_waits_when_the_session_ends(run: Run) -> None:
    async def main() -> None:
        ends = Events()

        async def answer(stream: http2.ServerHttp2Stream) -> None:
            first, _ = await stream.push_stream({":path": "/0"})
            first.respond()
            second = stream.push_stream({":path": "/1"})
            third = stream.push_stream({":path": "/2"})
            stream.push_stream({":path": "/forgotten"})
            third.cancel()
            second.add_done_callback(lambda done: ends.add("end", done.exception().code))
            stream.respond()
            stream.write("waiting")

        async with serving(answer) as (server, port):
            async with await raw.RawPeer.connect(port, values={3: 1}) as peer:
                peer.send(raw.get())
                await peer.until(raw.DATA, 1)
                # no caller waits for this one any more, and the client gets a reset
                assert (await peer.until(raw.RST_STREAM, 6)).code == constants.NGHTTP2_CANCEL
                assert ends.seen == []
                await peer.abort()
            assert await ends.expect("end") == ("end", "ERR_HTTP2_STREAM_CANCEL")
            await eventually(lambda: not server._sessions)

    run(main())


def test_a_promise_on_a_stream_that_has_ended(run: Run) -> None:
    """nghttp2 refuses it only when it would be sent: nothing is left behind."""

    async def main() -> None:
        events = Events()

        async def answer(stream: http2.ServerHttp2Stream) -> None:
            stream.respond(end_stream=True)
            pushed, _ = await stream.push_stream({":path": "/late"})
            pushed.on("close", lambda: events.add("close", pushed.rst_code))
            pushed.respond()
            pushed.write("never sent")
            session = stream.session
            assert session is not None
            events.add("session", session)

        async with serving(answer) as (_, port), await raw.RawPeer.connect(port) as peer:
            peer.send(raw.get())
            await peer.until(raw.HEADERS, 1)
            await events.expect("close")
            await peer.answered()
            _, session = await events.expect("session")
            assert session.streams == {}
            assert not session._pushes._open
            assert raw.PUSH_PROMISE not in [frame.type for frame in peer.seen]

    run(main())


def test_a_pushed_body_is_held_back_and_closed(run: Run) -> None:
    async def main() -> None:
        events = Events()

        async def answer(stream: http2.ServerHttp2Stream) -> None:
            pushed, _ = await stream.push_stream({":path": "/big"})
            stream.respond(end_stream=True)
            pushed.respond()
            events.listen(pushed, "error", "close")
            if not pushed.write(bytes(200_000)):
                await pushed.drain()
            events.add("drained")
            await pushed.close(constants.NGHTTP2_INTERNAL_ERROR)

        async with serving(answer) as (_, port), await raw.RawPeer.connect(port) as peer:
            peer.send(raw.get())
            got = 0
            while got < 65535:
                got += len((await peer.until(raw.DATA, 2)).payload)
            await peer.answered()
            assert events.seen == []
            peer.send(raw.window_update(0, 200_000), raw.window_update(2, 200_000))
            assert (await peer.until(raw.RST_STREAM, 2)).code == 2
            await events.expect("close")
            assert events.names[0] == "drained"

    run(main())


# --- our client ------------------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.row("client_session.event.stream", "client_stream.event.push", "session.event.stream")
def test_node_pushes(run: Run) -> None:
    async def main() -> None:
        with starting() as start:
            peer = start_node(start, "server/push.js")
            async with connect(peer) as session:
                promised, push = Flag(), Flag()

                @session.once("stream")
                def take(stream: Any, headers: Any, flags: int, raw_headers: Any) -> None:
                    promised.set(stream, headers, flags, raw_headers)
                    stream.on("push", lambda headers, flags: push.set(headers, flags))

                stream = session.request({":path": "/push"})
                pushed, headers, flags, raw_headers = await promised
                assert isinstance(pushed, http2.ClientHttp2Stream)
                assert pushed.id == 2
                assert headers[":path"] == "/pushed/0"
                assert headers[":authority"] == f"127.0.0.1:{peer.port}"
                assert ("x-push", "yes") in raw_headers
                assert flags == constants.NGHTTP2_FLAG_END_HEADERS
                assert pushed.sent_headers == headers
                assert not pushed.writable
                with pytest.raises(http2.Http2Error):
                    pushed.write("nothing can be sent on it")
                response, _ = await push
                assert response["x-number"] == "0"
                assert await pushed.response() is response
                assert await pushed.read() == b"body 0"
                assert await stream.read() == b"asked for"
                await eventually(lambda: not session.streams)

                # the response may arrive after its headers were awaited
                promised = happening(session, "stream")
                session.request({":path": "/head"}).resume()
                pushed, headers, _, _ = await promised
                assert (await pushed.response())["content-length"] == "7"
                assert await pushed.read() == b""

    run(main())


@pytest.mark.interop
def test_a_coroutine_takes_the_pushed_streams(run: Run) -> None:
    async def main() -> None:
        with starting() as start:
            peer = start_node(start, "server/push.js")
            async with connect(peer) as session:
                bodies: dict[str, bytes] = {}
                done = Flag()

                @session.on("stream")
                async def take(stream: http2.ClientHttp2Stream, headers: http2.Headers) -> None:
                    assert (await stream.response())[":status"] == 200
                    bodies[headers[":path"]] = await stream.read()
                    if len(bodies) == 3:
                        done.set()

                stream = session.request({":path": "/push?count=3&size=100000"})
                assert await stream.read() == b"asked for"
                await done
                assert bodies == {f"/pushed/{n}": b"p" * 100_000 for n in range(3)}

    run(main())


@pytest.mark.interop
def test_informational_responses_and_trailers_of_a_push(run: Run) -> None:
    async def main() -> None:
        with starting() as start:
            peer = start_node(start, "server/push.js")
            async with connect(peer) as session:
                events = Events()

                def take(stream: http2.ClientHttp2Stream) -> None:
                    events.listen(stream, "headers", "push", "response", "trailers", "close")
                    stream.resume()

                session.on("stream", take)
                await session.request({":path": "/trailers"}).read()
                await events.expect("close")
                assert events.names == ["headers", "push", "trailers", "close"]
                assert events.seen[0][1]["link"] == "</a>"
                assert events.seen[2][1] == {"x-sum": "1"}

    run(main())


@pytest.mark.interop
def test_a_push_that_is_reset(run: Run) -> None:
    async def main() -> None:
        with starting() as start:
            peer = start_node(start, "server/push.js")
            async with connect(peer) as session:
                promised = happening(session, "stream")
                session.request({":path": "/reset"}).resume()
                pushed, *_ = await promised
                with pytest.raises(http2.StreamError) as caught:
                    await pushed.read()
                assert caught.value.error_code == constants.NGHTTP2_INTERNAL_ERROR

                # and an unwanted one
                promised = happening(session, "stream")
                session.request({":path": "/push?size=1000000"}).resume()
                pushed, *_ = await promised
                await pushed.close(constants.NGHTTP2_CANCEL)
                seen = session.request({":path": "/seen?count=2"})
                ends = json.loads(await seen.read())
                assert [end["code"] for end in ends] == [2, constants.NGHTTP2_CANCEL]

    run(main())


@pytest.mark.interop
def test_pushes_that_nobody_listens_to_are_cancelled(run: Run) -> None:
    """More than the connection's window is pushed: it does not fill, and Node continues."""

    async def main() -> None:
        with starting() as start:
            peer = start_node(start, "server/push.js")
            async with connect(peer) as session:
                for _ in range(3):
                    stream = session.request({":path": "/push?count=10&size=200000"})
                    assert await stream.read() == b"asked for"
                ends = json.loads(await session.request({":path": "/seen?count=30"}).read())
                assert {(end["code"], end["error"]) for end in ends} == {
                    (constants.NGHTTP2_CANCEL, None)
                }
                assert session.streams == {}

    run(main())


@pytest.mark.interop
def test_a_server_that_pushes_in_vain_is_asked_to_stop(run: Run) -> None:
    """Otherwise it would end the connection because of too many resets."""

    async def main() -> None:
        with starting() as start:
            peer = start_node(start, "server/push.js")
            async with connect(peer) as session:
                for _ in range(15):
                    stream = session.request({":path": "/push?count=100"})
                    assert await stream.read() in (b"asked for", b"not allowed")
                assert session.local_settings.enable_push is False
                offered: list[http2.ClientHttp2Stream] = []
                session.on("stream", lambda pushed: (offered.append(pushed), pushed.resume()))
                await eventually(lambda: session.local_settings.enable_push)
                assert await session.request({":path": "/push"}).read() == b"asked for"
                assert len(offered) == 1

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({":method": "POST"}, 1),
        ({"content-length": "5"}, 1),
        ({":authority": "elsewhere.example"}, 1),
        ({":scheme": "https"}, 1),
        ({"x-fine": "yes"}, 0),
    ],
)
def test_promises_that_break_the_rules(run_asyncio: Run, headers: Any, code: int) -> None:
    """RFC 9113 section 8.4: a stream error of type PROTOCOL_ERROR; Node's client accepts them."""

    async def main() -> None:
        with starting() as start:
            peer = start_node(start, "server/push.js")
            async with connect(peer) as session:
                offered = Events()
                session.on("stream", lambda stream: (offered.add("stream"), stream.resume()))
                stream = session.request({":path": f"/bad?headers={quote(json.dumps(headers))}"})
                assert await stream.read() == b"asked for"
                if code:
                    ends = json.loads(await session.request({":path": "/seen"}).read())
                    assert ends[0]["code"] == code
                assert len(offered.seen) == (not code)
                session.destroy()

    run_asyncio(main())


@pytest.mark.interop
@pytest.mark.row("connect.option.max_reserved_remote_streams")
def test_promises_past_the_limit_are_refused(run: Run) -> None:
    async def main() -> None:
        with starting() as start:
            peer = start_node(start, "server/push.js")
            async with connect(peer, max_reserved_remote_streams=2) as session:
                offered: list[http2.ClientHttp2Stream] = []
                session.on("stream", offered.append)
                stream = session.request({":path": "/promise?count=5"})
                assert await stream.read() == b"asked for"
                ends = json.loads(await session.request({":path": "/seen?count=3"}).read())
                assert [end["path"] for end in ends] == ["/silent/2", "/silent/3", "/silent/4"]
                assert {end["code"] for end in ends} == {constants.NGHTTP2_CANCEL}
                assert [stream.id for stream in offered] == [2, 4]
                # promised ones end with the session
                waiter = asyncio.ensure_future(offered[0].response())
                await asyncio.sleep(0)
                session.destroy()
                with pytest.raises(http2.Http2Error):
                    await waiter

    run(main())


@pytest.mark.interop
@pytest.mark.row("settings.enable_push")
def test_push_turned_off(run: Run) -> None:
    async def main() -> None:
        with starting() as start:
            peer = start_node(start, "server/push.js")
            async with connect(peer, settings={"enable_push": False}) as session:
                stream = session.request({":path": "/push"})
                assert await stream.read() == b"not allowed"
                assert session.local_settings.enable_push is False

    run(main())


def test_our_own_peers_push(run: Run) -> None:
    """Graceful ends wait for pushed streams, on both sides."""

    async def main() -> None:
        got = Flag()

        async def answer(stream: http2.ServerHttp2Stream) -> None:
            pushed, _ = await stream.push_stream({":path": "/pushed"})
            stream.respond(end_stream=True)
            session = stream.session
            assert session is not None
            pushed.respond()
            pushed.write("begin ")
            session.close()
            assert not pushed.push_allowed
            await got
            pushed.end("end")

        async with serving_url(answer) as (_, origin), http2.connect(origin) as session:
            promised = happening(session, "stream")
            stream = session.request()
            pushed, *_ = await promised
            await stream.response()
            assert await pushed.read(6) == b"begin "
            await eventually(lambda: session.closed)
            got.set()
            assert await pushed.read() == b"end"

    run(main())


def test_goaway_does_not_make_a_push_retryable(run: Run) -> None:
    """The last stream id of a server's GOAWAY concerns requests, not pushes."""

    async def main() -> None:
        promises: list[http2.ServerHttp2Stream] = []

        async def answer(stream: http2.ServerHttp2Stream) -> None:
            for path in ("/2", "/4"):
                promises.append((await stream.push_stream({":path": path}))[0])
            stream.respond(end_stream=True)

        async with serving_url(answer) as (_, origin), http2.connect(origin) as session:
            offered: list[http2.ClientHttp2Stream] = []
            session.on("stream", offered.append)
            session.on("error", lambda error: None)
            stream = session.request()
            await stream.read()
            await eventually(lambda: len(offered) == 2)
            server_session = promises[0].session
            assert server_session is not None
            server_session.destroy(constants.NGHTTP2_INTERNAL_ERROR)
            with pytest.raises(http2.Http2Error) as caught:
                await offered[1].response()
            assert not caught.value.retryable

    run(main())
