"""Run a case: a client that breaks the protocol, and this library's server.

Each case is sent over its own connection, in the clear and over TLS: once all at once, so that one
read of the server has both parts, and once with an answered PING in between, so that the server has
processed the allowed part before the tested one.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import http2

from ..support import raw
from ..support.raw import RawPeer
from ..support.running import Run
from ..support.self_signed import Certificate
from ..support.serving import eventually, listening
from .reactions import Fine, Observed, Reaction

BARRIERS = (b"barrier1", b"barrier2")


@dataclass(frozen=True)
class Case:
    """*before* is allowed; *then* is tested."""

    then: bytes
    reaction: Reaction
    before: bytes = b""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the server."""
    values: Mapping[int, int] | None = None
    """The client's SETTINGS."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """The expected headers of the last request."""
    body: bytes | None = None
    """The expected body of the last request."""
    together: bool = True
    """Whether it is also sent in one piece; not if the server must send something first."""


class Server:
    """The handlers of a server, and a record of their requests."""

    def __init__(self) -> None:
        self.errors: list[Any] = []
        self.fields: dict[str, Any] = {}
        self.body: bytes | None = None

    def attach(self, server: http2.Http2Server) -> None:
        """Answer *server*'s requests, and record its sessions' errors."""
        server.on("stream", self._stream)
        server.on("session_error", self._session_error)

    def _session_error(self, error: Any) -> None:
        # a client disconnects while its streams are open, as the tests' clients do at the end
        if not isinstance(error, http2.ConnectionClosed):
            self.errors.append(error)

    def _stream(self, stream: http2.ServerHttp2Stream, headers: http2.Headers) -> Any:
        self.fields = dict(headers)
        self.body = None
        stream.on("error", lambda error: None)
        path = headers.get(":path")
        if path == "/never":
            return None
        if path == "/push":
            return self._push(stream)
        if path == "/early" or headers[":method"] == "GET":
            self._answer(stream)
            return None
        if path == "/reset":
            stream.close(http2.constants.NGHTTP2_CANCEL)
            return None
        return self._whole(stream)

    @staticmethod
    def _answer(stream: http2.ServerHttp2Stream) -> None:
        stream.respond({"content-type": "text/plain"})
        stream.end("hello")

    async def _whole(self, stream: http2.ServerHttp2Stream) -> None:
        self.body = await stream.read()
        self._answer(stream)

    async def _push(self, stream: http2.ServerHttp2Stream) -> None:
        for path in ("/reserved", "/pushed"):
            pushed, _ = await stream.push_stream({":path": path})
            pushed.on("error", lambda error: None)
        self._answer(pushed)
        self._answer(stream)


async def observe(peer: RawPeer, ends: bool, answered: tuple[int, ...]) -> Observed:
    """Return what the server sends: until the end, or until PINGs and *answered* are answered."""
    left = set() if ends else set(answered)
    pings = set() if ends else set(BARRIERS)
    frames: list[raw.Frame] = []
    while ends or left or pings:
        try:
            got = await peer.frame()
        except TimeoutError:
            break  # the expected answer is missing: `holds` reports it
        if got is None:
            return Observed(frames, True)
        if got.type == raw.PING and got.payload in BARRIERS:
            pings.discard(got.payload)
            if got.payload == BARRIERS[0]:
                peer.send(raw.ping(BARRIERS[1]))
            continue
        frames.append(got)
        if got.ends_stream or got.type == raw.RST_STREAM:
            left.discard(got.stream_id)
    return Observed(frames, False)


async def play(
    name: str, case: Case, server: Server, port: int, context: ssl.SSLContext | None, apart: bool
) -> None:
    """Run *case* once, and compare."""
    server.errors.clear()
    ends = case.reaction.ends
    answered = case.reaction.answered if isinstance(case.reaction, Fine) else ()
    where = f"{name}: {'TLS' if context else 'clear'}, {'apart' if apart else 'in one read'}"
    async with await RawPeer.connect(port, context, dict(case.values or {})) as peer:
        before = b""
        start = len(peer.seen)
        if apart:
            peer.send(case.before)
            await peer.answered()
        else:
            before = case.before
        peer.send(before + case.then + (b"" if ends else raw.ping(BARRIERS[0])))
        seen = await observe(peer, ends, answered)
        seen.frames = [got for got in peer.seen[start:] if got.type != raw.PING]
    assert case.reaction.holds(seen), f"{where}: wanted {case.reaction}, saw {seen}"
    if seen.ended:
        # set when the connection is closed: the server waits for the client's end
        await eventually(lambda: bool(server.errors))
        goodbyes = [got for got in seen.frames if got.type == raw.GOAWAY]
        assert len(server.errors) == 1, (where, server.errors)
        error = server.errors[0]
        if goodbyes and isinstance(error, http2.SessionError):
            assert error.code == "ERR_HTTP2_ERROR", (where, error)
            assert error.error_code == goodbyes[-1].code, (where, error)
            # the code, and the description of the violation
            assert str(error).startswith("the peer violated the protocol: "), (where, error)
            assert ", " in str(error), (where, error)
    else:
        assert server.errors == [], (where, server.errors)
    for key, value in case.fields.items():
        assert server.fields.get(key) == value, (where, server.fields)
    if case.body is not None:
        assert server.body == case.body, (where, server.body)
    if isinstance(case.reaction, Fine):
        for stream_id in answered:
            ends_of = [got for got in seen.frames if got.stream_id == stream_id and got.ends_stream]
            assert len(ends_of) == 1, (where, str(seen))
            if case.reaction.status is not None:
                first = next(got for got in seen.frames if got.stream_id == stream_id)
                assert first.status == case.reaction.status, (where, str(seen))


def ways(case: Case) -> tuple[bool, ...]:
    """Whether to send a case in separate parts: no, yes, or both, one after the other."""
    if not case.before:
        return (False,)
    return (False, True) if case.together else (True,)


def check(run: Run, certificate: Certificate, cases: Mapping[str, Case]) -> None:
    """Run *cases* in the clear and over TLS, in one read and separately; report all failures."""
    failed: list[str] = []

    async def serve(options: Mapping[str, Any], names: list[str]) -> None:
        server = Server()
        clear = http2.create_server(**options)
        secure = http2.create_secure_server(cert=certificate.cert, key=certificate.key, **options)
        server.attach(clear)
        server.attach(secure)
        context = trusting_context()
        async with listening(clear) as port, listening(secure) as secure_port:
            for name in names:
                case = cases[name]
                for apart in ways(case):
                    for where, tls in ((port, None), (secure_port, context)):
                        try:
                            await play(name, case, server, where, tls, apart)
                        except AssertionError as failure:
                            failed.append(str(failure))

    async def main() -> None:
        groups: dict[str, list[str]] = {}
        for name, case in cases.items():
            groups.setdefault(repr(sorted(case.options.items())), []).append(name)
        for names in groups.values():
            await serve(cases[names[0]].options, names)

    run(main())
    assert not failed, "\n".join(failed)


def trusting_context() -> ssl.SSLContext:
    """Create the TLS context of a client that offers only h2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context
