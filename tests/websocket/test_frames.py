"""A table of cases, as in Autobahn: hand-written frames, over both protocols, in both roles.

Each case runs on a server over HTTP/2 (RFC 8441), on a server over HTTP/1.1 (RFC 6455) and on a
client over HTTP/2. What is covered, by Autobahn's sections:

==  ===================================  =====================================================
 1  framing: sizes, pieces               here
 2  pings and pongs                      here
 3  reserved bits                        here
 4  opcodes                              here
 5  fragments, control frames in between here
 6  UTF-8                                here
 7  Close: codes, reasons, later frames  here; this side's: `test_ends`
 9  limits                               here; back-pressure: `test_messages`
10  messages in many frames              here
12  compressed messages                  `test_compression`
13  permessage-deflate's parameters      `test_deflate_parameters`
==  ===================================  =====================================================

Masks (RFC 6455 section 5.1), which Autobahn leaves out, are at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from ..support.running import Run
from .frames import BINARY, CLOSE, PONG, TEXT, Frame, binary, close, code_of, more, ping, pong, text
from .ways import WAYS

Message = str | bytes


@dataclass(frozen=True)
class Case:
    """A peer's frames to an echo, the expected answers, and the final code of the Close frame."""

    name: str
    sent: list[Frame | bytes]
    back: list[Message | Frame] = field(default_factory=list)
    code: int | None = 1000
    """None: a Close frame without a code."""
    pieces: int = 0
    options: dict[str, Any] = field(default_factory=dict)


KOSME = "κόσμε"
BAD_UTF8 = {
    "a surrogate": "κόσμε".encode() + b"\xed\xa0\x80" + b"edited",
    "beyond U+10FFFF": b"\xf4\x90\x80\x80",
    "an overlong slash": b"\xc0\xaf",
    "an overlong NUL": b"\xe0\x80\x80",
    "a lonely continuation": b"\x80",
    "a byte that never occurs": b"hello \xfe",
    "an end in the middle": b"\xce\xba\xe1\xbd",
    "five bytes": b"\xf8\x88\x80\x80\x80",
}
GOOD_UTF8 = {
    "Greek": KOSME,
    "the last of one byte": "\x7f",
    "the first of two": "\x80",
    "the last of two": "\u07ff",
    "the first of three": "\u0800",
    "around the surrogates": "\ud7ff\ue000",
    "a noncharacter": "\uffff",
    "the first of four": "\U00010000",
    "the last of all": "\U0010ffff",
    "a NUL": "\0",
}
ANY_CODE = [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999]
NO_CODE = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]

CASES = [
    # sizes: 1.1 and 1.2 of Autobahn
    *(
        Case(f"text of {size}", [text("*" * size), close(1000)], ["*" * size])
        for size in (0, 1, 125, 126, 127, 128, 65535, 65536, 300_000)
    ),
    *(
        Case(f"binary of {size}", [binary(b"\xfe" * size), close(1000)], [b"\xfe" * size])
        for size in (0, 1, 125, 126, 127, 128, 65535, 65536, 300_000)
    ),
    Case("byte by byte", [text("hello"), binary(bytes(200)), close(1000)],
         ["hello", bytes(200)], pieces=1),
    Case("many at once", [*(text(str(number)) for number in range(500)), close(1000)],
         [str(number) for number in range(500)]),
    # pings and pongs: 2
    Case("ping", [ping(), close(1000)], [pong()]),
    Case("ping with text", [ping(b"hello"), close(1000)], [pong(b"hello")]),
    Case("ping with binary", [ping(b"\0\xff\xfe"), close(1000)], [pong(b"\0\xff\xfe")]),
    Case("ping of 125", [ping(b"*" * 125), close(1000)], [pong(b"*" * 125)]),
    Case("ping of 126", [ping(b"*" * 126), close(1000)], [], 1002),
    Case("ping of 125, byte by byte", [ping(b"*" * 125), close(1000)], [pong(b"*" * 125)],
         pieces=1),
    Case("pong without a ping", [pong(), pong(b"x"), text("hello"), close(1000)],
         ["hello"]),
    Case("ping between pongs", [pong(b"x"), ping(b"y"), close(1000)], [pong(b"y")]),
    Case("ten pings", [*(ping(bytes([n])) for n in range(10)), close(1000)],
         [pong(bytes([n])) for n in range(10)]),
    # reserved bits: 3
    *(Case(f"reserved bits {rsv}", [text("hello", rsv=rsv)], [], 1002) for rsv in range(1, 8)),
    Case("a reserved bit after a message", [text("one"), text("two", rsv=2)], ["one"], 1002),
    Case("a reserved bit in a ping", [ping(b"x", rsv=4)], [], 1002),
    Case("a reserved bit in a close", [close(1000, rsv=4)], [], 1002),
    # opcodes: 4
    *(Case(f"opcode {opcode}", [text("one"), Frame(opcode, b"x")], ["one"], 1002)
      for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    # fragments: 5
    Case("a ping in fragments", [ping(b"he", fin=False), more("llo")], [], 1002),
    Case("a pong in fragments", [Frame(PONG, b"he", False), more("llo")], [], 1002),
    Case("a close in fragments", [Frame(CLOSE, b"\x03", False), more(b"\xe8")], [], 1002),
    Case("a text in two", [text("hello ", False), more("world"), close(1000)], ["hello world"]),
    Case("a text in many", [text("h", False), *(more("x", False) for _ in range(50)), more("!"),
         close(1000)], ["h" + "x" * 50 + "!"]),
    Case("a binary in three", [binary(b"a", False), more(b"b", False), more(b"c"), close(1000)],
         [b"abc"]),
    Case("fragments that are empty", [text("", False), more("", False), more(""), close(1000)],
         [""]),
    Case("an empty one in the middle", [text("a", False), more("", False), more("b"), close(1000)],
         ["ab"]),
    Case("a ping between fragments", [text("he", False), ping(b"x"), more("llo"), close(1000)],
         [pong(b"x"), "hello"]),
    Case("the same, byte by byte", [text("he", False), ping(b"x"), more("llo"), close(1000)],
         [pong(b"x"), "hello"], pieces=1),
    Case("pings between three fragments",
         [text("a", False), ping(b"1"), more("b", False), ping(b"2"), ping(b"3"), more("c"),
          close(1000)], [pong(b"1"), pong(b"2"), pong(b"3"), "abc"]),
    Case("pongs between fragments",
         [text("a", False), pong(b"1"), more("b"), close(1000)], ["ab"]),
    Case("a ping between fragments that is too long",
         [text("a", False), ping(b"*" * 126), more("b")], [], 1002),
    Case("a reserved bit in a continuation", [text("a", False), more("b", rsv=1)], [], 1002),
    Case("an unknown opcode inside a message", [text("a", False), Frame(3, b"x")], [], 1002),
    *(Case(f"{size} bytes in frames of {step}",
           [binary(b"", False), *[more(b"\xfe" * step, False)] * (size // step),
            more(b"\xfe" * (size % step)), close(1000)], [b"\xfe" * size])
      for size, step in ((65536, 1300), (65536, 64), (200_000, 65535), (1 << 20, 1 << 17))),
    Case("a text in frames of one byte", [text("", False), *[more("*", False)] * 1000, more(""),
         close(1000)], ["*" * 1000]),
    Case("a close between fragments", [text("he", False), close(1000), more("llo")], []),
    Case("a continuation of nothing", [more("hello")], [], 1002),
    Case("a continuation of nothing, not the last", [more("hello", False), text("x")], [], 1002),
    Case("a continuation after the end", [text("a", False), more("b"), more("c")], ["ab"], 1002),
    Case("a text inside a text", [text("he", False), text("llo")], [], 1002),
    Case("a binary inside a text", [text("he", False), binary(b"llo")], [], 1002),
    # UTF-8: 6
    *(Case(f"good UTF-8: {name}", [text(value), close(1000)], [value])
      for name, value in GOOD_UTF8.items()),
    Case("a character over two fragments",
         [text(KOSME.encode()[:3], False), more(KOSME.encode()[3:]), close(1000)], [KOSME]),
    Case("characters byte by byte, a fragment each",
         [text(b"", False), *(more(bytes([byte]), False) for byte in KOSME.encode()), more(b""),
          close(1000)], [KOSME]),
    *(Case(f"bad UTF-8: {name}", [text(value)], [], 1007) for name, value in BAD_UTF8.items()),
    *(Case(f"bad UTF-8, byte by byte: {name}", [text(value)], [], 1007, pieces=1)
      for name, value in BAD_UTF8.items()),
    *(Case(f"bad UTF-8, a fragment each byte: {name}",
           [text("", False), *(more(bytes([byte]), False) for byte in value), more("")], [], 1007)
      for name, value in BAD_UTF8.items()),
    *(Case(f"good UTF-8, a fragment each byte: {name}",
           [text("", False), *(more(bytes([byte]), False) for byte in value.encode()), more(""),
            close(1000)], [value])
      for name, value in GOOD_UTF8.items()),
    Case("a character that a ping comes between",
         [text(KOSME.encode()[:1], False), ping(b"x"), more(KOSME.encode()[1:]), close(1000)],
         [pong(b"x"), KOSME]),
    Case("bad UTF-8 after a good message", [text(KOSME), text(b"\xff")], [KOSME], 1007),
    Case("bad UTF-8 in a fragment, before the end",
         [text(b"\xce\xba\xed\xa0\x80", False)], [], 1007),
    Case("binary that is no UTF-8", [binary(b"\xff\xfe"), close(1000)], [b"\xff\xfe"]),
    # closing: 7
    Case("close without a code", [close()], [], None),
    Case("close with a reason", [close(1000, "farewell")]),
    Case("close with the longest reason", [close(1000, "*" * 123)]),
    Case("close with one byte", [Frame(CLOSE, b"\x03")], [], 1002),
    Case("close that is too long", [close(1000, "*" * 124)], [], 1002),
    Case("close with bad UTF-8", [close(1000, b"\xce\xba\xed\xa0\x80")], [], 1007),
    *(Case(f"close with {code}", [close(code)], [], code) for code in ANY_CODE),
    *(Case(f"close with {code}, which may not be", [close(code)], [], 1002) for code in NO_CODE),
    Case("a message after close", [close(1000), text("too late")]),
    Case("a ping after close", [close(1000), ping(b"too late")]),
    Case("two closes", [close(1000), close(1001)]),
    Case("half a message after close", [close(1000), text("too", False)]),
    Case("2^63 bytes after close", [close(1000), binary(b"x", length=1 << 63)]),
    Case("a code alone, byte by byte", [close(3000)], [], 3000, pieces=1),
    Case("bad UTF-8 after close", [close(1000), text(b"\xff")]),
    Case("nonsense after close", [close(1000), b"\xff" * 50]),
    # limits: 9
    Case("as large as may be", [text("*" * 1000), close(1000)], ["*" * 1000],
         options={"max_size": 1000}),
    Case("a byte too large", [text("*" * 1001)], [], 1009, options={"max_size": 1000}),
    Case("too large by its header alone", [binary(b"x", length=1 << 20)], [], 1009,
         options={"max_size": 1000}),
    Case("too large in fragments", [text("*" * 600, False), more("*" * 401)], [], 1009,
         options={"max_size": 1000}),
    Case("two that are not too large together", [text("*" * 600), text("*" * 600), close(1000)],
         ["*" * 600] * 2, options={"max_size": 1000}),
    Case("the default limit", [binary(bytes((1 << 20) + 1), length=(1 << 20) + 1)], [], 1009),
    Case("2^62 bytes", [binary(b"x", length=1 << 62)], [], 1009),
    Case("2^63 - 1 bytes", [binary(b"x", length=(1 << 63) - 1)], [], 1009),
    Case("2^63 bytes", [binary(b"x", length=1 << 63)], [], 1002),
    Case("2^64 - 1 bytes", [binary(b"x", length=(1 << 64) - 1)], [], 1002),
    Case("2^63 bytes without a limit", [binary(b"x", length=1 << 63)], [], 1002,
         options={"max_size": None}),
    Case("a length in more bytes than needed", [text("hello", long=2)], [], 1002),
    Case("a length in eight bytes, not needed", [text("hello", long=8)], [], 1002),
]  # fmt: skip


def as_sent(entry: Message | Frame) -> tuple[int, bytes]:
    """Return opcode and payload of the expected frames."""
    if isinstance(entry, str):
        return TEXT, entry.encode()
    if isinstance(entry, bytes):
        return BINARY, entry
    return entry.opcode, entry.payload


async def check(case: Case, way: str) -> None:
    """Run *case* and compare."""
    async with WAYS[way](compression=False, **case.options) as (peer, ended):
        sent = list(case.sent)
        goodbye = []
        if case.back and isinstance(sent[-1], Frame) and sent[-1].opcode == CLOSE:
            # echoes after a Close are not sent any more
            goodbye = [sent.pop()]
        peer.send(*sent, pieces=case.pieces)
        got = []
        if goodbye:
            got = [await peer.expect() for _ in case.back]
            peer.send(*goodbye)
        got += await peer.frames()
        last = got.pop()
        controls = [frame for frame in got if frame.opcode >= CLOSE]
        messages = [frame for frame in got if frame.opcode < CLOSE]
        # an echo is a separate task: its order among the pongs is undefined
        wanted = [as_sent(entry) for entry in case.back]
        assert [(f.opcode, f.payload) for f in controls] == [w for w in wanted if w[0] >= CLOSE]
        assert all(frame.fin and not frame.rsv for frame in got)
        found = [(frame.opcode, frame.payload) for frame in messages]
        echoed = [w for w in wanted if w[0] < CLOSE]
        # messages in one read with the end may stay unanswered
        assert found == echoed if goodbye else found == echoed[: len(found)]
        assert code_of(last) == case.code
        peer.wire.end()
        outcome = await ended
        code = outcome.close_code
        assert code == (1005 if case.code is None else case.code)


BATCHES = 8


@pytest.mark.slow
@pytest.mark.row("module.accept_websocket.option.max_size")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_frames(batch: int, way: str, run: Run) -> None:
    """Many cases in one loop, each on its own connection."""

    async def main() -> None:
        for case in CASES[batch::BATCHES]:
            try:
                await check(case, way)
            except BaseException as error:
                error.add_note(f"case: {case.name}")
                raise

    run(main())


@pytest.mark.parametrize("way", WAYS)
def test_wrong_masks(way: str, run: Run) -> None:
    """Clients mask, and servers do not (section 5.1); for any kind of frame: 1002."""

    async def main() -> None:
        async with WAYS[way](compression=False) as (peer, _):
            wrong = not peer.masks
            peer.wire.end()
        for sent in (
            [text("hello", masked=wrong)],
            [text("", masked=wrong)],
            [binary(bytes(70_000), masked=wrong)],
            [text("one"), text("two", masked=wrong)],
            [text("he", False), more("llo", masked=wrong)],
            [ping(b"hello", masked=wrong)],
            [pong(masked=wrong)],
            [close(1000, masked=wrong)],
        ):
            async with WAYS[way](compression=False) as (peer, ended):
                peer.send(*sent)
                *_, last = await peer.frames()
                assert code_of(last) == 1002
                peer.wire.end()
                assert (await ended).close_code == 1002

    run(main())
