"""The engine's commands: their effects, and the errors for invalid ones."""

from __future__ import annotations

from typing import Any

import pytest

from http2 import Http2Error
from http2.engine import events
from http2.engine.connection import Connection, nghttp2_version_string

from ..support import memory
from ..support.memory import PREFACE, Pair, frame, frames, of_kind, opened, sent

CONNECT = {":method": "CONNECT", ":authority": "a"}


def request(connection: Connection, headers: Any) -> Any:
    return connection.submit_request(headers, "test", "http")


def test_end_of_requests_by_their_method() -> None:
    client = Connection(True)
    for method, ends in (
        ("GET", True), ("HEAD", True), ("DELETE", True),
        ("POST", False), ("PUT", False), ("OPTIONS", False),
    ):  # fmt: skip
        headers = {":method": method}
        _, sent, ended = client.submit_request(headers, "test", "http")
        assert (sent, ended) == (headers, ends)
        assert sent is not headers
        assert client.check_request({":method": method}, "test", "http") == (method, ends)
    assert client.submit_request({}, "test", "http", False)[2] is False


@pytest.mark.parametrize("status", [204, 205, 304])
def test_statuses_without_a_body(status: int) -> None:
    pair = Pair()
    pair.request()
    headers = {":status": status}
    ended, (sent_headers, told, date) = pair.server.submit_response(1, headers)
    assert (ended, sent_headers, told) == (True, headers, status)
    assert date is not None
    # the values are those at the time of the call
    assert sent_headers is not headers
    pair.pump()
    assert pair.client_events[0][3] & memory.END_STREAM
    assert pair.server.write(1, b"x") == -1


def test_a_response_to_head_has_no_body() -> None:
    pair = Pair()
    pair.request({":method": "HEAD"})
    ended, (_, status, _) = pair.server.submit_response(1, None, head_request=True)
    assert (ended, status) == (True, 200)
    pair.pump()
    assert pair.client_events[-1] == (events.STREAM_CLOSED, 1, 0, None)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (lambda c: c.ping(b"1234567"), "ERR_HTTP2_PING_LENGTH"),
        (lambda c: c.ping(b""), "ERR_HTTP2_PING_LENGTH"),
        (lambda c: c.ping(b"123456789"), "ERR_HTTP2_PING_LENGTH"),
        (lambda c: c.priority(1, 1), "ERR_HTTP2_STREAM_SELF_DEPENDENCY"),
        (lambda c: c.submit_request({}, "a", "http", parent=1), "ERR_HTTP2_STREAM_SELF_DEPENDENCY"),
        (lambda c: c.submit_response(1, {}), "ERR_HTTP2_ERROR"),
        (lambda c: c.shutdown_notice(), "ERR_HTTP2_ERROR"),
        (lambda c: c.altsvc(0, b"a", b"b"), "ERR_HTTP2_ERROR"),
        (lambda c: c.origin([b"a"]), "ERR_HTTP2_ERROR"),
        (lambda c: c.submit_push_promise(1, {}, "a", "http"), "ERR_HTTP2_ERROR"),
        (lambda c: c.set_next_stream_id(2), "ERR_HTTP2_ERROR"),
        (lambda c: c.set_next_stream_id(-1), "ERR_HTTP2_ERROR"),
        (lambda c: c.reset(0, 8), "ERR_HTTP2_ERROR"),
        (lambda c: c.submit_settings([(4, 2**31)]), "ERR_HTTP2_ERROR"),
        (lambda c: request(c, CONNECT | {":path": "/"}), "ERR_HTTP2_CONNECT_PATH"),
        (lambda c: request(c, CONNECT | {":scheme": "b"}), "ERR_HTTP2_CONNECT_SCHEME"),
        (lambda c: request(c, {":method": "CONNECT"}), "ERR_HTTP2_CONNECT_AUTHORITY"),
        (lambda c: request(c, {":status": 200}), "ERR_HTTP2_INVALID_PSEUDOHEADER"),
    ],
)  # fmt: skip
def test_commands_that_a_client_is_refused(command: Any, code: str) -> None:
    client = Connection(True)
    with pytest.raises(Http2Error) as caught:
        command(client)
    assert caught.value.code == code
    # and it continues
    assert client.submit_request({}, "test", "http")[0] == 1


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (lambda c: c.submit_response(1, {":status": 99}), "ERR_HTTP2_STATUS_INVALID"),
        (lambda c: c.submit_response(1, {":status": 100}), "ERR_HTTP2_STATUS_INVALID"),
        (lambda c: c.submit_response(1, {":status": 600}), "ERR_HTTP2_STATUS_INVALID"),
        (lambda c: c.submit_response(1, {":status": "abc"}), "ERR_HTTP2_STATUS_INVALID"),
        (lambda c: c.submit_response(1, {":status": ""}), "ERR_HTTP2_STATUS_INVALID"),
        (lambda c: c.submit_response(1, {":path": "/"}), "ERR_HTTP2_INVALID_PSEUDOHEADER"),
        (lambda c: c.submit_informational(1, {":status": 101}), "ERR_HTTP2_STATUS_101"),
        (lambda c: c.submit_informational(1, {":status": 200}), "ERR_HTTP2_INVALID_INFO_STATUS"),
        (lambda c: c.submit_informational(1, {}), "ERR_HTTP2_INVALID_INFO_STATUS"),
        (lambda c: c.submit_trailers(1, {":status": 200}), "ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED"),
        (lambda c: c.submit_trailers(1, {}), "ERR_HTTP2_INVALID_STREAM"),
    ],
)
def test_commands_that_a_server_is_refused(command: Any, code: str) -> None:
    pair = Pair()
    pair.request()
    with pytest.raises(Http2Error) as caught:
        command(pair.server)
    assert caught.value.code == code
    pair.server.submit_response(1, {}, True)
    pair.pump()
    assert pair.client_events[-1] == (events.STREAM_CLOSED, 1, 0, None)


def test_stream_ids_run_out() -> None:
    pair = Pair()
    pair.client.set_next_stream_id(2**31 - 1)
    assert pair.request({}, True) == 2**31 - 1
    with pytest.raises(Http2Error) as caught:
        pair.request()
    assert caught.value.code == "ERR_HTTP2_OUT_OF_STREAMS"


def test_settings_that_do_not_fit() -> None:
    client = Connection(True)
    with pytest.raises(ValueError, match="64"):
        client.submit_settings([(1000, 1)] * 65)
    with pytest.raises(OverflowError):
        client.submit_settings([(1, 2**32)])
    with pytest.raises((TypeError, ValueError)):
        client.submit_settings([1])  # type: ignore[list-item]
    client.submit_settings([(1000, 1)] * 64)
    assert len(sent(client)) == len(PREFACE) + 9 + 64 * 6


def test_a_request_that_waits_is_taken_out_of_the_queue() -> None:
    pair = Pair(server_settings=[(3, 1)])
    first = opened(pair)
    second = pair.request({":method": "POST"})
    assert not of_kind(pair.server_events, events.REQUEST)
    third = pair.request({":method": "POST"})
    pair.client.reset(second, 8)
    pair.pump()
    assert pair.client.write(second, b"x") == 1
    # nghttp2 checks its queue again when the peer's limit allows a request
    pair.client.reset(first, 8)
    pair.pump()
    assert of_kind(pair.client_events, events.STREAM_CLOSED) == [
        (events.STREAM_CLOSED, first, 8, None),
        (events.STREAM_CLOSED, second, 8, 1),
    ]
    assert pair.client.write(second, b"x") == -1
    assert [event[1] for event in of_kind(pair.server_events, events.REQUEST)] == [third]


def test_terminate_ends_reading_and_writing() -> None:
    pair = Pair()
    opened(pair)
    pair.server.terminate(2)
    pair.pump()
    assert pair.server_events[0] == (events.GOAWAY_SENT, 1, 2, b"")
    assert pair.client_events[0] == (events.GOAWAY, 1, 2, b"")
    assert not pair.server.want_read
    assert not pair.server.want_write
    assert pair.from_client(frame(memory.PING, 0, 0, bytes(8))) == []


def test_last_proc_stream_id() -> None:
    pair = Pair()
    assert pair.server.state()["last_proc_stream_id"] == 0
    for _ in range(3):
        pair.request()
    assert pair.server.state()["last_proc_stream_id"] == 5
    assert pair.client.state()["last_proc_stream_id"] == 0


def test_want_read_and_want_write() -> None:
    client = Connection(True)
    client.submit_settings([])
    assert client.want_write
    sent(client)
    assert not client.want_write
    assert client.want_read


def test_receive_runs_no_code_of_the_programs() -> None:
    pair = Pair()

    class Nosy(bytearray):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(name)

    ping = frame(memory.PING, 0, 0, bytes(8))
    assert pair.server.receive(Nosy(ping)) == [(events.PING, 0, bytes(8), None)]


@pytest.mark.row("module.nghttp2_version")
def test_the_version_of_nghttp2() -> None:
    parts = nghttp2_version_string().split(".")
    assert (int(parts[0]), int(parts[1])) >= (1, 52)


def test_reset_of_a_promise_that_is_never_sent() -> None:
    """For the client its stream is idle: RST_STREAM on it would end the connection."""
    pair = Pair()
    stream_id = opened(pair)
    promised, _ = pair.server.submit_push_promise(stream_id, {}, "test", "http")
    pair.from_client(frame(memory.RST_STREAM, 0, stream_id, (8).to_bytes(4, "big")))
    pair.server.reset(promised, 8)
    pair.pump()
    assert [got for got in frames(bytes(pair.server_wire)) if got[2] == promised] == []
    assert of_kind(pair.client_events, events.GOAWAY_SENT) == []


def test_reset_of_a_promise_follows_it() -> None:
    pair = Pair()
    stream_id = opened(pair)
    promised, _ = pair.server.submit_push_promise(stream_id, {}, "test", "http")
    pair.server.reset(promised, 7)
    pair.pump()
    assert [got[0] for got in frames(bytes(pair.server_wire)) if got[0] != memory.DATA] == [
        memory.PUSH_PROMISE,
        memory.RST_STREAM,
    ]
    assert (events.STREAM_CLOSED, promised, 7, None) in pair.client_events
    assert (events.STREAM_CLOSED, promised, 7, None) in pair.server_events
