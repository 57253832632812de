"""RFC 9113 sections 5.1.1 to 5.5: identifiers, concurrency, priority, errors, extensions."""

from __future__ import annotations

import struct

from ..support import raw
from ..support.nghttp2_versions import KNOWS_RFC_7540
from ..support.running import Run
from ..support.self_signed import Certificate
from .codes import PROTOCOL_ERROR, REFUSED_STREAM, STREAM_CLOSED
from .reactions import Either, connection_error, fine, stream_error, stream_error_or_worse
from .server_cases import Case, check

WITH_PRIORITY = 0x20


def priority(stream_id: int, parent: int, weight: int = 15) -> bytes:
    """Return PRIORITY; *parent* with the highest bit set is exclusive."""
    return raw.frame(raw.PRIORITY, 0, stream_id, struct.pack(">IB", parent, weight))


def get_after(stream_id: int, parent: int) -> bytes:
    """Return a request that depends on *parent*."""
    return raw.frame(
        raw.HEADERS,
        raw.END_STREAM | raw.END_HEADERS | WITH_PRIORITY,
        stream_id,
        struct.pack(">IB", parent, 15) + raw.block(raw.request_fields()),
    )


IDENTIFIERS = {
    "even": Case(raw.get(2), connection_error(PROTOCOL_ERROR)),
    "even after odd": Case(raw.get(2), connection_error(PROTOCOL_ERROR), before=raw.get(1)),
    "zero": Case(raw.get(0), connection_error(PROTOCOL_ERROR)),
    "lower than one in use, never used": Case(
        raw.get(3), connection_error(PROTOCOL_ERROR), before=raw.get(5)
    ),
    "lower than one that is open": Case(
        raw.get(3), connection_error(PROTOCOL_ERROR), before=raw.post(5, "/never")
    ),
    "the first one, later": Case(
        raw.get(1), connection_error(PROTOCOL_ERROR), before=raw.get(3) + raw.get(5)
    ),
    "between two that were used": Case(
        raw.post(9), connection_error(PROTOCOL_ERROR),
        before=raw.get(1) + raw.get(7) + raw.get(11) + raw.get(13),
    ),
    "lower, after its PRIORITY": Case(
        raw.get(3), connection_error(PROTOCOL_ERROR), before=priority(3, 0) + raw.get(5)
    ),
    "lower, and DATA": Case(raw.data(3, b"x"), connection_error(STREAM_CLOSED), before=raw.get(5)),
    "lower, used and closed": Case(
        raw.get(1), connection_error(STREAM_CLOSED), before=raw.get(1) + raw.get(3)
    ),
    "lower, and WINDOW_UPDATE": Case(raw.window_update(3, 1), fine(), before=raw.get(5)),
    "lower, and RST_STREAM": Case(raw.rst_stream(3), fine(), before=raw.get(5)),
    "skipped ones are no fault": Case(
        raw.get(5) + raw.get(101) + raw.get(2**31 - 1), fine(5, 101, 2**31 - 1)
    ),
    "more gaps than are remembered": Case(
        # the oldest gap is forgotten: the stream counts as closed
        raw.get(3),
        Either((connection_error(STREAM_CLOSED), connection_error(PROTOCOL_ERROR))),
        before=b"".join(raw.get(number) for number in range(5, 85, 4)),
    ),
}  # fmt: skip


def test_identifiers(run_asyncio: Run, certificate: Certificate) -> None:
    check(run_asyncio, certificate, IDENTIFIERS)


LIMIT = {"settings": {"max_concurrent_streams": 2}}
TWO = raw.post(1, "/never") + raw.post(3, "/never")

CONCURRENCY = {
    "5.1.2 one too many": Case(
        raw.get(5),
        Either((connection_error(PROTOCOL_ERROR), stream_error(5, PROTOCOL_ERROR, REFUSED_STREAM))),
        before=TWO,
        options=LIMIT,
    ),
    "5.1.2 as many as there may be": Case(raw.data(3, b"x"), fine(), before=TWO, options=LIMIT),
    "5.1.2 another when one has ended": Case(
        raw.rst_stream(1) + raw.get(5), fine(5), before=TWO, options=LIMIT
    ),
}


def test_concurrency(run_asyncio: Run, certificate: Certificate) -> None:
    check(run_asyncio, certificate, CONCURRENCY)


PRIORITIES = {
    "5.3 HEADERS that depend on themselves": Case(
        get_after(1, 1), stream_error_or_worse(1, PROTOCOL_ERROR)
    ),
    "5.3 PRIORITY that depends on itself": Case(
        # RFC 9113 no longer requires a reaction
        priority(1, 1),
        stream_error_or_worse(1, PROTOCOL_ERROR) if KNOWS_RFC_7540 else fine(),
    ),
    "5.3 HEADERS that depend on an idle stream": Case(get_after(1, 9), fine(1)),
    "5.3 HEADERS that depend on a closed stream": Case(get_after(3, 1), fine(3), before=raw.get(1)),
    "5.3 exclusive": Case(get_after(1, 0x80000000), fine(1)),
    "5.3 weights of 1 and 256": Case(priority(3, 0, 0) + priority(5, 0, 255) + raw.get(7), fine(7)),
    "5.3 idle stream, then a lower one": Case(priority(5, 0) + raw.get(3), fine(3)),
    "5.3 exclusive dependency": Case(priority(3, 0x80000001) + raw.get(1), fine(1)),
}

ERRORS = {
    "5.4.1 GOAWAY comes before the end": Case(
        raw.frame(raw.PING, 0, 0, b"123456"), connection_error(6), before=raw.get(1)
    ),
    "5.4.2 other streams go on after a stream error": Case(
        raw.headers(3, [*raw.request_fields(), ("A", "b")]) + raw.data(1, b"y", end_stream=True),
        stream_error(3, PROTOCOL_ERROR),
        before=raw.post(1) + raw.data(1, b"x"),
        body=b"xy",
    ),
}

EXTENSIONS = {
    "5.5 unknown frame": Case(raw.frame(0x16, 0, 0, bytes(8)) + raw.get(1), fine(1)),
    "5.5 unknown frame in a body": Case(
        raw.frame(0xF0, 0xFF, 1, b"x") + raw.data(1, b"body", end_stream=True),
        fine(1),
        before=raw.post(1),
        body=b"body",
    ),
    "5.5 unknown frame in a header block": Case(
        raw.headers(1, raw.request_fields(), end_headers=False) + raw.frame(0x16, 0, 0, bytes(8)),
        connection_error(PROTOCOL_ERROR),
    ),
    "5.5 unknown setting": Case(raw.settings({0xFFFF: 1, 0x99: 2**32 - 1}) + raw.get(1), fine(1)),
    "5.5 frames of a server's": Case(
        # ALTSVC and ORIGIN from a client are ignored (RFC 7838 section 4, RFC 8336 section 2.1)
        raw.frame(0xA, 0, 0, b"\0\1ah2") + raw.frame(0xC, 0, 0, b"\0\1a") + raw.get(1), fine(1)
    ),
}  # fmt: skip


def test_priority_errors_and_extensions(run_asyncio: Run, certificate: Certificate) -> None:
    check(run_asyncio, certificate, PRIORITIES | ERRORS | EXTENSIONS)
