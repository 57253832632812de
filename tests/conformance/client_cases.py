"""Run a case: a server that breaks the protocol, and this library's client.

Each case has its own connection, in the clear and over TLS. The client makes one request on stream
1 (GET, or POST with a body that has not ended). Then the server sends the case's bytes: all at
once, and in a second run with an answered PING between the allowed part and the tested one.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import http2

from ..support import raw
from ..support.dialled import PATIENCE
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.self_signed import Certificate
from .reactions import Fine, Reaction
from .server_cases import BARRIERS, observe

# The authority of promised requests in cases; as long as that of any port above 9,999.
NOWHERE = b"localhost:00000"


@dataclass(frozen=True)
class ClientCase:
    """*before* is allowed; *then* is tested. "localhost:00000" is replaced by the server's own."""

    then: bytes
    reaction: Reaction
    before: bytes = b""
    method: str = "GET"
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of `connect`."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """The expected headers of the response."""
    body: bytes | None = None
    """The expected body."""
    cancel: bool = False
    """Whether the client cancels the request before it receives anything."""
    pushes: bool = False
    """Whether the client accepts pushed streams."""
    only: str | None = None
    """The scheme for which the case applies, ``"http"`` or ``"https"``."""
    greeting: bytes | None = None
    """The server's first bytes, instead of SETTINGS."""


class Meeting:
    """A listening socket, and its connections, one at a time."""

    def __init__(self) -> None:
        self._peers: asyncio.Queue[RawPeer] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self, context: ssl.SSLContext | None) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._came, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._peers.put(RawPeer(reader, writer))

    async def next(self) -> RawPeer:
        """Return the connection of a client."""
        async with asyncio.timeout(PATIENCE):
            return await self._peers.get()

    async def close(self) -> None:
        """Stop listening."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()


@asynccontextmanager
async def meeting(context: ssl.SSLContext | None) -> AsyncIterator[Meeting]:
    """A `Meeting` that is closed at the end of its block."""
    place = Meeting()
    await place.open(context)
    try:
        yield place
    finally:
        await place.close()


async def settle(stream: http2.ClientHttp2Stream) -> tuple[Any, bytes, Any]:
    """Return the response, the body, and the error that was raised instead of one of them."""
    headers = None
    try:
        headers = await stream.response()
        return headers, await stream.read(), None
    except http2.Http2Error as error:
        return headers, b"", error


async def play(
    name: str, case: ClientCase, place: Meeting, scheme: str, options: dict[str, Any], apart: bool
) -> None:
    """Run *case* once, and compare."""
    where = f"{name}: {'TLS' if scheme == 'https' else 'clear'}, "
    where += "apart" if apart else "in one read"
    errors: list[Any] = []
    session = http2.connect(f"{scheme}://localhost:{place.port}", **options, **case.options)
    session.on("error", errors.append)
    if case.pushes:
        session.on("stream", lambda pushed: pushed.on("error", lambda error: None))
    stream = session.request({":method": case.method, ":path": "/"}, end_stream=None)
    stream.on("error", lambda error: None)
    result = asyncio.ensure_future(settle(stream))
    peer = await place.next()
    async with peer:
        got = await peer.reader.readexactly(len(raw.PREFACE))
        assert got == raw.PREFACE
        if case.greeting is None:
            peer.send(raw.settings(), raw.settings(ack=True))
            await peer.until(raw.HEADERS, 1)
            await peer.until(raw.SETTINGS, test=lambda got: bool(got.flags & raw.ACK))
        if case.cancel:
            stream.close(http2.constants.NGHTTP2_CANCEL)
            await peer.until(raw.RST_STREAM, 1)
        ends = case.reaction.ends
        start = len(peer.seen)
        own = b"localhost:%05d" % place.port
        before = case.before.replace(NOWHERE, own)
        if apart:
            peer.send(before)
            await peer.answered()
            before = b""
        octets = (case.greeting or b"") + before + case.then.replace(NOWHERE, own)
        peer.send(octets + (b"" if ends else raw.ping(BARRIERS[0])))
        seen = await observe(peer, ends, ())
        seen.frames = [got for got in peer.seen[start:] if got.type != raw.PING]
        assert case.reaction.holds(seen), f"{where}: wanted {case.reaction}, saw {seen}"
        if isinstance(case.reaction, Fine) and 1 in case.reaction.answered:
            headers, body, error = await asyncio.wait_for(result, PATIENCE)
            assert error is None, (where, error)
            for key, value in case.fields.items():
                assert headers.get(key) == value, (where, headers)
            assert case.body in (None, body), (where, body)
        session.destroy()
    headers, body, error = await asyncio.wait_for(result, PATIENCE)
    await session.close()
    if seen.ended:
        assert len(errors) == 1, (where, errors)
        goodbyes = [got for got in seen.frames if got.type == raw.GOAWAY]
        if goodbyes and isinstance(errors[0], http2.SessionError):
            assert errors[0].code == "ERR_HTTP2_ERROR", (where, errors)
            assert errors[0].error_code == goodbyes[-1].code, (where, errors)
            assert str(errors[0]).startswith("the peer violated the protocol: "), (where, errors)
            assert ", " in str(errors[0]), (where, errors)
    else:
        assert errors == [], (where, errors)


def check_client(run: Run, certificate: Certificate, cases: Mapping[str, ClientCase]) -> None:
    """Run *cases* in the clear and over TLS, in one read and separately; report all failures."""
    failed: list[str] = []

    async def main() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert, certificate.key)
        context.set_alpn_protocols(["h2"])
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        async with meeting(None) as clear, meeting(context) as secure:
            for name, case in cases.items():
                for apart in (False, True) if case.before else (False,):
                    for place, scheme in ((clear, "http"), (secure, "https")):
                        if case.only not in (None, scheme):
                            continue
                        options = {"reject_unauthorized": False} if scheme == "https" else {}
                        try:
                            await play(name, case, place, scheme, options, apart)
                        except AssertionError as failure:
                            failed.append(str(failure))

    run(main())
    assert not failed, "\n".join(failed)
