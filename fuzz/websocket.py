"""A WebSocket that gets any bytes from its peer, as a server and as a client, without sockets.

Invariants: nothing is raised to the loop. A program that receives everything gets the messages,
and then the end with the code, that a second reader of the same bytes finds, in whatever pieces
they arrive. A text is valid UTF-8; no message is larger than `max_size`. Messages that wait for the
program stay within `max_queue`, and incomplete ones within one message. The sent bytes are
well-formed frames, masked only by a client, with at most one Close, the last frame, and its code
is one that may be sent.
"""

from __future__ import annotations

import asyncio
import codecs
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from http2.headers import Headers
from http2.websocket import WebSocket, WebSocketClosed
from http2.websocket.carriers import Receiver
from http2.websocket.deflate import Deflate, MessageLimit, accept_offer
from http2.websocket.memory import Share
from http2.websocket.options import Options
from http2.websocket.protocol import Protocol, may_be_sent

from .program import Program
from .virtual import VirtualLoop

MOST_STEPS = 200
MAX_SIZE = 300
MAX_QUEUE = 3
KEY = b"\x37\xfa\x21\x3d"

# Meaningful payloads: text in pieces, invalid text, and codes of a Close frame.
PIECES = [
    b"", b"hello", "κόσμε".encode(), b"\xce", b"\xba", b"\xf0\x9f\x8e", b"\x89", b"\xed\xa0\x80",
    b"\xc0\xaf", b"\xff", b"x" * 126, b"y" * 299, b"z" * 301, bytes(200),
    "\U0001f389".encode() * 40, b"\x03\xe8", b"\x03\xe8bye", b"\x03\xf6", b"\x03\xed",
    b"\x0b\xb8", b"\x13\x88", b"\x03", b"\x03\xe8\xff",
]  # fmt: skip
OFFERS = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits=9",
    "permessage-deflate; client_no_context_takeover",
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
]


def mask(data: bytes) -> bytes:
    """Return *data* masked with `KEY`, or without the mask."""
    return bytes(byte ^ KEY[n & 3] for n, byte in enumerate(data))


class MemoryCarrier:
    """The carrier of the WebSocket: the fuzzer is the other end."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.taking = True
        # between these, the queue is short again
        self.drained = asyncio.Event()
        self.drained.set()
        self.backlog: list[bytes] = []
        self.flowing = True
        self.over = False
        self.ended = False

    def begin(self, receiver: Receiver) -> None:
        """See `Carrier`."""
        self.receiver = receiver

    def write(self, data: Any) -> bool:
        """Take it."""
        if self.over:
            raise ConnectionResetError("the carrier is over")
        assert not self.ended, "a write behind the end"
        self.written += data
        return self.taking

    async def drain(self) -> None:
        """Wait until the peer reads the queued bytes."""
        if not self.taking and not self.over:
            await self.drained.wait()
        if self.over:
            raise ConnectionResetError("the carrier is over")

    def pause(self) -> None:
        """Stop passing data."""
        self.flowing = False

    def resume(self) -> None:
        """Pass the data received meanwhile, in another turn, like a stream."""
        self.flowing = True
        asyncio.get_running_loop().call_soon(self.flow)

    def end(self, clean: bool, first: bool) -> None:
        """End this side; the peer answers at any time."""
        assert not self.ended
        self.ended = True

    def abort(self) -> None:
        """End at once."""
        if not self.over:
            asyncio.get_running_loop().call_soon(self.lose)

    # --- the fuzzer's side ---------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Receive *data* from the peer."""
        self.backlog.append(data)
        self.flow()

    def flow(self) -> None:
        """Pass the received data, unless it is paused."""
        while self.flowing and self.backlog and not self.over:
            self.receiver.received(self.backlog.pop(0))

    def turn(self, taking: bool) -> None:
        """Let the peer read the written bytes, or leave them queued."""
        before, self.taking = self.taking, taking
        if taking and not before and not self.over:
            self.drained.set()
            self.receiver.writable()
        elif not taking:
            self.drained.clear()

    def lose(self) -> None:
        """Break the connection."""
        if not self.over:
            self.over = True
            self.drained.set()
            self.receiver.lost(None)


# --- a second reader ----------------------------------------------------------------------


@dataclass
class Reading:
    """The meaning of some bytes."""

    messages: list[str | bytes] = field(default_factory=list)
    pings: list[bytes] = field(default_factory=list)
    codes: set[int] = field(default_factory=set)
    """The codes with which the WebSocket may end; empty if it continues."""


class Reader:
    """A strict reader of a peer's bytes: RFC 6455 section 5, RFC 7692 section 7.2."""

    def __init__(self, data: bytes, *, masked: bool, deflate: Deflate | None) -> None:
        self.data = data
        self.masked = masked
        self.deflate = deflate
        self.found = Reading()
        # the incomplete message
        self.kind = 0
        self.compressed = False
        self.message = bytearray()
        self.inflater: Any = None
        self.text: Any = None

    def read(self) -> Reading:
        """Parse everything, up to the first violation or the Close frame."""
        at = 0
        while not self.found.codes:
            size = self.frame(self.data[at:])
            if size is None:
                break
            at += size
        return self.found

    def frame(self, data: bytes) -> int | None:
        """Parse the frame at the beginning of *data*; return its size; None if it is incomplete."""
        if len(data) < 2:
            return None
        fin, rsv, opcode = data[0] >> 7, data[0] >> 4 & 7, data[0] & 15
        masked, length = data[1] >> 7, data[1] & 127
        control = opcode >= 8
        if opcode not in (0, 1, 2, 8, 9, 10) or (control and (not fin or length > 125)):
            self.fail(1002)
            return None
        at = 2
        if length > 125:
            wide = 2 if length == 126 else 8
            if len(data) < at + wide:
                return None
            short = length = int.from_bytes(data[at : at + wide], "big")
            at += wide
            if short <= (125 if wide == 2 else 0xFFFF) or length >> 63:
                self.fail(1002)
                return None
        faults = self.faults(opcode, rsv, masked, length)
        if faults:
            self.fail(*faults)
            return None
        if masked:
            if len(data) < at + 4:
                return None
            key = data[at : at + 4]
            at += 4
            payload = bytes(b ^ key[n & 3] for n, b in enumerate(data[at : at + length]))
        else:
            payload = data[at : at + length]
        whole = len(payload) == length
        if control:
            if not whole:
                return None
            self.control(opcode, payload)
        elif payload or whole:
            self.piece(opcode, rsv, payload, bool(fin and whole))
        return at + length if whole else None

    def faults(self, opcode: int, rsv: int, masked: int, length: int) -> set[int]:
        """Return the problem of a frame's header."""
        found = set()
        begins = opcode in (1, 2)
        if rsv & ~(4 if self.deflate and begins else 0) or bool(masked) != self.masked:
            found.add(1002)
        if opcode < 8:
            compressed = bool(rsv & 4) if begins else self.compressed
            size = 0 if begins and not self.kind else len(self.message)
            if compressed and self.deflate:
                too_large = length > MAX_SIZE * 1.01 + 1024
            else:
                too_large = size + length > MAX_SIZE
            if too_large:
                found.add(1009)
            if found and bool(self.kind) == begins:
                found.add(1002)
        return found

    def control(self, opcode: int, payload: bytes) -> None:
        """Process a Ping, a Pong or a Close."""
        if opcode == 9:
            self.found.pings.append(payload)
        elif opcode == 8:
            if len(payload) == 1:
                self.fail(1002)
            elif not payload:
                self.fail(1005)
            else:
                code = int.from_bytes(payload[:2], "big")
                if not may_be_sent(code):
                    self.fail(1002)
                    return
                try:
                    payload[2:].decode()
                except UnicodeDecodeError:
                    code = 1007
                self.fail(code)

    def piece(self, opcode: int, rsv: int, payload: bytes, last: bool) -> None:
        """Process the received part of a data frame's payload."""
        if bool(self.kind) == (opcode != 0):
            # the order of the checks is not defined
            self.fail(1002, 1007, 1009)
            return
        if opcode:
            self.kind = opcode
            self.compressed = bool(rsv & 4)
            self.text = codecs.getincrementaldecoder("utf-8")()
            if self.compressed and self.inflater is None:
                assert self.deflate is not None
                self.inflater = zlib.decompressobj(-self.deflate._receive_bits)
        faults: set[int] = set()
        if self.compressed:
            try:
                payload = self.inflater.decompress(payload + (b"\0\0\xff\xff" if last else b""))
            except zlib.error:
                # earlier output may have been wrong as well
                self.fail(1007, 1009)
                return
        self.message += payload
        if len(self.message) > MAX_SIZE:
            faults.add(1009)
        if self.kind == 1:
            try:
                self.text.decode(payload, last)
            except UnicodeDecodeError:
                faults.add(1007)
        if faults:
            self.fail(*faults)
        elif last:
            message = bytes(self.message)
            self.found.messages.append(message.decode() if self.kind == 1 else message)
            self.message.clear()
            self.kind = 0
            anew = self.deflate is not None and self.deflate._receive_anew
            if self.inflater is not None and (anew or self.inflater.eof):
                self.inflater = None
            self.compressed = False

    def fail(self, *codes: int) -> None:
        """End here, with one of *codes*."""
        self.found.codes = set(codes)


# --- the program ----------------------------------------------------------------------------


class Conversation:
    """A WebSocket of this library, the bytes that its peer sends, and the results."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.client = program.flag()
        how = program.byte()
        self.deflate: Deflate | None = None
        if how & 1:
            agreed = accept_offer(OFFERS[how >> 1 & 3], MAX_SIZE)
            assert agreed is not None
            self.deflate = agreed[1]
        # the program's behaviour: it receives everything, or only on command
        self.receives = not how & 8
        self.packer = zlib.compressobj(wbits=-9)
        self.loop = VirtualLoop()
        self.sent = bytearray()
        self.got: list[str | bytes] = []
        # neither the program nor the carrier has done anything that changes the result
        self.undisturbed = self.receives
        self.loop.run_until_complete(self.open())

    async def open(self) -> None:
        """Make it."""
        self.carrier = MemoryCarrier()
        limit = self.deflate or MessageLimit(MAX_SIZE)
        self.ws = WebSocket(
            self.carrier,
            Protocol(client=self.client, limit=limit),
            Options(max_size=MAX_SIZE, max_queue=MAX_QUEUE, ping_interval=None),
            subprotocol=None,
            path="/",
            headers=Headers(),
            http_version="2.0",
            share=Share(None),
        )
        self.tasks: list[asyncio.Task[None]] = []
        if self.receives:
            self.tasks.append(asyncio.ensure_future(self.receive_all()))

    async def receive_all(self) -> None:
        """Receive until the end."""
        try:
            while True:
                self.got.append(await self.ws.recv())
        except WebSocketClosed:
            pass

    # --- the peer's actions -------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Send *data*, whole or in pieces."""
        self.sent += data
        step = (len(data), 1, 2, 5)[self.program.byte() & 3] or 1
        pieces = [data[i : i + step] for i in range(0, len(data), step)]

        async def send() -> None:
            for piece in pieces:
                self.carrier.feed(piece)

        self.loop.run_until_complete(send())

    def payload(self) -> bytes:
        """Return a frame's payload, in up to three meaningful pieces, or any bytes."""
        which = self.program.byte()
        if which >= 200:
            return self.program.take(self.program.size())
        return b"".join(self.program.choice(PIECES) for _ in range(which & 3))

    def frame(self) -> None:
        """Send a frame, mostly with the correct length and mask."""
        first, how = self.program.byte(), self.program.byte()
        payload = self.payload()
        if how & 1 and self.deflate:
            payload = self.packer.compress(payload) + self.packer.flush(zlib.Z_SYNC_FLUSH)
            if how & 2:
                payload = payload[:-4]
        masked = (how & 0x70 == 0x70) == self.client
        length = len(payload) + (self.program.byte() if how & 0x0C == 0x0C else 0)
        bit = masked << 7
        if length > 0xFFFF or how & 0x8C == 0x8C:
            head = struct.pack(">BBQ", first, bit | 127, length)
        elif length > 125:
            head = struct.pack(">BBH", first, bit | 126, length)
        else:
            head = struct.pack(">BB", first, bit | length)
        self.feed(head + (KEY + mask(payload) if masked else payload))

    def raw(self) -> None:
        """Send raw bytes."""
        self.feed(self.program.take(self.program.byte() & 31))

    def stop(self) -> None:
        """End the peer's side, or break the connection."""
        self.undisturbed = False
        self.loop.do(self.carrier.receiver.ended if self.program.flag() else self.carrier.lose)

    def turn(self) -> None:
        """Let the peer read the written bytes, or leave them queued."""
        if not self.carrier.over:
            self.loop.do(self.carrier.turn, self.program.flag())

    # --- the program's actions ----------------------------------------------------------

    def receive(self) -> None:
        """Receive one message, if there is one."""

        async def receive() -> None:
            try:
                async with asyncio.timeout(1):
                    self.got.append(await self.ws.recv())
            except (TimeoutError, WebSocketClosed):
                pass

        if not self.receives:
            self.loop.run_until_complete(receive())

    def send(self) -> None:
        """Send something, which may have to wait."""
        what = self.program.byte()
        message = self.program.choice(PIECES)

        async def send() -> None:
            try:
                if what & 1:
                    await self.ws.send(message.decode(errors="replace"))
                elif what & 2:
                    await self.ws.send([message, b"more"])
                else:
                    await self.ws.send(message)
            except WebSocketClosed:
                pass

        async def begin() -> None:
            self.tasks.append(asyncio.ensure_future(send()))

        self.loop.run_until_complete(begin())

    def ping(self) -> None:
        """Send a ping."""

        def ping() -> None:
            try:
                self.ws.ping(b"ping")
            except WebSocketClosed:
                pass

        self.loop.do(ping)

    def close(self) -> None:
        """Begin to close it."""
        self.undisturbed = False
        self.loop.do(self.ws.begin_close, 4000, "enough")

    # --- invariants ---------------------------------------------------------------------

    def check(self) -> None:
        """Check the invariants that hold at any time."""
        assert not self.loop.problems, self.loop.problems
        ws = self.ws
        assert len(ws._messages) <= MAX_QUEUE
        under_way = ws._protocol.under_way
        assert ws._done or under_way <= 4 * MAX_SIZE + 1500 + len(self.sent), under_way
        assert ws._held.waiting == 0 or ws._messages

    def finish(self) -> None:
        """Compare the results after all input, and end the WebSocket."""
        self.loop.sleep(0.01)
        self.check()
        reading = Reader(bytes(self.sent), masked=not self.client, deflate=self.deflate).read()
        for message in self.got:
            size = len(message.encode() if isinstance(message, str) else message)
            assert size <= MAX_SIZE
        assert self.got == reading.messages[: len(self.got)]
        ws = self.ws
        if self.undisturbed:
            assert self.got == reading.messages, "a message is missing"
            assert (ws.close_code is None) == (not reading.codes), (ws.close_code, reading.codes)
            assert ws.close_code is None or ws.close_code in reading.codes
        self.loop.do(self.carrier.turn, True)
        self.loop.do(ws.begin_close)
        self.loop.sleep(60)
        self.loop.do(self.carrier.lose)
        assert ws.close_code is not None
        for task in self.tasks:
            assert task.done(), "something waits for ever"
            task.result()
        self.check()
        self.loop.close()
        check_written(bytes(self.carrier.written), masked=self.client)


def check_written(wire: bytes, *, masked: bool) -> None:
    """Check that the sent bytes are well-formed."""
    at, inside, closed = 0, False, False
    while at < len(wire):
        assert not closed, "something behind Close"
        first, second = wire[at : at + 2]
        length = second & 127
        at += 2
        for wide, marker in ((2, 126), (8, 127)):
            if second & 127 == marker:
                length = int.from_bytes(wire[at : at + wide], "big")
                at += wide
        assert bool(second >> 7) == masked
        key = wire[at : at + 4] if masked else bytes(4)
        at += 4 if masked else 0
        payload = bytes(b ^ key[n & 3] for n, b in enumerate(wire[at : at + length]))
        assert len(payload) == length, "a frame is cut"
        at += length
        opcode, fin = first & 15, first >> 7
        if opcode >= 8:
            assert opcode in (8, 9, 10)
            assert fin
            assert not first & 0x70
            assert length <= 125
        else:
            assert (opcode == 0) == inside, "fragments are mixed"
            assert not first & 0x30
            inside = not fin
        if opcode == 8:
            closed = True
            if payload:
                code = int.from_bytes(payload[:2], "big")
                assert may_be_sent(code), code
                payload[2:].decode()


STEPS: list[Callable[[Conversation], None]] = [
    Conversation.frame, Conversation.frame, Conversation.frame, Conversation.frame,
    Conversation.raw, Conversation.receive, Conversation.receive, Conversation.send,
    Conversation.turn, Conversation.ping, Conversation.close, Conversation.stop,
]  # fmt: skip


def websocket(data: bytes) -> None:
    """Run the program *data*."""
    program = Program(data)
    conversation = Conversation(program)
    for _ in range(MOST_STEPS):
        if not program.left:
            break
        program.choice(STEPS)(conversation)
        conversation.check()
    conversation.finish()
