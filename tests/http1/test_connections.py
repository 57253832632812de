"""HTTP/1 connections: keep-alive, waiting requests, and deadlines."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import http2

from ..support.dialled import PATIENCE
from ..support.http1 import Http1Peer, asking, chunked, get, request, serving_http1
from ..support.running import Run, execute
from ..support.self_signed import Certificate
from ..support.serving import Events, eventually, listening
from ..support.sessions import refused


def hello(request: Any, response: Any) -> None:
    """Answer at once."""
    response.end(request.url)


async def patient(request: Any, response: Any) -> None:
    """Answer with the body, when it is complete."""
    body = await request.read()
    response.end(f"{request.url} {len(body)}")


@pytest.mark.row("http1_options.keep_alive_timeout")
def test_keep_alive(run: Run) -> None:
    """A connection is kept for the announced time, and then closed."""

    async def main() -> None:
        async with asking(patient, keep_alive_timeout=1) as peer:
            loop = asyncio.get_running_loop()
            for number in range(3):
                got = await peer.ask(get(f"/{number}"))
                assert got.body == b"/%d 0" % number
                assert got.headers["connection"] == "keep-alive"
            start = loop.time()
            assert await peer.rest() == b""
            assert 0.9 <= loop.time() - start < PATIENCE
        async with asking(patient, keep_alive_timeout=7) as peer:
            assert (await peer.ask(get())).headers["keep-alive"] == "timeout=7"
        async with asking(patient, keep_alive_timeout=0) as peer:
            assert "keep-alive" not in (await peer.ask(get())).headers

    run(main())


@pytest.mark.parametrize("connection", [None, "keep-alive", "close"])
def test_a_keep_alive_of_the_programs_own(run: Run, connection: str | None) -> None:
    """It replaces the library's own field."""

    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            fields = {"Keep-Alive": "timeout=3, max=9"}
            if connection is not None:
                fields["connection"] = connection
            response.write_head(200, fields)
            response.end("fine")

        async with asking(on_request) as peer:
            for _ in range(1 if connection == "close" else 3):
                headers = (await peer.ask(get())).headers
                assert headers["connection"] == (connection or "keep-alive")
                assert headers["keep-alive"] == "timeout=3, max=9"

    run(main())


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        ("1.1", None, True),
        ("1.1", "close", False),
        ("1.1", "x, Close", False),
        ("1.1", "keep-alive", True),
        ("1.0", None, False),
        ("1.0", "Keep-Alive", True),
        ("1.0", "keep-alive, close", False),
    ],
)
def test_what_the_client_wants(run: Run, version: str, connection: str | None, kept: bool) -> None:
    async def main() -> None:
        async with asking(hello) as peer:
            fields = {} if connection is None else {"connection": connection}
            got = await peer.ask(get("/", version, **fields))
            assert got.version == "HTTP/1.1"
            assert got.closes is not kept
            if kept:
                assert (await peer.ask(get("/again", "1.0"))).body == b"/again"
            assert await peer.rest() == b""

    run(main())


@pytest.mark.parametrize("given", ["close", "Close", "x, close"])
def test_the_response_closes(run: Run, given: str) -> None:
    async def main() -> None:
        def on_request(request: Any, response: Any) -> None:
            response.set_header("connection", given)
            response.end("bye")

        async with asking(on_request) as peer:
            peer.send(get(), get())
            got = await peer.response()
            assert got.headers["connection"] == given
            assert await peer.rest() == b""

    run(main())


def test_pipelining(run: Run) -> None:
    """Responses are sent in the order of the requests, however long each takes."""

    async def main() -> None:
        running = 0

        async def on_request(request: Any, response: Any) -> None:
            nonlocal running
            running += 1
            assert running == 1
            body = await request.read()
            if request.url == "/1":
                await asyncio.sleep(0.02)
            running -= 1
            response.end(f"{request.url} {len(body)}")

        async with asking(on_request) as peer:
            peer.send(
                get("/0"), get("/1"), request("POST", "/2", content_length="3"), b"abc",
                request("POST", "/3", transfer_encoding="chunked"), chunked(b"de", b"fgh"),
                *[get(f"/{number}") for number in range(4, 200)],
            )  # fmt: skip
            sizes = {2: 3, 3: 5}
            for number in range(200):
                body = (await peer.response()).body
                assert body == b"/%d %d" % (number, sizes.get(number, 0))

    run(main())


@pytest.mark.slow
def test_pipelining_without_end(run: Run) -> None:
    """A client that continues to send requests while it is served is held back."""

    async def main() -> None:
        release = asyncio.Event()

        async def on_request(request: Any, response: Any) -> None:
            await release.wait()
            response.end("x")

        async with serving_http1(on_request) as (server, port), await Http1Peer.dial(port) as peer:
            count = 3000
            peer.send(get(x="y" * 8000) * count)
            await eventually(lambda: bool(server._sessions))
            (connection,) = server._sessions
            await eventually(lambda: connection._reading_paused)
            assert connection._receiver.waiting < 300_000
            assert peer.writer.transport.get_write_buffer_size() > 0
            peer.send(get(connection="close"))
            release.set()
            async with asyncio.timeout(60):
                rest = await peer.reader.read()
            assert rest.count(b"HTTP/1.1 200 OK") == count + 1

    run(main())


@pytest.mark.row("http1_options.max_requests_per_socket")
def test_max_requests_per_socket(run: Run) -> None:
    async def main() -> None:
        async with asking(hello, max_requests_per_socket=3) as peer:
            peer.send(*[get(f"/{number}") for number in range(5)])
            assert [(await peer.response()).closes for _ in range(3)] == [False, False, True]
            assert await peer.rest() == b""

    run(main())


@pytest.mark.row("http1_options.headers_timeout")
@pytest.mark.parametrize("sent", ["G", "GET / HTTP/1.1\r\nhost: x\r\n"])
def test_headers_timeout(run: Run, sent: str) -> None:
    """A head that does not arrive is answered with 408, the first one and later ones."""

    async def main() -> None:
        async with serving_http1(hello, headers_timeout=0.6) as (_, port):
            for before in (0, 1):
                async with await Http1Peer.dial(port) as peer:
                    for _ in range(before):
                        await peer.ask(get())
                    peer.send(sent)
                    got = await peer.response()
                    assert (got.status, got.closes) == (408, True)
                    assert await peer.rest() == b""

    run(main())


@pytest.mark.parametrize("sent", ["", "P", "PRI * HTTP/2.0\r\n\r\nSM"])
def test_silent_client(run: Run, sent: str) -> None:
    """A client that does not show its protocol gets no answer, and the connection ends."""

    async def main() -> None:
        async with serving_http1(hello, headers_timeout=0.2) as (server, port):
            async with await Http1Peer.dial(port) as peer:
                peer.send(sent)
                assert await peer.rest() == b""
            await eventually(lambda: not server.open_connections.transports)

    run(main())


def test_clients_that_are_not_silent(run: Run) -> None:
    """It does not apply to a client that shows its protocol."""

    async def main() -> None:
        async with serving_http1(hello, headers_timeout=1) as (server, port):
            async with (
                await Http1Peer.dial(port) as peer,
                http2.connect(f"http://127.0.0.1:{port}") as session,
            ):
                await peer.ask(get())
                stream = session.request()
                await asyncio.sleep(1.2)
                assert await stream.read() == b"/"
                assert (await peer.ask(get())).status == 200
            await eventually(lambda: not server.open_connections.transports)

    run(main())


@pytest.mark.parametrize("reads", [False, True])
def test_write_timeout(run: Run, reads: bool) -> None:
    """A client that reads nothing of its response for this time is disconnected."""

    async def main() -> None:
        events = Events()

        async def on_request(request: Any, response: Any) -> None:
            response.on("close", lambda: events.add("close"))
            for _ in range(400):
                if not response.write(bytes(100_000)):
                    await response.drain()
            response.end()
            events.add("done")

        # A busy machine may keep this process, and so its client, from reading for a while.
        server = http2.create_server(
            on_request, allow_http1=True, write_timeout=1 if reads else 0.3
        )
        async with listening(server) as port, await Http1Peer.dial(port) as peer:
            started = asyncio.get_running_loop().time()
            peer.send(get(connection="close"))
            if not reads:
                await events.expect("close")
                assert not server.open_connections.transports
                return
            await peer.head()
            size = 0
            while chunk := await peer.reader.read(1 << 20):
                size += len(chunk)
                await asyncio.sleep(0.01)
            assert size > 40_000_000
            assert asyncio.get_running_loop().time() - started > 1
            await events.expect("done")

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("secure", [False, True])
def test_wrk(run_asyncio: Run, certificate: Certificate, secure: bool) -> None:
    """64 connections that request as fast as they can: every request gets its response."""

    async def main() -> None:
        if secure:
            server: http2.Http2Server = http2.create_secure_server(
                patient, allow_http1=True, cert=certificate.cert, key=certificate.key
            )
        else:
            server = http2.create_server(patient, allow_http1=True)
        async with listening(server) as port:
            scheme = "https" if secure else "http"
            url = f"{scheme}://127.0.0.1:{port}/x"
            out = (await execute("wrk", "-t1", "-c64", "-d1", url)).decode()
            assert "requests in" in out
            assert "Socket errors" not in out
            assert "Non-2xx" not in out

    run_asyncio(main())


def test_headers_that_trickle(run: Run) -> None:
    """The head must be complete in time, even if bytes arrive continuously."""

    async def main() -> None:
        async with asking(hello, headers_timeout=0.3) as peer:
            start = asyncio.get_running_loop().time()
            peer.send("GET / HTTP/1.1\r\nx: ")

            async def trickle() -> None:
                while True:
                    peer.send("y")
                    await asyncio.sleep(0.02)

            trickling = asyncio.create_task(trickle())
            assert (await peer.response()).status == 408
            assert asyncio.get_running_loop().time() - start >= 0.25
            trickling.cancel()

    run(main())


@pytest.mark.row("http1_options.request_timeout")
@pytest.mark.parametrize("begun", [False, True])
def test_request_timeout(run: Run, begun: bool) -> None:
    """A body that does not arrive: 408, or the end if a response has begun."""

    async def main() -> None:
        events = Events()

        def on_request(request: Any, response: Any) -> None:
            request.on("aborted", lambda: events.add("aborted"))
            request.on("error", lambda error: events.add("error", error.code))
            if begun:
                response.write("x")

        async with asking(on_request, request_timeout=0.2) as peer:
            peer.send(request("POST", content_length="5"), "he")
            if begun:
                got = await peer.head()
                assert got.headers["transfer-encoding"] == "chunked"
                assert await peer.rest() == b"1\r\nx\r\n"
            else:
                got = await peer.response()
                assert (got.status, got.closes) == (408, True)
                assert await peer.rest() == b""
            await events.expect("aborted")
            assert (await events.expect("error"))[1] == "ERR_HTTP2_STREAM_ERROR"

    run(main())


@pytest.mark.parametrize("pieces", [1, 2])
def test_request_timeout_of_later_requests(run: Run, pieces: int) -> None:
    """Each request has its own time, which begins with its first byte."""

    async def main() -> None:
        async with asking(patient, request_timeout=0.7, keep_alive_timeout=30) as peer:
            assert (await peer.ask(get())).status == 200
            for _ in range(2):
                await asyncio.sleep(0.8)
                head = request("POST", content_length="5")
                for piece in (head,) if pieces == 1 else (head[:9], head[9:]):
                    peer.send(piece)
                    await asyncio.sleep(0.05)
                peer.send("hello")
                assert (await peer.response()).body == b"/ 5"
            start = asyncio.get_running_loop().time()
            assert (await peer.ask(request("POST", content_length="5"))).status == 408
            assert asyncio.get_running_loop().time() - start >= 0.65

    run(main())


def test_time_that_a_handler_takes(run: Run) -> None:
    """The deadlines apply to the client, not to a slow handler."""

    async def main() -> None:
        async def on_request(request: Any, response: Any) -> None:
            await request.read()
            await asyncio.sleep(1)
            response.end("slow")

        limits = {"headers_timeout": 0.7, "request_timeout": 0.7, "keep_alive_timeout": 0.7}
        async with asking(on_request, **limits) as peer:
            peer.send(request("POST", content_length="5"), "hello")
            assert (await peer.response()).body == b"slow"

    run(main())


@pytest.mark.row("http1_options.max_url_size")
def test_max_url_size(run: Run) -> None:
    async def main() -> None:
        async with serving_http1(hello, max_url_size=100) as (_, port):
            async with await Http1Peer.dial(port) as peer:
                assert (await peer.ask(get("/" * 100))).status == 200
                got = await peer.ask(get("/" * 101))
                assert (got.status, got.closes) == (414, True)
                assert await peer.rest() == b""
            async with await Http1Peer.dial(port) as peer:
                # it need not be complete
                assert (await peer.ask("GET /" + "x" * 200)).status == 414

    run(main())


@pytest.mark.row("http1_options.max_header_size")
def test_max_header_size(run: Run) -> None:
    async def main() -> None:
        async with serving_http1(hello, max_header_size=1000) as (_, port):
            room = 1000 - len(get(x="").partition("\r\n")[2])
            async with await Http1Peer.dial(port) as peer:
                assert (await peer.ask(get(x="y" * (room - 2)))).status == 200
                got = await peer.ask(get(x="y" * (room + 1)))
                assert (got.status, got.closes) == (431, True)
                assert await peer.rest() == b""
            async with await Http1Peer.dial(port) as peer:
                assert (await peer.ask("GET / HTTP/1.1\r\n" + "x: y\r\n" * 200)).status == 431

    run(main())


@pytest.mark.row("http1_options.max_headers_count")
def test_max_headers_count(run: Run) -> None:
    async def main() -> None:
        async with asking(hello, max_headers_count=10) as peer:
            fields = {f"x{number}": "y" for number in range(10)}
            got = await peer.ask(get(**fields))
            assert (got.status, got.closes) == (431, True)
        async with asking(hello, max_headers_count=10) as peer:
            fields.pop("x0")
            assert (await peer.ask(get(**fields))).status == 200

    run(main())


@pytest.mark.interop
@pytest.mark.row(
    "module.Http1Options",
    "http1_options.of",
    "server.option.http1_options",
    "secure_server.option.http1_options",
)
def test_options(run: Run, certificate: Certificate) -> None:
    """As a mapping and as an object; invalid values are refused at once."""

    async def main() -> None:
        for options in ({"max_url_size": 5}, http2.Http1Options(max_url_size=5)):
            server = http2.create_server(hello, allow_http1=True, http1_options=options)
            async with listening(server) as port, await Http1Peer.dial(port) as peer:
                assert (await peer.ask(get("/12345"))).status == 414
            secure = http2.create_secure_server(
                hello, allow_http1=True, http1_options=options,
                cert=certificate.cert, key=certificate.key,
            )  # fmt: skip
            async with listening(secure) as port:
                out = await execute("curl", "-ksi", f"https://127.0.0.1:{port}/12345", "--http1.1")
                assert out.startswith(b"HTTP/1.1 414 URI Too Long\r\n")

    run(main())
    options = http2.Http1Options.of({"max_url_size": 5})
    assert http2.Http1Options.of(options) is options
    assert http2.Http1Options.of(None) == http2.Http1Options()
    for wrong, code in (
        ({"keep_alive_timeout": "5"}, "ERR_INVALID_ARG_TYPE"),
        ({"headers_timeout": -1}, "ERR_OUT_OF_RANGE"),
        ({"request_timeout": float("nan")}, "ERR_OUT_OF_RANGE"),
        ({"max_header_size": 0}, "ERR_OUT_OF_RANGE"),
        ({"max_headers_count": 1.5}, "ERR_INVALID_ARG_TYPE"),
        ({"max_url_size": True}, "ERR_INVALID_ARG_TYPE"),
        ({"max_requests_per_socket": -1}, "ERR_OUT_OF_RANGE"),
        ([], "ERR_INVALID_ARG_TYPE"),
    ):
        refused(code, http2.create_server, http1_options=wrong)
    with pytest.raises(TypeError, match="no_such_option"):
        http2.create_server(http1_options={"no_such_option": 1})
    refused("ERR_INVALID_ARG_TYPE", http2.create_server, allow_http1="yes")


@pytest.mark.parametrize("state", ["new", "idle", "served", "sending"])
def test_graceful_end(run: Run, state: str) -> None:
    """The server's end waits only for the current request."""

    async def main() -> None:
        release = asyncio.Event()

        async def on_request(request: Any, response: Any) -> None:
            await request.read()
            if request.url == "/waits":
                await release.wait()
            response.end("done")

        server = http2.create_server(on_request, allow_http1=True)
        await server.listen(0, "127.0.0.1")
        async with await Http1Peer.dial(server.address()[1]) as peer:
            if state != "new":
                await peer.ask(get())
            if state == "served":
                peer.send(get("/waits"), get("/never"))
            elif state == "sending":
                peer.send(request("POST", content_length="5"), "he")
            await peer.writer.drain()
            await eventually(lambda: bool(server.open_connections.transports))
            if state in ("served", "sending"):
                await eventually(
                    lambda: any(connection._stream for connection in server._sessions)  # type: ignore[attr-defined]
                )
            ending = asyncio.ensure_future(server.close(timeout=10))
            await asyncio.sleep(0.02)
            assert ending.done() is False or state in ("new", "idle")
            release.set()
            peer.send("llo" if state == "sending" else "")
            if state in ("served", "sending"):
                got = await peer.response()
                assert (got.body, got.closes) == (b"done", True)
            assert await peer.rest() == b""
            peer.finish()
            async with asyncio.timeout(PATIENCE):
                await ending

    run(main())


def test_end_with_a_deadline(run: Run) -> None:
    """Connections that hang are destroyed."""

    async def main() -> None:
        events = Events()

        async def on_request(request: Any, response: Any) -> None:
            response.write("x")
            try:
                await asyncio.Event().wait()
            finally:
                events.add("cancelled")

        server = http2.create_server(on_request, allow_http1=True)
        await server.listen(0, "127.0.0.1")
        async with await Http1Peer.dial(server.address()[1]) as peer:
            peer.send(get())
            await peer.head()
            await server.close(timeout=0.1)
            assert await peer.rest() == b"1\r\nx\r\n"
            await events.expect("cancelled")
        assert not server._sessions
        assert not server.open_connections.transports

    run(main())


def test_client_that_ends_its_side(run: Run) -> None:
    """It gets earlier responses; for the current request it counts as disconnected, as in Node."""

    async def main() -> None:
        events = Events()

        async def on_request(request: Any, response: Any) -> None:
            if request.url == "/0":
                response.end("done")
                return
            events.add("begun")
            try:
                await asyncio.Event().wait()
            finally:
                events.add("cancelled", request.aborted)

        async with asking(on_request) as peer:
            peer.send(get("/0"), get("/1"))
            await events.expect("begun")
            peer.writer.write_eof()
            assert (await peer.response()).body == b"done"
            assert await peer.rest() == b""
            assert (await events.expect("cancelled"))[1] is True

    run(main())


def test_idle_timeout_of_the_server(run: Run) -> None:
    """`set_timeout` applies to HTTP/1 connections too."""

    async def main() -> None:
        events = Events()
        server = http2.create_server(lambda request, response: None, allow_http1=True)
        server.set_timeout(0.1, lambda session: events.add("timeout", session))
        async with listening(server) as port, await Http1Peer.dial(port) as peer:
            peer.send(get())
            session = (await events.expect("timeout"))[1]
            assert session in server._sessions
            session.destroy()
            assert await peer.rest() == b""
        server = http2.create_server(lambda request, response: None, allow_http1=True)
        server.set_timeout(0.1)
        async with listening(server) as port, await Http1Peer.dial(port) as peer:
            peer.send(get())
            assert await peer.rest() == b""

    run(main())
