"""Ends that other tests with Node leave out: each side's end, as the other side gets it."""

from __future__ import annotations

from typing import Any

import pytest

import http2
from http2 import constants

from ...support.peers import happening, start_node, starting
from ...support.running import Run, node
from ...support.serving import Events, serving

CANCEL = constants.NGHTTP2_CANCEL
INTERNAL = constants.NGHTTP2_INTERNAL_ERROR
CALM = constants.NGHTTP2_ENHANCE_YOUR_CALM


async def ended_by_node(*arguments: str) -> tuple[Any, Events, http2.ServerHttp2Stream]:
    """Let a client of Node end things; return what it got, what this side got, and the stream."""
    told = Events()
    streams: list[http2.ServerHttp2Stream] = []

    async def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
        streams.append(stream)
        assert stream.session is not None
        told.listen(stream, "timeout", "aborted", "error", "close", prefix="stream ")
        told.listen(stream.session, "goaway", "error", "close", prefix="session ")
        stream.respond()
        stream.write("some")
        told.add("body", await stream.read())
        if headers[":path"] in ("/close", "/goaway"):
            stream.end(" more")

    async with serving(answer) as (_, port):
        seen = await node("client/ends.js", str(port), *arguments)
        await told.expect("session close")
    return seen, told, streams[0]


@pytest.mark.row("session.event.goaway", "session.close")
def test_node_closes_its_session(run: Run) -> None:
    """Open streams are finished first."""

    async def main() -> None:
        seen, told, stream = await ended_by_node("close")
        assert seen["body"] == "some more"
        assert seen["stream"] == seen["session"] == []
        assert ("body", b"last") in told.seen
        assert (await told.expect("session goaway"))[1] == 0
        assert stream.rst_code == 0
        assert not {"stream error", "stream aborted", "session error"} & set(told.names)

    run(main())


@pytest.mark.row("session.event.goaway")
@pytest.mark.parametrize("code", [0, CALM])
def test_node_says_goaway(run: Run, code: int) -> None:
    async def main() -> None:
        seen, told, _ = await ended_by_node("goaway", str(code))
        assert (await told.expect("session goaway"))[1:] == (code, 0, b"so long")
        if code == 0:
            assert ("body", b"last") in told.seen
            assert seen["body"] == "some more"
            assert "session error" not in told.names
        else:
            assert (await told.expect("session error"))[1].error_code == code
            assert "stream aborted" in told.names

    run(main())


@pytest.mark.row("session.event.goaway", "stream.event.aborted")
@pytest.mark.parametrize(("arguments", "code"), [(["destroy"], 0), (["destroy-code", "11"], 11)])
def test_node_destroys_its_session(run: Run, arguments: list[str], code: int) -> None:
    async def main() -> None:
        _, told, stream = await ended_by_node(*arguments)
        assert (await told.expect("session goaway"))[1] == code
        assert "stream aborted" in told.names
        assert "body" not in told.names  # its body did not end: its reader gets the error
        assert stream.destroyed
        assert ("session error" in told.names) is bool(code)

    run(main())


@pytest.mark.row("stream.event.aborted", "stream.rst_code", "stream.event.error")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        *((["reset", str(code)], code) for code in (0, 1, INTERNAL, 7, CANCEL, CALM)),
        (["destroy-stream"], 0),
        (["fail-stream"], INTERNAL),
    ],
)
def test_node_resets_its_stream(run_asyncio: Run, arguments: list[str], code: int) -> None:
    async def main() -> None:
        seen, told, stream = await ended_by_node(*arguments)
        assert stream.rst_code == code
        assert "stream aborted" in told.names
        # Node's close() ends the body before it resets: that may arrive first
        bodies = [entry[1] for entry in told.seen if entry[0] == "body"]
        assert bodies in ([], [b""] if arguments[0] == "reset" else [])
        # CANCEL and NO_ERROR are not failures, as in Node
        error = [entry[1] for entry in told.seen if entry[0] == "stream error"]
        assert [entry.error_code for entry in error] == ([] if code in (0, CANCEL) else [code])
        assert "session error" not in told.names
        assert seen["session"] == []

    run_asyncio(main())


@pytest.mark.row("beyond.reset_kills_nothing")
@pytest.mark.parametrize(
    ("action", "code"), [("timeout", CANCEL), ("session-timeout", constants.NGHTTP2_CANCEL)]
)
def test_node_has_waited_long_enough(run: Run, action: str, code: int) -> None:
    async def main() -> None:
        _, told, stream = await ended_by_node(action)
        assert stream.rst_code == code
        assert "stream aborted" in told.names
        assert "stream timeout" not in told.names  # except for this library's own timers

    run(main())


@pytest.mark.row("beyond.reset_kills_nothing", "stream.rst_code")
def test_a_server_of_nodes_has_waited_long_enough(run: Run) -> None:
    with starting() as start:
        peer = start_node(start, "server/timeout.js")

        async def main() -> None:
            session = await http2.connect(peer.origin)
            stream = session.request({":method": "POST", ":path": "/stream"})
            failed = happening(stream, "error")
            assert (await stream.response())["x-begun"] == "yes"
            (error,) = await failed  # the body has ended normally: Node's close() does this
            assert error.error_code == stream.rst_code == CALM
            assert not session.destroyed
            told = Events()
            told.listen(session, "goaway", "error", "close")
            silent = session.request({":method": "POST", ":path": "/session"})
            with pytest.raises(http2.Http2Error) as ended:
                await silent.response()
            assert not ended.value.retryable
            await told.expect("close")
            assert told.seen[0][:2] == ("goaway", 0)

        run(main())


# --- files ---------------------------------------------------------------------------------


@pytest.mark.row(
    "server_stream.respond_with_file.option.wait_for_trailers",
    "server_stream.respond_with_fd.option.stat_check",
)
@pytest.mark.parametrize("by", ["file", "fd"])
def test_files_with_trailers_for_node(run: Run, tmp_path: Any, by: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 70_000)

    async def main() -> None:
        def check(stat: Any, headers: Any) -> None:
            headers["x-size"] = stat.st_size

        with path.open("rb") as opened:

            def respond(stream: http2.ServerHttp2Stream) -> None:
                stream.on("want_trailers", lambda: stream.send_trailers({"x-end": "here"}))
                if by == "file":
                    stream.respond_with_file(path, stat_check=check, wait_for_trailers=True)
                else:
                    stream.respond_with_fd(
                        opened.fileno(), stat_check=check, wait_for_trailers=True
                    )

            async with serving(respond) as (_, port):
                seen = await node("client/files.js", str(port))
        assert seen["headers"]["x-size"] == "70000"
        assert (seen["size"], seen["trailers"]["x-end"]) == (70_000, "here")

    run(main())
