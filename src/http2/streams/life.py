"""Define the states of a stream as one table, for HTTP/2 in both roles and for HTTP/1.

The state of a stream combines the states of three parts: its two sides, and the stream as a whole.
All properties about a stream's progress are derived from its state (`Duplex.destroyed`,
`Exchange.closed`, ...); no other attribute stores it.

**Sending**, this side's half:

- ``OPEN``: the application may write.
- ``ENDED``: the application has ended it. The last bytes, and END_STREAM, may still be queued.
- ``TRAILERS``: the body has been sent, and the trailers may be sent.
- ``FINISHED``: everything, including END_STREAM, was passed to the transport.
- ``CUT``: the stream was closed before the application had ended this half (``aborted``).

**Receiving**, the peer's half:

- ``OPEN``: more data may arrive.
- ``ENDED``: END_STREAM was received. Earlier data may still be unread.
- ``READ``: everything was read, and ``end`` was emitted.

**The whole**, in the order of its states, which it never reverses:

- ``IDLE``: a client's request that waits for the connection. It has no identifier.
- ``LIVE``: the engine, or the HTTP/1 connection, processes it.
- ``UNSENT``: its HEADERS cannot be sent. It fails at once.
- ``CLOSING``: this side has closed it. RST_STREAM goes out now, or after the last byte.
- ``WHOLE``: it has ended normally on the connection. Some bytes may still be unread.
- ``BROKEN``: it has ended abnormally on the connection. It fails at once.
- ``FINISHED``: destroyed after a normal end. Coroutine handlers may finish their work.
- ``FAILED``: destroyed with an error. All waiting callers get it; handlers are cancelled.

``FINISHED`` and ``FAILED`` are ``UNTOLD`` at first, ``TELLING`` while ``close`` is emitted, and
``TOLD`` from then on.

The events, the transitions and their effects:

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
| told         | TELLING                   | TOLD           | wake callers that wait for the end  |
| done         | LIVE, WHOLE               | FINISHED, TOLD | nothing: everything is sent and     |
|              |                           |                | read, and nothing listens or waits  |
| handed_over  | LIVE                      | FINISHED, TOLD | nothing: the connection leaves HTTP |

In a state that the lines of an event do not list, the event comes too late and changes nothing.
Closing a stream while sending is ``OPEN`` changes sending to ``CUT``, and ``aborted`` is emitted.

The sources of the events:

- *over* is the engine's STREAM_CLOSED with NO_ERROR, *broken* the same with another code, and the
  end of a session with an error. For a stream that this side has closed, its own code counts.
  *lost* is the end of a session without an error: its connection was closed.
- *close* comes from the application or on its behalf: `close`, `destroy`, a deadline,
  a signal, a session that refuses the request. A handler that raises closes its stream if the
  response has begun; before that, the server answers with status 500.
- The code of RST_STREAM, which becomes `rst_code`, is the argument of `close`; the code of a
  `StreamError`; CANCEL for an `AbortError`, INTERNAL_ERROR for any other error, NO_ERROR without
  one. A stream that is closed twice keeps the first code. With NO_ERROR, an ended body is sent
  before the reset. `destroy` fails the stream at once; after `close`, *over* or *broken* does.

Only the lines of *over* and *lost* decide whether a stream has ended normally; see `Life.whole`.

RFC 9113 section 5.1 has other names. ``IDLE`` is idle. ``LIVE`` is open; half-closed (local) when
sending is ``FINISHED``, half-closed (remote) when receiving is not ``OPEN``, closed when both are
so. ``CLOSING`` is closed once RST_STREAM was sent, and so are all later states. A promised
stream is ``LIVE`` with one half ended from the start: it is reserved until its response begins.

Each state is a `Life` that this module creates once. Its attributes are its properties and the
next states: `stream.life.closed`, `stream.life = stream.life.on_end`. So a request
costs one attribute of its stream, and a transition needs no call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from .compiled.life_state import Life

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

# Conditions for the next state of the whole, where it depends on the states of the sides.
State: TypeAlias = tuple[str, str, str, str]
Choice: TypeAlias = Callable[[str, str], str]


def _if_received(sending: str, receiving: str) -> str:
    """Return WHOLE if the peer has sent everything: it may need no more data of this side."""
    return "BROKEN" if receiving == "OPEN" else "WHOLE"


def _if_complete(sending: str, receiving: str) -> str:
    """Return WHOLE if both sides have sent everything."""
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

# For a destroyed stream: whether ``close`` was emitted.
NEWS: dict[str, dict[str, str]] = {
    "UNTOLD": {"tell": "TELLING"},
    "TELLING": {"told": "TOLD"},
    "TOLD": {},
}

EVENTS = (
    *("begin", "unsent", "end", "end_refused", "want_trailers", "sent", "peer_end", "read"),
    *("close", "over", "broken", "lost", "finish", "fail", "tell", "told", "done", "handed_over"),
)

# Ends without listeners or waiters, in one step; and how the sending side ends there.
AT_ONCE = {"done": "FINISHED", "handed_over": "ENDED"}

CLOSED = frozenset({"CLOSING", "WHOLE", "BROKEN", "FINISHED", "FAILED"})
DESTROYED = frozenset({"FINISHED", "FAILED"})


def _next(state: State, event: str) -> State:
    """Return the next state after *event* in *state*."""
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
    """Return the `Life` of *state*, linked to all states that can follow."""
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
    """Return all states."""
    return iter(_known.values())
