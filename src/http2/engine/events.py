"""Define the engine's events: one tuple of four items for each event.

``(kind, stream_id, first, second)``; the table describes the last two. Tuples of one
shape are the cheapest to create and unpack, and the session dispatches on the first item.

| kind             | stream_id       | first                     | second               |
|------------------|-----------------|---------------------------|----------------------|
| REQUEST          | the stream      | `Headers`                 | flags of the frame   |
| RESPONSE         | the stream      | `Headers`, see below      | flags of the frame   |
| PUSH_RESPONSE    | promised stream | `Headers`                 | flags of the frame   |
| HEADERS          | the stream      | `Headers`: any other      | flags of the frame   |
|                  |                 | response, or trailers     |                      |
| DATA             | the stream      | bytes, perhaps empty      | END_STREAM: bool     |
| PUSH_PROMISE     | parent stream   | `Headers` of the request  | promised stream's id |
| STREAM_CLOSED    | the stream      | error code                | bytes unsent, if any |
| LAST_DATA        | the stream      | bytes, not empty          | None                 |
| END_SENT         | the stream      | None                      | None                 |
| WRITABLE         | the stream      | None                      | None                 |
| WANT_TRAILERS    | the stream      | None                      | None                 |
| SETTINGS         | 0               | list of (id, value)       | all there are then,  |
|                  |                 |                           | the same way         |
| SETTINGS_ACK     | 0               | all of ours then:         | None                 |
|                  |                 | list of (id, value)       |                      |
| PING             | 0               | 8 bytes                   | None                 |
| PING_ACK         | 0               | 8 bytes                   | None                 |
| GOAWAY           | last stream id  | error code                | opaque data: bytes   |
| GOAWAY_SENT      | last stream id  | error code                | opaque data: bytes   |
| ALTSVC           | the stream or 0 | origin: str               | field value: str     |
| ORIGIN           | 0               | list of str               | None                 |
| PRIORITY         | the stream      | (parent, weight,          | None                 |
|                  |                 | exclusive)                |                      |
| PRIORITY_UPDATE  | prioritized one | field value: bytes        | None                 |
| FRAME_NOT_SENT   | the stream or 0 | frame type                | nghttp2's error      |
| INVALID_FRAME    | the stream or 0 | frame type                | nghttp2's error      |
| FAILED           | 0               | nghttp2's error           | message: str         |
| WINDOW_GIVEN     | the stream or 0 | None                      | None                 |
| MEASURED         | the stream      | 0: begun by us; 1: DATA   | bytes sent           |

RESPONSE reports the most common responses: final ones that are the first on their stream, have
a body, and have not the status 421, which concerns the session.
STREAM_CLOSED reports the end of a stream, whichever side ended it. While
`Connection.joining_ends` is set, LAST_DATA stands for DATA with END_STREAM and a STREAM_CLOSED
without an error after it. If the last frame that this
side sent closed the stream, its END_SENT is omitted. FRAME_NOT_SENT of a PUSH_PROMISE has the
promised stream's id. If the engine detected the peer's violation, GOAWAY_SENT without opaque data
has the engine's description of it. INVALID_FRAME is also reported for empty DATA frames without
END_STREAM, with 0 as nghttp2's error. WRITABLE is reported once, when the queue is short again
after `Connection.write` has returned `HIGH_WATER` or more.
FAILED is the last event of a connection, which can neither read nor write afterwards.
WINDOW_GIVEN (a WINDOW_UPDATE was sent) is reported while `Connection.reporting_windows` is set,
and MEASURED while `Connection.measuring` is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

Event: TypeAlias = tuple[int, int, Any, Any]

Handler: TypeAlias = Callable[[Any, int, Any, Any], None]
"""A function for events of one kind; it gets the session and the last three items of the event."""

Handlers: TypeAlias = list[Handler]
"""By kind of event."""

HIGH_WATER: Final = 65536
"""Bytes queued on a stream at which a writer should wait for WRITABLE."""

KNOWN_SETTINGS: Final = (1, 2, 3, 4, 5, 6, 8)
"""Identifiers of the settings whose current values nghttp2 stores."""

REQUEST: Final = 0
RESPONSE: Final = 1
PUSH_RESPONSE: Final = 2
HEADERS: Final = 3
DATA: Final = 4
PUSH_PROMISE: Final = 5
STREAM_CLOSED: Final = 6
END_SENT: Final = 7
WRITABLE: Final = 8
WANT_TRAILERS: Final = 9
SETTINGS: Final = 10
SETTINGS_ACK: Final = 11
PING: Final = 12
PING_ACK: Final = 13
GOAWAY: Final = 14
GOAWAY_SENT: Final = 15
ALTSVC: Final = 16
ORIGIN: Final = 17
PRIORITY: Final = 18
PRIORITY_UPDATE: Final = 19
FRAME_NOT_SENT: Final = 20
INVALID_FRAME: Final = 21
FAILED: Final = 22
WINDOW_GIVEN: Final = 23
MEASURED: Final = 24
LAST_DATA: Final = 25
