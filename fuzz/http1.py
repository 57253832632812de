"""HTTP/1 on a server, without sockets: any bytes, in any pieces, with pauses of any length.

Invariants: nothing is raised, and nothing is reported to the loop. The written bytes are
well-formed responses, at most one for each request that was begun, and one refusal. A request
that reaches a handler can be read in only one way by RFC 9112. The same bytes in other pieces
are the same requests with the same responses. When the connection has ended, nothing is left.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from typing import Any

import http2

from .program import Program
from .virtual import VirtualLoop, VirtualTransport

# The building blocks of a program, so that a few bytes are a request.
WORDS = [
    b"GET / HTTP/1.1\r\n", b"POST /p HTTP/1.1\r\n", b"HEAD / HTTP/1.0\r\n", b"Host: a\r\n", b"\r\n",
    b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n",
    b"Connection: keep-alive\r\n", b"Expect: 100-continue\r\n", b"Upgrade: x\r\n",
    b"Connection: upgrade\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"0\r\nx: y\r\n\r\n", b"hello",
    b"CONNECT a:1 HTTP/1.1\r\n", b"OPTIONS * HTTP/1.1\r\n", b"\n", b"\r", b":", b" ", b"\t", b";",
    b"5;a=b\r\nhello\r\n", b"x: " + b"v" * 200 + b"\r\n", b"GET http://a/b HTTP/1.1\r\n",
    b"content-length: 0\r\n", b"Trailer: x\r\n", b"TE: trailers\r\n", b"Cookie: a=b\r\n",
    b"ffffffffffffffff\r\n", b"-1\r\n", b"\x00", b"\x80", b"HTTP/1.1", b"identity", b"chunked",
    b"PUT /slow HTTP/1.1\r\n", b"GET /large HTTP/1.1\r\n", b"DELETE /early HTTP/1.1\r\n",
    b"PUT /trailers HTTP/1.1\r\n", b"GET /raise HTTP/1.1\r\n",
]  # fmt: skip

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [ -~]*\r\n")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9a-z-]+): ([^\r\n\0]*)\r\n", re.IGNORECASE)
# The response to invalid bytes, whose status may depend on the part that arrived first.
REFUSAL = re.compile(
    rb"HTTP/1\.1 [45][0-9]{2} [ -~]*\r\ndate: [^\r]*\r\n"
    rb"content-length: 0\r\nconnection: close\r\n\r\n\Z"
)
DATE = re.compile(rb"date: [^\r]*\r\n")

MOST_STEPS = 200


class Served:
    """A server on a separate loop, one connection, and its results."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.requests: list[Any] = []
        self.wrong: list[AssertionError] = []
        self.server = http2.create_server(
            self.serve, allow_http1=True, http1_options={"max_header_size": 2000}
        )
        self.server.on("check_expectation", self.fail_expectation)
        self.loop.do(self.server.emit, "connection", socket.socket())
        self.transport: VirtualTransport = self.loop.served[0]
        # bytes for which the connection had no room yet
        self.backlog = b""

    async def serve(self, request: Any, response: Any) -> None:
        """Answer in a way that the target names; remember the request."""
        seen = [request.method, request.url, request.raw_headers, b""]
        self.requests.append(seen)
        try:
            check_request(request)
        except AssertionError as error:
            # the server would answer with status 500, and continue
            self.wrong.append(error)
        if request.url == "/raise":
            raise RuntimeError("a handler's own fault")
        if request.url == "/early":
            response.end("early")
            return
        if request.url == "/slow":
            await asyncio.sleep(1)
        async for chunk in request:
            seen[3] += chunk
        if request.url == "/large":
            response.write(b"l" * 100_000)
            await response.drain()
        if request.url == "/trailers":
            response.write(b"with ")
            response.add_trailers({"x-t": "1"})
        response.end(b"body")

    def fail_expectation(self, request: Any, response: Any) -> None:
        """Answer requests that expect something other than 100."""
        self.requests.append([request.method, request.url, request.raw_headers, b""])
        response.status_code = 417
        response.end()

    def feed(self, data: bytes) -> None:
        """Pass *data* to the connection while it reads, and run the loop."""
        self.backlog += data
        for _ in range(1000):
            size = self.loop.do(self.transport.feed, self.backlog)
            self.backlog = self.backlog[size:]
            if not size:
                break
        else:
            raise AssertionError("reading never ends")

    def finish(self) -> bytes:
        """Read until the connection has ended; return all written bytes."""
        self.transport.greedy = True
        self.loop.do(self.transport.drain, 1 << 30)
        for _ in range(300):
            self.feed(b"")
            if self.transport.lost:
                break
            # its deadlines end it, when nothing else does
            self.loop.sleep(1 if self.backlog else 400)
        assert self.transport.lost, "the connection is never over"

        async def close() -> None:
            async with asyncio.timeout(10):
                await self.server.close()

        self.loop.run_until_complete(close())
        left = asyncio.all_tasks(self.loop)
        assert not left, f"tasks are left: {left}"
        self.loop.close()
        for error in self.wrong:
            raise error
        assert not self.loop.problems, self.loop.problems
        return bytes(self.transport.written)


def check_request(request: Any) -> None:
    """Check the attributes that every request must have."""
    raw = request.raw_headers
    names = [name.lower() for name, _ in raw]
    assert names.count("host") <= 1
    assert names.count("host") == 1 or request.http_version == "1.0", raw
    assert not ("content-length" in names and "transfer-encoding" in names), raw
    assert names.count("content-length") <= 1, raw
    for name, value in raw:
        assert re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name), name
        assert not re.search(r"[\r\n\0]", value), value
        assert value == value.strip(" \t")
    assert request.url
    assert not re.search(r"[\0-\x20\x7f]", request.url), request.url


def responses(wire: bytes, methods: list[str]) -> list[int]:
    """Return the statuses of the final responses in *wire*, each parsed strictly."""
    found: list[int] = []
    at = 0
    while at < len(wire):
        line = STATUS_LINE.match(wire, at)
        assert line, wire[at : at + 80]
        status = int(line[1])
        at = line.end()
        fields: dict[bytes, bytes] = {}
        while field := FIELD.match(wire, at):
            name = field[1].lower()
            assert name not in fields, f"{name!r} twice"
            fields[name] = field[2]
            at = field.end()
        assert wire[at : at + 2] == b"\r\n", wire[at : at + 80]
        at += 2
        if status < 200:
            continue
        # a refusal answers bytes that never became a request
        method = methods[len(found)] if len(found) < len(methods) else "GET"
        found.append(status)
        if method == "HEAD" or status in (204, 304):
            continue
        if b"transfer-encoding" in fields:
            assert b"content-length" not in fields
            at = chunks_end(wire, at)
        elif b"content-length" in fields:
            at += int(fields[b"content-length"])
        else:
            at = len(wire)
        # the last one may be cut when its handler or its request has failed
        assert at <= len(wire) or fields.get(b"connection") != b"keep-alive" or at > len(wire)
    return found


def chunks_end(wire: bytes, at: int) -> int:
    """Return the end of a chunked body that begins at *at*; the end of *wire* if it is cut."""
    while at < len(wire):
        size = re.compile(rb"([0-9a-f]+)\r\n").match(wire, at)
        if not size:
            assert len(wire) - at < 20, wire[at : at + 20]
            return len(wire)
        length = int(size[1], 16)
        at = size.end() + length
        if not length:
            while field := FIELD.match(wire, at):
                at = field.end()
        if wire[at : at + 2] != b"\r\n":
            assert at >= len(wire) - 1, wire[at : at + 20]
            return len(wire)
        at += 2
        if not length:
            break
    return at


def parts(program: Program) -> list[tuple[int, bytes]]:
    """Return the steps of the input: bytes, and actions after them."""
    found: list[tuple[int, bytes]] = []
    if program.flag():
        # text as it is: the first byte says how it is cut
        step = 1 + program.byte()
        rest = program.take(program.left)
        return [(0, rest[i : i + step]) for i in range(0, len(rest), step)]
    for _ in range(MOST_STEPS):
        if not program.left:
            break
        which = program.byte()
        if which < 200:
            found.append((0, WORDS[which % len(WORDS)]))
        elif which < 232:
            found.append((0, program.take(program.byte())))
        else:
            found.append((which, b""))
    return found


def serve(told: list[tuple[int, bytes]]) -> tuple[list[Any], bytes]:
    """Run the steps *told* on a server; return its requests, and all bytes that it wrote."""
    served = Served()
    for how, data in told:
        if data:
            served.feed(data)
        elif how < 240:
            served.loop.sleep(0.5)
        elif how < 244:
            served.loop.do(served.transport.drain, 1000)
        elif how < 248:
            served.loop.sleep(100)
        elif how < 250:
            served.loop.do(served.transport.feed_eof)
            break
        elif how < 251:
            served.loop.do(served.transport.lose)
            break
    return served.requests, served.finish()


def http1(data: bytes) -> None:
    """Run the program *data*, and if it is only bytes, all of them at once as well."""
    logging.disable(logging.CRITICAL)
    program = Program(b"\1" + data[1:] if data[:1] == b"\2" else data)
    told = parts(program)
    whole = b"".join(part for _, part in told)
    if whole[:1] == b"P" and b"PRI * HTTP/2.0".startswith(whole[:14]):
        return  # the other protocol, which other targets have
    requests, wire = serve(told)
    statuses = responses(wire, [request[0] for request in requests])
    assert len(statuses) <= len(requests) + 1
    # An expectation that fails ends the connection unless the body arrived with its head: the
    # client may leave it out (RFC 9110 section 10.1.1). So that depends on how the input is cut.
    if all(part for _, part in told) and b"HTTP/1.1 417 " not in wire:
        at_once, other = serve([(0, whole)])
        wire, other = REFUSAL.sub(b"refused", wire), REFUSAL.sub(b"refused", other)
        refused = wire.endswith(b"refused")
        assert refused == other.endswith(b"refused"), "cut elsewhere, it is refused or not"
        if refused:
            # whether its handler has begun depends on how much arrived with its head
            least = min(len(requests), len(at_once))
            assert max(len(requests), len(at_once)) <= least + 1
            least -= len(requests) == len(at_once)
            requests, at_once = requests[:least], at_once[:least]
        assert requests == at_once, "cut elsewhere, it is another request"
        assert DATE.sub(b"", wire) == DATE.sub(b"", other), "cut elsewhere, another answer"
