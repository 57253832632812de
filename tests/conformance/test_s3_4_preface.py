"""RFC 9113 section 3.4: the beginning of a connection, on both sides."""

from __future__ import annotations

import asyncio

import http2

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import eventually, listening
from .client_cases import ClientCase, check_client
from .codes import PROTOCOL_ERROR
from .reactions import Ended, Observed, Reaction, connection_error, fine
from .server_cases import BARRIERS, Server, observe, trusting_context

# The first bytes of a client, and the reaction.
OPENINGS: dict[str, tuple[bytes, Reaction]] = {
    "the preface": (raw.PREFACE + raw.settings() + raw.get(1), fine(1)),
    "the preface, and settings of a client": (
        raw.PREFACE + raw.settings({1: 0, 2: 0, 3: 9, 4: 70000, 5: 16384, 6: 9999}) + raw.get(1),
        fine(1),
    ),
    "another protocol": (b"INVALID CONNECTION PREFACE\r\n\r\n", Ended()),
    "one octet wrong": (raw.PREFACE[:-1] + b"\r" + raw.settings(), Ended()),
    "HTTP/1.1": (b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", Ended()),
    "PING before SETTINGS": (raw.PREFACE + raw.ping(), connection_error(PROTOCOL_ERROR)),
    "a request before SETTINGS": (raw.PREFACE + raw.get(1), connection_error(PROTOCOL_ERROR)),
    "an acknowledgement before SETTINGS": (
        raw.PREFACE + raw.settings(ack=True),
        connection_error(PROTOCOL_ERROR),
    ),
    "an unknown frame before SETTINGS": (
        raw.PREFACE + raw.frame(0xFA) + raw.settings(),
        connection_error(PROTOCOL_ERROR),
    ),
    "the preface twice": (
        raw.PREFACE + raw.settings() + raw.PREFACE,
        # the second one is a frame header of 0x505249 octets
        connection_error(6),
    ),
}


def test_server(run: Run, certificate: Certificate) -> None:
    async def opened(port: int, tls: bool, octets: bytes, reaction: Reaction) -> Observed:
        peer = await RawPeer.dial(port, trusting_context() if tls else None)
        async with peer:
            peer.send(octets + (b"" if reaction.ends else raw.ping(BARRIERS[0])))
            seen = await observe(peer, reaction.ends, (1,))
            if seen.frames:
                # section 3.4: the server's first frame is SETTINGS
                assert (seen.frames[0].type, seen.frames[0].flags) == (raw.SETTINGS, 0)
            return seen

    async def main() -> None:
        server = Server()
        clear = http2.create_server()
        secure = http2.create_secure_server(cert=certificate.cert, key=certificate.key)
        for one in (clear, secure):
            server.attach(one)
        async with listening(clear) as port, listening(secure) as secure_port:
            for where, tls in ((port, False), (secure_port, True)):
                for name, (octets, reaction) in OPENINGS.items():
                    server.errors.clear()
                    seen = await opened(where, tls, octets, reaction)
                    assert reaction.holds(seen), (name, tls, str(seen))
                    if seen.ended and reaction != Ended():
                        # set when the connection is closed
                        await eventually(lambda: bool(server.errors))
                    assert len(server.errors) <= 1, (name, server.errors)
                    assert bool(server.errors) == seen.ended or reaction == Ended(), name

    run(main())


def test_server_takes_the_preface_octet_by_octet(run: Run) -> None:
    async def main() -> None:
        server = Server()
        clear = http2.create_server()
        server.attach(clear)
        async with listening(clear) as port, await RawPeer.dial(port) as peer:
            for octet in raw.PREFACE + raw.settings() + raw.get(1):
                peer.send(bytes([octet]))
                await peer.flush()
                await asyncio.sleep(0)
            assert await peer.body(1) == b"hello"

    run(main())


CLIENT = {
    "SETTINGS first": ClientCase(
        raw.settings(ack=True) + raw.headers(1, [(":status", "200")], end_stream=True),
        fine(1),
        greeting=raw.settings(),
    ),
    "PING before SETTINGS": ClientCase(b"", connection_error(PROTOCOL_ERROR), greeting=raw.ping()),
    "a response before SETTINGS": ClientCase(
        b"", connection_error(PROTOCOL_ERROR), greeting=raw.headers(1, [(":status", "200")])
    ),
    "an acknowledgement before SETTINGS": ClientCase(
        b"", connection_error(PROTOCOL_ERROR), greeting=raw.settings(ack=True)
    ),
    "HTTP/1.1": ClientCase(
        b"", Ended(), greeting=b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"
    ),
}


def test_client(run_asyncio: Run, certificate: Certificate) -> None:
    check_client(run_asyncio, certificate, CLIENT)
