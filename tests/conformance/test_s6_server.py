"""RFC 9113 sections 6 and 7: a client's frames on a wrong stream or of a wrong size."""

from __future__ import annotations

import struct

from ..support import raw
from ..support.running import Run
from ..support.self_signed import Certificate
from .codes import FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, PROTOCOL_ERROR, STREAM_CLOSED
from .reactions import connection_error, error_of_a_window, fine, stream_error_or_worse
from .server_cases import Case, check

MOST = 2**31 - 1
BLOCK = raw.block(raw.request_fields())
OPEN_BLOCK = raw.headers(1, raw.request_fields(), end_stream=True, end_headers=False)
NEVER = raw.post(1, "/never")


def padded(kind: int, flags: int, stream_id: int, padding: int, payload: bytes) -> bytes:
    """Return a frame whose last *padding* bytes are declared as padding."""
    return raw.frame(kind, flags | raw.PADDED, stream_id, bytes([padding]) + payload)


def continuation(stream_id: int, payload: bytes, flags: int = raw.END_HEADERS) -> bytes:
    """CONTINUATION."""
    return raw.frame(raw.CONTINUATION, flags, stream_id, payload)


DATA = {
    "6.1 one DATA": Case(
        raw.data(1, b"test", end_stream=True), fine(1), before=raw.post(1), body=b"test"
    ),
    "6.1 several DATA": Case(
        raw.data(1, b"te") + raw.data(1) + raw.data(1, b"st") + raw.data(1, end_stream=True),
        fine(1), before=raw.post(1), body=b"test",
    ),
    "6.1 padding": Case(
        padded(raw.DATA, raw.END_STREAM, 1, 6, b"test" + bytes(6)),
        fine(1), before=raw.post(1), body=b"test",
    ),
    "6.1 nothing but padding": Case(
        padded(raw.DATA, raw.END_STREAM, 1, 255, bytes(255)),
        fine(1), before=raw.post(1), body=b"",
    ),
    "6.1 on stream 0": Case(raw.data(0, b"x"), connection_error(PROTOCOL_ERROR)),
    "6.1 on a stream that is not open": Case(
        raw.data(1, b"x"), stream_error_or_worse(1, STREAM_CLOSED), before=raw.get(1)
    ),
    "6.1 padding as long as the frame": Case(
        padded(raw.DATA, raw.END_STREAM, 1, 4, b"abc"),
        connection_error(PROTOCOL_ERROR), before=raw.post(1),
    ),
    "6.1 padded, and empty": Case(
        raw.frame(raw.DATA, raw.PADDED, 1),
        connection_error(PROTOCOL_ERROR, FRAME_SIZE_ERROR), before=raw.post(1),
    ),
}  # fmt: skip

HEADERS = {
    "6.2 HEADERS": Case(raw.get(1), fine(1)),
    "6.2 padding": Case(padded(raw.HEADERS, 0x5, 1, 8, BLOCK + bytes(8)), fine(1)),
    "6.2 priority": Case(
        raw.frame(raw.HEADERS, 0x25, 1, struct.pack(">IB", 0, 255) + BLOCK), fine(1)
    ),
    "6.2 padding and priority": Case(
        padded(raw.HEADERS, 0x25, 1, 8, struct.pack(">IB", 0, 255) + BLOCK + bytes(8)), fine(1)
    ),
    "6.2 priority that is cut off": Case(
        raw.frame(raw.HEADERS, 0x25, 1, b"\0\0"), connection_error(FRAME_SIZE_ERROR)
    ),
    "6.2 no END_HEADERS, then PRIORITY": Case(
        OPEN_BLOCK + raw.frame(raw.PRIORITY, 0, 1, bytes(5)), connection_error(PROTOCOL_ERROR)
    ),
    "6.2 no END_HEADERS, then another stream": Case(
        OPEN_BLOCK + raw.get(3), connection_error(PROTOCOL_ERROR)
    ),
    "6.2 on stream 0": Case(raw.get(0), connection_error(PROTOCOL_ERROR)),
    "6.2 padding longer than the frame": Case(
        padded(raw.HEADERS, 0x5, 1, 250, BLOCK), connection_error(PROTOCOL_ERROR)
    ),
}

PRIORITY = {
    "6.3 on stream 0": Case(
        raw.frame(raw.PRIORITY, 0, 0, bytes(5)), connection_error(PROTOCOL_ERROR)
    ),
    "6.3 of 4 octets": Case(
        raw.frame(raw.PRIORITY, 0, 1, bytes(4)),
        stream_error_or_worse(1, FRAME_SIZE_ERROR), before=NEVER,
    ),
    "6.3 of 6 octets": Case(
        raw.frame(raw.PRIORITY, 0, 1, bytes(6)),
        stream_error_or_worse(1, FRAME_SIZE_ERROR), before=NEVER,
    ),
}  # fmt: skip

RST_STREAM = {
    "6.4 of an open stream": Case(raw.rst_stream(1) + raw.get(3), fine(3), before=NEVER),
    "6.4 on stream 0": Case(raw.rst_stream(0), connection_error(PROTOCOL_ERROR)),
    "6.4 on an idle stream": Case(raw.rst_stream(1), connection_error(PROTOCOL_ERROR)),
    "6.4 of 3 octets": Case(
        raw.frame(raw.RST_STREAM, 0, 1, bytes(3)), connection_error(FRAME_SIZE_ERROR), before=NEVER
    ),
    "6.4 of 5 octets": Case(
        raw.frame(raw.RST_STREAM, 0, 1, bytes(5)), connection_error(FRAME_SIZE_ERROR), before=NEVER
    ),
}

SETTINGS = {
    "6.5 SETTINGS": Case(raw.settings({3: 100}) + raw.get(1), fine(1)),
    "6.5 acknowledgement with a payload": Case(
        raw.frame(raw.SETTINGS, raw.ACK, 0, bytes(6)), connection_error(FRAME_SIZE_ERROR)
    ),
    "6.5 on a stream": Case(
        raw.frame(raw.SETTINGS, 0, 1, bytes(6)), connection_error(PROTOCOL_ERROR)
    ),
    "6.5 acknowledgement on a stream": Case(
        raw.frame(raw.SETTINGS, raw.ACK, 1), connection_error(PROTOCOL_ERROR)
    ),
    "6.5 of 3 octets": Case(
        raw.frame(raw.SETTINGS, 0, 0, bytes(3)), connection_error(FRAME_SIZE_ERROR)
    ),
    "6.5.2 ENABLE_PUSH of 2": Case(raw.settings({2: 2}), connection_error(PROTOCOL_ERROR)),
    "6.5.2 INITIAL_WINDOW_SIZE of 2**31": Case(
        raw.settings({4: 2**31}), connection_error(FLOW_CONTROL_ERROR)
    ),
    "6.5.2 MAX_FRAME_SIZE of 2**14 - 1": Case(
        raw.settings({5: 2**14 - 1}), connection_error(PROTOCOL_ERROR)
    ),
    "6.5.2 MAX_FRAME_SIZE of 2**24": Case(
        raw.settings({5: 2**24}), connection_error(PROTOCOL_ERROR)
    ),
    "6.5.2 MAX_FRAME_SIZE of 2**24 - 1": Case(
        raw.settings({5: 2**24 - 1}) + raw.get(1), fine(1)
    ),
    "6.5.2 unknown identifier": Case(raw.settings({0xFF: 1}) + raw.get(1), fine(1)),
    "6.5.2 ENABLE_CONNECT_PROTOCOL of 2 (RFC 8441)": Case(
        raw.settings({8: 2}), connection_error(PROTOCOL_ERROR)
    ),
    "6.5.2 NO_RFC7540_PRIORITIES of 2 (RFC 9218)": Case(
        raw.settings({9: 2}), connection_error(PROTOCOL_ERROR)
    ),
}  # fmt: skip

PUSH_PROMISE = {
    "6.6 from a client": Case(
        raw.frame(raw.PUSH_PROMISE, 0x4, 1, struct.pack(">I", 2) + BLOCK),
        connection_error(PROTOCOL_ERROR), before=NEVER,
    ),
    "6.6 from a client, idle": Case(
        raw.frame(raw.PUSH_PROMISE, 0x4, 3, struct.pack(">I", 4) + BLOCK),
        connection_error(PROTOCOL_ERROR), before=NEVER,
    ),
    "6.6 from a client, closed": Case(
        raw.frame(raw.PUSH_PROMISE, 0x4, 1, struct.pack(">I", 2) + BLOCK),
        connection_error(PROTOCOL_ERROR), before=raw.get(1),
    ),
}  # fmt: skip

PING = {
    "6.7 acknowledgement without a PING": Case(
        raw.ping(b"\0" * 8, ack=True) + raw.get(1), fine(1)
    ),
    "6.7 on a stream": Case(
        raw.frame(raw.PING, 0, 1, bytes(8)), connection_error(PROTOCOL_ERROR)
    ),
    "6.7 of 6 octets": Case(
        raw.frame(raw.PING, 0, 0, bytes(6)), connection_error(FRAME_SIZE_ERROR)
    ),
    "6.7 of 9 octets": Case(
        raw.frame(raw.PING, raw.ACK, 0, bytes(9)), connection_error(FRAME_SIZE_ERROR)
    ),
}  # fmt: skip

GOAWAY = {
    "6.8 on a stream": Case(
        raw.frame(raw.GOAWAY, 0, 1, bytes(8)), connection_error(PROTOCOL_ERROR)
    ),
    "6.8 of 7 octets": Case(
        raw.frame(raw.GOAWAY, 0, 0, bytes(7)), connection_error(FRAME_SIZE_ERROR)
    ),
}  # fmt: skip

WINDOW_UPDATE = {
    "6.9 of the connection": Case(raw.window_update(0, 1) + raw.get(1), fine(1)),
    "6.9 of a stream": Case(raw.window_update(1, 1), fine(), before=NEVER),
    "6.9 of 0": Case(raw.window_update(0, 0), connection_error(PROTOCOL_ERROR)),
    "6.9 of 0 on a stream": Case(
        raw.window_update(1, 0), stream_error_or_worse(1, PROTOCOL_ERROR), before=NEVER
    ),
    "6.9 of 3 octets": Case(
        raw.frame(raw.WINDOW_UPDATE, 0, 0, bytes(3)), connection_error(FRAME_SIZE_ERROR)
    ),
    "6.9 of 5 octets": Case(
        raw.frame(raw.WINDOW_UPDATE, 0, 1, bytes(5)),
        connection_error(FRAME_SIZE_ERROR), before=NEVER,
    ),
    "6.9 reserved bit": Case(raw.window_update(0, 1 << 31 | 5) + raw.get(1), fine(1)),
    "6.9.1 beyond 2**31 - 1": Case(
        raw.window_update(0, MOST) + raw.window_update(0, MOST),
        connection_error(FLOW_CONTROL_ERROR),
    ),
    "6.9.1 beyond 2**31 - 1 on a stream": Case(
        raw.window_update(1, MOST), error_of_a_window(1), before=NEVER
    ),
    "6.9.1 DATA beyond the windows": Case(
        raw.data(1, bytes(16384)) * 4,
        stream_error_or_worse(1, FLOW_CONTROL_ERROR), before=raw.post(1, "/never"),
    ),
    "6.9.2 INITIAL_WINDOW_SIZE makes a window too large": Case(
        raw.settings({4: MOST}), connection_error(FLOW_CONTROL_ERROR),
        before=NEVER + raw.window_update(1, 1),
    ),
}  # fmt: skip

CONTINUATION = {
    "6.10 one": Case(
        raw.frame(raw.HEADERS, raw.END_STREAM, 1, BLOCK[:9]) + continuation(1, BLOCK[9:]), fine(1)
    ),
    "6.10 several": Case(
        raw.frame(raw.HEADERS, raw.END_STREAM, 1, BLOCK[:9])
        + continuation(1, BLOCK[9:12], 0) + continuation(1, b"", 0) + continuation(1, BLOCK[12:]),
        fine(1),
    ),
    "6.10 followed by another frame": Case(
        OPEN_BLOCK + continuation(1, raw.block([("x", "y")]), 0) + raw.data(1, b"x"),
        connection_error(PROTOCOL_ERROR),
    ),
    "6.10 on stream 0": Case(
        OPEN_BLOCK + continuation(0, raw.block([("x", "y")])), connection_error(PROTOCOL_ERROR)
    ),
    "6.10 on stream 0, after nothing": Case(
        continuation(0, b""), connection_error(PROTOCOL_ERROR)
    ),
    "6.10 on another stream": Case(
        OPEN_BLOCK + continuation(3, raw.block([("x", "y")])), connection_error(PROTOCOL_ERROR)
    ),
    "6.10 after END_HEADERS": Case(
        continuation(1, raw.block([("x", "y")])), connection_error(PROTOCOL_ERROR), before=NEVER
    ),
    "6.10 after END_HEADERS of CONTINUATION": Case(
        OPEN_BLOCK + continuation(1, b"") + continuation(1, raw.block([("x", "y")])),
        connection_error(PROTOCOL_ERROR),
    ),
    "6.10 after DATA": Case(
        raw.data(1, b"x") + continuation(1, raw.block([("x", "y")])),
        connection_error(PROTOCOL_ERROR), before=NEVER,
    ),
}  # fmt: skip

CODES = {
    "7 unknown code in RST_STREAM": Case(
        raw.rst_stream(1, 0xFF) + raw.get(3), fine(3), before=NEVER
    ),
    "7 the highest code in RST_STREAM": Case(
        raw.rst_stream(1, 2**32 - 1) + raw.get(3), fine(3), before=NEVER
    ),
}


def test_streams(run_asyncio: Run, certificate: Certificate) -> None:
    check(run_asyncio, certificate, DATA | HEADERS | PRIORITY | RST_STREAM | PUSH_PROMISE)


def test_connection(run_asyncio: Run, certificate: Certificate) -> None:
    check(
        run_asyncio,
        certificate,
        SETTINGS | PING | GOAWAY | WINDOW_UPDATE | CONTINUATION | CODES,
    )
