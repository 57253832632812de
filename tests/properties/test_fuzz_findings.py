"""The fuzzer's findings, each with the shortest reproduction."""

from __future__ import annotations

import base64

import pytest
from fuzz.pair import pair as conversation

from http2.constants import NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM
from http2.engine import events
from http2.engine.connection import Connection

from ..support.http1 import Http1Peer, serving_http1
from ..support.memory import (
    GOAWAY,  # fmt: skip
    HEADERS,  # fmt: skip
    PREFACE,  # fmt: skip
    REQUEST_BLOCK,  # fmt: skip
    RST_STREAM,  # fmt: skip
    Pair,  # fmt: skip
    body,  # fmt: skip
    frame,  # fmt: skip
    frames,  # fmt: skip
    of_kind,  # fmt: skip
    sent,  # fmt: skip
)
from ..support.running import Run


def test_trailers_that_overtake_their_request() -> None:
    """They are dropped, as before the request was sent; the request's body is not freed."""
    pair = Pair(server_settings=[(3, 0)])
    bodies = [pair.client.submit_request({":method": "PUT"}, "a", "http", False)[0]]
    pair.client.write(bodies[0], b"body", True)
    pair.client.submit_trailers(bodies[0], {"x": "1"})
    pair.pump()
    # another body in the place of the first one, if it was freed
    bodies.append(pair.client.submit_request({":method": "PUT"}, "a", "http", False)[0])
    pair.client.write(bodies[1], b"other", True)
    pair.server.submit_settings([(3, 10)])
    pair.pump()
    assert [body(pair.server_events, stream_id) for stream_id in bodies] == [b"body", b"other"]


def test_memory_of_a_request_that_was_reset_before_its_turn() -> None:
    pair = Pair()
    before = pair.client.memory()
    stream_id, *_ = pair.client.submit_request({":method": "PUT"}, "a", "http", False)
    pair.client.write(stream_id, b"x" * 10_000)
    pair.client.reset(stream_id, 8)
    pair.pump()
    assert of_kind(pair.client_events, events.STREAM_CLOSED)
    assert pair.client.memory() == before


def test_last_stream_of_goaway_never_grows_while_it_waits() -> None:
    """RFC 9113 section 6.8: nghttp2 compares only with those that were sent."""
    server = Connection(False)
    server.submit_settings([])
    server.receive(PREFACE + frame(4, 0, 0) + frame(HEADERS, 5, 1, REQUEST_BLOCK))
    server.goaway()
    server.receive(frame(HEADERS, 5, 3, REQUEST_BLOCK))
    server.goaway()
    said = [payload[:4] for kind, _, _, payload in frames(sent(server)) if kind == GOAWAY]
    assert said == [bytes([0, 0, 0, 1])] * 2


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("size", [0, 20])
def test_end_of_a_body_that_waits_for_its_turn(padding: int, size: int) -> None:
    """Trailers are requested when nghttp2 accepts them: not while DATA does not fit."""
    pair = Pair(client={"padding_strategy": padding}, limit=1)
    streams = [
        pair.client.submit_request(
            {":method": "PUT"}, "a", "http", False, wait_for_trailers=True
        )[0]
        for _ in range(2)
    ]  # fmt: skip
    for stream_id in streams:
        pair.client.write(stream_id, b"x" * size, True)
    asked = []
    for _ in range(100):
        wire = b"".join(pair.client.data_to_send(1))
        for event in of_kind(pair.client.take_events(), events.WANT_TRAILERS):
            pair.client.submit_trailers(event[1], {})
            asked.append(event[1])
        pair.from_client(wire)
    assert sorted(asked) == streams
    for stream_id in streams:
        assert body(pair.server_events, stream_id) == b"x" * size
        data = [e for e in of_kind(pair.server_events, events.DATA) if e[1] == stream_id]
        assert data[-1][3] is True


def test_a_request_that_crosses_a_goaway_which_waits() -> None:
    """It is above the last stream of that GOAWAY: refused, not emitted, and no violation."""
    pair = Pair()
    pair.request({})
    pair.server.goaway()
    late, _, _ = pair.client.submit_request({":method": "POST"}, "test", "http")
    pair.client.write(late, b"the body", True)
    heard = pair.from_client(b"".join(pair.client.data_to_send()))
    assert not [event for event in heard if event[0] == events.REQUEST]
    pair.pump()
    goodbyes = of_kind(pair.client_events, events.GOAWAY)
    assert [event[1:3] for event in goodbyes] == [(1, 0)]
    closed = of_kind(pair.client_events, events.STREAM_CLOSED)
    assert (events.STREAM_CLOSED, late, NGHTTP2_REFUSED_STREAM, None) in closed


@pytest.mark.parametrize("parent_too", [True, False])
def test_reset_of_a_promise_that_was_not_sent(parent_too: bool) -> None:
    """RST_STREAM for a stream that the client does not know would end the connection."""
    pair = Pair()
    stream_id = pair.request({":method": "PUT"}, False)
    promised, _ = pair.server.submit_push_promise(stream_id, {":method": "GET"}, "a", "http")
    pair.server.reset(promised, 8)
    if parent_too:
        pair.server.reset(stream_id, 8)
    pair.forget()
    pair.pump()
    reset = [frame[2] for frame in frames(bytes(pair.server_wire)) if frame[0] == RST_STREAM]
    assert reset == ([stream_id] if parent_too else [promised])
    assert not of_kind(pair.client_events, events.INVALID_FRAME)
    assert not of_kind(pair.server_events, events.GOAWAY)


def test_first_line_that_is_no_request_line(run: Run) -> None:
    """It is refused at once in any pieces, and not after a minute like an incomplete head."""

    async def main() -> None:
        async with serving_http1() as (_, port), await Http1Peer.dial(port) as peer:
            peer.send(b"P}S\xd9 / HTTP/1.1\r\nHost")
            assert (await peer.response()).status == 400

    run(main())


@pytest.mark.parametrize("sent_first", [True, False])
@pytest.mark.parametrize("another", [True, False])
def test_reset_in_the_middle_of_a_promise(sent_first: bool, another: bool) -> None:
    """nghttp2 did not report the promise, and treated its response as a malformed request."""
    pair = Pair()
    streams = [pair.request({":method": "PUT"}, False) for _ in range(2)]
    promised, _ = pair.server.submit_push_promise(streams[0], {":method": "GET"}, "a", "http")
    if another:
        pair.server.submit_push_promise(streams[1], {":method": "GET", "x": "2"}, "a", "http")
    pair.server.submit_response(promised, {}, False)
    pair.server.write(promised, b"body")
    pair.forget()
    wire = b"".join(pair.server.data_to_send())
    # the head of the frame and of its block
    pair.client_events += pair.client.receive(wire[:15])
    pair.client.reset(streams[0], NGHTTP2_CANCEL)
    if sent_first:
        pair.from_client(b"".join(pair.client.data_to_send()))
    pair.client_events += pair.client.receive(wire[15:])
    pair.pump()
    assert not of_kind(pair.client_events, events.INVALID_FRAME)
    closed = {event[1]: event[2] for event in of_kind(pair.server_events, events.STREAM_CLOSED)}
    assert closed[promised] == NGHTTP2_CANCEL
    promises = [event[3] for event in of_kind(pair.client_events, events.PUSH_PROMISE)]
    assert promises == ([promised + 2] if another else [])
    assert pair.client.stream_state(promised) is None


# A promise whose stream is reset in the middle of it, and whose response comes in the same read.
PROMISE_AND_RESPONSE = (
    b"AAAAAA8ACAEAAACaNf8nAQAAAAAAAADnDN25xW+DU1uMq/8BroUEVK4JpBUzOBdduy8vLy8vLy8vLy8vLy8vLy/H"
    b"AAAALy8vLy8vLy8vLy8vLy8vLy8vLy8vLy8vLy8vLy8vLy8vLy8vLy8vLy8vLy8vLy8vLy8vLy/x8fHx8fHx8fHx"
    b"8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fGxLy8vLy8vLy8vLy8vLy8v"
    b"L2gZmegHwX4uTMTy53Y0V3HlzoffcY/1Gv469sYWNWV+nWpzibFqYGVx9raVoMxBP8f7a0yG+oCbjHMGJs1h2Puz"
    b"sWkFjWFaXd/jXFX0htoxoTEm6UMUNhw1uCbdiv5Y"
)


def test_response_to_a_promise_that_was_just_cancelled() -> None:
    """It is on its way when the promise is cancelled: none of its frames breaks a rule."""
    conversation(base64.b64decode(PROMISE_AND_RESPONSE))
