"""The ALPN offer in a ClientHello: complete, split, malformed, and missing."""

from __future__ import annotations

import ssl
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from http2.tls.client_hello import LIMIT, MOST_RECORDS, read_client_hello

from ..support.self_signed import Certificate
from ..support.tls import client_hello, message_of, records

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
    """OpenSSL decides then."""
    message = message_of(client_hello("foo"))
    assert read_client_hello(records(message, [1] * (MOST_RECORDS - 1))) == (True, (b"foo",))
    assert read_client_hello(records(message, [1] * MOST_RECORDS)) == (True, None)
    head = b"\x01" + (LIMIT + 1).to_bytes(3, "big")
    assert read_client_hello(records(head, [])) == (True, None)
    endless = b"\x16\x03\x01\xff\xff\x01"
    assert read_client_hello(endless) == (False, ())
    assert read_client_hello(endless + b"\x00" * LIMIT) == (True, None)


# Values that clients send so that servers tolerate unknown ones (RFC 8701).
GREASE = [b"\x0a\x0a", b"\x3a\x3a", b"\x7a\x7a", b"\xda\xda", b"\xfa\xfa"]


def vector(width: int, content: bytes) -> bytes:
    """Return *content* after its length."""
    return len(content).to_bytes(width, "big") + content


names = st.one_of(
    st.sampled_from([b"h2", b"http/1.1", *GREASE]), st.binary(min_size=1, max_size=255)
)
others = st.tuples(
    st.one_of(st.sampled_from(GREASE), st.sampled_from([b"\x00\x00", b"\x00\x15", b"\x44\x69"])),
    st.binary(max_size=300),
)


@given(
    offer=st.lists(names, min_size=1, max_size=5),
    before=st.lists(others, max_size=4),
    after=st.lists(others, max_size=4),
    session=st.binary(max_size=32),
    suites=st.lists(st.one_of(st.sampled_from(GREASE), st.just(b"\x13\x01")), max_size=9),
    sizes=st.lists(st.integers(1, 200), max_size=MOST_RECORDS - 1),
    data=st.data(),
)
def test_any_other_content(
    offer: list[bytes], before: list[tuple[bytes, bytes]], after: list[tuple[bytes, bytes]],
    session: bytes, suites: list[bytes], sizes: list[int], data: st.DataObject,
) -> None:  # fmt: skip
    """Return extensions in any order, with unknown ones, in any records, split anywhere."""
    alpn = (b"\x00\x10", vector(2, b"".join(vector(1, name) for name in offer)))
    extensions = b"".join(kind + vector(2, content) for kind, content in [*before, alpn, *after])
    body = b"\x03\x03" + bytes(32) + vector(1, session) + vector(2, b"".join(suites))
    body += vector(1, b"\x00") + vector(2, extensions)
    hello = records(b"\x01" + vector(3, body), sizes)
    assert read_client_hello(hello) == (True, tuple(offer))
    cut = data.draw(st.integers(0, len(hello) - 1))
    assert read_client_hello(hello[:cut]) == (False, ())


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x02",
        b"\x16\x03\x01\x00\x01\x02",  # a ServerHello
        b"\x15\x03\x01\x00\x02\x02\x28",  # an alert
        b"\x80\x2e\x01\x03\x01",  # the beginning of SSL 2
    ],
)
def test_what_is_none(data: bytes) -> None:
    assert read_client_hello(data) == (True, None)


@given(st.binary(max_size=300))
@example(b"\x16\x03\x01\x00\x04\x01\x00\x00\x00")
@example(b"\x16\x03\x01\x00\x00")
def test_garbage(data: bytes) -> None:
    """There is a result for any bytes."""
    for bytes_ in (data, b"\x16\x03\x01" + data, records(b"\x01\x00" + data, [])):
        whole, offered = read_client_hello(bytes_)
        assert whole or not offered


@cache
def h2_context(certificate: Certificate) -> ssl.SSLContext:
    """Return the context of a server that supports h2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    context.set_alpn_protocols(["h2"])
    return context


def check_as_openssl(hello: bytes, certificate: Certificate) -> bool:
    """Return whether OpenSSL answers *hello*; it has then found the same protocols."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = h2_context(certificate).wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(hello)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        if not outgoing.pending:
            return False
    except ssl.SSLError:
        return False
    whole, offered = read_client_hello(hello)
    if offered is not None:
        assert whole
        assert (tls.selected_alpn_protocol() == "h2") == (b"h2" in offered)
    return True


@given(offer=st.sampled_from(OFFERS), data=st.data())
def test_a_hello_gone_wrong(
    certificate: Certificate, offer: tuple[str, ...], data: st.DataObject
) -> None:
    assert check_as_openssl(client_hello(*offer), certificate)
    hello = bytearray(client_hello(*offer))
    for _ in range(data.draw(st.integers(1, 5))):
        hello[data.draw(st.integers(0, len(hello) - 1))] = data.draw(st.integers(0, 255))
    whole, offered = read_client_hello(bytes(hello))
    assert whole or not offered
    assert all(isinstance(name, bytes) for name in offered or ())
    check_as_openssl(bytes(hello), certificate)


@given(st.data())
def test_lists_gone_wrong(data: st.DataObject) -> None:
    """Every byte of the extension, which is the last one here."""
    extension = bytearray(b"\x00\x10\x00\x0c\x00\x0a\x02h2\x06foobar")
    extension[data.draw(st.integers(0, len(extension) - 1))] = data.draw(st.integers(0, 255))
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00"
    body += len(extension).to_bytes(2, "big") + extension
    whole, offered = read_client_hello(records(b"\x01" + len(body).to_bytes(3, "big") + body, []))
    assert whole
    assert all(offered or ())
