"""What a ClientHello offers by ALPN: whole, cut, in pieces, broken, and none at all."""

from __future__ import annotations

import ssl
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from http2.core.client_hello import LIMIT, MOST_RECORDS, read_client_hello


@cache
def client_hello(*protocols: str, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> bytes:
    """The first flight of a TLS client that offers *protocols*."""
    context = ssl.create_default_context()
    context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(protocols)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def records(message: bytes, sizes: list[int]) -> bytes:
    """*message* in records of *sizes*, the rest of it in one more."""
    out = b""
    for size in [*sizes, len(message)]:
        part, message = message[:size], message[size:]
        if part:
            out += b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part
    return out


def message_of(hello: bytes) -> bytes:
    """A ClientHello without the header of its one record."""
    assert len(hello) == 5 + int.from_bytes(hello[3:5], "big")
    return hello[5:]


OFFERS = [(), ("h2",), ("http/1.1",), ("h2", "http/1.1"), ("foo", "x" * 255, "h2")]


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_openssl_sends(offer: tuple[str, ...], version: ssl.TLSVersion) -> None:
    hello = client_hello(*offer, version=version)
    expected = (True, tuple(name.encode() for name in offer))
    assert read_client_hello(hello) == expected
    assert read_client_hello(hello + b"what comes next") == expected
    for end in range(len(hello)):
        assert read_client_hello(hello[:end]) == (False, ())


@given(st.lists(st.integers(1, 600), max_size=MOST_RECORDS - 1), st.data())
def test_in_several_records(sizes: list[int], data: st.DataObject) -> None:
    hello = records(message_of(client_hello("foo", "h2")), sizes)
    assert read_client_hello(hello) == (True, (b"foo", b"h2"))
    end = data.draw(st.integers(0, len(hello) - 1))
    assert read_client_hello(hello[:end]) == (False, ())


def test_too_much_to_wait_for() -> None:
    """It is OpenSSL that decides then."""
    message = message_of(client_hello("foo"))
    assert read_client_hello(records(message, [1] * MOST_RECORDS)) == (True, ())
    head = b"\x01" + (LIMIT + 1).to_bytes(3, "big")
    assert read_client_hello(records(head, [])) == (True, ())
    endless = b"\x16\x03\x01\xff\xff\x01"
    assert read_client_hello(endless) == (False, ())
    assert read_client_hello(endless + b"\x00" * LIMIT) == (True, ())


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x02",
        b"\x16\x03\x01\x00\x01\x02",  # a ServerHello
        b"\x15\x03\x01\x00\x02\x02\x28",  # an alert
        b"\x80\x2e\x01\x03\x01",  # as SSL 2 began
    ],
)
def test_what_is_none(data: bytes) -> None:
    assert read_client_hello(data) == (True, ())


@given(st.binary(max_size=300))
@example(b"\x16\x03\x01\x00\x04\x01\x00\x00\x00")
@example(b"\x16\x03\x01\x00\x00")
def test_garbage(data: bytes) -> None:
    """Whatever comes, there is an answer."""
    for bytes_ in (data, b"\x16\x03\x01" + data, records(b"\x01\x00" + data, [])):
        whole, offered = read_client_hello(bytes_)
        assert whole or not offered


@given(st.sampled_from(OFFERS), st.data())
def test_a_hello_gone_wrong(offer: tuple[str, ...], data: st.DataObject) -> None:
    hello = bytearray(client_hello(*offer))
    for _ in range(data.draw(st.integers(1, 5))):
        hello[data.draw(st.integers(0, len(hello) - 1))] = data.draw(st.integers(0, 255))
    whole, offered = read_client_hello(bytes(hello))
    assert whole or not offered
    assert all(isinstance(name, bytes) for name in offered)


@given(st.data())
def test_lists_gone_wrong(data: st.DataObject) -> None:
    """Every byte of the extension, which is at the end of what is built here."""
    extension = bytearray(b"\x00\x10\x00\x0c\x00\x0a\x02h2\x06foobar")
    extension[data.draw(st.integers(0, len(extension) - 1))] = data.draw(st.integers(0, 255))
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00"
    body += len(extension).to_bytes(2, "big") + extension
    whole, offered = read_client_hello(records(b"\x01" + len(body).to_bytes(3, "big") + body, []))
    assert whole
    assert all(isinstance(name, bytes) for name in offered)
