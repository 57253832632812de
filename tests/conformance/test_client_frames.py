"""RFC 9113 section 6, for clients: frames of a server that are invalid in themselves."""

from __future__ import annotations

import struct

from ..support import raw
from ..support.running import Run
from ..support.self_signed import Certificate
from .client_cases import ClientCase, check_client
from .codes import FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, PROTOCOL_ERROR
from .reactions import (
    connection_error,
    error_of_a_window,
    fine,
    stream_error,
    stream_error_or_worse,
)

MOST = 2**31 - 1
HEAD = raw.headers(1, [(":status", "200")])
END = raw.headers(1, [(":status", "200")], end_stream=True)
REQUEST = [
    (":method", "GET"),
    (":scheme", "http"),
    (":path", "/p"),
    (":authority", "localhost:00000"),
]


def promise(promised: int, fields: list[tuple[str, str]] | None = None, parent: int = 1) -> bytes:
    """PUSH_PROMISE."""
    payload = struct.pack(">I", promised) + raw.block(REQUEST if fields is None else fields)
    return raw.frame(raw.PUSH_PROMISE, raw.END_HEADERS, parent, payload)


def changed(name: str, value: str) -> list[tuple[str, str]]:
    """Return a promised request with another *value*."""
    return [(key, value if key == name else old) for key, old in REQUEST]


BASICS = {
    "6.1 DATA on stream 0": ClientCase(raw.data(0, b"x"), connection_error(PROTOCOL_ERROR)),
    "6.1 padding as long as the frame": ClientCase(
        raw.frame(raw.DATA, raw.PADDED, 1, b"\x04abc"),
        connection_error(PROTOCOL_ERROR), before=HEAD,
    ),
    "6.1 padding": ClientCase(
        raw.frame(raw.DATA, raw.PADDED | raw.END_STREAM, 1, b"\x02abc\0\0"),
        fine(1), before=HEAD, body=b"abc",
    ),
    "6.2 HEADERS on stream 0": ClientCase(
        raw.headers(0, [(":status", "200")]), connection_error(PROTOCOL_ERROR)
    ),
    "6.2 padding longer than the frame": ClientCase(
        raw.frame(raw.HEADERS, raw.PADDED | raw.END_HEADERS, 1, b"\xff\x88"),
        connection_error(PROTOCOL_ERROR),
    ),
    "6.3 PRIORITY on stream 0": ClientCase(
        raw.frame(raw.PRIORITY, 0, 0, bytes(5)), connection_error(PROTOCOL_ERROR)
    ),
    "6.3 PRIORITY of 4 octets": ClientCase(
        raw.frame(raw.PRIORITY, 0, 1, bytes(4)), stream_error_or_worse(1, FRAME_SIZE_ERROR)
    ),
    "6.4 RST_STREAM on stream 0": ClientCase(raw.rst_stream(0), connection_error(PROTOCOL_ERROR)),
    "6.4 RST_STREAM of 3 octets": ClientCase(
        raw.frame(raw.RST_STREAM, 0, 1, bytes(3)), connection_error(FRAME_SIZE_ERROR)
    ),
    "6.5 SETTINGS on a stream": ClientCase(
        raw.frame(raw.SETTINGS, 0, 1), connection_error(PROTOCOL_ERROR)
    ),
    "6.5 SETTINGS of 5 octets": ClientCase(
        raw.frame(raw.SETTINGS, 0, 0, bytes(5)), connection_error(FRAME_SIZE_ERROR)
    ),
    "6.5 acknowledgement with a payload": ClientCase(
        raw.frame(raw.SETTINGS, raw.ACK, 0, bytes(6)), connection_error(FRAME_SIZE_ERROR)
    ),
    "6.5.2 ENABLE_PUSH of 1 from a server": ClientCase(
        raw.settings({2: 1}), connection_error(PROTOCOL_ERROR)
    ),
    "6.5.2 ENABLE_PUSH of 0 from a server": ClientCase(raw.settings({2: 0}) + END, fine(1)),
    "6.5.2 INITIAL_WINDOW_SIZE of 2**31": ClientCase(
        raw.settings({4: 2**31}), connection_error(FLOW_CONTROL_ERROR)
    ),
    "6.5.2 MAX_FRAME_SIZE of 16383": ClientCase(
        raw.settings({5: 16383}), connection_error(PROTOCOL_ERROR)
    ),
    "6.5.2 MAX_FRAME_SIZE of 2**24": ClientCase(
        raw.settings({5: 2**24}), connection_error(PROTOCOL_ERROR)
    ),
    "6.5.2 ENABLE_CONNECT_PROTOCOL taken back (RFC 8441)": ClientCase(
        raw.settings({8: 0}), connection_error(PROTOCOL_ERROR), before=raw.settings({8: 1})
    ),
    "6.5.2 unknown": ClientCase(raw.settings({0xABC: 1}) + END, fine(1)),
    "6.7 PING on a stream": ClientCase(
        raw.frame(raw.PING, 0, 1, bytes(8)), connection_error(PROTOCOL_ERROR)
    ),
    "6.7 PING of 7 octets": ClientCase(
        raw.frame(raw.PING, 0, 0, bytes(7)), connection_error(FRAME_SIZE_ERROR)
    ),
    "6.7 acknowledgement of nothing": ClientCase(raw.ping(bytes(8), ack=True) + END, fine(1)),
    "6.8 GOAWAY on a stream": ClientCase(
        raw.frame(raw.GOAWAY, 0, 1, bytes(8)), connection_error(PROTOCOL_ERROR)
    ),
    "6.8 GOAWAY of 7 octets": ClientCase(
        raw.frame(raw.GOAWAY, 0, 0, bytes(7)), connection_error(FRAME_SIZE_ERROR)
    ),
    "6.9 WINDOW_UPDATE of 0": ClientCase(raw.window_update(0, 0), connection_error(PROTOCOL_ERROR)),
    "6.9 WINDOW_UPDATE of 0 on a stream": ClientCase(
        raw.window_update(1, 0), stream_error_or_worse(1, PROTOCOL_ERROR)
    ),
    "6.9 WINDOW_UPDATE of 3 octets": ClientCase(
        raw.frame(raw.WINDOW_UPDATE, 0, 0, bytes(3)), connection_error(FRAME_SIZE_ERROR)
    ),
    "6.9.1 beyond 2**31 - 1": ClientCase(
        raw.window_update(0, MOST), connection_error(FLOW_CONTROL_ERROR)
    ),
    "6.9.1 beyond 2**31 - 1 on a stream": ClientCase(
        raw.window_update(1, MOST), error_of_a_window(1), method="POST"
    ),
    "6.9.2 INITIAL_WINDOW_SIZE makes a window too large": ClientCase(
        raw.settings({4: MOST}), connection_error(FLOW_CONTROL_ERROR),
        before=raw.window_update(1, 1), method="POST",
    ),
    "6.10 CONTINUATION after nothing": ClientCase(
        raw.frame(raw.CONTINUATION, raw.END_HEADERS, 1), connection_error(PROTOCOL_ERROR)
    ),
    "6.10 CONTINUATION on another stream": ClientCase(
        raw.headers(1, [(":status", "200")], end_headers=False)
        + raw.frame(raw.CONTINUATION, raw.END_HEADERS, 3),
        connection_error(PROTOCOL_ERROR),
    ),
    "7 unknown code in RST_STREAM": ClientCase(raw.rst_stream(1, 0xFFFF), fine()),
}  # fmt: skip

PUSH = {
    "6.6 on stream 0": ClientCase(
        promise(2, parent=0), connection_error(PROTOCOL_ERROR), pushes=True
    ),
    "6.6 promises an odd stream": ClientCase(
        promise(3), connection_error(PROTOCOL_ERROR), pushes=True
    ),
    "6.6 promises stream 0": ClientCase(promise(0), connection_error(PROTOCOL_ERROR), pushes=True),
    "6.6 promises the same stream again": ClientCase(
        promise(2), connection_error(PROTOCOL_ERROR), before=promise(2), pushes=True
    ),
    "6.6 promises a lower stream": ClientCase(
        promise(2), connection_error(PROTOCOL_ERROR), before=promise(4), pushes=True
    ),
    "6.6 of 3 octets": ClientCase(
        raw.frame(raw.PUSH_PROMISE, raw.END_HEADERS, 1, bytes(3)),
        connection_error(FRAME_SIZE_ERROR), pushes=True,
    ),
    "6.6 padding longer than the frame": ClientCase(
        raw.frame(raw.PUSH_PROMISE, raw.END_HEADERS | raw.PADDED, 1, b"\xff\0\0\0\2\x82"),
        connection_error(PROTOCOL_ERROR), pushes=True,
    ),
    "6.6 with ENABLE_PUSH of 0": ClientCase(
        promise(2), connection_error(PROTOCOL_ERROR), options={"settings": {"enable_push": False}}
    ),
    "6.6 without :path": ClientCase(
        promise(2, REQUEST[:2] + REQUEST[3:]), stream_error(2, PROTOCOL_ERROR), pushes=True
    ),
    "8.4 a promised POST": ClientCase(
        promise(2, changed(":method", "POST")), stream_error(2, PROTOCOL_ERROR), pushes=True
    ),
    "8.4 a promised request with content": ClientCase(
        promise(2, [*REQUEST, ("content-length", "5")]),
        stream_error(2, PROTOCOL_ERROR), pushes=True,
    ),
}  # fmt: skip


def test_client(run_asyncio: Run, certificate: Certificate) -> None:
    check_client(run_asyncio, certificate, BASICS)


def test_client_and_pushes(run_asyncio: Run, certificate: Certificate) -> None:
    check_client(run_asyncio, certificate, PUSH)
