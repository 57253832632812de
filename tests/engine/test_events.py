"""Every kind of event of `http2.engine.events`, in exactly the form of the table there."""

from __future__ import annotations

from http2.engine import events
from http2.engine.events import KNOWN_SETTINGS
from http2.headers import Headers

from ..support import memory
from ..support.memory import Pair, frame, literal, of_kind
from ..support.nghttp2_versions import KNOWS_RFC_7540

ENHANCE_YOUR_CALM = 11
REQUEST_FIELDS = {":method": "GET", ":scheme": "http", ":authority": "test", ":path": "/"}


def test_request_response_and_data() -> None:
    pair = Pair()
    stream_id = pair.request({"accept": "a/b"})
    assert stream_id == 1
    assert pair.server_events == [(events.REQUEST, 1, REQUEST_FIELDS | {"accept": "a/b"}, 5)]
    assert type(pair.server_events[0][2]) is Headers
    pair.server.submit_response(1, {"x-a": "b", "date": "today"})
    pair.pump()
    fields = {":status": 200, "x-a": "b", "date": "today"}
    assert pair.client_events == [(events.RESPONSE, 1, fields, 4)]
    assert type(pair.client_events[0][2]) is Headers
    pair.forget()
    pair.server.write(1, b"first")
    pair.pump()
    assert pair.client_events == [(events.DATA, 1, b"first", False)]
    pair.forget()
    pair.server.write(1, b"last", True)
    pair.pump()
    assert pair.client_events == [
        (events.DATA, 1, b"last", True),
        (events.STREAM_CLOSED, 1, 0, None),
    ]
    assert type(pair.client_events[0][2]) is bytes


def test_end_sent_is_merged_into_the_close_that_it_causes() -> None:
    pair = Pair()
    stream_id = pair.request({":method": "POST"})
    pair.client.write(stream_id, b"x", True)
    pair.pump()
    # the server's side is still open: the sent end has its own event
    assert pair.client_events == [(events.END_SENT, stream_id, None, None)]
    pair.server.submit_response(stream_id, {})
    pair.server.write(stream_id, b"y", True)
    pair.pump()
    # the server's last frame closed the stream
    assert pair.server_events[-1] == (events.STREAM_CLOSED, stream_id, 0, None)
    assert not of_kind(pair.server_events, events.END_SENT)


def test_an_end_without_data_is_an_empty_data_event() -> None:
    pair = Pair()
    stream_id = pair.request({":method": "POST"})
    pair.forget()
    pair.client.write(stream_id, None, True)
    pair.pump()
    assert pair.server_events == [(events.DATA, stream_id, b"", True)]


def test_an_end_in_a_frame_of_its_own_joins_the_data_before_it() -> None:
    pair = Pair()
    stream_id = pair.request({":method": "POST"})
    pair.forget()
    heard = pair.from_client(
        frame(memory.DATA, 0, stream_id, b"abc")
        + frame(memory.DATA, memory.END_STREAM, stream_id, b"")
    )
    assert heard == [(events.DATA, stream_id, b"abc", True)]


def answered(body: bytes, **options: int) -> list[tuple[int, int, object, object]]:
    """Return the events of a client that joins ends, for a response with *body*."""
    pair = Pair(client_settings=[(4, 2**20)])
    pair.client.joining_ends = True
    pair.request()
    pair.server.submit_response(1, {"x-long": "v" * options.get("field", 1)})
    pair.server.write(1, body, True)
    pair.pump()
    return pair.client_events[1:]


def test_data_that_ends_its_stream_is_one_event() -> None:
    assert answered(b"body") == [(events.LAST_DATA, 1, b"body", None)]
    # of several frames, the last one
    assert answered(b"x" * 16384 + b"y") == [
        (events.DATA, 1, b"x" * 16384, False),
        (events.LAST_DATA, 1, b"y", None),
    ]


def test_ends_that_mean_more_are_two_events() -> None:
    assert answered(b"") == [(events.DATA, 1, b"", True), (events.STREAM_CLOSED, 1, 0, None)]
    # the memory of a large block is known until the stream is closed
    assert answered(b"body", field=8000) == [
        (events.DATA, 1, b"body", True),
        (events.STREAM_CLOSED, 1, 0, None),
    ]
    # the request is incomplete: the stream is not closed
    pair = Pair()
    pair.client.joining_ends = True
    stream_id, _, _ = pair.client.submit_request({":method": "POST"}, "test", "http")
    pair.pump()
    pair.forget()
    pair.server.submit_response(stream_id, {})
    pair.server.write(stream_id, b"body", True)
    pair.pump()
    assert pair.client_events[1:] == [(events.DATA, stream_id, b"body", True)]


def test_informational_and_trailers_are_headers() -> None:
    pair = Pair()
    pair.request()
    pair.server.submit_informational(1, {":status": 103, "link": "</a>"})
    pair.server.submit_response(1, {"date": "today"}, wait_for_trailers=True)
    pair.server.write(1, b"body", True)
    pair.pump()
    assert pair.client_events == [
        (events.HEADERS, 1, {":status": 103, "link": "</a>"}, 4),
        (events.HEADERS, 1, {":status": 200, "date": "today"}, 4),
        (events.DATA, 1, b"body", False),
    ]
    assert pair.server_events[-1] == (events.WANT_TRAILERS, 1, None, None)
    pair.forget()
    pair.server.submit_trailers(1, {"x-sum": "7"})
    pair.pump()
    assert pair.client_events == [
        (events.HEADERS, 1, {"x-sum": "7"}, 5),
        (events.STREAM_CLOSED, 1, 0, None),
    ]
    assert pair.server_events == [(events.STREAM_CLOSED, 1, 0, None)]


def test_responses_that_mean_more_than_their_headers_are_no_common_responses() -> None:
    for status, end, kind in (
        (200, False, events.RESPONSE),
        (200, True, events.HEADERS),
        (421, False, events.HEADERS),
        (404, False, events.RESPONSE),
    ):
        pair = Pair()
        pair.request()
        pair.server.submit_response(1, {":status": status}, end)
        pair.pump()
        event = pair.client_events[0]
        assert (event[0], event[2][":status"], event[3] & 1) == (kind, status, end)


def test_trailers_of_a_request_are_sent_with_an_end() -> None:
    pair = Pair()
    stream_id = pair.request({":method": "PUT"}, wait_for_trailers=True)
    pair.client.write(stream_id, b"abc", True)
    pair.pump()
    assert pair.client_events == [(events.WANT_TRAILERS, stream_id, None, None)]
    pair.forget()
    pair.client.submit_trailers(stream_id, {"x-t": "1"})
    pair.pump()
    assert pair.client_events == [(events.END_SENT, stream_id, None, None)]
    assert pair.server_events == [(events.HEADERS, stream_id, {"x-t": "1"}, 5)]


def test_trailers_without_fields_are_an_empty_end() -> None:
    pair = Pair()
    pair.request()
    pair.server.submit_response(1, {}, wait_for_trailers=True)
    pair.server.write(1, b"abc", True)
    pair.pump()
    pair.forget()
    pair.server.submit_trailers(1, {})
    pair.pump()
    assert pair.client_events == [(events.DATA, 1, b"", True), (events.STREAM_CLOSED, 1, 0, None)]
    assert memory.frames(bytes(pair.server_wire)) == [(memory.DATA, memory.END_STREAM, 1, b"")]


def test_push() -> None:
    pair = Pair()
    pair.request()
    promised, method = pair.server.submit_push_promise(1, {":path": "/p"}, "test", "http")
    assert (promised, method) == (2, "GET")
    pair.server.submit_response(2, {"date": "today"})
    pair.server.write(2, b"pushed", True)
    pair.pump()
    assert pair.client_events == [
        (events.PUSH_PROMISE, 1, REQUEST_FIELDS | {":path": "/p"}, 2),
        (events.PUSH_RESPONSE, 2, {":status": 200, "date": "today"}, 4),
        (events.DATA, 2, b"pushed", True),
        (events.STREAM_CLOSED, 2, 0, None),
    ]
    assert all(type(event[2]) is Headers for event in pair.client_events[:2])
    assert pair.server_events[-1] == (events.STREAM_CLOSED, 2, 0, None)


def test_a_refused_push_fails_its_frames() -> None:
    pair = Pair(client_settings=[(2, 0)])
    pair.request()
    pair.forget()
    promised, _ = pair.server.submit_push_promise(1, {":path": "/p"}, "test", "http")
    pair.server.submit_response(promised, {})
    pair.pump()
    kinds = [(event[0], event[2]) for event in pair.server_events]
    assert (events.FRAME_NOT_SENT, memory.PUSH_PROMISE) in kinds
    assert (events.FRAME_NOT_SENT, memory.HEADERS) in kinds
    assert pair.client_events == []
    assert pair.server.write(promised, b"x") == -1


def test_reset_closes_both_sides_with_the_code() -> None:
    pair = Pair()
    stream_id = pair.request({":method": "POST"})
    pair.forget()
    pair.client.reset(stream_id, 0xDEADBEEF)
    pair.pump()
    closed = (events.STREAM_CLOSED, stream_id, 0xDEADBEEF, None)
    assert pair.client_events == [closed]
    assert pair.server_events == [closed]
    assert pair.client.stream_state(stream_id) is None


def test_writable_comes_once_after_a_long_queue() -> None:
    pair = Pair(server_settings=[(4, 2**31 - 1)])
    pair.server.set_local_window_size(2**31 - 1)
    stream_id = pair.request({":method": "POST"})
    pair.forget()
    assert pair.client.write(stream_id, bytes(events.HIGH_WATER - 1)) == events.HIGH_WATER - 1
    pair.pump()
    assert pair.client_events == []
    assert pair.client.write(stream_id, bytes(2 * events.HIGH_WATER)) == 2 * events.HIGH_WATER
    pair.pump()
    assert pair.client_events == [(events.WRITABLE, stream_id, None, None)]
    assert pair.client.pending(stream_id) == 0
    pair.pump()
    assert len(pair.client_events) == 1


def test_settings_and_their_acknowledgement() -> None:
    pair = Pair(shake_hands=False, client_settings=[(3, 7), (0x1234, 42)])
    pair.pump()
    # all values from then on; settings that were not sent have nghttp2's defaults
    client = {identifier: pair.server.remote_setting(identifier) for identifier in KNOWN_SETTINGS}
    server = {identifier: pair.client.remote_setting(identifier) for identifier in KNOWN_SETTINGS}
    assert client[3] == 7
    [settings, acknowledged] = pair.server_events
    assert settings == (events.SETTINGS, 0, [(3, 7), (0x1234, 42)], [*client.items()])
    assert acknowledged[0] == events.SETTINGS_ACK
    [settings, acknowledged] = pair.client_events
    assert settings == (events.SETTINGS, 0, [], [*server.items()])
    ours = [(identifier, pair.client.local_setting(identifier)) for identifier in KNOWN_SETTINGS]
    assert acknowledged == (events.SETTINGS_ACK, 0, ours, None)


def test_ping_and_its_answer() -> None:
    pair = Pair()
    pair.client.ping(b"12345678")
    pair.pump()
    assert pair.server_events == [(events.PING, 0, b"12345678", None)]
    assert pair.client_events == [(events.PING_ACK, 0, b"12345678", None)]


def test_goaway_received_and_sent() -> None:
    pair = Pair()
    pair.request({":method": "POST"})
    pair.forget()
    pair.server.goaway(3, 0, b"why \x00")
    pair.pump()
    assert pair.server_events == [(events.GOAWAY_SENT, 1, 3, b"why \x00")]
    assert pair.client_events == [(events.GOAWAY, 1, 3, b"why \x00")]


def test_altsvc_and_origin() -> None:
    pair = Pair()
    pair.request()
    pair.server.altsvc(0, b"https://example.org", b'h2=":8000"')
    pair.server.altsvc(1, b"", b"clear")
    pair.server.origin([b"https://a.test", b"https://b.test"])
    pair.server.origin([])
    pair.pump()
    assert pair.client_events == [
        (events.ALTSVC, 0, "https://example.org", 'h2=":8000"'),
        (events.ALTSVC, 1, "", "clear"),
        (events.ORIGIN, 0, ["https://a.test", "https://b.test"], None),
        (events.ORIGIN, 0, [], None),
    ]


def test_priority() -> None:
    pair = Pair()
    stream_id = pair.request({":method": "POST"})
    pair.forget()
    pair.client.priority(stream_id, 0, 100, True)
    pair.pump()
    state = pair.server.stream_state(stream_id)
    assert state is not None
    if not KNOWS_RFC_7540:
        assert pair.server_events == []
        assert state["weight"] == 16
        return
    assert pair.server_events == [(events.PRIORITY, stream_id, (0, 100, True), None)]
    assert pair.server_events[0][2][2] is True
    assert state["weight"] == 100


def test_a_silent_priority_stays_here() -> None:
    pair = Pair()
    stream_id = pair.request({":method": "POST"})
    pair.forget()
    pair.client.priority(stream_id, 0, 200, False, True)
    pair.pump()
    assert pair.server_events == []
    state = pair.client.stream_state(stream_id)
    assert state is not None
    assert state["weight"] == (200 if KNOWS_RFC_7540 else 16)


def test_priority_update_where_rfc_7540_priorities_are_off() -> None:
    no_rfc7540 = [(9, 1)]
    pair = Pair(client_settings=no_rfc7540, server_settings=no_rfc7540)
    stream_id = pair.request({":method": "POST"})
    pair.forget()
    pair.client.priority_update(stream_id, b"u=1, i")
    pair.pump()
    assert pair.server_events == [(events.PRIORITY_UPDATE, stream_id, b"u=1, i", None)]


def test_a_frame_that_cannot_be_sent() -> None:
    pair = Pair(client={"max_send_header_block_length": 1000})
    stream_id = pair.request({":method": "POST", "x": "y" * 2000})
    assert pair.client_events == [
        (events.FRAME_NOT_SENT, stream_id, memory.HEADERS, -522),
        (events.STREAM_CLOSED, stream_id, 7, None),
    ]
    assert pair.server_events == []
    assert pair.client.write(stream_id, b"x") == -1


def test_a_request_after_the_peers_goaway_is_refused() -> None:
    pair = Pair()
    pair.server.shutdown_notice()
    pair.pump()
    assert pair.client_events == [(events.GOAWAY, 2**31 - 1, 0, b"")]
    pair.forget()
    stream_id = pair.request({":method": "POST"})
    assert pair.client_events == [
        (events.FRAME_NOT_SENT, stream_id, memory.HEADERS, -516),
        (events.STREAM_CLOSED, stream_id, 7, None),
    ]
    assert pair.client.write(stream_id, b"x") == -1


def test_an_invalid_frame_resets_its_stream() -> None:
    pair = Pair()
    heard = pair.from_client(
        frame(memory.HEADERS, 5, 1, literal((b":method", b"GET"), (b"Upper", b"x")))
    )
    assert heard == [(events.INVALID_FRAME, 1, memory.HEADERS, -531)]
    reset = memory.frames(memory.sent(pair.server))
    assert reset == [(memory.RST_STREAM, 0, 1, b"\x00\x00\x00\x01")]
    assert pair.server.take_events() == [(events.STREAM_CLOSED, 1, 1, None)]


def test_a_header_list_that_is_too_long_is_rejected() -> None:
    pair = Pair(server={"max_header_list_pairs": 4})
    stream_id = pair.request({"x-fifth": "1"})
    closed = (events.STREAM_CLOSED, stream_id, ENHANCE_YOUR_CALM, None)
    assert pair.server_events == [closed]
    assert pair.client_events == [closed]


def test_failed_ends_a_connection() -> None:
    pair = Pair(shake_hands=False)
    heard = pair.from_client(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n")
    assert len(heard) == 1
    kind, stream_id, code, message = heard[0]
    assert (kind, stream_id, code) == (events.FAILED, 0, -903)
    assert isinstance(message, str)
    assert "magic" in message
    # and later bytes change nothing
    assert [event[0] for event in pair.from_client(b"more")] == [events.FAILED]


def test_a_protocol_error_is_a_goaway_of_ours() -> None:
    pair = Pair()
    assert pair.from_client(frame(memory.DATA, 0, 1, b"x")) == []
    pair.pump()
    assert pair.server_events == [(events.GOAWAY_SENT, 0, 1, b"DATA: stream in idle")]
    assert pair.client_events[0] == (events.GOAWAY, 0, 1, b"DATA: stream in idle")
    assert not pair.server.want_read
    assert not pair.server.want_write


def test_every_kind_of_event_has_a_name_of_its_own() -> None:
    assert sorted(memory.KIND_NAMES) == list(range(len(memory.KIND_NAMES)))
    assert len(set(memory.KIND_NAMES.values())) == len(memory.KIND_NAMES) == 26
