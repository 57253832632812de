"""Seeds: recorded conversations, created on demand and never committed."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from random import Random

from tests.support.memory import sent

from http2.engine import events
from http2.engine.connection import Connection

from .engine import recorded
from .http1 import WORDS
from .pair import STEPS as PAIR_STEPS
from .websocket import PIECES

HTTP1 = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"PUT /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n"
    b"5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n",
    b"POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /large HTTP/1.1\r\nHost: a\r\n\r\n",
]


def conversation() -> dict[bool, bytes]:
    """Return the bytes that a client (True) and a server send to each other."""
    said = {True: b"", False: b""}
    one, other = Connection(True), Connection(False)
    one.submit_settings([(4, 100_000)])
    other.submit_settings([(3, 100)])
    for i in range(4):
        stream_id, *_ = one.submit_request(
            {":method": "POST", "x-number": i, "cookie": ["a=b", "c=d"]}, "a", "http",
            wait_for_trailers=i % 2 == 0,
        )  # fmt: skip
        one.write(stream_id, b"request" * 20, True)
    for _ in range(6):
        wire = sent(one)
        said[True] += wire
        for kind, stream_id, *_ in other.receive(wire):
            if kind == events.REQUEST:
                if stream_id == 1:
                    promised, _ = other.submit_push_promise(1, {":path": "/p"}, "a", "http")
                    other.submit_response(promised, {}, True)
                other.submit_informational(stream_id, {":status": 103, "link": "</a>"})
                other.submit_response(stream_id, {"set-cookie": ["a", "b"]})
                other.write(stream_id, b"response" * 20, True)
        for kind, stream_id, *_ in one.take_events():
            if kind == events.WANT_TRAILERS:
                one.submit_trailers(stream_id, {"x-last": "1"})
        wire = sent(other)
        said[False] += wire
        one.receive(wire)
        one.ping(b"12345678")
        other.origin([b"https://a"])
    return said


def engine(client: bool) -> list[bytes]:
    """Return the frames that a connection in this role receives, together and one by one."""
    program = bytes(recorded(conversation()[not client]).out)
    return [program, program[:120]]


def pairs() -> list[bytes]:
    """Return each useful step, and long sequences of steps."""
    start = bytes([0, 0, 0, 0, 15, 0, 8, 1, 0, 0, 0])
    found = [start + bytes([step, 1, 7, 200, 3, 1, 8]) for step in range(len(PAIR_STEPS))]
    random = Random(9113)
    return found + [start + random.randbytes(300) for _ in range(20)]


def http1() -> list[bytes]:
    """Return whole requests as text, and as tokens."""
    text = [b"\1" + bytes((step,)) + request for request in HTTP1 for step in (255, 6)]
    words = {word: bytes((index,)) for index, word in enumerate(WORDS)}
    asked = [
        b"GET / HTTP/1.1\r\n", b"Host: a\r\n", b"\r\n",
        b"PUT /slow HTTP/1.1\r\n", b"Host: a\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n",
        b"5\r\nhello\r\n", b"0\r\n\r\n", b"GET /large HTTP/1.1\r\n", b"Host: a\r\n", b"\r\n",
    ]  # fmt: skip
    return [*text, b"\0" + b"".join(words[word] for word in asked)]


def http1_text() -> list[bytes]:
    """Return whole requests as text, whole and in pieces."""
    return [bytes((step,)) + b"".join(HTTP1) for step in (0, 6, 255)] + [
        bytes((step,)) + request for request in HTTP1 for step in (0, 255)
    ]


def hellos() -> list[bytes]:
    """Return OpenSSL's ClientHello, without its random parts."""
    found = []
    for names in ([], ["h2"], ["h2", "http/1.1"]):
        context = ssl.create_default_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        if names:
            context.set_alpn_protocols(names)
        outgoing = ssl.MemoryBIO()
        tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        said = outgoing.read()
        found.append(b"\1" + said[:11] + bytes(32) + said[43:])
    return [*found, b"\0\3abc\2\1h\1i\1\5" + bytes(40)]


def websockets() -> list[bytes]:
    """Return messages, whole and in fragments, in both roles, with and without compression."""
    pieces = list(range(len(PIECES)))
    found = []
    for client in (0, 1):
        for how in (0, 1, 3, 5, 7, 8):
            start = bytes([client, how])
            compressed = 3 if how & 1 else 0
            # frames: the step, the first byte, how, how many pieces and which, and how it is cut
            said = [
                bytes([0, first, compressed if rsv else 0, 1, piece, 0])
                for first, rsv, piece in (
                    (0x81 | 0x40 * (how & 1), how & 1, 1), (0x02 | 0x40 * (how & 1), how & 1, 13),
                    (0x89, 0, 1), (0x80, how & 1, 2), (0x01, 0, 3), (0x80, 0, 4), (0x88, 0, 16),
                )
            ]  # fmt: skip
            found.append(start + b"".join(said) + bytes([5, 7, 1, 1, 9]))
            found.append(start + bytes([7, 2, 1]) + b"".join(said[:3]) + bytes([10]))
            found += [start + bytes([0, 0x81, 0, 1, piece, 1]) for piece in pieces[3:10]]
            found += [start + bytes([0, 0x88, 0, 1, piece, 0]) for piece in pieces[15:]]
    return found


SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "server": lambda: engine(False),
    "client": lambda: engine(True),
    "pair": pairs,
    "http1": http1,
    "http1_receiver": http1_text,
    "client_hello": hellos,
    "websocket": websockets,
}
