"""RFC 9113 section 8, for clients: malformed responses, and valid ones."""

from __future__ import annotations

from ..support import raw
from ..support.running import Run
from ..support.self_signed import Certificate
from .client_cases import ClientCase, check_client
from .codes import PROTOCOL_ERROR
from .reactions import Reaction, fine, stream_error

OK = (":status", "200")
MALFORMED = stream_error(1, PROTOCOL_ERROR)


def head(
    *fields: tuple[str, str], reaction: Reaction = MALFORMED, method: str = "GET"
) -> ClientCase:
    """Return a response without a body."""
    return ClientCase(raw.headers(1, fields, end_stream=True), reaction, method=method)


def body(
    length: str, *parts: bytes, reaction: Reaction = MALFORMED, method: str = "GET"
) -> ClientCase:
    """Return a response whose content-length is *length*."""
    return ClientCase(
        b"".join(raw.data(1, part) for part in parts[:-1])
        + raw.data(1, parts[-1], end_stream=True),
        reaction,
        before=raw.headers(1, [OK, ("content-length", length)]),
        method=method,
    )


CASES = {
    "8.1 a response": head(OK, reaction=fine(1)),
    "8.1 trailers": ClientCase(
        raw.headers(1, [("x", "y")], end_stream=True),
        fine(1),
        before=raw.headers(1, [OK]) + raw.data(1, b"x"),
        body=b"x",
    ),
    "8.1 trailers without END_STREAM": ClientCase(
        raw.headers(1, [("x", "y")]), MALFORMED, before=raw.headers(1, [OK])
    ),
    "8.1 a second final response": ClientCase(
        raw.headers(1, [OK]), MALFORMED, before=raw.headers(1, [OK])
    ),
    "8.1 :status in trailers": ClientCase(
        raw.headers(1, [OK], end_stream=True), MALFORMED, before=raw.headers(1, [OK])
    ),
    "8.1 informational responses": ClientCase(
        raw.headers(1, [OK], end_stream=True),
        fine(1),
        before=raw.headers(1, [(":status", "103")]) + raw.headers(1, [(":status", "100")]),
    ),
    "8.1 an informational response with END_STREAM": head((":status", "103")),
    "8.1 DATA after an informational response": ClientCase(
        raw.data(1, b"x"), MALFORMED, before=raw.headers(1, [(":status", "103")])
    ),
    "8.2 upper-case name": head(OK, ("X-Test", "ok")),
    "8.2.1 space in a name": head(OK, ("x test", "ok")),
    "8.2.1 empty name": head(OK, ("", "ok")),
    "8.2.1 NUL in a value": head(OK, ("x", "o\0k")),
    "8.2.1 LF in a value": head(OK, ("x", "o\nk")),
    "8.2.1 CR in a value": head(OK, ("x", "o\rk")),
    "8.2.1 space before a value": head(OK, ("x", " ok")),
    "8.2.2 connection": head(OK, ("connection", "close")),
    "8.2.2 keep-alive": head(OK, ("keep-alive", "timeout=5")),
    "8.2.2 transfer-encoding": head(OK, ("transfer-encoding", "chunked")),
    "8.2.2 upgrade": head(OK, ("upgrade", "h2c")),
    "8.2.2 te": head(OK, ("te", "gzip")),
    "8.3 unknown pseudo-header field": head(OK, (":test", "x")),
    "8.3 of requests": head(OK, (":path", "/")),
    "8.3 after a field": head(("x", "y"), OK),
    "8.3.2 no :status": head(("x", "y")),
    "8.3.2 two :status": head(OK, OK),
    "8.3.2 :status of two digits": head((":status", "20")),
    "8.3.2 :status of four digits": head((":status", "2000")),
    "8.3.2 :status that is no number": head((":status", "abc")),
    "8.3.2 :status of nothing": head((":status", "")),
    "8.6 :status of 101": head((":status", "101")),
    "8.1.1 as it says": body("4", b"te", b"st", reaction=fine(1)),
    "8.1.1 longer": body("1", b"test"),
    "8.1.1 shorter": body("5", b"test"),
    "8.1.1 shorter, of several": body("9", b"test", b"test"),
    "8.1.1 no body": head(OK, ("content-length", "5")),
    "8.1.1 no number": head(OK, ("content-length", "five")),
    "8.1.1 twice": head(OK, ("content-length", "0"), ("content-length", "0")),
    "8.1.1 HEAD has none": head(OK, ("content-length", "5"), reaction=fine(1), method="HEAD"),
    "8.1.1 304 has none": head((":status", "304"), ("content-length", "5"), reaction=fine(1)),
    "8.1.1 HEAD with a body": body("4", b"test", method="HEAD"),
}


def test_client(run_asyncio: Run, certificate: Certificate) -> None:
    check_client(run_asyncio, certificate, CASES)
