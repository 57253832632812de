"""Fields of extension types that are attributes of Python objects: `http2.common.members`."""

from __future__ import annotations

import inspect
import types
from typing import Any

import pytest

import http2
from http2.asgi.exchange import Exchange
from http2.asgi.shared_scope import SharedScope
from http2.asgi.steps import AsgiExchangeBase, SharedScopeBase
from http2.common.members import add_members
from http2.compat.message_base import Http1RequestBase, RequestBase, ResponseBase
from http2.compat.request import Http2ServerRequest
from http2.compat.response import Http2ServerResponse
from http2.http1.connection import Http1Connection
from http2.http1.http1_base import Http1ConnectionBase, Http1StreamBase
from http2.http1.messages import Http1IncomingMessage, Http1ServerResponse
from http2.http1.stream import Http1Stream
from http2.http1.watched import WatchedStream
from http2.sessions.client_session import ClientHttp2Session
from http2.sessions.compiled.requesting import ClientSessionBase
from http2.sessions.compiled.server_base import ServerSessionBase
from http2.sessions.compiled.session_base import SessionBase
from http2.sessions.server_session import ServerHttp2Session
from http2.streams.client_stream import ClientHttp2Stream
from http2.streams.compiled.base import ExchangeBase, OwnerBase, ServerStreamBase
from http2.streams.compiled.client_base import ClientStreamBase
from http2.streams.compiled.life_state import Life
from http2.streams.life import LIVE
from http2.streams.server_stream import ServerHttp2Stream
from http2.uvicorn import _Requests

from ..support.http1 import Http1Peer, get
from ..support.running import Run
from ..support.serving import listening

# the class that has the fields, and the classes whose instances have them
USES = [
    (ExchangeBase, ServerHttp2Stream),
    (ExchangeBase, ClientHttp2Stream),
    (ExchangeBase, Http1Stream),
    (ExchangeBase, WatchedStream),
    (Http1StreamBase, Http1Stream),
    (Http1StreamBase, WatchedStream),
    (Http1ConnectionBase, Http1Connection),
    (ServerStreamBase, ServerHttp2Stream),
    (ClientStreamBase, ClientHttp2Stream),
    (OwnerBase, ServerHttp2Session),
    (OwnerBase, ClientHttp2Session),
    (SessionBase, ServerHttp2Session),
    (SessionBase, ClientHttp2Session),
    (ServerSessionBase, ServerHttp2Session),
    (ClientSessionBase, ClientHttp2Session),
    (Life, Life),
    (AsgiExchangeBase, Exchange),
    (SharedScopeBase, SharedScope),
    (SharedScopeBase, _Requests),
    (RequestBase, Http2ServerRequest),
    (RequestBase, Http1IncomingMessage),
    (Http1RequestBase, Http1IncomingMessage),
    (ResponseBase, Http2ServerResponse),
    (ResponseBase, Http1ServerResponse),
]


def members_of(kind: type[object]) -> dict[str, object]:
    return {
        name: value
        for name, value in vars(kind).items()
        if isinstance(value, types.MemberDescriptorType)
    }


@pytest.mark.parametrize(("base", "kind"), USES)
def test_no_subclass_hides_a_field(base: type[object], kind: type[object]) -> None:
    members = members_of(base)
    assert members
    hidden = [name for name in members if inspect.getattr_static(kind, name) != members[name]]
    assert hidden == []


def test_a_common_request_over_http1_needs_no_dict(run: Run) -> None:
    """All that it sets are fields: CPython 3.11 and 3.12 make a dict for anything else."""
    found: list[Any] = []

    async def main() -> None:
        async def on_request(request: Any, response: Any) -> None:
            found.append(request.stream)
            body = await request.read()
            response.write_head(200, {"content-type": "text/plain"})
            response.end(body)

        server = http2.create_server(on_request, allow_http1=True)
        await server.listen(0, "127.0.0.1")
        async with server, await Http1Peer.dial(server.address()[1]) as peer:
            peer.send(get("/"))
            assert (await peer.response()).body == b""
            peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
            assert (await peer.response()).body == b"hello"
            for stream in found:
                assert vars(stream) == {}
                assert vars(stream.owner) == {}

    run(main())
    assert len(found) == 2


def test_an_everyday_http2_request_needs_no_dict(run: Run) -> None:
    """The same over HTTP/2, on both sides; and an idle session of a server."""
    found: list[Any] = []

    async def main() -> None:
        async def on_request(request: Any, response: Any) -> None:
            body = await request.read()
            response.set_header("content-type", "text/plain")
            response.end(body)
            everything = request, response, request.stream, request.stream.session
            found.extend(vars(one) for one in everything)

        async with (
            listening(http2.create_server(on_request)) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            for body in (None, b"hello"):
                stream = session.request({":method": "GET" if body is None else "POST"})
                if body is not None:
                    stream.end(body)
                assert (await stream.response())[":status"] == 200
                assert await stream.read() == (body or b"")
                assert vars(stream) == {}

    run(main())
    assert found == [{}] * 8


def test_python_and_compiled_code_share_a_field() -> None:
    life = Life(("OPEN", "OPEN", "LIVE", "UNTOLD"))
    # set by compiled code, in the order of the states
    assert life.on_wire is True
    assert life.closed is False
    assert repr(life) == "<Life LIVE UNTOLD, sending OPEN, receiving OPEN>"
    life.name = ("OPEN", "OPEN", "IDLE", "UNTOLD")
    assert repr(life) == "<Life IDLE UNTOLD, sending OPEN, receiving OPEN>"
    assert LIVE.name == ("OPEN", "OPEN", "LIVE", "UNTOLD")


def test_a_program_cannot_delete_what_compiled_code_reads() -> None:
    stream = ServerHttp2Stream.__new__(ServerHttp2Stream)
    session = ServerHttp2Session.__new__(ServerHttp2Session)
    for owner, name in (
        (stream, "id"),
        (stream, "headers_sent"),
        (session, "destroyed"),
        (session, "closed"),
    ):
        with pytest.raises(AttributeError, match="readonly"):
            delattr(owner, name)
        with pytest.raises(AttributeError, match="readonly"):
            setattr(owner, name, True)
    assert (stream.id, stream.headers_sent, session.destroyed) == (None, False, False)


def test_each_field_needs_a_name() -> None:
    with pytest.raises(ValueError, match="Life has other fields"):
        add_members(Life, "name")
    with pytest.raises(ValueError, match="ExchangeBase has other fields"):
        add_members(ExchangeBase, *members_of(ExchangeBase), "more")


def test_a_compiled_request_has_the_signature_and_the_help_of_a_function() -> None:
    signature = inspect.signature(ClientHttp2Session.request)
    assert [
        (name, parameter.default)
        for name, parameter in signature.parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    ] == [
        ("end_stream", None),
        ("exclusive", False),
        ("parent", 0),
        ("weight", 16),
        ("wait_for_trailers", False),
        ("signal", None),
    ]
    assert signature.parameters["headers"].default is None
    assert signature.return_annotation == "ClientHttp2Stream"
    assert (inspect.getdoc(ClientHttp2Session.request) or "").startswith("Send a request; ")
