"""Limit the size of incoming messages, and implement permessage-deflate (RFC 7692).

wsproto calls its extensions for each frame before it stores it, so the limit of a message's size
is an extension too. wsproto's own permessage-deflate decompresses without a limit and loses its
state when a control frame comes between the fragments of a message; this one does neither.
"""

from __future__ import annotations

import zlib
from typing import Any

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits

__all__ = ["Deflate", "MessageLimit", "accept_offer", "client_offer", "finalize_offer"]

NAME = "permessage-deflate"

# A window of 4 KiB and the same for other memory: about 32 KiB per WebSocket instead of 300. The
# compression is a few per cent worse.
WINDOW_BITS = 12
MEMORY_LEVEL = 5

# The end of the compressed data of a message, which is not sent (RFC 7692 section 7.2.1).
TAIL = b"\x00\x00\xff\xff"
# 1014 was registered after wsproto's list was written, so wsproto refuses it.
BAD_GATEWAY = (1014).to_bytes(2, "big")

# The smallest opcode of a control frame; the method of the enumeration is slow.
CONTROL = 8

NOTHING = RsvBits(False, False, False)
COMPRESSED = RsvBits(True, False, False)


class MessageLimit(Extension):
    """Refuses messages larger than *max_size* bytes with 1009, as soon as the size is known."""

    name = "limit"
    why = ""
    """The error message, if there was an error."""
    bad_gateway = False
    """Whether the peer's Close frame has the code 1014: wsproto gets 1000 instead."""
    memory = 0
    """Bytes of memory for compression, in both directions."""
    compresses = False
    """Whether messages may be compressed."""

    def __init__(self, max_size: int | None) -> None:
        self.max_size = max_size
        # size of the current message so far
        self._size = 0
        # wsproto's decoder, known from the first frame on
        self._decoder: Any = None

    def offer(self) -> bool | str:
        """Return False: there is nothing to negotiate."""
        return False

    def enabled(self) -> bool:
        """Return True: the extension is always in use."""
        return True

    @property
    def unread(self) -> int:
        """Number of received bytes that wsproto has not parsed yet."""
        return 0 if self._decoder is None else len(self._decoder.buffer)

    def _too_big(self) -> CloseReason:
        self.why = f"message larger than {self.max_size} bytes"
        return CloseReason.MESSAGE_TOO_BIG

    def _counted(self, data: bytes) -> bytes | CloseReason:
        self._size += len(data)
        if self.max_size is not None and self._size > self.max_size:
            return self._too_big()
        return data

    def frame_inbound_header(
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """Check the length of a new frame; wsproto calls it again until the mask has arrived."""
        self._decoder = proto
        limit = self.max_size
        if limit is not None and opcode < CONTROL and self._size + payload_length > limit:
            return self._too_big()
        return NOTHING

    def frame_inbound_payload_data(
        self, proto: FrameDecoder | FrameProtocol, data: bytes
    ) -> bytes | CloseReason:
        """Count a piece of a frame's payload; a control frame is always one piece."""
        opcode = _opcode_of(proto)
        if opcode < CONTROL:
            return self._counted(data)
        if opcode is Opcode.CLOSE and data[:2] == BAD_GATEWAY:
            self.bad_gateway = True
            return b"\x03\xe8" + data[2:]
        return data

    def frame_inbound_complete(
        self, proto: FrameDecoder | FrameProtocol, fin: bool
    ) -> bytes | CloseReason | None:
        """Handle the end of a frame; with *fin*, its message ends too."""
        if fin and _opcode_of(proto) < CONTROL:
            self._size = 0
        return None


def _opcode_of(proto: Any) -> Opcode:
    opcode: Opcode = proto.header.opcode
    return opcode


class Deflate(MessageLimit):
    """permessage-deflate with the negotiated parameters; the decompressed size is limited."""

    name = NAME
    compresses = True

    def __init__(
        self,
        max_size: int | None,
        *,
        send_bits: int = 15,
        receive_bits: int = 15,
        send_anew: bool = False,
        receive_anew: bool = False,
    ) -> None:
        """Create the extension; *send_anew*, *receive_anew*: each message has its own context."""
        super().__init__(max_size)
        self._send_bits = send_bits
        self._receive_bits = max(receive_bits, 9)
        # the sizes of the windows are from zlib's zconf.h; the rest is zlib's own state
        self.memory = (
            (1 << send_bits + 2) + (1 << MEMORY_LEVEL + 9) + (1 << self._receive_bits) + 14 * 1024
        )
        self._send_anew = send_anew
        self._receive_anew = receive_anew
        self._compressor: Any = None
        self._decompressor: Any = None
        # whether the current message is compressed; None between messages
        self._compressed: bool | None = None

    def frame_inbound_header(
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """Check a new frame: the first one of a message says whether the message is compressed."""
        self._decoder = proto
        if opcode >= CONTROL:
            return NOTHING
        if opcode is not Opcode.CONTINUATION:
            self._compressed = rsv.rsv1
            if rsv.rsv1 and self._decompressor is None:
                self._decompressor = zlib.decompressobj(-self._receive_bits)
        elif rsv.rsv1:
            return NOTHING  # only the first frame may have this bit: an error here
        if not self._compressed:
            return super().frame_inbound_header(proto, opcode, rsv, payload_length)
        if self.max_size is not None and payload_length > self.max_size * 1.01 + 1024:
            # no data grows by more than this when it is compressed
            return self._too_big()
        return COMPRESSED

    def frame_inbound_payload_data(
        self, proto: FrameDecoder | FrameProtocol, data: bytes
    ) -> bytes | CloseReason:
        """Count a piece of a frame's payload; decompress it if the message is compressed."""
        if not self._compressed or _opcode_of(proto) >= CONTROL:
            return super().frame_inbound_payload_data(proto, data)
        return self._decompress(data)

    def inflate(self, data: bytes) -> bytes | CloseReason:
        """Decompress a whole message; return the failure if it is invalid or too large."""
        if self._decompressor is None:
            self._decompressor = zlib.decompressobj(-self._receive_bits)
        body = self._decompress(data)
        if isinstance(body, CloseReason):
            return body
        rest = self._decompress(TAIL)
        if isinstance(rest, CloseReason):
            return rest
        if self._receive_anew or self._decompressor.eof:
            self._decompressor = None
        self._size = 0
        return body + rest

    def _decompress(self, data: bytes) -> bytes | CloseReason:
        limit = 0 if self.max_size is None else self.max_size - self._size + 1
        try:
            # at most one byte more than allowed
            plain: bytes = self._decompressor.decompress(data, limit)
        except zlib.error:
            self.why = "data that cannot be decompressed"
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        return self._counted(plain)

    def frame_inbound_complete(
        self, proto: FrameDecoder | FrameProtocol, fin: bool
    ) -> bytes | CloseReason | None:
        """Handle the end of a frame; at the end of a message, return the rest of its data."""
        if not fin or _opcode_of(proto) >= CONTROL:
            return None
        rest: bytes | CloseReason | None = None
        if self._compressed:
            rest = self._decompress(TAIL)
            if self._receive_anew or self._decompressor.eof:
                self._decompressor = None
        self._compressed = None
        self._size = 0
        return rest

    def frame_outbound(
        self,
        proto: FrameDecoder | FrameProtocol,
        opcode: Opcode,
        rsv: RsvBits,
        data: bytes,
        fin: bool,
    ) -> tuple[RsvBits, bytes]:
        """Compress an outgoing frame."""
        if opcode >= CONTROL:
            return rsv, data
        if self._compressor is None:
            self._compressor = zlib.compressobj(
                wbits=-self._send_bits, memLevel=MEMORY_LEVEL, method=zlib.DEFLATED
            )
        packed: bytes = self._compressor.compress(data)
        if fin:
            packed += self._compressor.flush(zlib.Z_SYNC_FLUSH)
            packed = packed[: -len(TAIL)]
            if self._send_anew:
                self._compressor = None
        return (rsv if opcode is Opcode.CONTINUATION else COMPRESSED), packed


# --- negotiation --------------------------------------------------------------------------


def _parameters(text: str) -> dict[str, str | None] | None:
    """Return the parameters of an offer or answer; None if they are not understood."""
    found: dict[str, str | None] = {}
    for part in text.split(";")[1:]:
        name, equals, value = part.partition("=")
        name, value = name.strip(), value.strip().strip('"')
        if name in found:
            return None
        if name in ("client_no_context_takeover", "server_no_context_takeover"):
            if equals:
                return None
            found[name] = None
        elif name == "client_max_window_bits" and not equals:
            found[name] = None
        elif name in ("client_max_window_bits", "server_max_window_bits"):
            if value not in ("8", "9", "10", "11", "12", "13", "14", "15"):
                return None
            found[name] = value
        else:
            return None
    return found


def _named(text: str) -> bool:
    return text.partition(";")[0].strip() == NAME


def accept_offer(offers: str, max_size: int | None) -> tuple[str, Deflate] | None:
    """Choose among a client's *offers*; return the answer and the extension, or None."""
    for offer in offers.split(","):
        found = _parameters(offer) if _named(offer) else None
        if found is None:
            continue
        send_bits = min(WINDOW_BITS, int(found.get("server_max_window_bits") or 15))
        if send_bits < 9:
            continue  # zlib has no such window for raw data
        answer = [NAME, f"server_max_window_bits={send_bits}"]
        receive_bits = 15
        if "client_max_window_bits" in found:
            receive_bits = min(WINDOW_BITS, int(found["client_max_window_bits"] or 15))
            answer.append(f"client_max_window_bits={receive_bits}")
        for name in ("server_no_context_takeover", "client_no_context_takeover"):
            if name in found:
                answer.append(name)
        return "; ".join(answer), Deflate(
            max_size,
            send_bits=send_bits,
            receive_bits=receive_bits,
            send_anew="server_no_context_takeover" in found,
            receive_anew="client_no_context_takeover" in found,
        )
    return None


def client_offer() -> str:
    """Return the offer of a client."""
    return f"{NAME}; client_max_window_bits"


def finalize_offer(answer: str, max_size: int | None) -> Deflate:
    """Return the extension for the server's *answer* to `client_offer`.

    Raises `ValueError` for an answer that was not offered, or that is not supported.
    """
    found = _parameters(answer) if _named(answer) else None
    if found is None or ("client_max_window_bits" in found and not found["client_max_window_bits"]):
        raise ValueError(f"the server answered with an extension that was not offered: {answer!r}")
    send_bits = int(found.get("client_max_window_bits") or 15)
    if send_bits < 9:
        raise ValueError("the server requires a window of 8 bits, which zlib does not support")
    return Deflate(
        max_size,
        send_bits=min(send_bits, WINDOW_BITS),
        receive_bits=int(found.get("server_max_window_bits") or 15),
        send_anew="client_no_context_takeover" in found,
        receive_anew="server_no_context_takeover" in found,
    )
