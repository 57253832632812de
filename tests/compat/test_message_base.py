"""The compiled part of requests and responses: `http2.compat.message_base`."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

import http2
from http2.compat import message_base

from ..support.both_protocols import PROTOCOLS, serving_both, told
from ..support.running import Run

PARTS = [message_base.RequestBase, message_base.Http1RequestBase, message_base.ResponseBase]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_attributes_of_a_program(run: Run, protocol: str) -> None:
    async def main() -> None:
        def handler(request: Any, response: Any) -> None:
            assert request.__dict__ == response.__dict__ == {}
            request.user = "Ann"
            request.method = "PATCH"
            request.url = f"/{request.url.strip('/')}/more"
            response.started = 5
            assert (request.user, response.started) == ("Ann", 5)
            with pytest.raises(AttributeError):
                request.stream = None
            with pytest.raises(AttributeError):
                del response.stream
            response.send_date = False
            response.write_head(404, {"x-url": request.url})
            line = f"{request.method} {request.url}"
            request.headers = {"x": "1"}
            assert request.headers == {"x": "1"}
            response.end(line)

        async with serving_both(handler) as (_, port):
            answer = await told(port, protocol, path="/path")
            assert (answer.status, answer.body) == (404, b"PATCH /path/more")

    run(main())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_status_is_not_one_of_the_headers(run: Run, protocol: str) -> None:
    async def main() -> None:
        def handler(request: Any, response: Any) -> None:
            for send in (lambda: None, lambda: response.write_head(206)):
                if not response.headers_sent:
                    response.set_header("X-One", "1")
                    response.remove_header(":status")
                send()
                assert response.get_headers() == {"x-one": "1"}
                assert response.get_header_names() == ["x-one"]
                assert response.get_header(":status") is None
                assert not response.has_header(":status")
            response.end(response.stream.sent_headers["x-one"])

        async with serving_both(handler) as (_, port):
            answer = await told(port, protocol)
            assert (answer.status, answer.body) == (206, b"1")

    run(main())


def test_a_class_that_forgets_its_base() -> None:
    class Forgetful(http2.Http2ServerResponse):
        def __init__(self, *args: object) -> None:
            pass

    response = Forgetful()
    for call in (response.end, lambda: response.write_head(200), lambda: response.write(b"")):
        with pytest.raises(AttributeError):
            call()
    with pytest.raises(AttributeError):
        response.set_header("x", "1")


@pytest.mark.parametrize("kind", [http2.Http2ServerRequest, http2.Http1IncomingMessage])
def test_a_request_needs_a_stream(kind: type[Any]) -> None:
    for wrong in (None, 5):
        with pytest.raises(TypeError):
            kind(wrong, {})
    assert list(inspect.signature(kind).parameters) == ["stream", "headers"]


def test_stub_and_module_agree() -> None:
    """A method has the same docstring and the same signature in both."""
    stub = ast.parse((Path(http2.__file__).parent / "compat" / "message_base.pyi").read_text())
    compared = 0
    for part in stub.body:
        for entry in part.body if isinstance(part, ast.ClassDef) else ():
            if isinstance(entry, ast.FunctionDef) and entry.name[0] != "_":
                assert isinstance(part, ast.ClassDef)
                method = getattr(getattr(message_base, part.name), entry.name)
                assert inspect.getdoc(method) == ast.get_docstring(entry)
                declared = inspect.signature(method)
                assert [*declared.parameters] == [a.arg for a in entry.args.args]
                assert [p.annotation for p in declared.parameters.values()][1:] == [
                    a.annotation and ast.unparse(a.annotation) for a in entry.args.args[1:]
                ]
                assert entry.returns is not None
                assert declared.return_annotation == ast.unparse(entry.returns)
                compared += 1
    assert compared == 4
