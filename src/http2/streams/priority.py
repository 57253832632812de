"""Priorities of RFC 7540, which most peers still use, and of RFC 9218, which replaces them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..common.checks import check_bool, check_integer
from ..constants import NGHTTP2_SESSION_SERVER
from ..errors import new_error

if TYPE_CHECKING:
    from .interfaces import NumberedStream, StreamOwner

__all__ = ["check_priority", "prioritize"]

# RFC 9218 section 4.1
DEFAULT_URGENCY = 3
LOWEST_URGENCY = 7


def check_priority(*, weight: object = 16, parent: object = 0, exclusive: object = False) -> None:
    """Raise ERR_INVALID_ARG_TYPE or ERR_OUT_OF_RANGE unless these are an RFC 7540 priority."""
    check_integer("weight", weight, 1, 256)
    check_integer("parent", parent, 0, 2**31 - 1)
    check_bool("exclusive", exclusive)


def prioritize(
    stream: NumberedStream,
    owner: StreamOwner,
    exclusive: bool | None,
    parent: int | None,
    weight: int | None,
    silent: bool,
    urgency: int | None,
    incremental: bool | None,
) -> None:
    """Implement `Http2Stream.priority`; check its arguments."""
    extensible = urgency is not None or incremental is not None
    legacy = not extensible or not (exclusive is None and parent is None and weight is None)
    exclusive = False if exclusive is None else exclusive
    parent = 0 if parent is None else parent
    weight = 16 if weight is None else weight
    urgency = DEFAULT_URGENCY if urgency is None else urgency
    incremental = False if incremental is None else incremental
    check_priority(weight=weight, parent=parent, exclusive=exclusive)
    check_bool("silent", silent)
    check_integer("urgency", urgency, 0, LOWEST_URGENCY)
    check_bool("incremental", incremental)
    if stream.life.closed:
        raise stream.closed_error()
    if stream.id is not None and stream.id == parent and legacy:
        raise new_error("ERR_HTTP2_STREAM_SELF_DEPENDENCY")

    def submit() -> None:
        connection = owner.engine
        if connection is None or stream.id is None or stream.life.closed:
            return
        if legacy and stream.id != parent:
            connection.priority(stream.id, parent, weight, exclusive, silent)
        if extensible:
            if owner.type == NGHTTP2_SESSION_SERVER:
                connection.set_urgency(stream.id, urgency, incremental)
            else:
                field = f"u={urgency}, i" if incremental else f"u={urgency}"
                connection.priority_update(stream.id, field.encode())
        owner.wake()

    if stream.id is None:
        stream.once("ready", submit)
    else:
        submit()
