"""Every end of a stream or session, compared with Node: the same events, in the same order.

tests/support/node/client/life_cycle.js does the same with Node at both ends. Compared are the
events of each of the four (stream and session, client's and server's), and ``closed``,
``destroyed``, ``aborted`` and ``rst_code`` at each event.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

import http2

from ...support.running import Run, node
from ...support.serving import eventually, serving

STREAM = ("response", "aborted", "end", "finish", "error", "close")
SESSION = ("goaway", "error", "close")

Log = dict[str, list[list[Any]]]


def watch(log: list[list[Any]], emitter: Any, names: tuple[str, ...]) -> None:
    """Record in *log* the events of *emitter*, and its state at each."""
    for name in names:

        def note(first: Any = None, *_: Any, name: str = name) -> None:
            entry = [name, emitter.closed, emitter.destroyed]
            if name == "error":
                entry.append(first.code)
            elif name == "goaway":
                entry.append(first)
            elif names is STREAM:
                entry += [emitter.aborted, emitter.rst_code if name == "close" else None]
            log.append(entry)

        emitter.on(name, note)


def later(seconds: float, call: Callable[[], Any]) -> None:
    asyncio.get_running_loop().call_later(seconds, call)


def respond(stream: Any) -> None:
    stream.resume()
    stream.respond()
    stream.write("x")


def ended_later(stream: Any) -> None:
    respond(stream)
    later(0.05, lambda: stream.end("y"))


def end(request: Any, session: Any) -> None:
    request.end()


def stay(request: Any, session: Any) -> None:
    """The request stays open."""


def complete(stream: Any) -> None:
    stream.resume()
    stream.respond()
    stream.end("x")


def in_the_body(action: Callable[[Any, Any], Any]) -> Callable[[Any, Any], None]:
    def ask(request: Any, session: Any) -> None:
        request.once("data", lambda _: action(request, session))

    return ask


def then(action: Callable[[Any], Any]) -> Callable[[Any], None]:
    def answer(stream: Any) -> None:
        session = stream.session
        respond(stream)
        later(0.03, lambda: action(stream if not stream.destroyed else session))

    return answer


def of_session(action: Callable[[Any], Any]) -> Callable[[Any], None]:
    def answer(stream: Any) -> None:
        session = stream.session
        respond(stream)
        later(0.03, lambda: action(session))

    return answer


def headers_only(stream: Any) -> None:
    stream.resume()
    stream.respond(end_stream=True)


def leaves(action: Callable[[Any], Any]) -> Callable[[Any], None]:
    def answer(stream: Any) -> None:
        session = stream.session
        ended_later(stream)
        action(session)

    return answer


def closing_session(request: Any, session: Any) -> None:
    request.end()
    request.once("data", lambda _: session.close())


WAYS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "complete": (complete, lambda request, _: request.end("body")),
    "headers only": (headers_only, end),
    "server closes 0": (lambda stream: stream.close(0), end),
    "server demands calm": (lambda stream: stream.close(11), end),
    "server cancels": (lambda stream: stream.close(8), end),
    "server fails inside": (then(lambda stream: stream.close(2)), end),
    "server destroys stream": (then(lambda stream: stream.destroy()), end),
    "client cancels waiting": (
        lambda stream: stream.resume(),
        lambda request, _: later(0.05, lambda: request.close(8)),
    ),
    "client cancels inside": (respond, in_the_body(lambda request, _: request.close(8))),
    "client resets": (respond, in_the_body(lambda request, _: request.close(2))),
    "client destroys stream": (respond, in_the_body(lambda request, _: request.destroy())),
    "client closes session": (ended_later, closing_session),
    "server closes session": (leaves(lambda session: session.close()), end),
    "client destroys session": (respond, in_the_body(lambda _, session: session.destroy())),
    "client destroys session with a code": (
        respond,
        in_the_body(lambda _, session: session.destroy(11)),
    ),
    "server destroys session": (of_session(lambda session: session.destroy()), stay),
    "server destroys session with a code": (of_session(lambda session: session.destroy(11)), stay),
    "server says goaway": (leaves(lambda session: session.goaway(0)), end),
    "server says goaway with a code": (of_session(lambda session: session.goaway(11)), stay),
    "client vanishes": (
        respond,
        in_the_body(lambda _, session: session.transport.abort()),
    ),
}


async def happens(way: str) -> Log:
    answer, ask = WAYS[way]
    log: Log = {
        name: [] for name in ("client stream", "client session", "server stream", "server session")
    }

    def begin(stream: Any) -> None:
        watch(log["server stream"], stream, STREAM)
        answer(stream)

    async with serving(begin) as (server, port):
        server.on("session", lambda session: watch(log["server session"], session, SESSION))
        session = http2.connect(f"http://127.0.0.1:{port}")
        watch(log["client session"], session, SESSION)
        request = session.request({":method": "POST"})
        watch(log["client stream"], request, STREAM)
        request.resume()
        ask(request, session)
        await eventually(lambda: request.told)
        await asyncio.sleep(0.05)
        await session.close()
        await eventually(lambda: [e[0] for e in log["server session"]][-1:] == ["close"])
    return log


# Ways that end normally, for all four.
WELL = {
    "complete",
    "headers only",
    "client closes session",
    "server closes session",
    "server says goaway",
}

# Intended differences from Node, and their reasons.
DIFFERENT = {
    # Node ends the body before it resets: its client cannot notice that the body is
    # incomplete. This library's client gets the reset.
    ("server fails inside", "client stream"): [
        ["response", False, False, False, None],
        ["error", True, True, "ERR_HTTP2_STREAM_ERROR"],
        ["close", True, True, False, 2],
    ],
    # Node's stream gets NO_ERROR where the session was destroyed, and CANCEL on the other side
    ("client destroys session", "client stream"): [
        ["response", False, False, False, None],
        ["aborted", True, None, True, None],
        ["close", True, True, True, 8],
    ],
    ("server destroys session", "server stream"): [
        ["aborted", True, None, True, None],
        ["close", True, True, True, 8],
    ],
    # Node's sessions emit nothing for a connection that ends during a request
    ("client vanishes", "client session"): [
        ["error", True, True, "ERR_SOCKET_CLOSED"],
        ["close", True, True],
    ],
    ("client vanishes", "server session"): [
        ["error", True, True, "ERR_SOCKET_CLOSED"],
        ["close", True, True],
    ],
}

# In the ways up to here only the stream ends; the session is closed later, without open streams.
# Then its GOAWAY is sent twice, at the beginning and at the end, and the server emits both. Of Node
# 20 only the later versions do so (20.20; 20.18 ends such a session with the first one).
OF_STREAMS = list(WAYS)[: list(WAYS).index("client closes session")]
TWICE = [["goaway", False, False, 0], ["goaway", True, False, 0], ["close", True, True]]
ONCE = [TWICE[0], TWICE[2]]


def essence(entries: list[list[Any]], well: bool) -> list[list[Any]]:
    """Return *entries* without Node's events for incomplete bodies.

    Node emits ``end`` and ``finish`` even if the body was cut off; this library only for complete
    bodies. And in Node it varies whether ``destroyed`` is already set at ``aborted``.
    """
    kept = []
    for entry in entries:
        name = entry[0]
        if name == "finish" or (name == "end" and not well):
            continue
        if name == "aborted":
            entry = [name, entry[1], None, *entry[3:]]
        if name == "end":
            # the turn of the loop in which the last frames are read is random
            entry = [name]
        kept.append(entry)
    return kept


@pytest.fixture(scope="module")
def of_node() -> dict[str, Log]:
    """Node's results."""
    report: dict[str, Log] = asyncio.run(node("client/life_cycle.js", timeout=60))
    return report


@pytest.mark.row(
    "stream.closed",
    "stream.aborted",
    "stream.rst_code",
    "stream.destroyed",
    "session.closed",
    "session.destroyed",
    "session.event.close",
)
@pytest.mark.parametrize("way", WAYS)
def test_beside_node(
    run: Run, of_node: dict[str, Log], way: str, caplog: pytest.LogCaptureFixture
) -> None:
    well = way in WELL

    async def main() -> None:
        ours = await happens(way)
        for who, entries in ours.items():
            theirs = of_node[way][who]
            if way in OF_STREAMS and who == "server session":
                assert theirs in (TWICE, ONCE)
                theirs = TWICE
            expected = DIFFERENT.get((way, who)) or essence(theirs, well)
            assert essence(entries, well) == expected, who
            names = [entry[0] for entry in entries]
            assert names.count("close") == 1
            assert names[-1] == "close"
            if who.endswith("stream"):
                # every stream ends exactly once
                whole = "end" in names and "finish" in names
                assert whole is well
                assert names.count("end") <= 1
                assert names.count("finish") <= 1

    with caplog.at_level(logging.WARNING, logger="http2"):
        run(main())
    assert not caplog.records
