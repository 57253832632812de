"""RFC 7541: valid representations in a header block; anything else is a COMPRESSION_ERROR."""

from __future__ import annotations

from ..support import raw
from ..support.running import Run
from ..support.self_signed import Certificate
from . import hpack
from .client_cases import ClientCase, check_client
from .codes import COMPRESSION_ERROR, PROTOCOL_ERROR
from .hpack import HUFFMAN, REQUEST, huffman, string
from .reactions import connection_error, fine, stream_error
from .server_cases import Case, check

KEY, VALUE = string("custom-key"), string("custom-value")
PACKED_KEY = huffman(HUFFMAN["custom-key"])
PACKED_VALUE = huffman(HUFFMAN["custom-value"])
CUSTOM = {"custom-key": "custom-value"}
AGENT = {"user-agent": "custom-value"}


def request(block: bytes, stream_id: int = 1) -> bytes:
    """Return a whole request with *block*."""
    return raw.frame(raw.HEADERS, raw.END_STREAM | raw.END_HEADERS, stream_id, block)


def accepted(fields: bytes, expected: dict[str, str]) -> Case:
    """Return a request with *fields* besides the usual ones; the handler gets *expected*."""
    return Case(request(REQUEST + fields), fine(1), fields=expected)


def refused(block: bytes) -> Case:
    """Return a request that cannot be decoded: the tables differ, so the connection ends."""
    return Case(request(block), connection_error(COMPRESSION_ERROR))


ACCEPTED = {
    "2.2 the table is kept over a request that is refused": Case(
        # stream 1 is reset for its upper-case name; its entries in the table are needed afterwards
        request(REQUEST + hpack.indexed(hpack.FIRST), 3),
        stream_error(1, PROTOCOL_ERROR),
        before=request(
            REQUEST + hpack.without_indexing(string("X"), VALUE) + hpack.indexing(KEY, VALUE)
        ),
        fields=CUSTOM,
    ),
    "6.1 indexed": Case(
        request(bytes([0x80 | hpack.POST]) + REQUEST[1:]), fine(1), fields={":method": "POST"}
    ),
    "6.2.1 indexing, indexed name": accepted(hpack.indexing(hpack.USER_AGENT, VALUE), AGENT),
    "6.2.1 indexing, indexed name, Huffman": accepted(
        hpack.indexing(hpack.USER_AGENT, PACKED_VALUE), AGENT
    ),
    "6.2.1 indexing, new name": accepted(hpack.indexing(KEY, VALUE), CUSTOM),
    "6.2.1 indexing, new name, Huffman": accepted(hpack.indexing(PACKED_KEY, PACKED_VALUE), CUSTOM),
    "6.2.2 without indexing, indexed name": accepted(
        hpack.without_indexing(hpack.USER_AGENT, VALUE), AGENT
    ),
    "6.2.2 without indexing, indexed name, Huffman": accepted(
        hpack.without_indexing(hpack.USER_AGENT, PACKED_VALUE), AGENT
    ),
    "6.2.2 without indexing, new name": accepted(hpack.without_indexing(KEY, VALUE), CUSTOM),
    "6.2.2 without indexing, new name, Huffman": accepted(
        hpack.without_indexing(PACKED_KEY, PACKED_VALUE), CUSTOM
    ),
    "6.2.3 never indexed, indexed name": accepted(
        hpack.never_indexed(hpack.USER_AGENT, VALUE), AGENT
    ),
    "6.2.3 never indexed, indexed name, Huffman": accepted(
        hpack.never_indexed(hpack.USER_AGENT, PACKED_VALUE), AGENT
    ),
    "6.2.3 never indexed, new name": accepted(hpack.never_indexed(KEY, VALUE), CUSTOM),
    "6.2.3 never indexed, new name, Huffman": accepted(
        hpack.never_indexed(PACKED_KEY, PACKED_VALUE), CUSTOM
    ),
    "2.3.2 a field of the dynamic table": Case(
        request(REQUEST + hpack.indexed(hpack.FIRST), 3),
        fine(3),
        before=request(REQUEST + hpack.indexing(KEY, VALUE)),
        fields=CUSTOM,
    ),
    "2.3.2 a name of the dynamic table": Case(
        request(REQUEST + hpack.without_indexing(hpack.FIRST, string("other")), 3),
        fine(3),
        before=request(REQUEST + hpack.indexing(KEY, VALUE)),
        fields={"custom-key": "other"},
    ),
    "4.4 a field larger than the table empties it": accepted(
        hpack.indexing(KEY, string("v" * 5000)), {"custom-key": "v" * 5000}
    ),
    "6.3 size update": Case(request(hpack.table_size(100) + REQUEST), fine(1)),
    "6.3 two size updates": Case(
        request(hpack.table_size(0) + hpack.table_size(4096) + REQUEST), fine(1)
    ),
    "6.3 size update to 0, then literals": Case(
        request(hpack.table_size(0) + REQUEST + hpack.indexing(KEY, VALUE)), fine(1), fields=CUSTOM
    ),
    "5.1 an integer with leading zeros": accepted(b"\x00\x7f\x80\x00" + b"k" * 127 + VALUE, {
        "k" * 127: "custom-value",
    }),
    "5.2 empty value": accepted(hpack.without_indexing(KEY, string("")), {"custom-key": ""}),
    "8.1 of RFC 9113: cookie crumbs": accepted(
        hpack.never_indexed(32, string("a=1")) + hpack.never_indexed(32, string("b=2")),
        {"cookie": "a=1; b=2"},
    ),
}  # fmt: skip

REFUSED = {
    "2.3.3 index beyond the tables": refused(REQUEST + hpack.indexed(hpack.FIRST + 8)),
    "2.3.3 the first index beyond an empty dynamic table": refused(
        REQUEST + hpack.indexed(hpack.FIRST)
    ),
    "2.3.3 name beyond the tables": refused(
        REQUEST + hpack.indexing(hpack.FIRST + 8, string("empty"))
    ),
    "2.3.3 name beyond the tables, not indexed": refused(
        REQUEST + hpack.without_indexing(hpack.FIRST, string("empty"))
    ),
    "2.3.3 a field that has been evicted": Case(
        request(hpack.table_size(0) + REQUEST + hpack.indexed(hpack.FIRST), 3),
        connection_error(COMPRESSION_ERROR),
        before=request(REQUEST + hpack.indexing(KEY, VALUE)),
    ),
    "4.2 size update at the end of a block": refused(REQUEST + hpack.table_size(1)),
    "4.2 size update between fields": refused(
        REQUEST[:1] + hpack.table_size(1) + REQUEST[1:]
    ),
    "5.1 integer beyond 32 bits": refused(REQUEST + b"\xff" + b"\xff" * 5 + b"\x0f"),
    "5.1 integer that never ends": refused(REQUEST + b"\xff" + b"\x80" * 20),
    "5.1 integer cut off": refused(REQUEST + b"\xff"),
    "5.2 string cut off": refused(REQUEST + b"\x00\x0acustom"),
    "5.2 string without a value": refused(REQUEST + hpack.without_indexing(KEY, b"")),
    "5.2 Huffman padding longer than 7 bits": refused(
        REQUEST + hpack.without_indexing(hpack.USER_AGENT, huffman(HUFFMAN["no-cache"] + b"\xff"))
    ),
    "5.2 Huffman padding of zeros": refused(
        # 'a' is 00011; the bits after it must be ones
        REQUEST + hpack.without_indexing(hpack.USER_AGENT, huffman(b"\x18"))
    ),
    "5.2 Huffman code with EOS": refused(
        REQUEST
        + hpack.without_indexing(hpack.USER_AGENT, huffman(b"\xff\xff\xff\xff"))
    ),
    "6.1 index 0": refused(REQUEST + hpack.indexed(0)),
    "6.3 size update beyond SETTINGS_HEADER_TABLE_SIZE": refused(hpack.table_size(4097) + REQUEST),
    "6.3 size update beyond a smaller SETTINGS_HEADER_TABLE_SIZE": Case(
        request(hpack.table_size(1025) + REQUEST),
        connection_error(COMPRESSION_ERROR),
        options={"settings": {"header_table_size": 1024}},
    ),
    "4.2 no size update after SETTINGS has lowered the size": Case(
        request(REQUEST),
        connection_error(COMPRESSION_ERROR),
        options={"settings": {"header_table_size": 1024}},
    ),
}  # fmt: skip


def test_server_accepts(run_asyncio: Run, certificate: Certificate) -> None:
    check(run_asyncio, certificate, ACCEPTED)


def test_server_refuses(run_asyncio: Run, certificate: Certificate) -> None:
    check(run_asyncio, certificate, REFUSED)


def response(block: bytes) -> bytes:
    """Return a whole response with *block*."""
    return raw.frame(raw.HEADERS, raw.END_STREAM | raw.END_HEADERS, 1, block)


OK = hpack.indexed(8)

CLIENT = {
    "indexed": ClientCase(response(OK), fine(1)),
    "new name, Huffman": ClientCase(
        response(OK + hpack.indexing(PACKED_KEY, PACKED_VALUE)), fine(1), fields=CUSTOM
    ),
    "size update": ClientCase(response(hpack.table_size(0) + OK), fine(1)),
    "index beyond the tables": ClientCase(
        response(OK + hpack.indexed(70)), connection_error(COMPRESSION_ERROR)
    ),
    "index 0": ClientCase(response(OK + hpack.indexed(0)), connection_error(COMPRESSION_ERROR)),
    "size update at the end": ClientCase(
        response(OK + hpack.table_size(1)), connection_error(COMPRESSION_ERROR)
    ),
    "size update beyond the limit": ClientCase(
        response(hpack.table_size(4097) + OK), connection_error(COMPRESSION_ERROR)
    ),
    "Huffman code with EOS": ClientCase(
        response(OK + hpack.without_indexing(hpack.USER_AGENT, huffman(b"\xff\xff\xff\xff"))),
        connection_error(COMPRESSION_ERROR),
    ),
    "string cut off": ClientCase(
        response(OK + b"\x00\x0acustom"), connection_error(COMPRESSION_ERROR)
    ),
}


def test_client(run_asyncio: Run, certificate: Certificate) -> None:
    check_client(run_asyncio, certificate, CLIENT)
