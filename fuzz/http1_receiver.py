"""The engine of HTTP/1: any bytes, in any pieces.

Invariants: it accepts all bytes, or refuses them with a status. A head that it returns can be read
in only one way by RFC 9112. A body has as many bytes as were declared. The same bytes in other
pieces are the same heads, bodies and trailers.
"""

from __future__ import annotations

import re
from typing import Any

from http2.engine.http1.head import BadRequest, Http1Head, Http1Limits
from http2.engine.http1.receiver import Http1Receiver

LIMITS = Http1Limits(url_size=100, section_size=500, fields=20)
STATUSES = (400, 413, 414, 431, 501, 505)
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VALUE = re.compile(r"[\t -~\x80-\xff]*")


def check_head(head: Http1Head) -> None:
    """Return whether *head* is valid."""
    raw = head.headers.raw
    names = [name.lower() for name, _ in raw]
    assert NAME.fullmatch(head.method)
    assert re.fullmatch("[!-~]{1,100}", head.url)
    assert head.version in ("1.0", "1.1")
    assert len(raw) <= 20
    assert names.count("host") == 1 or (head.version == "1.0" and "host" not in names)
    assert names.count("content-length") + names.count("transfer-encoding") <= 1
    assert set(names) <= set(head.headers) <= {*names, "host"}
    assert head.chunked == ("transfer-encoding" in names)
    assert head.length == int(dict.get(head.headers, "content-length", "0"))
    for name, value in raw:
        assert NAME.fullmatch(name)
        assert VALUE.fullmatch(value)
        assert value == value.strip(" \t")


def receive(pieces: list[bytes]) -> list[Any]:
    """Return the heads, bodies and trailers in *pieces*, and ``"refused"`` after a refusal."""
    receiver = Http1Receiver(LIMITS)
    found: list[Any] = []
    body = b""
    declared = 0
    try:
        for piece in pieces:
            receiver.feed(piece, len(piece))
            while receiver.waiting:
                before = receiver.waiting
                if receiver.receiving:
                    body += receiver.body()
                    if not receiver.receiving:
                        assert declared in (len(body), 0)
                        trailers = receiver.trailers
                        found += [body, None if trailers is None else trailers.raw]
                else:
                    head = receiver.head()
                    if head is not None:
                        check_head(head)
                        said = head.headers.raw
                        found.append((head.method, head.url, head.version, said))
                        body = b""
                        declared = head.length
                        if head.body is not None:
                            assert len(head.body) == declared
                            found += [head.body, None]
                assert receiver.waiting < before, "it takes nothing"
    except BadRequest as error:
        found.append("refused" if error.status in STATUSES else error)
    return found


def http1_receiver(data: bytes) -> None:
    """Parse the input in pieces: its first byte determines their sizes."""
    step, data = 1 + (data[0] if data else 0), data[1:]
    whole = receive([data]) if data else []
    parts = receive([data[at : at + step] for at in range(0, len(data), step)])
    assert not any(isinstance(event, BadRequest) for event in whole), whole[-1]
    assert whole == parts, "cut elsewhere, it is something else"
