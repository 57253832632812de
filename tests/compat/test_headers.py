"""The headers of a response, set one by one and at once, compared with Node."""

from __future__ import annotations

import warnings
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support.running import Run
from ..support.serving import listening
from .scenarios import Note, Scenarios, attempt, differences, of_node, ours

Request = http2.Http2ServerRequest
Response = http2.Http2ServerResponse

scenario = Scenarios()


@scenario("/one-by-one")
def _(request: Request, response: Response, note: Note) -> None:
    response.set_header("x-one", "1")
    response.set_header(" X-Two ", 2)
    response.set_header("X-Many", ["a", "b"])
    response.set_header("set-cookie", ["c=1", "d=2"])
    note(response.get_header("X-ONE"), response.get_header("x-two"), response.get_header("x-none"))
    note(response.has_header("X-One"), response.has_header("x-none"))
    note(response.get_header_names(), response.get_headers())
    response.set_header("X-ONE", "again")
    response.remove_header("X-Two")
    response.remove_header("x-none")
    note(response.get_header_names())
    response.get_headers()["x-one"] = "a copy"
    response.end()


@scenario("/precedence")
def _(request: Request, response: Response, note: Note) -> None:
    response.status_code = 404
    response.set_header("x-a", "set")
    response.set_header("x-b", "set")
    response.write_head(201, {"X-A": "head", "x-c": "head"}).end("body")


@scenario("/precedence-pairs")
def _(request: Request, response: Response, note: Note) -> None:
    response.set_header("x-a", "set")
    response.set_header("x-b", "set")
    response.write_head(200, [("X-A", "1"), ("x-a", "2"), ("x-c", "3")])
    response.end()


@scenario("/without-headers")
def _(request: Request, response: Response, note: Note) -> None:
    response.set_header("x-a", "set")
    response.write_head(299).end()


@scenario("/append")
def _(request: Request, response: Response, note: Note) -> None:
    response.append_header("x-a", "1")
    note(response.get_header("x-a"))
    response.append_header("X-A", "2")
    note(response.get_header("x-a"))
    response.append_header("x-a", ["3", "4"])
    response.set_header("x-b", ["1", "2"])
    response.append_header("x-b", "3")
    note(response.get_headers())
    response.end()


@scenario("/after-they-were-sent")
def _(request: Request, response: Response, note: Note) -> None:
    response.status_code = 203
    response.set_header("x-a", "set")
    note(response.headers_sent, response.status_code)
    response.write("a")
    note(response.headers_sent, response.status_code)
    for call in (
        lambda: response.set_header("x-b", "1"),
        lambda: response.append_header("x-b", "1"),
        lambda: response.remove_header("x-a"),
        lambda: response.write_head(200),
        lambda: response.flush_headers(),
        lambda: response.get_header("x-a"),
        lambda: response.has_header("x-a"),
        lambda: "x-a" in response.get_header_names(),
        lambda: response.write_continue(),
        lambda: response.write_early_hints({"link": "</a>; rel=preload"}),
    ):
        note(attempt(call))
    response.end("b")


@scenario("/date")
def _(request: Request, response: Response, note: Note) -> None:
    response.end()


@scenario("/no-date")
def _(request: Request, response: Response, note: Note) -> None:
    note(response.send_date)
    response.send_date = False
    note(response.send_date)
    response.end()


@scenario("/date-removed")
def _(request: Request, response: Response, note: Note) -> None:
    response.remove_header("Date")
    note(response.send_date)
    response.end()


@scenario("/date-of-its-own")
def _(request: Request, response: Response, note: Note) -> None:
    response.set_header("date", "Thu, 01 Jan 1970 00:00:00 GMT")
    response.end()


@scenario("/date-in-write-head")
def _(request: Request, response: Response, note: Note) -> None:
    response.send_date = False
    response.write_head(200, {"date": "Thu, 01 Jan 1970 00:00:00 GMT"})
    response.end()


@scenario("/names")
def _(request: Request, response: Response, note: Note) -> None:
    name: Any
    for name in ("", "a b", 5, None, ":status", ":path", ":method", ":scheme", ":authority"):
        note(
            attempt(response.set_header, name, "x"),
            attempt(response.append_header, name, "x"),
            attempt(response.set_trailer, name, "x"),
        )
    for name in (5, None):
        note(
            attempt(response.get_header, name),
            attempt(response.has_header, name),
            attempt(response.remove_header, name),
        )
    note(
        attempt(response.set_header, "x", None),
        attempt(response.append_header, "x", None),
        attempt(response.set_trailer, "x", None),
    )
    note(attempt(response.write_head, 200, {"x": None}))
    note(attempt(response.write_head, 200, {":status": 201}))
    note(response.headers_sent)
    response.end()


@scenario("/connection")
def _(request: Request, response: Response, note: Note) -> None:
    with pytest.warns(http2.UnsupportedWarning, match="connection"):
        note(
            attempt(response.set_header, "Connection", "close"),
            response.has_header("connection"),
        )
    response.set_header("transfer-encoding", "chunked")
    note(attempt(response.write_head, 200), response.headers_sent)
    response.remove_header("transfer-encoding")
    response.end()


@scenario("/connection-in-write-head")
def _(request: Request, response: Response, note: Note) -> None:
    with pytest.warns(http2.UnsupportedWarning, match="connection"):
        response.write_head(200, {"connection": "keep-alive", "x-a": "1"})
    response.end()


@scenario("/status")
def _(request: Request, response: Response, note: Note) -> None:
    note(response.status_code)
    code: Any
    for code in (99, 600, 0, -1, 100, 101, 103, 199, "abc", None, "404", 200, 599):
        note(attempt(setattr, response, "status_code", code), response.status_code)
    response.end()
    note(response.status_code)


@scenario("/status-of-write-head")
def _(request: Request, response: Response, note: Note) -> None:
    note(response.write_head(410) is response, response.status_code)
    response.end()


@scenario("/status-message")
def _(request: Request, response: Response, note: Note) -> None:
    note(response.status_message)
    with pytest.warns(http2.UnsupportedWarning, match="status message"):
        response.status_message = "Fine"
    note(response.status_message)
    with pytest.warns(http2.UnsupportedWarning, match="status message"):
        response.write_head(200, "Fine", {"x-a": "1"})
    response.end()


@scenario("/message-alone")
def _(request: Request, response: Response, note: Note) -> None:
    with pytest.warns(http2.UnsupportedWarning, match="status message"):
        response.write_head(202, "Fine")
    response.end()


@scenario("/flushed")
def _(request: Request, response: Response, note: Note) -> None:
    response.status_code = 202
    response.set_header("x-a", "1")
    note(attempt(response.flush_headers), response.headers_sent)
    note(attempt(response.flush_headers))
    response.end("late")


WANTED = [{"path": path} for path in scenario]


@pytest.fixture(scope="module")
def theirs() -> Any:
    """Node's results."""
    return of_node("headers", WANTED)


@pytest.mark.interop
@pytest.mark.row(
    "module.UnsupportedWarning",
    "server_stream.respond.option.send_date",
    "response.append_header",
    "response.flush_headers",
    "response.get_header",
    "response.get_header_names",
    "response.get_headers",
    "response.has_header",
    "response.headers_sent",
    "response.remove_header",
    "response.send_date",
    "response.set_header",
    "response.status_code",
    "response.status_message",
    "response.write_head",
)
def test_beside_node(run: Run, theirs: Any) -> None:
    async def main() -> None:
        seen = await ours(scenario, WANTED)
        assert differences(seen, theirs) == {}

    run(main())


def said_by(handler: Any, **wanted: Any) -> Any:
    """Return what Node's client receives from *handler*, on a separate server."""

    async def main() -> Any:
        scenarios = Scenarios({"/": handler})
        return (await ours(scenarios, [{"path": "/", **wanted}]))["/"]

    return main()


NAMES = {
    "a@b": "ERR_INVALID_HTTP_TOKEN",
    "a:b": "ERR_INVALID_HTTP_TOKEN",
    "a\n": None,  # spaces around a name are removed
    "a\nb": "ERR_INVALID_HTTP_TOKEN",
    "ä": "ERR_INVALID_HTTP_TOKEN",
    ":unknown": "ERR_INVALID_HTTP_TOKEN",
    ":protocol": "ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED",
}
VALUES = {
    "a\nb": "ERR_INVALID_CHAR",
    "a\rb": "ERR_INVALID_CHAR",
    "a\0b": "ERR_INVALID_CHAR",
    "a\x7f": "ERR_INVALID_CHAR",
    "€": "ERR_INVALID_CHAR",
    "a\tb": None,
    "": None,
    "\xe9": None,
}


@pytest.mark.interop
@pytest.mark.row("response.set_header", "response.append_header", "response.set_trailer")
def test_what_is_no_field_is_refused_where_it_is_named(run: Run) -> None:
    """Node raises when it sends them, or destroys the stream."""

    def handler(request: Request, response: Response, note: Note) -> None:
        for call in (response.set_header, response.append_header, response.set_trailer):
            note({name: attempt(call, name, "x") for name in NAMES})
            note({value: attempt(call, "x", value) for value in VALUES})
            note(attempt(call, "x", ["a", "b\n"]), attempt(call, "x", ["a", None]))
        for name in ("x", "never-seen-before"):
            note({value: attempt(check, response, name, value) for value in VALUES})
        note(response.headers_sent)
        response.end()

    def check(response: Response, name: str, value: str) -> None:
        if VALUES[value] is not None:
            response.write_head(200, {name: value})

    said = run(said_by(handler))["said"]
    for names, values, lists in (said[0:3], said[3:6], said[6:9]):
        assert names == [NAMES]
        assert values == [VALUES]
        assert lists == ["ERR_INVALID_CHAR", "ERR_HTTP2_INVALID_HEADER_VALUE"]
    assert said[9:] == [[VALUES], [VALUES], [False]]


@pytest.mark.interop
@pytest.mark.row("response.write_head")
def test_a_head_that_was_refused_leaves_no_trace(run: Run) -> None:
    def handler(request: Request, response: Response, note: Note) -> None:
        response.set_header("x-a", "set")
        response.set_header("x-list", ["1"])
        for headers in (
            {"x-a": "head", "x-b": "1", "x-bad": "\n"},
            [("x-a", "head"), ("x-list", "2"), ("x-list", "\n")],
            {"x-a": "head", "content-type": ["a/b", "c/d"]},
        ):
            note(attempt(response.write_head, 404, headers))
        note(attempt(response.write_head, 600), attempt(response.write_head, 150))
        note(attempt(response.write_head, 404, ["x-a", "head"]))
        note(attempt(response.write_head, 404, 5))
        note(attempt(response.write_head, 404, [(":status", 200)]))
        note(attempt(response.write_head, 404, [("a b", "1")]))
        note(response.status_code, response.get_headers())
        response.end("as if nothing had been tried")

    seen = run(said_by(handler))
    assert seen["said"] == [
        ["ERR_INVALID_CHAR"],
        ["ERR_INVALID_CHAR"],
        ["ERR_HTTP2_HEADER_SINGLE_VALUE"],
        ["ERR_HTTP2_STATUS_INVALID", "ERR_HTTP2_STATUS_INVALID"],
        ["ERR_INVALID_ARG_VALUE"],
        ["ERR_INVALID_ARG_TYPE"],
        ["ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED"],
        ["ERR_INVALID_HTTP_TOKEN"],
        [200, {"x-a": "set", "x-list": ["1"]}],
    ]
    assert (seen["status"], seen["headers"]["x-a"]) == (200, "set")
    assert "x-b" not in seen["headers"]


@pytest.mark.interop
@pytest.mark.row("response.write_head")
def test_known_and_unknown_names_are_the_same(run: Run) -> None:
    """Known names take a shorter path, with the same result."""

    def handler(request: Request, response: Response, note: Note) -> None:
        response.write_head(
            201, {"x-first-seen-here": 5, "x-more": ["a", "b"], "x-bytes": b"c", "x-float": 1.5}
        )
        note(response.get_header("X-First-Seen-Here"), response.status_code)
        response.end()

    async def main() -> Any:
        scenarios = Scenarios(dict.fromkeys(("/first", "/second"), handler))
        return await ours(scenarios, [{"path": path} for path in scenarios])

    seen = run(main())
    assert differences({"/": seen["/first"]}, {"/": seen["/second"]}) == {}
    assert seen["/first"]["said"] == [[5, 201]]
    assert seen["/first"]["headers"].items() >= {
        "x-first-seen-here": "5", "x-more": "a, b", "x-bytes": "c", "x-float": "1.5",
    }.items()  # fmt: skip


@pytest.mark.row("response.set_header", "headers.sensitive")
def test_sensitive_headers(run: Run) -> None:
    async def main() -> None:
        def handler(request: Request, response: Response) -> None:
            response.set_header(http2.sensitive_headers, ["x-secret"])
            response.set_header("x-secret", "hush")
            response.end()

        async with (
            listening(http2.create_server(handler)) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request()
            headers = await stream.response()
            assert headers.sensitive == ["x-secret"]
            await stream.read()

    run(main())


@pytest.mark.interop
@pytest.mark.row("module.UnsupportedWarning")
def test_warnings_name_the_line_of_the_program(run: Run) -> None:
    def handler(request: Request, response: Response, note: Note) -> None:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            response.set_header("connection", "close")
            response.set_trailer("Connection", "close")
            response.add_trailers({"connection": "close"})
            response.status_message = "Fine"
            response.write_head(200, "Fine", {"connection": "close"})
        note([Path(warning.filename).name for warning in found])
        note(["'connection'" in str(warning.message) for warning in found])
        response.end()

    said = run(said_by(handler))["said"]
    assert said == [
        [["test_headers.py"] * 6],
        [[True, True, True, False, True, False]],
    ]


@pytest.mark.interop
@pytest.mark.row("response.status_code", "response.write_head")
@pytest.mark.parametrize("status", [HTTPStatus.CREATED, "201", 201])
def test_ways_to_name_a_status(run: Run, status: Any) -> None:
    def handler(request: Request, response: Response, note: Note) -> None:
        response.status_code = status
        note(response.status_code == 201)
        response.write_head(status, {"x": "1"}).end()

    seen = run(said_by(handler))
    assert (seen["status"], seen["said"]) == (201, [[True]])
