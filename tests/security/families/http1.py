"""HTTP/1.1: endless heads, bodies and pipelines, and ambiguous messages."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from ..attacks import PER_CONNECTION, attack
from ..ground import Ground
from ..wire import Ended, Peer

GET = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"
LARGE = b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n"
POST = b"POST %s HTTP/1.1\r\nhost: localhost\r\n%s\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"


def http1(title: str, **options: Any) -> Any:
    """Define an attack on a server that allows HTTP/1.1 in the clear."""
    given = {"allow_http1": True, **options.pop("options", {})}
    return attack(f"HTTP/1: {title}", api="compat", options=given, node=False, **options)


def without_end(ground: Ground, start: bytes, more: bytes, *, reading: bool = True) -> Peer:
    """Send *start*, and then *more* repeatedly."""
    peer = ground.dial(frames=False)
    peer.send(start, reading=reading)
    batch = more * max(1, 65536 // len(more))
    while not ground.over:
        peer.send(batch, reading=reading)
    return peer


@http1("a request line without end", ends=True, limit="`max_url_size`")
def long_target(ground: Ground) -> None:
    """`max_url_size`."""
    without_end(ground, b"GET /", b"x" * 16384)


@http1("fields without end", ends=True, limit="`max_header_size`")
def long_head(ground: Ground) -> None:
    """`max_header_size`."""
    without_end(ground, GET[:-2], b"x-field: value\r\n")


@http1("a field without end", ends=True, limit="`max_header_size`")
def long_field(ground: Ground) -> None:
    """`max_header_size`, before a line is complete."""
    without_end(ground, GET[:-2] + b"x: ", b"y" * 16384)


@http1("empty lines before a request, without end", ends=True, limit="one is ignored")
def empty_lines(ground: Ground) -> None:
    """A server should ignore one (RFC 9112 section 2.2)."""
    without_end(ground, b"", b"\r\n")


@http1(
    "chunk extensions without end (CVE-2023-39326's class)",
    ends=True,
    limit="16 KB of extensions a body",
)
def chunk_extensions(ground: Ground) -> None:
    """Bytes of a body that are not content."""
    without_end(ground, POST % (b"/read", CHUNKED) + b"1;", b"x=yyyyyyyyyyyy;")


@http1(
    "a chunk extension of 1 KB on each chunk of a byte",
    ends=True,
    limit="16 KB of extensions a body",
)
def chunk_extensions_each(ground: Ground) -> None:
    """The same in small pieces."""
    without_end(ground, POST % (b"/read", CHUNKED), b"1;x=" + b"y" * 1000 + b"\r\nx\r\n")


@http1("trailers without end", ends=True, limit="`max_header_size`")
def long_trailers(ground: Ground) -> None:
    """`max_header_size` applies to them too."""
    without_end(ground, POST % (b"/read", CHUNKED) + b"0\r\n", b"x-field: value\r\n")


@http1(
    "chunks of one byte, unread",
    limit="small pieces of a body are joined; flow control: the sender must wait",
)
def tiny_chunks(ground: Ground) -> None:
    """The body waits in pieces of one byte, until the server stops reading the socket."""
    without_end(ground, POST % (b"/upload", CHUNKED), b"1\r\nx\r\n")


@http1(
    "chunks of one byte, read as they come",
    before="others waited 0.3 s",
    limit="bounded work a turn",
)
def tiny_chunks_read(ground: Ground) -> None:
    """Expensive, but honest."""
    without_end(ground, POST % (b"/read", CHUNKED), b"1\r\nx\r\n")


@http1("an upload of any size, unread", limit="flow control: the sender must wait")
def unread_upload(ground: Ground) -> None:
    """The sender has to wait."""
    without_end(ground, POST % (b"/upload", b"content-length: 1000000000000\r\n"), b"x" * 65536)


@http1(
    "1,000 requests for 1 MiB in one segment, the answers never read", limit="one request at a time"
)
def pipelined(ground: Ground) -> None:
    """Pipelining: requests are answered one at a time."""
    peer = ground.dial(frames=False, receive_buffer=4096)
    peer.send(LARGE * 1000, reading=False)
    time.sleep(0.7)


@http1("requests without end, the answers never read", limit="one request at a time")
def pipelined_small(ground: Ground) -> None:
    """Unanswered requests are not read."""
    peer = ground.dial(frames=False, receive_buffer=4096)
    while not ground.over:
        peer.send(GET * 1000, reading=False)


@http1("requests without end, answered and read", limit="one request at a time")
def pipelined_read(ground: Ground) -> None:
    """Many, but honest: other clients are served in between."""
    without_end(ground, b"", GET)


@http1(
    "`expect: 100-continue` and no body, again and again", ends=False, limit="one request at a time"
)
def expecting_http1(ground: Ground) -> None:
    """Each request is complete, because its length is 0."""
    without_end(ground, b"", POST % (b"/read", b"content-length: 0\r\nexpect: 100-continue\r\n"))


# Messages that two servers might interpret differently (RFC 9112 sections 5 to 7 and 11).
SMUGGLED = {
    "both lengths": POST % (b"/read", b"content-length: 6\r\n" + CHUNKED) + b"0\r\n\r\nG",
    "two lengths": POST % (b"/read", b"content-length: 0\r\ncontent-length: 5\r\n"),
    "a list of lengths": POST % (b"/read", b"content-length: 0, 5\r\n"),
    "a signed length": POST % (b"/read", b"content-length: +5\r\n"),
    "a length in hexadecimal": POST % (b"/read", b"content-length: 0x5\r\n"),
    "chunked twice": POST % (b"/read", b"transfer-encoding: chunked, chunked\r\n") + b"0\r\n\r\n",
    "chunked is not last": POST % (b"/read", b"transfer-encoding: chunked, x\r\n") + b"0\r\n\r\n",
    "an unknown coding": POST % (b"/read", b"transfer-encoding: xchunked\r\n") + b"0\r\n\r\n",
    "a space before the colon": POST % (b"/read", b"transfer-encoding : chunked\r\n")
    + b"0\r\n\r\n",
    "a folded line": POST % (b"/read", b"x: y\r\n transfer-encoding: chunked\r\n"),
    "chunked in HTTP/1.0": POST.replace(b"1.1", b"1.0") % (b"/read", CHUNKED) + b"0\r\n\r\n",
    "a bare LF": POST.replace(b"\r\n", b"\n") % (b"/read", b"content-length: 0\n"),
    "a bare CR in a value": POST % (b"/read", b"x: y\rcontent-length: 5\r\n"),
    "NUL in a value": POST % (b"/read", b"x: y\0z\r\n"),
    "no host": GET.replace(b"host: localhost\r\n", b""),
    "two hosts": GET.replace(b"host: localhost\r\n", b"host: a\r\nhost: b\r\n"),
    "a chunk size that overflows": POST % (b"/read", CHUNKED) + b"10000000000000000\r\n",
    "a chunk size with a prefix": POST % (b"/read", CHUNKED) + b"0x1\r\nx\r\n0\r\n\r\n",
    "a bare LF after a chunk size": POST % (b"/read", CHUNKED) + b"1\nx\r\n0\r\n\r\n",
    "a chunk longer than its size": POST % (b"/read", CHUNKED) + b"1\r\nxx\r\n0\r\n\r\n",
}
SMUGGLED_PATH = b"GET /?smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n"


@http1(
    "20 ways to hide a request in another",
    lines=5,
    connections=len(SMUGGLED),
    memory=PER_CONNECTION // 10,
    seconds=10,
    limit="refused with 400, connection closed",
)
def smuggling(ground: Ground) -> None:
    """Each is refused, and its connection ended: what follows is not answered."""
    for name, request in SMUGGLED.items():
        peer = ground.dial(frames=False)
        peer.send(request + SMUGGLED_PATH)
        while not peer.closed:
            with contextlib.suppress(Ended):
                peer.hear(0.2)
            assert not ground.over, f"{name}: the connection goes on"
        answers = [line for line in bytes(peer.text).split(b"\r\n") if b"HTTP/1.1 " in line]
        assert answers == [b"HTTP/1.1 400 Bad Request"], f"{name}: {answers}"
