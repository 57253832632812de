"""One engine connection and a peer that sends anything, with commands in between."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.memory import KIND_NAMES, PREFACE, frame, frames

from http2 import Http2Error
from http2.engine import events
from http2.engine.connection import Connection

from .program import Program, Writer

# Inputs are short; their results must be bounded too.
MOST_STEPS = 400
MOST_OUTPUT = 4_000_000

METHODS = ["GET", "POST", "HEAD", "PUT", "CONNECT"]
FIELDS: list[dict[str, object]] = [
    {},
    {"x": "1", "cookie": ["a=b", "c=d"]},
    {"content-length": 3},
    {"x": "v" * 300},
    {"x-" + "n" * 50: ["1", "2", "3"]},
    {":status": 204},
    {":status": 103},
    {"te": "gzip"},
    {"x": "a\r\nb"},
]


class Session:
    """The expected state of a connection while it gets bytes and commands."""

    def __init__(self, client: bool, program: Program) -> None:
        self.program = program
        padding = program.byte()
        self.connection = Connection(
            client,
            padding_strategy=padding % 3,
            stream_reset_burst=50,
            stream_reset_rate=1,
            max_session_memory=1_000_000 if padding & 4 else 10_000,
            max_header_list_pairs=20,
        )
        self.connection.measuring = self.connection.reporting_windows = padding & 8 != 0
        self.connection.submit_settings([])
        self.client = client
        self.incoming = bytearray() if client else bytearray(PREFACE)
        self.incoming += frame(4, 0, 0)
        self.outgoing = bytearray()
        self.next_request = 1
        # streams that there were, in order; those that are over; bytes that were not read
        self.known: list[int] = []
        self.closed: set[int] = set()
        self.unread: dict[int, int] = {}
        self.over = False
        if client:
            for method in ("GET", "POST"):
                self.request(method, None)

    def request(self, method: str, headers: dict[str, object] | None, *, body: bool = False) -> int:
        """Make a request; its stream's identifier."""
        stream_id, *_ = self.connection.submit_request(
            {":method": method, **(headers or {})}, "a", "http", None if not body else False
        )
        self.known.append(stream_id)
        return stream_id

    # --- the peer's actions -------------------------------------------------------------

    def deliver(self, size: int) -> None:
        """Let the connection have the next *size* bytes."""
        piece = bytes(self.incoming[:size])
        del self.incoming[:size]
        if piece:
            self.hear(self.connection.receive(piece))

    def hear(self, told: list[events.Event]) -> None:
        """Check events, and store the values that later ones are compared with."""
        for index, (kind, stream_id, first, second) in enumerate(told):
            assert kind in KIND_NAMES, kind
            assert 0 <= stream_id < 2**31, stream_id
            if kind == events.STREAM_CLOSED:
                assert stream_id not in self.closed, f"stream {stream_id} ends twice"
                assert second is None or second > 0
                self.closed.add(stream_id)
            elif kind == events.REQUEST:
                assert not self.client
                self.known.append(stream_id)
            elif kind in (events.RESPONSE, events.PUSH_RESPONSE, events.HEADERS):
                assert stream_id not in self.closed
                assert not self.client or stream_id in self.known
            elif kind == events.PUSH_PROMISE:
                assert self.client
                self.known.append(second)
            elif kind == events.DATA:
                assert stream_id not in self.closed, f"DATA behind the end of stream {stream_id}"
                assert stream_id in self.known
                self.unread[stream_id] = self.unread.get(stream_id, 0) + len(first)
            elif kind == events.FAILED:
                assert index == len(told) - 1, "an event behind FAILED"
                self.over = True

    # --- the program's actions ----------------------------------------------------------

    def stream(self) -> int:
        """Return a stream: one that exists or has existed, or any."""
        which = self.program.byte()
        if which < 224 and self.known:
            return self.known[-1 - which % len(self.known)]
        return which & 31

    def send(self, limit: int) -> None:
        """Gather the bytes to send."""
        chunks = self.connection.data_to_send(limit)
        for chunk in chunks:
            self.outgoing += chunk
        assert len(self.outgoing) <= MOST_OUTPUT, "it sends without end"
        self.hear(self.connection.take_events())

    def consume(self) -> None:
        """Read some received data, of a stream that may no longer exist."""
        waiting = [stream_id for stream_id, size in self.unread.items() if size]
        if waiting:
            stream_id = self.program.choice(waiting)
            size = min(self.unread[stream_id], self.program.size())
            self.unread[stream_id] -= size
            self.connection.consume(stream_id, size)

    def check(self) -> None:
        """Check the invariants that hold at any time."""
        connection = self.connection
        assert connection.memory() >= 0
        state = connection.state()
        assert state["effective_recv_data_length"] >= 0
        assert state["outbound_queue_size"] >= 0
        assert all(n == 0 for i in self.closed if (n := connection.pending(i))), "kept for nothing"

    def end(self) -> None:
        """Deliver everything in both directions, and close the connection."""
        self.deliver(len(self.incoming))
        # FAILED ends a session's use of the connection, but for a last GOAWAY
        if self.over:
            try:
                self.connection.terminate(1)
            except Http2Error:
                pass
        for _ in range(1000):
            before = len(self.outgoing)
            self.send(100_000)
            if len(self.outgoing) == before:
                break
        else:
            raise AssertionError("it sends without end")
        if not self.over:
            assert not self.connection.want_write, "something is to be sent, and is not"
            self.check()
        frames(bytes(self.outgoing))
        self.connection.close()


Step = Callable[[Session, Program], object]


def _frame(s: Session, p: Program) -> None:
    s.incoming += p.frame()


def _raw(s: Session, p: Program) -> None:
    s.incoming += p.take(p.size())


def _block(s: Session, p: Program) -> None:
    """Return a header block, in one piece or in several."""
    block, flags, stream_id, cut = p.block(), p.byte() & 0x29, s.stream(), p.byte()
    kind = 9 if flags & 8 and cut & 1 else 5 if flags & 8 else 1
    if kind == 5:
        block = bytes((0, 0, 0, cut)) + block
    if cut & 64 and len(block) > 5:
        middle = len(block) // 2
        s.incoming += frame(kind, flags & 1, stream_id, block[:middle])
        s.incoming += frame(9, 4, stream_id, block[middle:])
    else:
        s.incoming += frame(kind, (flags & ~8) | 4, stream_id, block)


def _request(s: Session, p: Program) -> None:
    s.incoming += p.request(s.next_request)
    s.next_request += 2


def _data(s: Session, p: Program) -> None:
    size, flags, stream_id = p.size() & 0x7FFF, p.byte() & 0x9, s.stream()
    s.incoming += frame(0, flags, stream_id, bytes((flags,)) * min(size, 16384))


def _deliver(s: Session, p: Program) -> None:
    s.deliver(p.size())


def _deliver_all(s: Session, p: Program) -> None:
    s.deliver(len(s.incoming))


def _send(s: Session, p: Program) -> None:
    s.send(p.size() + 1)


def _make_request(s: Session, p: Program) -> None:
    if s.client:
        s.request(p.choice(METHODS), p.choice(FIELDS), body=p.flag())


COMMANDS: list[Step] = [
    _make_request,
    lambda s, p: s.consume(),
    lambda s, p: s.connection.submit_response(
        s.stream(), p.choice(FIELDS), p.flag(), p.flag(), p.flag()
    ),
    lambda s, p: s.connection.submit_informational(s.stream(), {":status": p.choice((100, 103))}),
    lambda s, p: s.connection.write(s.stream(), b"w" * p.size(), p.flag()),
    lambda s, p: s.connection.write(s.stream(), memoryview(bytes(p.size() * 2)), p.flag()),
    lambda s, p: s.connection.submit_trailers(s.stream(), p.choice(FIELDS)),
    lambda s, p: s.connection.expect_trailers(s.stream()),
    lambda s, p: s.connection.reset(s.stream(), p.byte() & 15),
    lambda s, p: s.connection.submit_push_promise(
        s.stream(), p.choice(FIELDS), "a", "http", p.byte() & 7, p.flag()
    ),
    lambda s, p: s.connection.ping(p.take(8).ljust(8, b"\0")),
    lambda s, p: s.connection.submit_settings([(p.byte() & 15, p.number(3))]),
    lambda s, p: s.connection.goaway(p.byte() & 15, s.stream() if p.flag() else 0, p.take(3)),
    lambda s, p: s.connection.priority(s.stream(), p.byte() & 15, p.byte() + 1, p.flag(), p.flag()),
    lambda s, p: s.connection.set_urgency(s.stream(), p.byte() & 7, p.flag()),
    lambda s, p: s.connection.set_local_window_size(p.number(3), s.stream() if p.flag() else 0),
    lambda s, p: s.connection.altsvc(s.stream() if p.flag() else 0, p.take(2), b"h2"),
    lambda s, p: s.connection.origin([p.take(4)] * (p.byte() & 3)),
    lambda s, p: s.connection.priority_update(s.stream(), p.take(5)),
    lambda s, p: s.connection.shutdown_notice(),
    lambda s, p: s.connection.terminate(p.byte() & 15),
    lambda s, p: s.connection.set_next_stream_id(p.byte()),
    lambda s, p: s.connection.stream_state(s.stream()),
    lambda s, p: s.connection.stream_window(s.stream()),
    lambda s, p: s.connection.unsent_bodies(),
    lambda s, p: s.connection.local_setting(p.byte()),
    lambda s, p: s.connection.remote_setting(p.byte()),
]

STEPS: list[Step] = [
    _frame, _raw, _block, _request, _data, _deliver, _deliver_all, _send,
]  # fmt: skip


def run(client: bool, data: bytes) -> None:
    """Run the program *data* on a connection in either role."""
    program = Program(data)
    session = Session(client, program)
    for _ in range(MOST_STEPS):
        if not program.left or session.over:
            break
        which = program.byte() % (len(STEPS) + len(COMMANDS))
        if which < len(STEPS):
            STEPS[which](session, program)
        else:
            try:
                COMMANDS[which - len(STEPS)](session, program)
            except Http2Error:
                pass  # an impossible command raises; `receive` and `data_to_send` never do
        session.check()
    session.end()


def server(data: bytes) -> None:
    """Run the engine as a server."""
    run(False, data)


def client(data: bytes) -> None:
    """Run the engine as a client."""
    run(True, data)


def recorded(wire: bytes) -> Writer:
    """Return a program that delivers each frame of *wire* by itself, and answers it."""
    program = Writer().put(0)
    for kind, flags, stream_id, payload in frames(wire):
        program.put(STEPS.index(_frame)).frame(kind, flags, stream_id, payload)
        program.put(STEPS.index(_deliver_all), STEPS.index(_send)).size(4000)
    return program
