"""Handle coroutine handlers that end without an answer: their clients would wait for ever.

A plain function may leave its answer to other code; a coroutine that returns has finished the
work on its request. The exception is a handler that has left something that may answer: a listener
of the body, a running file transfer or pipe, another handler.
"""

from __future__ import annotations

from typing import Any

from ..common.emitter import EventEmitter
from ..common.tasks import Work
from .exchange import Responder

__all__ = ["check_answered"]


def check_answered(
    coroutine: Work[object], emitter: EventEmitter, event: str, args: tuple[object, ...]
) -> None:
    """Answer with 500 if *coroutine*, a handler of *event* of *emitter*, has not answered."""
    stream = args[0] if event == "stream" else getattr(args[0], "stream", None)
    if (
        not getattr(stream, "headers_sent", True)
        and isinstance(stream, Responder)
        and stream.is_unanswered()
        and not _others_listen(stream, emitter, event)
    ):
        stream.fail_unanswered(coroutine)


def _others_listen(stream: Any, emitter: EventEmitter, event: str) -> bool:
    """Return whether *stream* has handlers besides the one of *event* of *emitter*."""
    session = stream.owner
    server = getattr(session, "server", None)
    streams = 0 if stream.id is None else _handlers(session)
    if server is not None:
        streams += _handlers(server)
    return streams > 1 or emitter.listener_count(event) > 1


def _handlers(emitter: EventEmitter) -> int:
    """Count the listeners of ``stream`` that may answer; observers have ``answers = False``."""
    return sum(getattr(listener, "answers", True) for listener in emitter.listeners("stream"))
