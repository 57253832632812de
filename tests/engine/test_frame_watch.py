"""The watch for closed streams, with bytes split anywhere, and any number of streams.

The engine alone, without a loop: each case with every position at which a read may end; and honest
peers whose frames cross on the way, for which no violation may be reported.
"""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest

import http2
from http2.constants import NGHTTP2_FRAME_SIZE_ERROR, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_STREAM_CLOSED
from http2.engine import events
from http2.engine.connection import Connection

from ..support import raw
from ..support.memory import Pair, frames, of_kind, sent

START = raw.PREFACE + raw.settings()
# violation -> GOAWAY
ENDINGS = {
    "DATA on a stream that has ended": (raw.get(1), raw.data(1, b"late"), NGHTTP2_STREAM_CLOSED),
    "HEADERS on it": (raw.get(1), raw.get(1), NGHTTP2_STREAM_CLOSED),
    "a request below one that was used": (raw.get(5), raw.get(3), NGHTTP2_PROTOCOL_ERROR),
    "CONTINUATION that is too large": (
        raw.headers(1, raw.request_fields(), end_headers=False),
        raw.frame(raw.CONTINUATION, raw.END_HEADERS, 1, raw.block([("x", "y" * 16390)])),
        NGHTTP2_FRAME_SIZE_ERROR,
    ),
}


def answer(server: Connection, told: list[Any]) -> None:
    """Answer the requests in *told*, each completely."""
    for kind, stream_id, _, _ in told:
        if kind == events.REQUEST:
            server.submit_response(stream_id, {}, True)


def goaways(wire: bytes) -> list[int]:
    """Return the codes of the GOAWAY frames in *wire*."""
    return [raw.Frame(*got).code for got in frames(wire) if got[0] == raw.GOAWAY]


@pytest.mark.parametrize("name", ENDINGS)
def test_wherever_a_read_ends(name: str) -> None:
    before, then, code = ENDINGS[name]
    wire = START + before + then
    for cut in range(len(raw.PREFACE), min(len(wire), 200)):
        for answered in (False, True):
            server = Connection(False)
            server.submit_settings([])
            out, told = b"", []
            for piece in (wire[:cut], wire[cut:]):
                heard = server.receive(piece)
                if answered:
                    answer(server, heard)
                out += sent(server)
                told += heard + server.take_events()
            assert goaways(out) == [code], (cut, answered)
            reasons = [event[3] for event in of_kind(told, events.GOAWAY_SENT)]
            assert [bool(reason) for reason in reasons] == [True], (cut, answered)


@pytest.mark.parametrize("name", ENDINGS)
def test_octet_by_octet(name: str) -> None:
    before, then, code = ENDINGS[name]
    server = Connection(False)
    server.submit_settings([])
    out = b""
    for octet in START + before + then:
        answer(server, server.receive(bytes([octet])))
        out += sent(server)
    assert goaways(out) == [code]


def test_words() -> None:
    """The error describes the peer's violation."""
    server = Connection(False)
    answer(server, server.receive(START + raw.get(1)))
    sent(server)
    server.take_events()
    server.receive(raw.data(1, b"x"))
    sent(server)
    told = of_kind(server.take_events(), events.GOAWAY_SENT)
    assert told == [
        (
            events.GOAWAY_SENT,
            1,
            NGHTTP2_STREAM_CLOSED,
            b"DATA on stream 1, which the peer had already ended",
        )
    ]


def test_stream_error_is_reported() -> None:
    """It counts as one invalid frame for each stream."""
    server = Connection(False)
    server.receive(START + raw.post(1) + raw.rst_stream(1))
    told = server.receive(raw.data(1, b"x") * 3)
    assert told == [(events.INVALID_FRAME, 1, raw.DATA, -510)]
    assert [got[:3] for got in frames(sent(server))][-1] == (raw.RST_STREAM, 0, 1)
    assert server.receive(raw.data(1, b"x")) == []


def test_resets_that_are_forgotten_get_the_benefit_of_the_doubt() -> None:
    """More resets than are stored: none of these streams may count as ended."""
    server = Connection(False)
    server.submit_settings([])
    server.receive(START)
    last = 2 * 400 - 1
    for stream_id in range(1, last + 1, 2):
        server.receive(raw.post(stream_id))
        server.reset(stream_id, 8)
        sent(server)
        server.take_events()
    for stream_id in range(1, last + 1, 2):
        assert server.receive(raw.data(stream_id, b"late", end_stream=True)) == []
        assert server.receive(raw.headers(stream_id, [("x", "y")], end_stream=True)) == []
    assert sent(server) == b""
    # above the last forgotten one, ended streams are known
    answer(server, server.receive(raw.get(last + 2)))
    sent(server)
    server.receive(raw.data(last + 2, b"x"))
    assert goaways(sent(server)) == [NGHTTP2_STREAM_CLOSED]


def test_ignored_data_counts_for_the_connection() -> None:
    """RFC 9113 section 5.1: its window is returned, so that other streams can continue."""
    server = Connection(False)
    server.submit_settings([])
    server.receive(START + raw.settings(ack=True) + raw.post(1))
    server.reset(1, 8)
    sent(server)
    given = 0
    for _ in range(40):
        server.receive(raw.data(1, bytes(16000)))
        for kind, _, stream_id, payload in frames(sent(server)):
            assert (kind, stream_id) == (raw.WINDOW_UPDATE, 0)
            given += int.from_bytes(payload, "big")
    assert given >= 40 * 16000 - 65535


def test_after_goaway_new_streams_are_ignored() -> None:
    """RFC 9113 section 6.8: they may have been on their way."""
    server = Connection(False)
    server.submit_settings([])
    answer(server, server.receive(START + raw.get(1)))
    server.goaway()
    sent(server)
    server.take_events()
    wire = raw.post(3) + raw.data(3, b"x", end_stream=True) + raw.get(7) + raw.rst_stream(3)
    assert server.receive(wire) == []
    assert server.receive(raw.data(3, b"x") + raw.window_update(7, 1)) == []
    assert sent(server) == b""


def test_refused_streams_are_ignored() -> None:
    """More requests than a limit that the client does not know yet: no violation."""
    server = Connection(False)
    server.submit_settings([(3, 1)])
    server.receive(START + raw.post(1) + raw.post(3) + raw.rst_stream(1) + raw.post(5))
    assert server.receive(raw.data(3, b"x", end_stream=True)) == []
    out = sent(server)
    assert goaways(out) == []
    assert [got[2] for got in frames(out) if got[0] == raw.RST_STREAM] == [3]
    assert server.receive(raw.data(3, b"x", end_stream=True)) == []
    assert goaways(sent(server)) == []


class Honest:
    """Two engines that follow the rules, with frames that are delayed for any time."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.pair = Pair()
        self.wires = {True: b"", False: b""}
        self.told: list[Any] = []
        self.open: dict[bool, set[int]] = {True: set(), False: set()}

    def side(self, client: bool) -> Connection:
        """Return the engine of one side."""
        return self.pair.client if client else self.pair.server

    def hear(self, client: bool, told: list[Any]) -> None:
        """Handle the events of one side, as an honest program does."""
        self.told += told
        for kind, stream_id, _, second in told:
            if kind == events.REQUEST:
                self.open[False].add(stream_id)
            elif kind == events.PUSH_PROMISE:
                self.open[True].add(second)
            elif kind == events.STREAM_CLOSED:
                self.open[client].discard(stream_id)

    def speak(self, client: bool) -> None:
        """Send the output of one side."""
        self.wires[client] += sent(self.side(client))
        self.hear(client, self.side(client).take_events())

    def carry(self, client: bool) -> None:
        """Deliver a part of the output of one side."""
        wire = self.wires[client]
        cut = self.dice.choice([len(wire), self.dice.randint(0, len(wire)), min(9, len(wire))])
        self.wires[client] = wire[cut:]
        self.hear(not client, self.side(not client).receive(wire[:cut]))

    def act(self) -> None:
        """Do one thing that a program may do, on either side."""
        client = self.dice.random() < 0.5
        engine = self.side(client)
        streams = sorted(self.open[client])
        choice = self.dice.random()
        if client and (choice < 0.3 or not streams):
            stream_id, _, _ = engine.submit_request(
                {":method": "POST"}, "test", "http", self.dice.random() < 0.3
            )
            self.open[True].add(stream_id)
        elif streams:
            stream_id = self.dice.choice(streams)
            if choice < 0.5:
                engine.write(stream_id, bytes(self.dice.randint(0, 3000)), choice < 0.4)
            elif choice < 0.65:
                engine.reset(stream_id, self.dice.choice([0, 7, 8]))
                self.open[client].discard(stream_id)
            elif not client:
                # refused if the program must not do so: a second answer, a push on a push
                with contextlib.suppress(http2.Http2Error):
                    if choice < 0.7:
                        promised, _ = engine.submit_push_promise(stream_id, {}, "test", "http")
                        self.open[False].add(promised)
                    else:
                        engine.submit_response(stream_id, {}, choice < 0.8)
        self.speak(self.dice.random() < 0.5)
        self.carry(self.dice.random() < 0.5)


@pytest.mark.parametrize("seed", range(12))
def test_honest_peers_are_never_blamed(seed: int) -> None:
    for part in range(10):
        honest = Honest(seed * 1000 + part)
        for _ in range(250):
            honest.act()
        for _ in range(50):
            for client in (True, False):
                honest.speak(client)
                wire, honest.wires[client] = honest.wires[client], b""
                honest.hear(not client, honest.side(not client).receive(wire))
        kinds = {event[0] for event in honest.told}
        blame = {events.GOAWAY_SENT, events.GOAWAY, events.FAILED, events.INVALID_FRAME}
        assert not kinds & blame, [event for event in honest.told if event[0] in blame]
        assert {events.REQUEST, events.RESPONSE, events.DATA, events.STREAM_CLOSED} <= kinds
