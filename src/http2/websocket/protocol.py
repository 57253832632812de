"""Implement a WebSocket without I/O: bytes to events, messages to bytes (RFC 6455 sections 5 to 7).

wsproto parses and writes the frames. This module adds complete messages, the closing handshake,
and the codes of each end.

Each side sends one Close frame. The states:

=================  =================================================================
state              permitted next
=================  =================================================================
open               messages, pings, pongs; a Close frame of either side
closing            this side has sent Close: it sends nothing more, and waits for the peer's
closed             both sides have sent Close
failed             the peer violated the protocol: Close was sent, nothing more is read
=================  =================================================================
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode, ParseFailed

from ..engine.websocket_frames import WebSocketFrames, message_frame
from .deflate import CONTROL, Deflate, MessageLimit

__all__ = ["CloseReceived", "Event", "Failed", "PingReceived", "PongReceived", "Protocol"]

NO_CODE = 1005
LOST = 1006
# Characters.
SMALL_PIECE = 4096
TOO_MUCH = 123
"""Bytes of UTF-8 that the reason of a Close frame may have (RFC 6455 section 5.5)."""

# Codes that may be sent in a Close frame: not 1004, 1005, 1006 and 1015 (section 7.4.1).
SENT_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})


class PingReceived(NamedTuple):
    """A Ping, to be answered with `Protocol.pong`."""

    payload: bytes


class PongReceived(NamedTuple):
    """A Pong."""

    payload: bytes


class CloseReceived(NamedTuple):
    """The code of the peer's Close frame; 1005 if it had none."""

    code: int
    reason: str


class Failed(NamedTuple):
    """The peer violated the protocol or a limit; call `Protocol.fail`."""

    code: int
    reason: str


NO_UTF8 = Failed(int(CloseReason.INVALID_FRAME_PAYLOAD_DATA), "text that is not UTF-8")

Event: TypeAlias = str | bytes | PingReceived | PongReceived | CloseReceived | Failed | None
"""An event of `Protocol.events`: a `str` or `bytes` is a whole message, None a part of one."""


def may_be_sent(code: int) -> bool:
    """Return whether a Close frame may have *code*: 1000 to 1014 as registered, 3000 to 4999."""
    return code in SENT_CODES or 3000 <= code <= 4999


class Protocol:
    """One side of an open WebSocket; *limit* limits and decompresses messages."""

    def __init__(self, *, client: bool, limit: MessageLimit) -> None:
        self.client = client
        self._limit = limit
        self._frames = FrameProtocol(client, [limit])
        # decodes whole messages, and cuts out other frames, which wsproto parses
        self._received = WebSocketFrames(client, limit.max_size, limit.compresses)
        # whether wsproto has bytes whose events were not taken yet
        self._handed_on = False
        # whether the peer has violated the protocol: nothing more is processed
        self._broken = False
        # the incomplete message, if it has more than one part
        self._text: list[str] | None = None
        # memory of the pieces of the text
        self._text_size = 0
        self._binary: bytearray | None = None
        # whether a message is sent in several frames, and the last one has not been sent
        self._fragments = False
        self.close_sent: tuple[int, str] | None = None
        self.sends = True
        """Whether messages and pings may still be sent."""
        self.close_received: tuple[int, str] | None = None
        self.failed = False

    @property
    def clean(self) -> bool:
        """Whether both sides have sent Close."""
        return self.close_received is not None and self.close_sent is not None

    @property
    def outcome(self) -> tuple[int, str]:
        """The code and reason of the WebSocket's end, in its present state."""
        if self.failed and self.close_sent is not None:
            return self.close_sent
        return self.close_received or (LOST, "")

    @property
    def under_way(self) -> int:
        """Bytes of memory of the incomplete message."""
        if self._binary is not None:
            return len(self._binary)
        return 0 if self._text is None else self._text_size

    @property
    def unread(self) -> int:
        """Bytes that were received and are in no event: few, unless `events` was left early."""
        return self._received.unread + self._limit.unread

    @property
    def compression(self) -> int:
        """Bytes of memory for compression."""
        return self._limit.memory

    # --- receiving --------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Accept *data* from the peer; `events` returns its events."""
        self._received.receive(data)

    def events(self) -> Iterator[Event]:
        """Yield the events of received data; may be left in the middle, and called again.

        Yields None for a part of a message, so that the caller can stop after each frame.
        """
        while self.close_received is None and not (self.failed or self._broken):
            if self._handed_on:
                yield from self._events_of_frames()
                continue
            between = self._text is None and self._binary is None and self.close_sent is None
            found: Any = self._received.take(between)
            kind = type(found)
            if kind is str or kind is bytes:
                yield found
            elif found is None:
                return
            elif kind is bytearray:
                self._frames.receive_bytes(found)
                self._handed_on = True
            else:
                event = self._decompressed(*found)
                self._broken = isinstance(event, Failed)
                yield event

    def _decompressed(self, opcode: int, data: bytes) -> Event:
        """Return the decompressed message of *data*, or the failure."""
        assert isinstance(self._limit, Deflate)
        message = self._limit.inflate(data)
        if isinstance(message, CloseReason):
            return Failed(int(message), self._limit.why)
        if opcode == Opcode.TEXT:
            try:
                return message.decode()
            except UnicodeDecodeError:
                return NO_UTF8
        return message

    def _events_of_frames(self) -> Iterator[Event]:
        """Yield the events of the frames that wsproto has parsed."""
        try:
            for frame in self._frames.received_frames():
                opcode = frame.opcode
                payload: Any = frame.payload
                if self.close_sent is not None and opcode < CONTROL:
                    # messages that cross this side's Close frame are dropped (section 1.4)
                    self.forget()
                    yield None
                elif opcode is Opcode.TEXT:
                    if self._text is None:
                        if frame.message_finished:
                            yield payload
                            continue
                        self._text = []
                        self._text_size = 0
                    self._add_text(self._text, payload)
                    if frame.message_finished:
                        text, self._text = "".join(self._text), None
                        yield text
                    else:
                        yield None
                elif opcode is Opcode.BINARY:
                    if self._binary is None:
                        if frame.message_finished:
                            yield payload
                            continue
                        self._binary = bytearray()
                    self._binary += payload
                    if frame.message_finished:
                        binary, self._binary = bytes(self._binary), None
                        yield binary
                    else:
                        yield None
                elif opcode is Opcode.PING:
                    yield PingReceived(bytes(payload))
                elif opcode is Opcode.PONG:
                    yield PongReceived(bytes(payload))
                else:
                    code, reason = int(payload[0]), payload[1]
                    if self._limit.bad_gateway:
                        code = 1014
                    self.close_received = code, reason
                    yield CloseReceived(code, reason)
                    return
        except ParseFailed as failure:
            self._broken = True
            code = int(failure.code)
            if code == CloseReason.INVALID_FRAME_PAYLOAD_DATA and not self._limit.why:
                yield NO_UTF8
            else:
                yield Failed(code, self._limit.why or str(failure))
            return
        self._handed_on = False

    def _add_text(self, pieces: list[str], text: str) -> None:
        """Append one more piece; small ones are joined, because each object takes more memory."""
        if pieces and len(pieces[-1]) < SMALL_PIECE and len(text) < SMALL_PIECE:
            self._text_size -= sys.getsizeof(pieces[-1])
            pieces[-1] += text
        else:
            pieces.append(text)
        self._text_size += sys.getsizeof(pieces[-1])

    def forget(self) -> None:
        """Drop the incomplete message: nothing more is read."""
        self._text = self._binary = None

    # --- sending ----------------------------------------------------------------------------

    def message(self, data: Any, fin: bool = True) -> bytes | bytearray:
        """Return the frame of a message, `str` or buffer; without *fin*, more frames follow."""
        if fin and not self._fragments and not self._limit.compresses:
            return message_frame(data, self.client)
        self._fragments = not fin
        return self._frames.send_data(data, fin)

    def ping(self, payload: bytes) -> bytearray:
        """Return the frame of a Ping."""
        return self._frames.ping(payload)

    def pong(self, payload: bytes) -> bytearray:
        """Return the frame of a Pong."""
        return self._frames.pong(payload)

    def close(self, code: int, reason: str = "") -> bytearray:
        """Return the frame of a Close; with 1005, one without a code."""
        self.close_sent = code, reason
        self.sends = False
        if code == NO_CODE:
            return self._frames.close()
        return self._frames.close(code, reason)

    def answer(self) -> bytearray:
        """Return the answer to the peer's Close frame, with the same code (section 5.5.1)."""
        code, reason = self.close_received or (NO_CODE, "")
        return self.close(code, reason)

    def fail(self, code: int, reason: str) -> bytearray:
        """Return the Close frame with the reason why nothing more is read (section 7.1.7)."""
        self.failed = True
        return self.close(code, reason)
