"""The reader of ClientHellos: any bytes, and well-made hellos cut into records."""

from __future__ import annotations

from http2.tls.client_hello import read_client_hello

from .program import Program


def hello(names: list[bytes], junk: bytes, session: bytes) -> bytes:
    """Return a ClientHello with another extension, and then *names* (RFC 8446 section 4.1.2)."""
    listed = b"".join(bytes((len(name),)) + name for name in names)
    alpn = len(listed).to_bytes(2, "big") + listed
    extensions = (
        b"\x00\x2b" + len(junk).to_bytes(2, "big") + junk
        + b"\x00\x10" + len(alpn).to_bytes(2, "big") + alpn
    )  # fmt: skip
    body = (
        b"\x03\x03" + bytes(32) + bytes((len(session),)) + session + b"\x00\x02\x13\x01\x01\x00"
        + len(extensions).to_bytes(2, "big") + extensions
    )  # fmt: skip
    return b"\x01" + len(body).to_bytes(3, "big") + body


def records(message: bytes, sizes: list[int]) -> bytes:
    """Return *message* in TLS records of *sizes*, and the rest in one."""
    out = b""
    for size in [*sizes, len(message)]:
        part, message = message[:size], message[size:]
        out += b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part
    return out


def check(data: bytes) -> tuple[bool, tuple[bytes, ...] | None]:
    """Parse *data*: the result for a part of it must agree with the result for all of it."""
    whole = read_client_hello(data)
    assert isinstance(whole[0], bool)
    if not whole[0]:
        assert whole[1] == ()
    known = False
    for size in {*range(min(len(data), 64)), *range(0, len(data), 97), len(data)}:
        complete, offered = read_client_hello(data[:size])
        if complete:
            assert (complete, offered) == whole, f"{size} bytes were enough"
            known = True
    assert known == whole[0]
    return whole


def client_hello(data: bytes) -> None:
    """Parse raw bytes, or a hello with known contents."""
    program = Program(data)
    if program.flag():
        check(program.take(program.left))
        return
    session = program.take(program.byte() & 31)
    names = [program.take(1 + (program.byte() & 15)) for _ in range(program.byte() & 7)]
    names = [name for name in names if name]
    sizes = [1 + program.size() for _ in range(program.byte() & 7)]
    extra = program.take(program.byte())
    message = hello(names, program.take(program.size()), session)
    assert check(records(message, sizes) + extra) == (True, tuple(names))
