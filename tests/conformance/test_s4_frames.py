"""RFC 9113 section 4: the format and size of frames, and header blocks in several frames."""

from __future__ import annotations

import struct

from ..support import raw
from ..support.running import Run
from ..support.self_signed import Certificate
from .client_cases import ClientCase, check_client
from .codes import COMPRESSION_ERROR, FRAME_SIZE_ERROR, PROTOCOL_ERROR
from .reactions import connection_error, fine, stream_error_or_worse
from .server_cases import Case, check

RESERVED = 1 << 31
BLOCK = raw.block(raw.request_fields())
OPEN_BLOCK = raw.headers(1, raw.request_fields(), end_stream=True, end_headers=False)
PRIORITY = raw.frame(raw.PRIORITY, 0, 3, struct.pack(">IB", 0, 15))

CASES = {
    # 4.1
    "4.1 unknown type": Case(raw.frame(0xFA, 0, 0, b"unknown") + raw.get(1), fine(1)),
    "4.1 unknown type on an idle stream": Case(raw.frame(0xFA, 9, 9, b"u") + raw.get(1), fine(1)),
    "4.1 unknown type without a payload": Case(raw.frame(0xFB, 1, 1) + raw.get(1), fine(1)),
    "4.1 unknown type on a closed stream": Case(
        raw.frame(0xFA, 1, 1, b"x"), fine(), before=raw.get(1)
    ),
    "4.1 undefined flags of PING": Case(raw.frame(raw.PING, 0x16, 0, b"8 octets"), fine()),
    "4.1 undefined flags of HEADERS": Case(
        raw.frame(raw.HEADERS, 0x5 | 0xD2, 1, BLOCK), fine(1)
    ),
    "4.1 undefined flags of DATA": Case(
        raw.post(1) + raw.frame(raw.DATA, 0x1 | 0xF6, 1, b"body"), fine(1), body=b"body"
    ),
    "4.1 undefined flags of SETTINGS": Case(raw.frame(raw.SETTINGS, 0xFE, 0), fine()),
    "4.1 reserved bit of the identifier": Case(
        raw.frame(raw.HEADERS, 0x5, RESERVED | 1, BLOCK), fine(1)
    ),
    "4.1 reserved bit on stream 0": Case(raw.frame(raw.PING, 0, RESERVED, b"8 octets"), fine()),
    # 4.2
    "4.2 DATA of 2**14": Case(
        raw.post(1) + raw.data(1, bytes(16384), end_stream=True), fine(1), body=bytes(16384)
    ),
    "4.2 HEADERS of 2**14": Case(
        raw.headers(
            1,
            [*raw.request_fields(), ("x", "y" * (16384 - len(BLOCK) - 7))],
            end_stream=True,
        ),
        fine(1),
    ),
    "4.2 unknown frame of 2**14": Case(raw.frame(0xFA, 0, 0, bytes(16384)) + raw.get(1), fine(1)),
    "4.2 DATA of more than MAX_FRAME_SIZE": Case(
        raw.data(1, bytes(16385)), stream_error_or_worse(1, FRAME_SIZE_ERROR), before=raw.post(1)
    ),
    "4.2 HEADERS of more than MAX_FRAME_SIZE": Case(
        raw.frame(raw.HEADERS, 0x5, 1, BLOCK + bytes(16385)), connection_error(FRAME_SIZE_ERROR)
    ),
    "4.2 CONTINUATION of more than MAX_FRAME_SIZE": Case(
        OPEN_BLOCK + raw.frame(raw.CONTINUATION, 0x4, 1, bytes(16385)),
        connection_error(FRAME_SIZE_ERROR),
    ),
    "4.2 SETTINGS of more than MAX_FRAME_SIZE": Case(
        raw.frame(raw.SETTINGS, 0, 0, bytes(6 * 2731)), connection_error(FRAME_SIZE_ERROR)
    ),
    "4.2 unknown frame of more than MAX_FRAME_SIZE": Case(
        raw.frame(0xFA, 0, 0, bytes(16385)), connection_error(FRAME_SIZE_ERROR)
    ),
    "4.2 DATA as long as our own MAX_FRAME_SIZE": Case(
        raw.post(1) + raw.data(1, bytes(20000), end_stream=True),
        fine(1),
        body=bytes(20000),
        options={"settings": {"max_frame_size": 20000}},
    ),
    # 4.3
    "4.3 invalid block": Case(
        raw.frame(raw.HEADERS, 0x5, 1, b"\x40"), connection_error(COMPRESSION_ERROR)
    ),
    "4.3 block cut off": Case(
        raw.frame(raw.HEADERS, 0x5, 1, BLOCK[:-3]), connection_error(COMPRESSION_ERROR)
    ),
    "4.3 empty block": Case(
        raw.frame(raw.HEADERS, 0x5, 1), stream_error_or_worse(1, PROTOCOL_ERROR)
    ),
    "4.3 block in three pieces": Case(
        raw.frame(raw.HEADERS, raw.END_STREAM, 1, BLOCK[:1])
        + raw.frame(raw.CONTINUATION, 0, 1, BLOCK[1:20])
        + raw.frame(raw.CONTINUATION, raw.END_HEADERS, 1, BLOCK[20:]),
        fine(1),
    ),
    "4.3 PRIORITY within a block": Case(
        OPEN_BLOCK + PRIORITY, connection_error(PROTOCOL_ERROR)
    ),
    "4.3 HEADERS of another stream within a block": Case(
        OPEN_BLOCK + raw.get(3), connection_error(PROTOCOL_ERROR)
    ),
    "4.3 DATA of a closed stream within a block": Case(
        raw.headers(3, raw.request_fields(), end_headers=False) + raw.data(1, b"x"),
        connection_error(PROTOCOL_ERROR),
        before=raw.get(1),
    ),
    "4.3 invalid block on a stream that we have reset": Case(
        raw.frame(raw.HEADERS, 0x5, 1, b"\x40"),
        connection_error(COMPRESSION_ERROR),
        before=raw.post(1, "/early"),
    ),
}  # fmt: skip


def test_server(run_asyncio: Run, certificate: Certificate) -> None:
    check(run_asyncio, certificate, CASES)


RESPONSE = raw.headers(1, [(":status", "200")])
CLIENT = {
    "4.1 unknown type": ClientCase(
        raw.frame(0xFA, 0, 0, b"unknown") + RESPONSE + raw.data(1, b"x", end_stream=True),
        fine(1),
        body=b"x",
    ),
    "4.1 undefined flags": ClientCase(
        raw.frame(raw.HEADERS, 0x5 | 0xD2, 1, raw.block([(":status", "200")])), fine(1)
    ),
    "4.1 reserved bit": ClientCase(
        raw.frame(raw.HEADERS, 0x5, RESERVED | 1, raw.block([(":status", "200")])), fine(1)
    ),
    "4.2 DATA of 2**14": ClientCase(
        raw.data(1, bytes(16384), end_stream=True), fine(1), before=RESPONSE, body=bytes(16384)
    ),
    "4.2 DATA of more than MAX_FRAME_SIZE": ClientCase(
        raw.data(1, bytes(16385)), stream_error_or_worse(1, FRAME_SIZE_ERROR), before=RESPONSE
    ),
    "4.2 HEADERS of more than MAX_FRAME_SIZE": ClientCase(
        raw.frame(raw.HEADERS, 0x4, 1, bytes(16385)), connection_error(FRAME_SIZE_ERROR)
    ),
    "4.3 invalid block": ClientCase(
        raw.frame(raw.HEADERS, 0x4, 1, b"\x40"), connection_error(COMPRESSION_ERROR)
    ),
    "4.3 PING within a block": ClientCase(
        raw.headers(1, [(":status", "200")], end_headers=False) + raw.ping(),
        connection_error(PROTOCOL_ERROR),
    ),
    "4.3 block in pieces": ClientCase(
        raw.frame(raw.HEADERS, raw.END_STREAM, 1)
        + raw.frame(raw.CONTINUATION, raw.END_HEADERS, 1, raw.block([(":status", "200")])),
        fine(1),
    ),
}


def test_client(run_asyncio: Run, certificate: Certificate) -> None:
    check_client(run_asyncio, certificate, CLIENT)
