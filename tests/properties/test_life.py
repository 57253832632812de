"""The table of a stream's life, compared with RFC 9113 section 5.1 and nghttp2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from http2 import constants
from http2.sessions.client_session import ClientHttp2Session
from http2.sessions.options import SessionOptions
from http2.sessions.server_session import ServerHttp2Session
from http2.streams import life as table
from http2.streams.life import IDLE, LIVE, Life, every_life
from http2.streams.stream import Http2Stream

# Figure 2 of RFC 9113: each endpoint sends (s) and receives (r) HEADERS (H), END_STREAM (ES) and
# RST_STREAM (R). A promised stream is half-closed once its HEADERS were sent or received.
FIGURE: dict[str, dict[str, str]] = {
    "idle": {"sH": "open", "rH": "open"},
    "open": {
        "sES": "half-closed (local)",
        "rES": "half-closed (remote)",
        "sR": "closed",
        "rR": "closed",
    },
    "half-closed (local)": {"rES": "closed", "sR": "closed", "rR": "closed"},
    "half-closed (remote)": {"sES": "closed", "sR": "closed", "rR": "closed"},
    "closed": {},
}

# The events of the table that are frames, by their names in the figure.
FRAMES = {"sent": "sES", "peer_end": "rES", "close": "sR", "broken": "rR"}

ORDER = ("IDLE", "LIVE", "UNSENT", "CLOSING", "WHOLE", "BROKEN", "FINISHED", "FAILED")

BEGINNINGS = {
    "a request that waits": IDLE,
    "a request": LIVE,
    "a response that is pushed": LIVE.on_peer_end,
    "a response that was promised": LIVE.on_end.on_sent,
}


def in_the_figure(life: Life) -> str:
    """Return the state of *life* in RFC 9113."""
    if life.idle:
        return "idle"
    if life.name[2] != "LIVE" or life.complete:
        return "closed"
    if life.writable_finished:
        return "half-closed (local)"
    return "half-closed (remote)" if life.read_ended else "open"


def after(life: Life, event: str) -> Life:
    """Return the next state after *event*."""
    result: Life = getattr(life, f"on_{event}")
    return result


walks = st.lists(st.sampled_from(table.EVENTS), max_size=30)


@given(st.sampled_from(sorted(BEGINNINGS)), walks)
@settings(max_examples=200)
def test_the_table_beside_the_figure_of_the_rfc(beginning: str, walk: list[str]) -> None:
    life = BEGINNINGS[beginning]
    for event in walk:
        before, life = life, after(life, event)
        here, there = in_the_figure(before), in_the_figure(life)
        if here == "idle":
            # it becomes a stream only when it begins; it is cancelled without a frame
            if event == "begin":
                assert there in ("open", "half-closed (local)")
            elif event in ("close", "broken", "lost"):
                assert there == "closed"
            else:
                assert there == "idle"
        elif event == "sent" and (before.writable or not before.writable_ended):
            # END_STREAM is not sent before the program ends the body
            assert life is before
        elif here != there:
            frame = FRAMES.get(event)
            if frame is None:
                # its end without a frame: both halves have ended, or the connection has
                assert there == "closed"
                assert event in ("over", "lost", "unsent", "done", "handed_over")
            else:
                assert FIGURE[here].get(frame) == there
        elif event in FRAMES:
            # every frame that the figure has an arrow for has an effect
            noticed = FIGURE[here].get(FRAMES[event], here)
            assert noticed == here or (event == "sent" and before.writable_finished)


@given(st.sampled_from(sorted(BEGINNINGS)), walks)
@settings(max_examples=200)
def test_what_is_known_is_never_taken_back(beginning: str, walk: list[str]) -> None:
    life = BEGINNINGS[beginning]
    for event in walk:
        before, life = life, after(life, event)
        assert ORDER.index(before.name[2]) <= ORDER.index(life.name[2])
        for fact in ("closed", "destroyed", "told", "aborted", "writable_finished"):
            assert getattr(life, fact) >= getattr(before, fact), (fact, before, event)
        for fact in ("read_ended", "readable_ended"):
            assert getattr(life, fact) >= getattr(before, fact), (fact, before, event)
        if before.writable_ended and not life.writable_ended:
            assert event == "end_refused"
            assert not before.writable_finished
        if life.aborted and not before.aborted:
            assert before.writable
            assert life.closed
            assert not before.closed


def test_what_each_state_says() -> None:
    for life in every_life():
        assert life.closed or not life.destroyed
        assert life.destroyed or not life.told
        assert life.told or not life.telling
        assert not (life.closed and life.writable)
        assert life.writable is not life.writable_ended
        assert life.read_ended or not life.readable_ended
        assert not (life.on_wire and (life.destroyed or life.whole or life.idle))
        # "ended well": the peer has sent everything
        assert life.read_ended or not life.whole
        if life.name[2] == "FINISHED":
            assert life.read_ended
        assert repr(life).startswith(f"<Life {life.name[2]}")


def test_every_stream_can_end() -> None:
    """From each state, some events lead to the end, which no event leaves."""
    for life in every_life():
        ends = {life}
        waiting = [life]
        while waiting:
            for event in table.EVENTS:
                following = after(waiting[-1], event)
                if following not in ends:
                    ends.add(following)
                    waiting.insert(0, following)
            waiting.pop()
        assert any(end.told and not end.telling for end in ends), life
        if life.destroyed:
            assert all(end.name[2] == life.name[2] for end in ends)


def test_the_prose_names_every_event_and_state() -> None:
    assert table.__doc__ is not None
    for event in table.EVENTS:
        assert f"\n| {event:13}|" in table.__doc__, event
    for state in (*table.SENDING, *table.RECEIVING, *table.WHOLE, *table.NEWS):
        assert f"``{state}``" in table.__doc__, state


# --- beside nghttp2 ---------------------------------------------------------------------------


class Wire(asyncio.Transport):
    """One end of a connection in memory, which stores the written data."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.over = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.over

    def close(self) -> None:
        self.over = True

    abort = close


NAMES = {
    constants.NGHTTP2_STREAM_STATE_OPEN: "open",
    constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_LOCAL: "half-closed (local)",
    constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE: "half-closed (remote)",
}


class Conversation:
    """A client's session and a server's, and their streams."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.wires = Wire(), Wire()
        self.client = ClientHttp2Session(
            loop, SessionOptions(handshake_timeout=0), "localhost", "http"
        )
        self.server = ServerHttp2Session(loop, SessionOptions(handshake_timeout=0), None)
        self.asked: list[Any] = []
        self.came: list[Any] = []
        self.server.on("stream", lambda stream: self.came.append(stream))

    def connect(self) -> None:
        self.client.connected(self.wires[0])
        self.server.connected(self.wires[1])

    async def settle(self) -> None:
        """Deliver everything, until neither side sends more."""
        quiet = 0
        while quiet < 3:
            await asyncio.sleep(0)
            quiet += 1
            for wire, other in zip(self.wires, (self.server, self.client), strict=True):
                said = b"".join(wire.written)
                wire.written.clear()
                if said:
                    quiet = 0
                    other.received(said)

    def check(self) -> None:
        """The state of each stream is that of nghttp2."""
        for stream in (*self.asked, *self.came):
            life = stream.life
            connection = stream._session.engine
            if connection is None or life.idle or stream.id is None:
                continue
            theirs = connection.stream_state(stream.id)
            if life.name[2] == "LIVE":
                assert theirs is not None, life
                assert NAMES[theirs["state"]] == in_the_figure(life), life
            elif life.name[2] != "CLOSING":
                assert theirs is None, (life, theirs)


def write(stream: Http2Stream) -> None:
    if stream.writable:
        stream.write(b"some")


def end(stream: Http2Stream) -> None:
    stream.end()


ACTIONS: dict[str, Callable[[Any], object]] = {
    "write": write,
    "end": end,
    "close": lambda stream: stream.close(),
    "cancel": lambda stream: stream.close(constants.NGHTTP2_CANCEL),
    "destroy": lambda stream: stream.destroy(),
    "fail": lambda stream: stream.destroy(ValueError("the program's own")),
    "resume": lambda stream: stream.resume(),
    "settle": lambda stream: None,
}


async def converse(steps: list[tuple[str, int, str]]) -> None:
    conversation = Conversation()
    told: list[list[str]] = []
    for side, which, action in steps:
        if action == "ask":
            if conversation.client.engine is None and side == "server":
                conversation.connect()
            stream = conversation.client.request({":method": "POST" if which & 1 else "GET"})
            stream.on("error", lambda error: None)
            conversation.asked.append(stream)
            continue
        streams = conversation.asked if side == "client" else conversation.came
        if streams:
            ACTIONS[action](streams[which % len(streams)])
        if action == "settle":
            if conversation.client.engine is None:
                conversation.connect()
            await conversation.settle()
            for stream in conversation.came:
                if "error" not in stream.event_names():
                    stream.on("error", lambda error: None)
            conversation.check()
    everything = [*conversation.asked, *conversation.came]
    for stream in everything:
        names: list[str] = []
        told.append(names)
        if not stream.life.told:
            stream.on("close", lambda names=names: names.append("close"))
    for stream in everything:
        stream.destroy()
    conversation.client.destroy()
    conversation.server.destroy()
    await conversation.settle()
    for stream in everything:
        life = stream.life
        assert life.told, life
        assert not life.telling
        assert stream.rst_code is not None
    assert all(names in ([], ["close"]) for names in told)


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["client", "server"]), st.integers(0, 5), st.just("ask")),
        st.tuples(st.just("client"), st.just(0), st.just("settle")),
        st.tuples(
            st.sampled_from(["client", "server"]),
            st.integers(0, 5),
            st.sampled_from(sorted(ACTIONS)),
        ),
    ),
    max_size=25,
)


@pytest.mark.filterwarnings("ignore::http2.UnsupportedWarning")
@given(steps)
@settings(max_examples=100)
def test_streams_beside_nghttp2(conversation: list[tuple[str, int, str]]) -> None:
    asyncio.run(converse(conversation))
