"""Rules of the part without I/O: messages arrive; any bytes are accepted, in any pieces."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol

from http2.websocket.deflate import Deflate, MessageLimit
from http2.websocket.protocol import (
    CloseReceived,
    Event,
    Failed,
    PingReceived,
    PongReceived,
    Protocol,
)

from .frames import Frame, Packer

LIMIT = 500

messages = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])), st.binary(), st.binary().map(lambda b: b * 9)
)
frames = st.builds(
    Frame,
    opcode=st.one_of(st.integers(0, 2), st.integers(8, 10), st.integers(0, 15)),
    payload=st.one_of(
        st.binary(max_size=130),
        st.text().map(str.encode),
        st.binary(max_size=900).map(lambda data: Packer().pack(data)),
        st.integers(900, 5100).map(lambda code: code.to_bytes(2, "big")),
    ),
    fin=st.booleans(),
    rsv=st.sampled_from([0, 0, 0, 4, 4, 2, 7]),
    masked=st.sampled_from([None, None, None, None, True, False]),
    length=st.one_of(st.none(), st.none(), st.none(), st.integers(0, 300), st.just(1 << 63)),
)
limits: dict[bool, Callable[[], MessageLimit]] = {
    False: lambda: MessageLimit(LIMIT),
    True: lambda: Deflate(LIMIT),
}


def told(protocol: Protocol, pieces: list[bytes]) -> list[Event]:
    """Return all events of *pieces*; after the end there are none."""
    found: list[Event] = []
    for piece in pieces:
        protocol.receive(piece)
        for event in protocol.events():
            if event is not None:
                found.append(event)
            if isinstance(event, Failed):
                protocol.fail(event.code, event.reason)
    return found


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return *data* in pieces."""
    ends = [*sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]


def checked(events: list[Event]) -> None:
    """Check the rules for any input: one end, nothing after it, no message above the limit."""
    for number, event in enumerate(events):
        last = number == len(events) - 1
        if isinstance(event, (CloseReceived, Failed)):
            assert last
            assert 1000 <= event.code <= 4999
        elif isinstance(event, (PingReceived, PongReceived)):
            assert len(event.payload) <= 125
        else:
            assert len(event if isinstance(event, bytes) else event.encode()) <= LIMIT


@given(
    st.lists(st.one_of(frames, st.binary(max_size=20)), max_size=6),
    st.lists(st.integers(0, 5000), max_size=8),
    st.booleans(),
    st.booleans(),
)
def test_any_bytes_in_any_pieces(
    sent: list[Frame | bytes], places: list[int], deflate: bool, client: bool
) -> None:
    data = b"".join(
        entry if isinstance(entry, bytes) else entry.encode(not client) for entry in sent
    )
    whole = told(Protocol(client=client, limit=limits[deflate]()), [data])
    pieces = told(Protocol(client=client, limit=limits[deflate]()), cut(data, places))
    single = told(
        Protocol(client=client, limit=limits[deflate]()), [bytes([byte]) for byte in data]
    )
    checked(whole)
    for other in (pieces, single):
        assert [codes(event) for event in other] == [codes(event) for event in whole]


def codes(event: Event) -> Any:
    """Return an event without its text: the first reported violation may depend on the pieces."""
    return type(event), event.code if isinstance(event, Failed) else event


@pytest.mark.parametrize("size", [0, 1, 7, 125, 126, 127, 65535, 65536, 70001])
def test_a_message_in_one_frame_is_that_of_wsproto(size: int) -> None:
    server, client = (Protocol(client=side, limit=MessageLimit(None)) for side in (False, True))
    reference = FrameProtocol(False, [])
    data = bytes(range(256)) * (size // 256 + 1)
    for message in (
        data[:size],
        "\u20ac" * (size // 3) + "x" * (size % 3),
        memoryview(data)[:size],
    ):
        frame = bytes(server.message(message))
        assert frame == bytes(reference.send_data(message))
        masked = bytes(client.message(message))
        at = len(frame) - size
        key = masked[at : at + 4]
        assert masked[:at] == bytes([frame[0], frame[1] | 128]) + frame[2:at]
        assert masked[at + 4 :] == bytes(c ^ key[i % 4] for i, c in enumerate(frame[at:]))
        assert told(server, [masked]) == [message if isinstance(message, str) else bytes(message)]
    # of any format and shape, and no shorter for it
    for view in (memoryview(array("I", [1, 2, 3])), memoryview(data)[::2]):
        assert bytes(server.message(view)) == bytes(reference.send_data(view))
    with pytest.raises(UnicodeEncodeError):
        server.message("\ud800")


@given(st.lists(messages, max_size=8), st.booleans(), st.booleans(), st.integers(1, 50))
def test_what_is_said_arrives(
    said: list[str | bytes], deflate: bool, client: bool, size: int
) -> None:
    kind = Deflate if deflate else MessageLimit
    sender = Protocol(client=client, limit=kind(None))
    receiver = Protocol(client=not client, limit=kind(None))
    data = b"".join(bytes(sender.message(message)) for message in said)
    # the last one again, in fragments
    if said:
        last = said[-1]
        for at in range(0, len(last), size):
            data += sender.message(last[at : at + size], False)
        data += sender.message(last[:0], True)
        said = [*said, last]
    data += sender.ping(b"?") + sender.close(3000, "enough")
    assert told(receiver, [data]) == [
        *said, PingReceived(b"?"), CloseReceived(3000, "enough"),
    ]  # fmt: skip
    assert receiver.answer()
    assert receiver.outcome == (3000, "enough")


class HandsEverythingOn:
    """Replaces `WebSocketFrames`: wsproto parses every frame."""

    def __init__(self, client: bool, max_size: int | None, compresses: bool) -> None:
        self._data = bytearray()

    @property
    def unread(self) -> int:
        """Nothing waits here."""
        return len(self._data)

    def receive(self, data: bytes) -> None:
        """Accept *data*."""
        self._data += data

    def take(self, between: bool) -> bytearray | None:
        """Return all received data."""
        data, self._data = self._data, bytearray()
        return data or None


@given(
    st.lists(frames, max_size=8), st.binary(max_size=8), st.lists(st.integers(0)),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_whole_messages_are_what_wsproto_makes_of_them(
    sent: list[Frame], rest: bytes, places: list[int], client: bool, compressed: bool
) -> None:
    """They are parsed without wsproto, and every other frame with it: the events are the same."""
    data = b"".join(frame.encode(not client) for frame in sent) + rest
    pieces = cut(data, places)
    by_hand = told(Protocol(client=client, limit=limits[compressed]()), pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("http2.websocket.protocol.WebSocketFrames", HandsEverythingOn)
        judged = told(Protocol(client=client, limit=limits[compressed]()), pieces)
    assert by_hand == judged
