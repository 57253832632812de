"""Careless or hostile programs cause exceptions in the engine, never a crash.

Code that could crash the interpreter runs in a separate process, with the checking mode of the C
library's allocator.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from http2 import Http2Error
from http2.engine import events
from http2.engine.connection import Connection

from ..support.memory import Pair, of_kind, sent

PRELUDE = """
import itertools
from http2 import Http2Error
from http2.engine import events
from http2.engine.connection import Connection
from tests.support.memory import Pair, sent

def refused(code, call, *args, **named):
    try:
        call(*args, **named)
    except Http2Error as error:
        assert error.code == code, error
    else:
        raise AssertionError(f"not refused: {code}")

pair = Pair()
client, server = pair.client, pair.server
"""


def survives(program: str) -> None:
    """Run *program* after the prelude; it must end normally."""
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-c", PRELUDE + textwrap.dedent(program)],
        env=os.environ | {"PYTHONMALLOC": "malloc", "MALLOC_PERTURB_": "165"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr[-3000:]


def test_spellings_of_a_pseudo_header() -> None:
    survives(
        """
        names = [":" + "".join(letters)
                 for letters in itertools.product(*((c, c.upper()) for c in "scheme"))]
        refused("ERR_HTTP2_HEADER_SINGLE_VALUE",
                client.submit_request, {name: "http" for name in names}, "test", "http")
        refused("ERR_HTTP2_HEADER_SINGLE_VALUE",
                client.submit_request, [(name, "http") for name in names], "test", "http")
        """
    )


@pytest.mark.parametrize("count", [2, 9, 1000])
def test_lists_of_a_pseudo_header(count: int) -> None:
    survives(
        f"""
        lenient = Connection(True, strict_single_value_fields=False)
        refused("ERR_HTTP2_HEADER_SINGLE_VALUE",
                lenient.submit_request, {{":path": ["/"] * {count}}}, "test", "http")
        refused("ERR_HTTP2_HEADER_SINGLE_VALUE",
                lenient.submit_request, [(":path", "/")] * {count}, "test", "http")
        """
    )


def test_repeated_names_when_the_table_of_names_is_full() -> None:
    survives(
        """
        for i in range(5000):
            client.check_request({f"x-filler-{i}": "1"}, "test", "http")
        for name in (":path", ":PATH", ":protocol", "age", "Age", "content-type"):
            refused("ERR_HTTP2_HEADER_SINGLE_VALUE",
                    client.submit_request, [(name, "/1")] * 50, "test", "http")
        pair.request({"x-after": "2", "X-Mixed": "3"}, True)
        assert pair.server_events[-1][2]["x-mixed"] == "3"
        """
    )


def test_a_list_that_makes_its_items_anew() -> None:
    survives(
        """
        class Many(list):
            def __iter__(self):
                return (f"made {i} " + "x" * i + "." for i in range(50))
            def __len__(self):
                return 50
        class One(list):
            def __getitem__(self, index):
                return "made " + "y" * 100
        pair.request({"x-many": Many(["held"]), "x-one": One(["kept"]), "x-a": "b"}, True)
        raw = pair.server_events[-1][2].raw
        assert raw[4:] == [("x-many", "held"), ("x-one", "kept"), ("x-a", "b")], raw
        """
    )


def test_a_name_that_changes_the_headers() -> None:
    survives(
        """
        class Name(str):
            hashing = False
            def __hash__(self):
                if self.hashing:
                    headers.clear()
                return hash(str(self))
            __eq__ = str.__eq__
        headers = {f"x-{i}-{id(client)}": "value-" + "z" * i for i in range(30)}
        expected = len(headers) + 1
        headers[Name("x-changes")] = "1"
        Name.hashing = True
        pair.request(headers, True)
        Name.hashing = False
        raw = pair.server_events[-1][2].raw
        assert len(raw) == 4 + expected, raw
        assert all(value.startswith("value") for _, value in raw[4:-1])
        """
    )


def test_headers_that_use_their_own_connection() -> None:
    survives(
        """
        from collections.abc import Mapping
        class Nested(Mapping):
            def __getitem__(self, name):
                if name not in ("x-first", "x-second"):
                    raise KeyError(name)
                client.submit_request({"x-inner": "i" * 100}, "test", "http", True)
                return "outer " + "o" * 100
            def __iter__(self):
                yield "x-first"
                client.submit_request({"x-iter": "j" * 100}, "test", "http", True)
                yield "x-second"
            def __len__(self):
                return 2
        pair.request(Nested(), True)
        def pairs():
            for i in range(3):
                client.submit_request([("x-inner", "k" * 100)], "test", "http", True)
                yield f"x-{i}", "pair-" + "p" * i
        pair.request(pairs(), True)
        outer = [event[2].raw for event in pair.server_events if len(event[2]) > 5]
        assert [[value[:4] for _, value in raw[4:]] for raw in outer] == [
            ["oute", "oute"], ["pair", "pair", "pair"]], outer
        """
    )


def test_a_second_response_does_not_take_the_firsts_body() -> None:
    survives(
        """
        pair.request()
        server.submit_response(1, {}, wait_for_trailers=True)
        refused("ERR_HTTP2_HEADERS_SENT", server.submit_response, 1, {})
        server.write(1, b"x" * 10000, True)
        pair.pump()
        refused("ERR_HTTP2_HEADERS_SENT", server.submit_response, 1, {})
        server.submit_trailers(1, {"x-t": "1"})
        pair.pump()
        assert pair.client_events[-1] == (events.STREAM_CLOSED, 1, 0, None)
        """
    )


@pytest.mark.parametrize("identifier", [-1, 0, 7, 10, 0x1234, 2**31 - 1])
def test_settings_that_nobody_knows(identifier: int) -> None:
    survives(
        f"""
        refused("ERR_INVALID_ARG_VALUE", client.local_setting, {identifier})
        refused("ERR_INVALID_ARG_VALUE", server.remote_setting, {identifier})
        """
    )


def test_a_sequence_of_settings_that_lies_about_its_length() -> None:
    survives(
        """
        class Lying(list):
            def __len__(self):
                return 1
        try:
            client.submit_settings(Lying([(1000, i) for i in range(5000)]))
        except ValueError:
            pass
        else:
            raise AssertionError("not refused")
        """
    )


def test_ids_out_of_place() -> None:
    survives(
        """
        for connection in (client, server):
            for stream_id in (-1, 0, 1, 2, 99, 2**31 - 1, -2**31):
                for call in (
                    lambda: connection.submit_response(stream_id, {}),
                    lambda: connection.submit_informational(stream_id, {":status": 103}),
                    lambda: connection.submit_trailers(stream_id, {}),
                    lambda: connection.submit_trailers(stream_id, {"x": "y"}),
                    lambda: connection.submit_push_promise(stream_id, {}, "test", "http"),
                    lambda: connection.write(stream_id, b"x" * 5000, True),
                    lambda: connection.pending(stream_id),
                    lambda: connection.consume(stream_id, 1),
                    lambda: connection.consume(stream_id, -1),
                    lambda: connection.set_local_window_size(-1, stream_id),
                    lambda: connection.set_local_window_size(100, stream_id),
                    lambda: connection.reset(stream_id, 8),
                    lambda: connection.altsvc(stream_id, b"", b""),
                    lambda: connection.priority(stream_id, 0, 1000, True),
                    lambda: connection.priority(stream_id, 5, -7, True, True),
                    lambda: connection.priority_update(stream_id, b"u=9"),
                    lambda: connection.stream_state(stream_id),
                    lambda: connection.goaway(0, stream_id),
                    lambda: connection.set_next_stream_id(stream_id),
                    lambda: connection.submit_request({}, "test", "http", parent=stream_id),
                ):
                    try:
                        call()
                    except Http2Error:
                        pass
                    sent(connection)
                    connection.take_events()
        """
    )


def test_garbage_into_a_connection_that_has_failed() -> None:
    survives(
        """
        for connection in (client, server):
            for byte in range(256):
                connection.receive(bytes([byte]) * 500)
                sent(connection)
        fresh = Connection(False)
        for _ in range(50):
            fresh.receive(b"not HTTP/2 at all")
            sent(fresh)
        """
    )


def test_close_and_what_comes_after() -> None:
    survives(
        """
        import gc
        pair.request({":method": "POST"}, wait_for_trailers=True)
        client.write(1, b"x" * 100000)
        server.submit_response(1, {})
        server.write(1, memoryview(bytes(100000)))
        client.data_to_send(20000)
        for connection in (client, server):
            connection.close()
            connection.close()
            for name in dir(connection):
                if name.startswith("__"):
                    continue
                method = getattr(type(connection), name)
                for args in ((), (1,), (1, 1), (1, {}), (1, b"x"), (b"12345678",), ([],),
                             ({}, "a", "b"), (1, {}, "a", "b"), (1, b"a", b"b")):
                    try:
                        method(connection, *args) if callable(method) else getattr(connection, name)
                    except (Http2Error, TypeError, ValueError):
                        pass
        gc.collect()
        """
    )


def test_a_mixed_case_duplicate_of_a_single_value_field() -> None:
    pair = Pair()
    for headers in (
        {"content-type": "a/b", "Content-Type": "c/d"},
        [("Content-Type", "a/b"), ("content-type", "c/d")],
        {b"Content-Type": "a/b", "content-type": "c/d"},
        {":path": "/a", ":Path": "/b"},
    ):
        with pytest.raises(Http2Error) as caught:
            pair.request(headers)
        assert caught.value.code == "ERR_HTTP2_HEADER_SINGLE_VALUE"


def test_a_name_that_is_ascii_only_in_lower_case() -> None:
    with pytest.raises(Http2Error) as caught:
        Pair().request({"x-\N{KELVIN SIGN}ey": "1"})
    assert caught.value.code == "ERR_INVALID_HTTP_TOKEN"


@pytest.mark.parametrize("names", [[1], [None], "abc", b"abc", 5, [["x"]]])
def test_sensitive_names_that_are_none(names: object) -> None:
    from http2 import sensitive_headers

    for headers in ({sensitive_headers: names}, [(sensitive_headers, names)]):
        with pytest.raises(Http2Error) as caught:
            Pair().request(headers)
        assert caught.value.code == "ERR_INVALID_ARG_VALUE"


def test_sensitive_names_may_be_bytes() -> None:
    from http2 import sensitive_headers

    pair = Pair()
    pair.request({"x-a": "1", sensitive_headers: [b"X-A"]}, True)
    assert pair.server_events[0][2].sensitive == ["x-a"]


def test_a_response_to_a_stream_that_is_gone_leaves_nothing() -> None:
    pair = Pair()
    pair.server.submit_response(99, {})
    pair.server.write(99, b"never to be sent")
    pair.pump()
    assert not of_kind(pair.server_events, events.FRAME_NOT_SENT)
    assert pair.server.memory() == 0
    assert pair.server.write(99, b"x") == -1
    assert pair.server.pending(99) == 0


@pytest.mark.parametrize("limit", [0, -1, -(2**62)])
def test_a_limit_that_allows_nothing(limit: int) -> None:
    connection = Connection(True)
    connection.submit_settings([])
    assert connection.data_to_send(limit) == []
    assert connection.take_events() == []
    assert sent(connection)


COMMANDS_AFTER_CLOSE = [
    lambda c: c.receive(b""),
    lambda c: c.data_to_send(),
    lambda c: c.check_request({}, "a", "b"),
    lambda c: c.submit_request({}, "a", "b"),
    lambda c: c.body_sent(1),
    lambda c: c.submit_again(1, {}, "a", "b"),
    lambda c: c.submit_response(1, {}),
    lambda c: c.submit_informational(1, {":status": 103}),
    lambda c: c.submit_trailers(1, {}),
    lambda c: c.expect_trailers(1),
    lambda c: c.submit_push_promise(1, {}, "a", "b"),
    lambda c: c.write(1, b"x"),
    lambda c: c.pending(1),
    lambda c: c.consume(1, 1),
    lambda c: c.set_local_window_size(1),
    lambda c: c.submit_settings([]),
    lambda c: c.local_setting(1),
    lambda c: c.remote_setting(1),
    lambda c: c.reset(1, 0),
    lambda c: c.ping(b"12345678"),
    lambda c: c.goaway(),
    lambda c: c.shutdown_notice(),
    lambda c: c.terminate(0),
    lambda c: c.altsvc(0, b"a", b"b"),
    lambda c: c.origin([]),
    lambda c: c.priority(1),
    lambda c: c.priority_update(1, b""),
    lambda c: c.set_urgency(1, 0, False),
    lambda c: c.set_next_stream_id(3),
    lambda c: c.state(),
    lambda c: c.stream_state(1),
    lambda c: c.check_response({}),
    lambda c: c.check_trailers({}),
    lambda c: c.connection_window(),
    lambda c: c.stream_window(1),
    lambda c: c.memory(),
    lambda c: c.unsent_bodies(),
    lambda c: c.send(-1),
]  # fmt: skip


def test_the_list_of_commands_is_complete() -> None:
    names = {name for name in dir(Connection) if not name.startswith("_")}
    harmless = {"client", "closed", "close", "want_read", "want_write", "take_events"}
    # numbers and flags of the connection itself, which do not need nghttp2
    harmless |= {
        *("bytes_consumed", "bytes_received", "bytes_sent", "frames_received", "frames_sent"),
        *("last_received", "last_sent_request", "max_open_streams", "stream_count"),
        *("batch_was_full", "joining_ends", "measuring", "receiving_block", "reporting_windows"),
        "stamping",
        *("admit", "crowded", "hold", "hold_blocks", "new_turn"),
    }
    assert len(names - harmless) == len(COMMANDS_AFTER_CLOSE)


@pytest.mark.parametrize("client", [True, False])
def test_commands_after_close(client: bool) -> None:
    connection = Connection(client)
    assert not connection.closed
    connection.close()
    connection.close()
    assert connection.closed
    assert connection.client is client
    assert not connection.want_read
    assert not connection.want_write
    assert connection.take_events() == []
    for command in COMMANDS_AFTER_CLOSE:
        with pytest.raises(Http2Error) as caught:
            command(connection)
        assert caught.value.code == "ERR_HTTP2_INVALID_SESSION"
