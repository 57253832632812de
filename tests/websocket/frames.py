"""Hand-written WebSocket frames (RFC 6455 section 5.2), also invalid ones."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY = 0, 1, 2
CLOSE, PING, PONG = 8, 9, 10

KEY = b"\x37\xfa\x21\x3d"


@dataclass(frozen=True)
class Frame:
    """One frame; None means the correct value."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    """The three reserved bits: 4 is RSV1, of compression."""
    masked: bool | None = None
    length: int | None = None
    """The length in the header."""
    long: int = 0
    """Bytes of the extended length, 2 or 8, even if fewer are enough."""

    def encode(self, masks: bool) -> bytes:
        """Return the frame's bytes; *masks*: its sender is the client."""
        length = len(self.payload) if self.length is None else self.length
        masked = masks if self.masked is None else self.masked
        first = self.fin << 7 | self.rsv << 4 | self.opcode
        bit = masked << 7
        if self.long == 8 or (not self.long and length > 0xFFFF):
            head = struct.pack(">BBQ", first, bit | 127, length)
        elif self.long == 2 or length > 125:
            head = struct.pack(">BBH", first, bit | 126, length)
        else:
            head = struct.pack(">BB", first, bit | length)
        return head + (KEY + mask(self.payload) if masked else self.payload)


def mask(data: bytes, key: bytes = KEY) -> bytes:
    """Return *data*, masked or unmasked."""
    repeated = key * (len(data) // 4 + 1)
    number = int.from_bytes(data, "big") ^ int.from_bytes(repeated[: len(data)], "big")
    return number.to_bytes(len(data), "big")


def text(payload: str | bytes, fin: bool = True, **more: int) -> Frame:
    """Return a text frame."""
    return Frame(TEXT, payload.encode() if isinstance(payload, str) else payload, fin, **more)


def binary(payload: bytes, fin: bool = True, **more: int) -> Frame:
    """Return a binary frame."""
    return Frame(BINARY, payload, fin, **more)


def more(payload: str | bytes, fin: bool = True, **rest: int) -> Frame:
    """Return a continuation frame."""
    data = payload.encode() if isinstance(payload, str) else payload
    return Frame(CONTINUATION, data, fin, **rest)


def ping(payload: bytes = b"", fin: bool = True, **more: int) -> Frame:
    """Return a Ping."""
    return Frame(PING, payload, fin, **more)


def pong(payload: bytes = b"", **more: int) -> Frame:
    """Return a Pong."""
    return Frame(PONG, payload, **more)


def close(code: int | None = None, reason: str | bytes = b"", **more: int) -> Frame:
    """Return a Close frame; without a code, an empty one."""
    if code is None:
        return Frame(CLOSE, b"", **more)
    data = reason.encode() if isinstance(reason, str) else reason
    return Frame(CLOSE, struct.pack(">H", code) + data, **more)


def code_of(frame: Frame) -> int | None:
    """Return the code of a Close frame; None for one without."""
    assert frame.opcode == CLOSE, frame
    return struct.unpack(">H", frame.payload[:2])[0] if frame.payload else None


class Packer:
    """Compresses messages one after the other, as permessage-deflate does (RFC 7692)."""

    def __init__(self, bits: int = 12) -> None:
        self._packer = zlib.compressobj(wbits=-bits)

    def pack(self, data: bytes) -> bytes:
        """Return the payload of one message."""
        packed = self._packer.compress(data) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        assert packed.endswith(b"\0\0\xff\xff")
        return packed[:-4]


class Unpacker:
    """Decompresses them."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(-15)

    def unpack(self, payload: bytes) -> bytes:
        """Return the message of a payload."""
        return self._unpacker.decompress(payload + b"\0\0\xff\xff")
