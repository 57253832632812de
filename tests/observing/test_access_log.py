"""`AccessLog`: its records of exchanges over both protocols and both APIs."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

import http2

from ..support import http1, raw
from ..support.both_protocols import PROTOCOLS, told
from ..support.http1 import Http1Peer
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.serving import listening

SHOWN = {"h2c": "HTTP/2", "http/1.1": "HTTP/1.1"}


class Lines(logging.Handler):
    """Collects the records."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.queue.put_nowait(record)

    async def next(self) -> Any:
        return await asyncio.wait_for(self.queue.get(), 30)


@pytest.fixture
def lines() -> Iterator[Lines]:
    logger = logging.getLogger("http2.access")
    handler = Lines()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def answer(request: Any, response: Any) -> None:
    """Answer as the path says."""
    match request.url.split("?")[0]:
        case "/fails":
            response.set_header("x-own", "never sent")
            raise LookupError("of the test")
        case "/parts":
            response.write_head(206)
            response.write("12345")
            response.write("678")
            response.end("9")
        case "/long":
            response.end(b"x" * 60_000)
        case "/empty":
            response.end()
        case "/stream":
            response.stream.end("h\u00e9llo")
        case "/none":
            response.write_head(204)
            response.end()
        case "/destroyed":
            response.write_head(200)
            response.stream.destroy()
        case "/cut":
            response.write_head(200, {"content-length": 10})
            response.write("123")
            response.stream.close(8)
        case _:
            response.end("hello")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("method", "path", "status", "size"),
    [
        ("GET", "/", 200, 5),
        ("HEAD", "/", 200, 0),
        ("GET", "/?a=b", 200, 5),
        ("DELETE", "/parts", 206, 9),
        ("GET", "/long", 200, 60_000),
        ("GET", "/none", 204, 0),
        ("GET", "/empty", 200, 0),
        ("GET", "/stream", 200, 6),
        ("GET", "/fails", 500, 0),
    ],
)
@pytest.mark.row("module.AccessLog", "access_log.note")
def test_what_went_out(
    run: Run, lines: Lines, protocol: str, method: str, path: str, status: int, size: int
) -> None:
    async def main() -> None:
        server = http2.create_server(answer, allow_http1=True)
        http2.AccessLog(server)
        async with listening(server) as port:
            assert (await told(port, protocol, method, path)).status == status
            record = await lines.next()
        assert record.levelno == logging.INFO
        assert (record.method, record.path) == (method, path)
        assert (record.status, record.bytes, record.reset) == (status, size, None)
        assert record.protocol == SHOWN[protocol]
        assert record.peer == "127.0.0.1"
        assert 0 <= record.milliseconds < 5000
        begin = f'127.0.0.1 "{method} {path} {SHOWN[protocol]}" {status} {size} '
        assert record.getMessage().startswith(begin)
        assert lines.queue.empty()

    run(main())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_second_request_of_a_connection(run: Run, lines: Lines, protocol: str) -> None:
    async def main() -> None:
        server = http2.create_server(answer, allow_http1=True)
        http2.AccessLog(server)
        async with listening(server) as port:
            if protocol == "h2c":
                async with http2.connect(f"http://127.0.0.1:{port}") as session:
                    for path in ("/one", "/parts"):
                        await session.request({":path": path}).read()
            else:
                async with await Http1Peer.dial(port) as peer:
                    peer.send(http1.request("GET", "/one"))
                    peer.send(http1.request("GET", "/parts", connection="close"))
                    await peer.rest()
            found = [await lines.next(), await lines.next()]
        assert [(r.path, r.status, r.bytes, r.reset) for r in found] == [
            ("/one", 200, 5, None), ("/parts", 206, 9, None),
        ]  # fmt: skip

    run(main())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_exchange_that_is_cut(run: Run, lines: Lines, protocol: str) -> None:
    async def main() -> None:
        server = http2.create_server(answer, allow_http1=True)
        http2.AccessLog(server)
        async with listening(server) as port:
            answered = await told(port, protocol, "GET", "/cut")
            assert not answered.whole
            record = await lines.next()
        assert (record.status, record.reset) == (answered.status or None, "CANCEL")
        assert record.bytes == len(answered.body)
        assert record.getMessage().endswith(" CANCEL")

    run(main())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_head_that_never_went_out(run: Run, lines: Lines, protocol: str) -> None:
    """The record has the status that the client got, or none."""

    async def main() -> None:
        server = http2.create_server(answer, allow_http1=True)
        http2.AccessLog(server)
        async with listening(server) as port:
            answered = await told(port, protocol, "GET", "/destroyed")
            record = await lines.next()
        assert record.status == (answered.status or None)
        assert record.reset is not None

    run(main())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_client_that_leaves(run: Run, lines: Lines, protocol: str) -> None:
    async def main() -> None:
        came = asyncio.Event()

        async def waits(request: Any, response: Any) -> None:
            came.set()
            await asyncio.sleep(60)

        server = http2.create_server(waits, allow_http1=True)
        http2.AccessLog(server)
        async with listening(server) as port:
            if protocol == "h2c":
                async with await RawPeer.connect(port) as peer:
                    peer.send(raw.get())
                    await came.wait()
                    peer.send(raw.rst_stream(1, 8))
                    record = await lines.next()
            else:
                async with await Http1Peer.dial(port) as other:
                    other.send(http1.request("GET"))
                    await came.wait()
                record = await lines.next()
        assert (record.status, record.bytes, record.reset) == (None, 0, "CANCEL")
        assert " HTTP/" in record.getMessage()
        assert '" - 0 ' in record.getMessage()

    run(main())


def test_a_refused_body(run: Run, lines: Lines) -> None:
    """The connection itself has answered, and not the handler."""

    async def main() -> None:
        async def reads(request: Any, response: Any) -> None:
            response.write_head(200)
            await request.read()

        server = http2.create_server(reads, allow_http1=True)
        http2.AccessLog(server)
        head = http1.request("POST", "/", transfer_encoding="chunked")
        async with listening(server) as port, await Http1Peer.dial(port) as peer:
            peer.send(head + "zz\r\n")
            assert (await peer.rest()).startswith(b"HTTP/1.1 400 ")
            record = await lines.next()
        assert record.status == 400

    run(main())


def test_the_core_api(run: Run, lines: Lines) -> None:
    async def main() -> None:
        server = http2.create_server()

        @server.on("stream")
        async def on_stream(stream: Any, headers: Any) -> None:
            await asyncio.sleep(0)
            if headers[":path"] == "/forgets":
                return
            stream.respond({":status": 404}, end_stream=True)

        http2.AccessLog(server, logger=logging.getLogger("http2.access"))
        async with listening(server) as port:
            assert (await told(port, "h2c", "GET", "/x")).status == 404
            assert (await lines.next()).status == 404
            # the log is not a handler that could still answer
            assert (await told(port, "h2c", "GET", "/forgets")).status == 500
            record = await lines.next()
        assert (record.path, record.status, record.reset) == ("/forgets", 500, None)

    run(main())


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.row("beyond.unanswered")
def test_a_forgotten_answer_is_noticed_with_a_log(run: Run, lines: Lines, protocol: str) -> None:
    async def main() -> None:
        async def forgets(request: Any, response: Any) -> None:
            await asyncio.sleep(0)

        server = http2.create_server(forgets, allow_http1=True)
        http2.AccessLog(server)
        async with listening(server) as port:
            assert (await told(port, protocol)).status == 500
            assert (await lines.next()).status == 500

    run(main())


def test_what_a_path_cannot_do(run: Run, lines: Lines) -> None:
    async def main() -> None:
        server = http2.create_server(answer)
        http2.AccessLog(server)
        async with listening(server) as port:
            assert (await told(port, "h2c", "GET", '/a"b\\c\u00e9')).status == 200
            record = await lines.next()
        assert record.path == r"/a\x22b\x5cc\xc3\xa9" or record.path == r"/a\x22b\x5cc\xe9"

    run(main())


def test_escapes(caplog: pytest.LogCaptureFixture) -> None:
    log = http2.AccessLog(http2.create_server())
    with caplog.at_level(logging.INFO, "http2.access"):
        log.note(0.0, None, "GET\n", "/\r\n\x1b[2J\x7f\u2028 ", "HTTP/2", None, 0, 2)
    (record,) = caplog.records
    assert vars(record)["path"] == r"/\x0d\x0a\x1b[2J\x7f\u2028 "
    assert record.getMessage().startswith(r'- "GET\x0a /\x0d\x0a\x1b[2J\x7f\u2028  HTTP/2" - 0 ')
    assert record.getMessage().endswith(" ms INTERNAL_ERROR")


@pytest.mark.row("access_log.close")
def test_the_end_of_a_log(run: Run, lines: Lines) -> None:
    async def main() -> None:
        server = http2.create_server(answer, allow_http1=True)
        first, second = http2.AccessLog(server), http2.AccessLog(server)
        async with listening(server) as port:
            first.close()
            first.close()
            for protocol in PROTOCOLS:
                await told(port, protocol)
                assert (await lines.next()).status == 200
            second.close()
            for protocol in PROTOCOLS:
                await told(port, protocol)
            assert lines.queue.empty()

    run(main())


@pytest.mark.row("module.AccessFormatter", "access_formatter.format")
def test_formats(caplog: pytest.LogCaptureFixture) -> None:
    log = http2.AccessLog(http2.create_server())
    with caplog.at_level(logging.INFO):
        log.note(0.0, "::1", "GET", "/a\n", "HTTP/2", 200, 12, None)
        logging.getLogger("http2.access").info("another %s", "record")
    record, other = caplog.records
    text = http2.AccessFormatter().format(record)
    assert ' ::1 "GET /a\\x0a HTTP/2" 200 12 ' in text
    assert text.endswith(" ms -")
    assert http2.AccessFormatter("%(status)s %(path)s").format(record) == r"200 /a\x0a"
    found = json.loads(http2.AccessFormatter(json=True).format(record))
    assert found.pop("milliseconds") > 0
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "peer": "::1", "method": "GET", "path": r"/a\x0a", "protocol": "HTTP/2", "status": 200,
        "bytes": 12, "reset": None,
    }  # fmt: skip
    found = json.loads(http2.AccessFormatter(json=True).format(other))
    assert found["message"] == "another record"


@pytest.mark.parametrize("wrong", [None, "server", http2])
def test_what_is_no_server(wrong: Any) -> None:
    with pytest.raises(http2.Http2TypeError) as caught:
        http2.AccessLog(wrong)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"
    with pytest.raises(http2.Http2TypeError) as caught:
        http2.AccessLog(http2.create_server(), logger=wrong if wrong != "server" else 1)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"
