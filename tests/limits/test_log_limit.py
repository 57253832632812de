"""The log lines that a peer can cause: one a minute for each kind of problem."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from typing import Any

import pytest

import http2
from http2.common.log_limit import LogLimit
from http2.constants import NGHTTP2_INTERNAL_ERROR

from ..support import raw
from ..support.dialled import Dialled
from ..support.raw import RawPeer
from ..support.running import Run, free_port
from ..support.self_signed import Certificate
from ..support.serving import listening, serving


class Clock:
    """A clock that the test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def lines(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[str]:
    """Return the records since the last call, of any logger, at *level* or above."""
    found = [record.getMessage() for record in caplog.records if record.levelno >= level]
    caplog.clear()
    return found


# --- the limit itself -----------------------------------------------------------------------


def test_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "http2")
    clock = Clock()
    limit = LogLimit(clock)
    for i in range(10_000):
        limit.warn("garbage", "192.0.2.1", "no. %d of %s", i, "these")
    levels = [record.levelno for record in caplog.records]
    assert levels == [logging.WARNING] + [logging.DEBUG] * 9999
    assert lines(caplog) == ["no. 0 of these, peer 192.0.2.1"]
    clock.now += 59.9
    limit.warn("garbage", "192.0.2.1", "later")
    assert lines(caplog) == []
    clock.now += 0.1
    limit.warn("garbage", "192.0.2.1", "after %s %%", "60 s")
    assert lines(caplog) == ["after 60 s %, peer 192.0.2.1 (and 10,000 more in the last minute)"]
    limit.warn("garbage", "192.0.2.1", "again")
    assert lines(caplog) == []
    clock.now += 60
    limit.warn("garbage", "192.0.2.1", "one")
    assert lines(caplog) == ["one, peer 192.0.2.1 (and 1 more in the last minute)"]
    clock.now += 3600
    limit.warn("garbage", "192.0.2.1", "long after")
    assert lines(caplog) == ["long after, peer 192.0.2.1"]


def test_kinds_and_peers_do_not_hold_each_other_back(caplog: pytest.LogCaptureFixture) -> None:
    limit = LogLimit(Clock())
    for _ in range(3):
        for kind in ("garbage", "reset"):
            for peer in ("192.0.2.1", "2001:db8::1", None):
                limit.warn(kind, peer, kind)
    assert lines(caplog) == [
        "garbage, peer 192.0.2.1",
        "garbage, peer 2001:db8::1",
        "garbage",
        "reset, peer 192.0.2.1",
        "reset, peer 2001:db8::1",
        "reset",
    ]
    limit.forget()
    limit.warn("garbage", None, "garbage")
    assert lines(caplog) == ["garbage"]


def test_many_peers_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """In memory and in lines: peers for which there is no room count as one."""
    clock = Clock()
    limit = LogLimit(clock, most=100)
    for i in range(5000):
        limit.warn("garbage", f"peer {i}", "%d", i)
    assert len(limit) == 101
    assert len(lines(caplog)) == 101
    # known ones are still distinguished
    limit.warn("garbage", "peer 1", "again")
    assert lines(caplog) == []
    clock.now += 61
    limit.warn("garbage", "peer 9999", "new")
    assert len(limit) == 1
    assert lines(caplog) == ["new, peer peer 9999"]


def test_the_oldest_make_room_first(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    limit = LogLimit(clock, most=3)
    for peer in "abc":
        limit.warn("garbage", peer, peer)
        clock.now += 20
    limit.warn("garbage", "c", "held")
    clock.now += 1  # a's minute is over
    limit.warn("garbage", "d", "d")
    limit.warn("garbage", "b", "held")
    limit.warn("garbage", "e", "one of all others")
    limit.warn("garbage", "f", "held")
    assert [line[0] for line in lines(caplog)] == ["a", "b", "c", "d", "o"]


# --- what peers do -------------------------------------------------------------------------

TIMES = 12
OPENING = raw.PREFACE + raw.settings({4: 2**20}) + raw.window_update(0, 2**20)

TROUBLES: dict[str, tuple[bytes, bool]] = {
    # the sent bytes, and whether the connection is reset after them
    "garbage": (bytes(range(64)), False),
    "a ClientHello of garbage": (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"z" * 600,
        False,
    ),
    "reset in a request": (OPENING + raw.post(1) + raw.data(1, b"abc"), True),
    "reset in a response": (OPENING + raw.get(1, "/large"), True),
    "a broken rule": (OPENING + raw.data(0, b"abc"), False),
    "a stream reset with an error": (OPENING + raw.post(1) + raw.ping(b"received"), False),
    "GOAWAY with an error": (OPENING + raw.post(1) + raw.goaway(1), False),
    "a malformed request": (OPENING + raw.headers(1, [("X", "y")], end_stream=True), False),
    "reset in a request of HTTP/1": (
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc",
        True,
    ),
    "a malformed request of HTTP/1": (b"GET / HTTP/1.1\r\nhost : x\r\n\r\n", False),
    "a body of HTTP/1 that breaks the rules": (
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        False,
    ),
}
# Sent when the answer to the PING has arrived: streams that one read resets are never emitted.
LATER = {"a stream reset with an error": raw.rst_stream(1, 1)}
QUIET = {"a malformed request", "a ClientHello of garbage"}


async def handle(request: Any, response: Any) -> None:
    """Read everything, or send much."""
    if request.url == "/large":
        for _ in range(100):
            if not response.write(bytes(100_000)):
                await response.stream.drain()
    async for _ in request:
        pass
    response.end("done")


async def trouble(port: int, kind: str, context: ssl.SSLContext | None) -> None:
    wire, reset = TROUBLES[kind]
    peer = await Dialled.dial(port, context)
    peer.writer.write(wire)
    if kind in LATER:
        await peer.reader.readuntil(b"received")
        peer.writer.write(LATER[kind])
        # answered when that has been received too
        peer.writer.write(raw.ping(b"the rest"))
        await peer.reader.readuntil(b"the rest")
    try:
        # until the server has processed it
        if kind not in LATER:
            await asyncio.wait_for(peer.reader.read(100_000), 5 if not reset else 0.2)
    except (TimeoutError, OSError):
        pass
    if reset:
        await peer.abort()
    else:
        await peer.close()


@pytest.mark.slow
@pytest.mark.parametrize("carrier", ["clear", "tls"])
@pytest.mark.parametrize("kind", TROUBLES)
def test_a_peer_in_trouble_gets_one_line(
    run: Run, kind: str, carrier: str, certificate: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    """Of all loggers, including asyncio's; the last attempts are suppressed like the first."""
    _, reset = TROUBLES[kind]
    caplog.set_level(logging.DEBUG, "http2")

    async def main() -> None:
        context = None
        if carrier == "tls":
            server: Any = http2.create_secure_server(
                cert=certificate.cert, key=certificate.key, allow_http1=True
            )
            if kind not in ("garbage", "a ClientHello of garbage"):
                context = ssl.create_default_context(cafile=certificate.cert)
                context.set_alpn_protocols(["http/1.1" if "HTTP/1" in kind else "h2"])
        else:
            server = http2.create_server(**({"allow_http1": True} if "HTTP/1" in kind else {}))
        server.on("request", handle)
        async with listening(server) as port:
            for _ in range(TIMES // 4):
                await asyncio.gather(*[trouble(port, kind, context) for _ in range(4)])

    run(main())
    loud = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(loud) <= 1, [record.getMessage() for record in loud]
    if loud:
        assert loud[0].name == "http2"
        assert loud[0].levelno == logging.WARNING
        assert loud[0].getMessage().endswith(", peer 127.0.0.1")
    told = [record for record in caplog.records if record.name == "http2"]
    if kind not in QUIET and not (reset or kind.startswith("a body")):
        # nothing is hidden: the others are logged at DEBUG
        assert len(told) >= TIMES


def test_each_peer_has_its_line(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with serving() as (_, port):
            for address in ("127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.3"):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", port, local_addr=(address, 0)
                )
                writer.write(bytes(64))
                while await reader.read(1000):
                    pass
                writer.close()
                await writer.wait_closed()

    run(main())
    peers = [line.rpartition(" ")[2] for line in lines(caplog)]
    assert peers == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]


def test_what_the_program_raises_is_always_logged(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(stream: http2.ServerHttp2Stream) -> None:
        raise ZeroDivisionError("of the program's")

    async def main() -> None:
        async with serving(fail) as (_, port), await RawPeer.connect(port) as peer:
            for i in range(1, 11, 2):
                peer.send(raw.get(i))
                assert (await peer.until(raw.HEADERS, i)).status == 500

    run(main())
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 5
    assert all(record.exc_info for record in caplog.records)


# --- what is raised to a caller --------------------------------------------------------------


@pytest.mark.parametrize("wait", ["response", "read", "iterate", "drain"])
def test_a_stream_error_that_is_raised_is_not_logged(
    run: Run, wait: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "http2")

    async def main() -> None:
        arrived = asyncio.Event()
        streams: list[http2.ServerHttp2Stream] = []

        def hold(stream: http2.ServerHttp2Stream) -> None:
            if wait in ("read", "iterate"):
                stream.respond()
            stream.on("error", lambda error: None)
            streams.append(stream)
            arrived.set()

        async def use(stream: Any) -> None:
            if wait == "response":
                await stream.response()
            elif wait == "read":
                await stream.read()
            elif wait == "iterate":
                async for _ in stream:
                    pass
            else:
                stream.write(bytes(200_000))
                await stream.drain()

        async with serving(hold) as (_, port), http2.connect(f"http://127.0.0.1:{port}") as session:
            stream = session.request({":method": "POST"})
            using = asyncio.ensure_future(use(stream))
            await arrived.wait()
            # the caller waits by now
            await session.ping()
            streams[0].close(NGHTTP2_INTERNAL_ERROR)
            with pytest.raises(http2.Http2Error):
                await using
            await stream.close()

    run(main())
    assert lines(caplog, logging.DEBUG) == []


def test_a_failure_to_connect_is_raised_alone(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "http2")

    async def main() -> None:
        with pytest.raises(ConnectionRefusedError):
            await http2.connect(f"http://127.0.0.1:{free_port()}")
        # an error without a waiting caller is logged
        session = http2.connect(f"http://127.0.0.1:{free_port()}")
        await session._wait_closed()

    run(main())
    assert len(lines(caplog, logging.DEBUG)) == 1


def test_a_connection_that_is_lost_is_raised_alone(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        session = http2.connect(f"http://127.0.0.1:{listener.getsockname()[1]}")
        stream = session.request()
        peer, _ = await loop.sock_accept(listener)
        peer.setblocking(False)
        waiting = asyncio.ensure_future(stream.response())
        await loop.sock_recv(peer, 24)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        listener.close()
        with pytest.raises(http2.ConnectionClosed):
            await waiting
        await session._wait_closed()

    run(main())
    assert lines(caplog) == []
