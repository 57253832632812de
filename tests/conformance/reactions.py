"""The reactions of an endpoint to a violation (RFC 9113 section 5.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from http2.constants import ERROR_CODE_NAMES, NGHTTP2_FLOW_CONTROL_ERROR

from ..support import raw
from ..support.nghttp2_versions import RESETS_FOR_A_WINDOW
from ..support.raw import Frame


@dataclass
class Observed:
    """What the endpoint has sent after the bytes of a case."""

    frames: list[Frame]
    """Every received frame, in order."""
    ended: bool
    """Whether the connection has ended."""

    def __str__(self) -> str:
        shown = [
            f"{_NAMES.get(got.type, got.type)}({got.stream_id}"
            + (f", {code_name(got.code)}" if got.type in (raw.RST_STREAM, raw.GOAWAY) else "")
            + ")"
            for got in self.frames
        ]
        return " ".join(shown) + (" and the end" if self.ended else " and it goes on")


_FRAMES = (
    "DATA HEADERS PRIORITY RST_STREAM SETTINGS PUSH_PROMISE PING GOAWAY WINDOW_UPDATE CONTINUATION"
)
_NAMES = dict(enumerate(_FRAMES.split(" ")))


def code_name(code: int) -> str:
    """Return the RFC's name of an error code."""
    return ERROR_CODE_NAMES.get(code, str(code)).removeprefix("NGHTTP2_")


@dataclass(frozen=True)
class ConnectionFault:
    """A connection error (section 5.4.1): GOAWAY with one of the codes, and the end."""

    codes: tuple[int, ...]
    ends = True

    def holds(self, seen: Observed) -> bool:
        """Return whether this was observed."""
        goodbyes = [got for got in seen.frames if got.type == raw.GOAWAY]
        return (
            seen.ended
            and len(goodbyes) == 1
            and seen.frames[-1] is goodbyes[0]
            and goodbyes[0].code in self.codes
        )


@dataclass(frozen=True)
class StreamFault:
    """A stream error (section 5.4.2): one RST_STREAM with one of the codes, nothing else."""

    stream_id: int
    codes: tuple[int, ...]
    ends = False

    def holds(self, seen: Observed) -> bool:
        """Return whether this was observed."""
        resets = [got for got in seen.frames if got.type == raw.RST_STREAM]
        return (
            not seen.ended
            and [got.stream_id for got in resets] == [self.stream_id]
            and resets[0].code in self.codes
            and not any(got.type == raw.GOAWAY for got in seen.frames)
        )


@dataclass(frozen=True)
class Fine:
    """No error: no RST_STREAM, no GOAWAY, and complete responses on the given streams."""

    answered: tuple[int, ...] = ()
    ends = False
    may_reset: tuple[int, ...] = ()
    """Streams that may be reset with NO_ERROR: they were answered before the request's end."""
    status: int | None = None

    def holds(self, seen: Observed) -> bool:
        """Return whether this was observed."""
        bad = [
            got
            for got in seen.frames
            if got.type == raw.GOAWAY
            or (
                got.type == raw.RST_STREAM
                and not (got.stream_id in self.may_reset and got.code == 0)
            )
        ]
        return not seen.ended and not bad


@dataclass(frozen=True)
class Ended:
    """The connection ends; GOAWAY is optional, as the peer may not use HTTP/2 at all."""

    ends = True

    def holds(self, seen: Observed) -> bool:
        """Return whether this was observed."""
        return seen.ended


@dataclass(frozen=True)
class Either:
    """The RFC allows each of several reactions."""

    allowed: tuple[Reaction, ...]
    ends: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ends", all(one.ends for one in self.allowed))

    def holds(self, seen: Observed) -> bool:
        """Return whether one of them was observed."""
        return any(one.holds(seen) for one in self.allowed)


FLOW = (NGHTTP2_FLOW_CONTROL_ERROR,)

Reaction: TypeAlias = ConnectionFault | StreamFault | Fine | Ended | Either


def connection_error(*codes: int) -> ConnectionFault:
    """Return a `ConnectionFault`."""
    return ConnectionFault(codes)


def stream_error(stream_id: int, *codes: int) -> StreamFault:
    """Return a `StreamFault`."""
    return StreamFault(stream_id, codes)


def stream_error_or_worse(stream_id: int, *codes: int) -> Either:
    """Return a stream error that may be treated as a connection error (section 5.4.1).

    This library leaves the choice to nghttp2, which makes connection errors of some.
    """
    return Either((ConnectionFault(codes), StreamFault(stream_id, codes)))


def error_of_a_window(stream_id: int) -> Reaction:
    """Return the reaction to a stream's window that is too large."""
    return StreamFault(stream_id, FLOW) if RESETS_FOR_A_WINDOW else ConnectionFault(FLOW)


def fine(*answered: int, may_reset: tuple[int, ...] = (), status: int | None = None) -> Fine:
    """Return a `Fine`."""
    return Fine(answered, may_reset, status)
