"""Two connections of the engine, and two programs that follow the input.

Invariants:

- no command raises anything but `Http2Error`, and neither side ever fails or breaks a rule;
- the other side reads exactly the bytes that one side wrote; a side that reads the end of a
  body has read all of it; if both sides continue to the end, each reads the other's;
- a stream ends exactly once on each side, and causes no event afterwards;
- bytes that were received and not read never exceed the window that was given;
- when all streams have ended and everything is read: nothing is left to be sent, nothing is stored
  (`memory()` is the same as at the beginning), and the connection's windows are complete again.

`tests/properties/test_machine.py` is a smaller version: here bytes are also split and joined, and
pushes, windows, priorities and both kinds of GOAWAY take part.
"""

from __future__ import annotations

from collections.abc import Callable

from http2 import Http2Error
from http2.engine import events
from http2.engine.connection import Connection

from .program import Program

REFUSED = -533  # NGHTTP2_ERR_REFUSED_STREAM
CANCELLED = 8
MOST_STEPS = 500
MOST_STREAMS = 24
# The largest window, and the longest piece of a body.
LARGEST_WINDOW = 100_000
LARGEST_PIECE = 70_000

PATTERN = bytes(i % 251 for i in range(LARGEST_PIECE + 251))

Fields = dict[str, object]
FIELDS: list[Fields] = [{}, {"x": "1"}, {"cookie": ["a=b", "c=d"]}, {"x-long": "v" * 2000}]


def piece(stream_id: int, start: int, size: int) -> bytes:
    """Return *size* bytes from *start* on of this stream's body."""
    offset = (start + stream_id) % 251
    return PATTERN[offset : offset + size]


# Bytes that a DATA frame may have besides its body, the length of its padding included.
MOST_PADDING = 256


class Story:
    """One side's record of one stream: its own actions, and what it has received."""

    def __init__(self) -> None:
        self.may_write = False
        self.wrote = 0
        self.ended = False
        self.owes_trailers = False
        self.reset = False
        self.heard = 0
        self.heard_end = False
        self.unread = 0
        # the largest window that the stream had
        self.window = 0
        self.wants_trailers = False
        self.closed: int | None = None
        # a promise that was not sent
        self.unsent = False


class Side:
    """One of the two connections, and the bytes on their way from it."""

    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        self.connection = connection
        self.wire = bytearray()
        self.stories: dict[int, Story] = {}
        self.unread = 0
        self.window = 65535
        self.initial_window = 65535
        self.left = False
        self.told_to_leave = False
        self.other: Side = self

    def writable(self) -> list[int]:
        """Return the streams on which this side may write."""
        return [
            stream_id
            for stream_id, story in self.stories.items()
            if story.may_write and not story.ended and stream_id in self.alive()
        ]

    def alive(self) -> list[int]:
        """Return the streams that have not ended."""
        return [
            stream_id
            for stream_id, story in self.stories.items()
            if story.closed is None and not story.reset and not story.unsent
        ]

    # --- receiving ------------------------------------------------------------------------

    def hear(self, told: list[events.Event]) -> None:
        """Record the events *told*, and compare them with the other side's actions."""
        for kind, stream_id, first, second in told:
            assert kind != events.FAILED, second
            # a request may cross with a limit that has just been lowered: it is refused
            assert kind != events.INVALID_FRAME or second == REFUSED, (first, second)
            if kind == events.GOAWAY:
                assert first == 0, (first, second)
                self.told_to_leave = True
            elif kind == events.REQUEST:
                assert stream_id not in self.stories
                self.stories[stream_id] = Story()
                self._head(stream_id, second)
            elif kind == events.PUSH_PROMISE:
                assert second not in self.stories
                self.stories[second] = Story()
            elif kind in (events.RESPONSE, events.PUSH_RESPONSE, events.HEADERS):
                self._head(stream_id, second)
            elif kind == events.DATA:
                self._data(stream_id, first, second)
            elif kind == events.WANT_TRAILERS:
                assert self.stories[stream_id].owes_trailers
                self.stories[stream_id].wants_trailers = True
            elif kind == events.STREAM_CLOSED:
                self._over(stream_id, first)
            elif kind == events.FRAME_NOT_SENT and first == 5:
                # a promise that arrived too late: its stream may or may not have been opened for it
                self.stories[stream_id].unsent = True

    def _head(self, stream_id: int, flags: int) -> None:
        story = self.stories[stream_id]
        assert story.closed is None
        assert not story.heard_end
        if flags & 1:
            self._end(stream_id, story)

    def _data(self, stream_id: int, data: bytes, end: bool) -> None:
        story = self.stories[stream_id]
        assert story.closed is None, f"DATA behind the end of stream {stream_id}"
        assert not story.heard_end
        assert data == piece(stream_id, story.heard, len(data)), "not what was written"
        story.heard += len(data)
        story.unread += len(data)
        self.unread += len(data)
        assert story.heard <= self.other.stories[stream_id].wrote, "more than was written"
        if end:
            self._end(stream_id, story)
        assert self.unread <= self.window, "the connection's window is exceeded"
        assert story.unread <= max(story.window, self.initial_window), "a stream's window is"

    def _end(self, stream_id: int, story: Story) -> None:
        story.heard_end = True
        theirs = self.other.stories[stream_id]
        assert theirs.ended, "an end that was not said"
        assert story.heard == theirs.wrote, "the end before all of the body"

    def _over(self, stream_id: int, code: int) -> None:
        if self.left and stream_id not in self.stories:
            return  # a request that was sent before the peer's refusal arrived
        if stream_id % 2 == 0 and stream_id not in self.stories:
            assert self.connection.client
            assert code == CANCELLED
            return  # a promise that was lost with its parent stream
        story = self.stories[stream_id]
        assert story.closed is None, f"stream {stream_id} ends twice"
        story.closed = code

    # --- actions --------------------------------------------------------------------------

    def gather(self, limit: int) -> bool:
        """Send the queued bytes; return whether there were any."""
        chunks = self.connection.data_to_send(limit)
        self.wire += b"".join(chunks)
        told = self.connection.take_events()
        self.hear(told)
        return bool(chunks or told)

    def deliver(self, size: int) -> bool:
        """Let the other side have the first *size* bytes on the wire; whether there were any."""
        data = bytes(self.wire[:size])
        del self.wire[:size]
        if data:
            self.other.hear(self.other.connection.receive(data))
        return bool(data)

    def write(self, stream_id: int, size: int, end: bool) -> None:
        """Write some more of a stream's body."""
        story = self.stories[stream_id]
        data = piece(stream_id, story.wrote, size)
        # the other side may hear of it only later, but by then it must be known here
        if self.connection.write(stream_id, data, end) >= 0:
            story.wrote += len(data)
            story.ended = end
        else:
            assert story.closed is not None, "a stream takes no more and is not over"

    def trailers(self, stream_id: int, fields: Fields) -> None:
        """Send the trailers for which the stream waits."""
        story = self.stories[stream_id]
        story.wants_trailers = False
        try:
            self.connection.submit_trailers(stream_id, fields)
        except Http2Error as error:
            if error.code != "ERR_HTTP2_INVALID_STREAM":
                raise
            assert story.closed is not None

    def consume(self, stream_id: int, size: int) -> None:
        """Read *size* received bytes of a stream."""
        story = self.stories[stream_id]
        size = min(size, story.unread)
        story.unread -= size
        self.unread -= size
        self.connection.consume(stream_id, size)

    def kept(self) -> int:
        """Return the connection's memory without the tables of header compression."""
        state = self.connection.state()
        return (
            self.connection.memory()
            - state["deflate_dynamic_table_size"]
            - state["inflate_dynamic_table_size"]
        )


class Conversation:
    """The two sides, and the actions that are possible at any time."""

    def __init__(self, program: Program) -> None:
        self.program = program
        how = program.byte()
        self.client = Side("client", Connection(True, padding_strategy=how % 3))
        self.server = Side("server", Connection(False, padding_strategy=how // 3 % 3))
        self.client.other, self.server.other = self.server, self.client
        self.sides = (self.client, self.server)
        self.client.connection.submit_settings([])
        self.server.connection.submit_settings([(3, 5)])
        self.carry()
        self.base = [side.kept() for side in self.sides]
        self.pings = 0

    def carry(self) -> None:
        """Bring over all bytes, until neither side has anything to say."""
        for _ in range(10_000):
            moved = [side.gather(1 << 18) for side in self.sides]
            moved += [side.deliver(len(side.wire)) for side in self.sides]
            if not any(moved):
                return
        raise AssertionError("the two sides never stop talking")

    def side(self) -> Side:
        """Return either side."""
        return self.sides[self.program.byte() & 1]

    def waiting(self) -> bool:
        """Return whether a request may not have been sent yet."""
        last = self.client.connection.last_sent_request
        return any(i > last for i in self.client.alive() if i % 2)

    def pushing(self) -> bool:
        """Return whether the client has not received all of a pushed stream."""
        heard = {i for i, story in self.client.stories.items() if story.closed is not None}
        return any(i % 2 == 0 and i not in heard for i in self.server.stories)

    # --- steps ----------------------------------------------------------------------------

    def request(self) -> None:
        """Send a request, unless the client has sent GOAWAY."""
        p = self.program
        end, trailers, weight, fields = p.flag(), p.flag(), p.byte() + 1, p.choice(FIELDS)
        if self.client.left or len(self.client.stories) >= MOST_STREAMS:
            return
        stream_id, _, ended = self.client.connection.submit_request(
            {":method": "PUT", **fields}, "test", "http", end,
            wait_for_trailers=trailers, weight=weight,
        )  # fmt: skip
        story = self.client.stories[stream_id] = Story()
        story.may_write, story.ended, story.owes_trailers = True, ended, trailers

    def unanswered(self) -> list[int]:
        """Return the streams on which the server has to respond."""
        return [i for i in self.server.alive() if not self.server.stories[i].may_write]

    def respond(self) -> None:
        """Send a final response, also on a pushed stream."""
        p = self.program
        end, trailers, fields = p.flag(), p.flag(), p.choice(FIELDS)
        if streams := self.unanswered():
            self.answer(p.choice(streams), fields, end, trailers)

    def answer(self, stream_id: int, fields: Fields, end: bool, trailers: bool) -> None:
        """Submit a response on *stream_id*."""
        story = self.server.stories[stream_id]
        story.may_write, story.ended, story.owes_trailers = True, end, trailers
        self.server.connection.submit_response(stream_id, fields, end, trailers)

    def inform(self) -> None:
        """Send a response of status 103."""
        streams = [i for i in self.unanswered() if i % 2]
        if streams:
            stream_id = self.program.choice(streams)
            self.server.connection.submit_informational(stream_id, {":status": 103})

    def push(self) -> None:
        """Promise a stream on one that the client has opened and the server not finished."""
        fields = self.program.choice(FIELDS)
        streams = [i for i in self.server.alive() if i % 2 and not self.server.stories[i].ended]
        if self.client.left or self.server.left or not streams:
            return
        if len(self.server.stories) >= MOST_STREAMS:
            return
        promised, _ = self.server.connection.submit_push_promise(
            self.program.choice(streams), {":method": "GET", **fields}, "test", "http"
        )
        story = self.server.stories[promised] = Story()
        # frames that a client never sends
        story.heard_end = True

    def write(self) -> None:
        """Send a part of a body, or its end."""
        side, size, end = self.side(), self.program.size() * (1 + self.program.byte() % 3), False
        end = self.program.flag()
        if streams := side.writable():
            side.write(self.program.choice(streams), min(size, LARGEST_PIECE), end)

    def trailers(self) -> None:
        """Send the trailers of a stream that waits for them."""
        side, fields = self.side(), self.program.choice(FIELDS)
        if streams := [i for i, story in side.stories.items() if story.wants_trailers]:
            side.trailers(self.program.choice(streams), fields)

    def expect_trailers(self) -> None:
        """Decide late to send trailers."""
        side = self.side()
        if streams := side.writable():
            stream_id = self.program.choice(streams)
            side.connection.expect_trailers(stream_id)
            side.stories[stream_id].owes_trailers = True

    def reset(self) -> None:
        """End a stream before its end."""
        side, code = self.side(), self.program.byte() % 14
        if streams := side.alive():
            stream_id = self.program.choice(streams)
            side.stories[stream_id].reset = True
            side.connection.reset(stream_id, code)

    def read(self) -> None:
        """Read some received data, of a stream that may have ended."""
        side, size = self.side(), self.program.size() * 2
        if streams := [i for i, story in side.stories.items() if story.unread]:
            side.consume(self.program.choice(streams), size)

    def ping(self) -> None:
        """Send a PING."""
        self.side().connection.ping(self.pings.to_bytes(8, "big"))
        self.pings += 1

    def settings(self) -> None:
        """Send new settings: windows, tables, frames, streams."""
        p = self.program
        side, which = self.side(), p.byte() % 6
        if which < 2:
            window = p.number(3) % (LARGEST_WINDOW + 1)
            # it holds once it is acknowledged; until then, the one before
            side.initial_window = max(side.initial_window, window)
            pairs = [(4, window)]
        elif which == 2:
            pairs = [(1, p.number(2))]
        elif which == 3:
            pairs = [(5, 16384 + p.number(2))]
        elif which == 4:
            pairs = [(3, p.byte() % 12)]
        else:
            pairs = [(6, 16384 + p.number(2)), (4, 65535)]
        side.connection.submit_settings(pairs)

    def window(self) -> None:
        """Set another receive window, of a stream or of the connection."""
        side, size = self.side(), 1000 + self.program.number(3) % LARGEST_WINDOW
        streams = side.alive()
        which = self.program.byte()
        if which & 1 or not streams:
            side.window = max(side.window, size)
            side.connection.set_local_window_size(size)
        else:
            stream_id = streams[(which >> 1) % len(streams)]
            story = side.stories[stream_id]
            story.window = max(story.window, size)
            try:
                side.connection.set_local_window_size(size, stream_id)
            except Http2Error:
                pass  # a promised stream that is not on the wire yet

    def goaway(self) -> None:
        """Send GOAWAY. A client with waiting requests would end at once."""
        side = self.side()
        if side is self.server:
            side.left = True
            side.connection.goaway(0, 0, b"enough")
        elif not self.waiting() and not self.pushing():
            # with a push on its way, nghttp2 1.52 ends the connection: it leaves the promise out
            # that arrives after its GOAWAY, and then does not know the stream
            side.left = True
            side.connection.goaway()

    def notice(self) -> None:
        """Begin a graceful end."""
        self.server.connection.shutdown_notice()
        self.server.left = True

    def prioritize(self) -> None:
        """Change a priority."""
        p = self.program
        weight, exclusive, silent = p.byte() + 1, p.flag(), p.flag()
        streams = self.client.alive()
        if streams:
            self.client.connection.priority(p.choice(streams), 0, weight, exclusive, silent)

    def altsvc(self) -> None:
        """Send ALTSVC or ORIGIN."""
        if self.program.flag():
            self.server.connection.altsvc(0, b"http://test", b'h2=":1"')
        else:
            self.server.connection.origin([b"https://test"] * (self.program.byte() & 3))

    def gather(self) -> None:
        """Put some bytes on the wire."""
        self.side().gather(1 + self.program.size())

    def gather_all(self) -> None:
        """Put all bytes on the wire."""
        self.side().gather(1 << 18)

    def deliver(self) -> None:
        """Deliver some bytes, from any frame into the middle of any other."""
        self.side().deliver(1 + self.program.size())

    def deliver_all(self) -> None:
        """Deliver all bytes."""
        side = self.side()
        side.deliver(len(side.wire))

    # --- the end --------------------------------------------------------------------------

    def finish(self) -> None:
        """Run everything to its end, then check the totals."""
        self.client.connection.submit_settings([(4, LARGEST_WINDOW), (3, 1000)])
        self.client.initial_window = self.server.initial_window = LARGEST_WINDOW
        self.server.connection.submit_settings([(4, LARGEST_WINDOW), (3, 1000)])
        for _ in range(1000):
            self.carry()
            if not self.go_on():
                break
        else:
            raise AssertionError("the streams never end")
        self.carry()
        self.check_the_end()

    def go_on(self) -> bool:
        """Finish every stream; return whether anything was left to do."""
        busy = False
        for side in self.sides:
            for stream_id, story in side.stories.items():
                if story.unread:
                    side.consume(stream_id, story.unread)
                    busy = True
                if story.wants_trailers:
                    side.trailers(stream_id, {"x": "last"})
                    busy = True
            for stream_id in side.writable():
                side.write(stream_id, 10, True)
                busy = True
        for stream_id in self.unanswered():
            self.answer(stream_id, {}, True, False)
            busy = True
        return busy

    def doomed(self) -> set[int]:
        """Return the requests that were waiting when the server sent GOAWAY.

        With no open stream a client is then done, for nghttp2, and tells nothing more of them: the
        session above has refused them.
        """
        if not self.client.told_to_leave:
            return set()
        last = self.client.connection.last_sent_request
        return {i for i, story in self.client.stories.items() if i % 2 and i > last}

    def check_the_end(self) -> None:
        """Check the invariants at the end."""
        doomed = self.doomed()
        for side, base in zip(self.sides, self.base, strict=True):
            if not side.other.connection.want_read:
                # after GOAWAY and its last stream: its session closes the connection
                continue
            for stream_id, story in side.stories.items():
                if stream_id in doomed:
                    continue
                ended = story.closed is not None or story.unsent
                assert ended, f"{side.name}: stream {stream_id} does not end"
                theirs = side.other.stories.get(stream_id)
                calm = not story.reset and (theirs is None or not theirs.reset)
                if calm and story.closed == 0:
                    assert story.heard_end, f"{side.name}: stream {stream_id}: an end unsaid"
                assert side.connection.stream_state(stream_id) is None
                assert side.connection.pending(stream_id) == 0
            assert side.unread == 0
            if doomed:
                continue
            assert not side.connection.want_write, f"{side.name} wants to write"
            assert side.connection.state()["outbound_queue_size"] == 0
            if not self.client.left and not self.server.left:
                # after GOAWAY, no side acknowledges SETTINGS or PING
                assert side.kept() == base, f"{side.name}: {side.kept() - base} bytes are kept"
        if not self.client.left and not self.server.left:
            self.exchange()
            for side, base in zip(self.sides, self.base, strict=True):
                assert side.kept() == base

    def exchange(self) -> None:
        """Exchange bodies larger than a window: then the windows must be complete, to a byte.

        A connection's window is returned by halves. When that happens, all received data
        was read, and so nothing may be missing in it; or all but the last piece with its padding,
        when it was padding which made it half.
        """
        stream_id, *_ = self.client.connection.submit_request(
            {":method": "PUT"}, "test", "http", False
        )
        story = self.client.stories[stream_id] = Story()
        story.may_write = True
        self.carry()
        assert stream_id in self.server.stories, "a request does not arrive"
        self.answer(stream_id, {}, False, False)
        for side in self.sides:
            other = side.other
            window = other.connection.connection_window()
            step = max(1, min(window, 65535) // 8)
            given = False
            for _ in range(2 + 2 * (window // step)):
                before = other.connection.state()["effective_recv_data_length"]
                side.write(stream_id, step, False)
                self.carry()
                story = other.stories[stream_id]
                assert story.heard == side.stories[stream_id].wrote, "a window is used up for good"
                last = story.unread
                other.consume(stream_id, last)
                after = other.connection.state()["effective_recv_data_length"]
                # less than that is a window that was lowered, and is being used up
                if after == 0 or after < before:
                    given = True
                assert after > before or after <= last + MOST_PADDING, (
                    f"{other.name}: {after} bytes are lost"
                )
            assert given, "the window is not given back"
            side.write(stream_id, 0, True)
        self.carry()
        assert self.client.stories[stream_id].closed == 0
        assert self.server.stories[stream_id].closed == 0


STEPS: list[Callable[[Conversation], None]] = [
    Conversation.request, Conversation.respond, Conversation.write, Conversation.read,
    Conversation.gather, Conversation.deliver, Conversation.gather_all, Conversation.deliver_all,
    Conversation.carry, Conversation.trailers, Conversation.reset, Conversation.push,
    Conversation.settings, Conversation.window, Conversation.ping, Conversation.inform,
    Conversation.prioritize, Conversation.expect_trailers, Conversation.altsvc,
    Conversation.goaway, Conversation.notice,
]  # fmt: skip


def pair(data: bytes) -> None:
    """Run two connections with the actions in *data*, and then end them."""
    program = Program(data)
    conversation = Conversation(program)
    for _ in range(MOST_STEPS):
        if not program.left:
            break
        program.choice(STEPS)(conversation)
    conversation.finish()
