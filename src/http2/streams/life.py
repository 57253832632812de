"""The life of a stream, as one table: HTTP/2's streams in both roles, and HTTP/1's exchanges.

A stream has two sides, and is also one whole. A state of it is one state of each of these three.
All that is known of how far a stream has come is read off its state (`Duplex.destroyed`,
`Exchange.closed`, ...): nothing else remembers it.

**Sending**, this side's half:

- ``OPEN``: the program may write.
- ``ENDED``: the program has ended it. The last bytes, and END_STREAM, may still be queued.
- ``TRAILERS``: the body has gone, and the trailers may be sent.
- ``FINISHED``: all of it was handed to the transport, END_STREAM included.
- ``CUT``: the stream was closed before the program had ended this half (``aborted``).

**Receiving**, the peer's half:

- ``OPEN``: more may come.
- ``ENDED``: END_STREAM has come. What came before it may still be unread.
- ``READ``: the reader has had everything, and ``end`` was emitted.

**The whole**, in the order in which it goes. It never goes back:

- ``IDLE``: a client's request that waits for the connection. It has no identifier.
- ``LIVE``: the engine, or the connection of HTTP/1, has it.
- ``UNSENT``: its HEADERS can't be sent. It is failed at once.
- ``CLOSING``: this side has closed it. RST_STREAM goes out now, or after the last byte.
- ``WHOLE``: it is over on the connection, and has ended well. Its reader may have bytes to take.
- ``BROKEN``: it is over on the connection, and has not ended well. It is failed at once.
- ``FINISHED``: destroyed, after it has ended well. Coroutine handlers may finish their work.
- ``FAILED``: destroyed, and not well. All who wait get the error; handlers are cancelled.

``FINISHED`` and ``FAILED`` are ``UNTOLD`` at first, ``TELLING`` while ``close`` is emitted, and
``TOLD`` from then on.

What may happen, and what follows:

| event        | from                      | to             | what follows                        |
|--------------|---------------------------|----------------|-------------------------------------|
| begin        | IDLE                      | LIVE           | what was written meanwhile is sent  |
| unsent       | LIVE                      | UNSENT         | fail it, without RST_STREAM: the    |
|              | CLOSING                   | BROKEN         | peer does not know of the stream    |
| end          | sending OPEN              | ENDED          | queue END_STREAM                    |
| end_refused  | sending ENDED, not closed | OPEN           | destroy it: the body is not as long |
|              |                           |                | as was declared                     |
| want_trailers| sending ENDED             | TRAILERS       | emit ``want_trailers``              |
| sent         | sending ENDED, TRAILERS   | FINISHED       | wake `drain`; emit ``finish``       |
| peer_end     | receiving OPEN, not IDLE  | ENDED          | wake readers                        |
| read         | receiving ENDED           | READ           | emit ``end``; finish it if WHOLE    |
| close        | LIVE                      | CLOSING        | RST_STREAM; see below               |
|              | IDLE, UNSENT              | BROKEN         | fail it                             |
| over         | LIVE, CLOSING, and        | WHOLE          | finish it when all was read, or     |
|              | receiving not OPEN        |                | when nothing reads it               |
|              | LIVE, CLOSING, UNSENT     | BROKEN         | fail it; tell now                   |
| lost         | LIVE, sending FINISHED,   | WHOLE          | as for over                         |
|              | and receiving not OPEN    |                |                                     |
|              | CLOSING, receiving not    | WHOLE          | as for over                         |
|              | OPEN                      |                |                                     |
|              | all others before WHOLE   | BROKEN         | fail it; tell in the next turn      |
| broken       | all before WHOLE          | BROKEN         | fail it                             |
| finish       | WHOLE                     | FINISHED       | keep its tasks; tell now            |
| fail         | CLOSING, WHOLE, BROKEN    | FAILED         | wake all with the error, cancel the |
|              |                           |                | tasks; the session forgets it; tell |
| tell         | FINISHED, FAILED; UNTOLD  | TELLING        | emit ``error`` first if there is    |
|              |                           |                | one, then ``close``                 |
| told         | TELLING                   | TOLD           | wake those who wait for the end     |
| done         | LIVE, WHOLE               | FINISHED, TOLD | nothing: all has come and gone, and |
|              |                           |                | nothing listens, waits or is unread |
| handed_over  | LIVE                      | FINISHED, TOLD | nothing: the connection leaves HTTP |

In a state that an event's lines do not name, the event comes too late, and changes nothing. What
closes a stream while sending is ``OPEN`` makes that ``CUT``, and ``aborted`` is emitted.

Where the events come from:

- *over* is the engine's STREAM_CLOSED with NO_ERROR, *broken* the same with another code, and the
  end of a session with an error. For a stream that this side has closed, its own code counts.
  *lost* is the end of a session without an error: its connection was closed.
- *close* is what the program, or something that acts for it, does: `close`, `destroy`, a deadline,
  a signal, a session that refuses the request. A handler that raises closes its stream when the
  response has begun, and is answered for with status 500 before that.
- The code of RST_STREAM, which is then `rst_code`, is what `close` was told; a `StreamError` has
  its own; CANCEL for an `AbortError`, INTERNAL_ERROR for any other error, NO_ERROR without one. A
  stream that is closed twice keeps the first code. With NO_ERROR, what was ended is sent before
  the reset. `destroy` fails the stream at once; `close` leaves that to *over* and *broken*.

"Ended well" is decided here alone, in the lines of *over* and *lost*, and is `Life.whole`.

RFC 9113 section 5.1 has other names. ``IDLE`` is idle. ``LIVE`` is open; half-closed (local) when
sending is ``FINISHED``, half-closed (remote) when receiving is not ``OPEN``, closed when both are
so. ``CLOSING`` is closed once RST_STREAM was sent, and so is all that comes behind it. A promised
stream is ``LIVE`` with one half ended from the first: it is reserved until its response begins.

Each state is an object that is made here, once. What is known in it, and the states that come
next, are its attributes: `stream.life.closed`, `stream.life = stream.life.on_end`. So a request
pays for one attribute of its stream, and a transition is no call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

__all__ = ["IDLE", "LIVE", "Life", "every_life"]

# --- the three tables -------------------------------------------------------------------------

SENDING: dict[str, dict[str, str]] = {
    "OPEN": {"end": "ENDED", "cut": "CUT"},
    "ENDED": {"end_refused": "OPEN", "want_trailers": "TRAILERS", "sent": "FINISHED"},
    "TRAILERS": {"sent": "FINISHED"},
    "FINISHED": {},
    "CUT": {},
}

RECEIVING: dict[str, dict[str, str]] = {
    "OPEN": {"peer_end": "ENDED"},
    "ENDED": {"read": "READ"},
    "READ": {},
}

# What the next state of the whole depends on, where it is not the same for all states of the sides.
State: TypeAlias = tuple[str, str, str, str]
Choice: TypeAlias = Callable[[str, str], str]


def _if_received(sending: str, receiving: str) -> str:
    """Well, when the peer has sent all: it may have wanted no more of what this side sends."""
    return "BROKEN" if receiving == "OPEN" else "WHOLE"


def _if_complete(sending: str, receiving: str) -> str:
    """Well, when both sides have sent all."""
    return "WHOLE" if sending == "FINISHED" and receiving != "OPEN" else "BROKEN"


WHOLE: dict[str, dict[str, str | Choice]] = {
    "IDLE": {"begin": "LIVE", "close": "BROKEN", "broken": "BROKEN", "lost": "BROKEN"},
    "LIVE": {
        "unsent": "UNSENT",
        "close": "CLOSING",
        "over": _if_received,
        "broken": "BROKEN",
        "lost": _if_complete,
        "done": "FINISHED",
        "handed_over": "FINISHED",
    },
    "UNSENT": {"close": "BROKEN", "over": "BROKEN", "broken": "BROKEN", "lost": "BROKEN"},
    "CLOSING": {
        "unsent": "BROKEN",
        "over": _if_received,
        "broken": "BROKEN",
        "lost": _if_received,
        "fail": "FAILED",
    },
    "WHOLE": {"finish": "FINISHED", "fail": "FAILED", "done": "FINISHED"},
    "BROKEN": {"fail": "FAILED"},
    "FINISHED": {},
    "FAILED": {},
}

# Of a stream that is destroyed: whether ``close`` was emitted.
NEWS: dict[str, dict[str, str]] = {
    "UNTOLD": {"tell": "TELLING"},
    "TELLING": {"told": "TOLD"},
    "TOLD": {},
}

EVENTS = (
    *("begin", "unsent", "end", "end_refused", "want_trailers", "sent", "peer_end", "read"),
    *("close", "over", "broken", "lost", "finish", "fail", "tell", "told", "done", "handed_over"),
)

# Ends that nobody is told of: the rest of its life in one step. How the sending side ends there.
AT_ONCE = {"done": "FINISHED", "handed_over": "ENDED"}

ON_THE_WIRE = frozenset({"LIVE", "CLOSING"})
CLOSED = frozenset({"CLOSING", "WHOLE", "BROKEN", "FINISHED", "FAILED"})
DESTROYED = frozenset({"FINISHED", "FAILED"})


# --- the states -------------------------------------------------------------------------------


class Life:
    """One state of a stream: what is known in it, and, by event, the state that comes next."""

    __slots__ = (
        *("name", "idle", "on_wire", "closed", "whole", "destroyed", "telling", "told"),
        *("writable", "writable_ended", "writable_finished", "trailers_ready", "aborted"),
        *("read_ended", "readable_ended", "both_ended", "complete"),
        *(f"on_{event}" for event in EVENTS),
    )

    name: State
    """The states of sending, of receiving, of the whole, and of the news of its end."""

    idle: bool
    """It waits for the connection."""
    on_wire: bool
    """The connection has it."""
    closed: bool
    """Nothing can be sent any more that was not ended before."""
    whole: bool
    """It has ended well, and waits for its reader."""
    destroyed: bool
    """It can't be used any more."""
    telling: bool
    """``close`` is being emitted."""
    told: bool
    """``close`` was emitted, or is being emitted."""

    writable: bool
    """The program may write."""
    writable_ended: bool
    """It may not any more: by its own end, or because the stream was closed."""
    writable_finished: bool
    """All of it, the end included, was handed to the transport."""
    trailers_ready: bool
    """The body has gone, and trailers were asked for."""
    aborted: bool
    """It was closed before the program had ended it."""

    read_ended: bool
    """The peer has sent its last byte."""
    readable_ended: bool
    """The reader has had it, and knows it."""
    both_ended: bool
    """Nothing has closed it, and each side has ended its half."""
    complete: bool
    """Both sides have sent everything."""

    on_begin: Life
    on_unsent: Life
    on_end: Life
    on_end_refused: Life
    on_want_trailers: Life
    on_sent: Life
    on_peer_end: Life
    on_read: Life
    on_close: Life
    on_over: Life
    on_broken: Life
    on_lost: Life
    on_finish: Life
    on_fail: Life
    on_tell: Life
    on_told: Life
    on_done: Life
    on_handed_over: Life

    def __init__(self, name: State) -> None:
        self.name = sending, receiving, whole, news = name
        self.idle = whole == "IDLE"
        self.on_wire = whole in ON_THE_WIRE
        self.closed = whole in CLOSED
        self.whole = whole == "WHOLE"
        self.destroyed = whole in DESTROYED
        self.telling = news == "TELLING"
        self.told = news != "UNTOLD"
        self.writable = sending == "OPEN"
        self.writable_ended = sending != "OPEN"
        self.writable_finished = sending == "FINISHED"
        self.trailers_ready = sending == "TRAILERS"
        self.aborted = sending == "CUT"
        self.read_ended = receiving != "OPEN"
        self.readable_ended = receiving == "READ"
        self.both_ended = whole == "LIVE" and self.writable_ended and self.read_ended
        self.complete = self.writable_finished and self.read_ended

    def __repr__(self) -> str:
        sending, receiving, whole, news = self.name
        return f"<Life {whole} {news}, sending {sending}, receiving {receiving}>"


def _next(state: State, event: str) -> State:
    """What *event* makes of *state*."""
    sending, receiving, whole, news = state
    after = WHOLE[whole].get(event, whole)
    if not isinstance(after, str):
        after = after(sending, receiving)
    news = NEWS[news].get(event, news) if after in DESTROYED else news
    if event in AT_ONCE and after != whole:
        at_end = sending if whole == "WHOLE" or sending == "FINISHED" else AT_ONCE[event]
        return at_end, "READ", after, "TOLD"
    if after in CLOSED:
        sending = SENDING[sending].get("cut", sending)
    following = SENDING[sending].get(event, sending)
    if not (following == "OPEN" and after in CLOSED):
        sending = following
    if whole != "IDLE":
        receiving = RECEIVING[receiving].get(event, receiving)
    return sending, receiving, after, news


def _link(known: dict[State, Life], state: State) -> Life:
    """The `Life` of *state*, with all that it can come to."""
    first = known[state] = Life(state)
    waiting = [first]
    while waiting:
        life = waiting.pop()
        for event in EVENTS:
            name = _next(life.name, event)
            after = known.get(name)
            if after is None:
                after = known[name] = Life(name)
                waiting.append(after)
            setattr(life, f"on_{event}", after)
    return first


_known: dict[State, Life] = {}

IDLE = _link(_known, ("OPEN", "OPEN", "IDLE", "UNTOLD"))
"""A client's request before it is sent."""

LIVE = IDLE.on_begin
"""A request that has begun, on either side."""


def every_life() -> Iterator[Life]:
    """All states that there are."""
    return iter(_known.values())
