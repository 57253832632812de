"""Define event emitters: sessions, streams and servers report events to their listeners.

They have Node's semantics (a listener may be registered twice, prepended, or called
once), with two additions for Python: a listener may take fewer arguments than the
event has, and may be a coroutine function, whose task belongs to the emitter of the
event. An existing library is not used: every stream is an emitter, so creating one must be
cheap, and exceptions of listeners must reach *their* stream.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import warnings
from collections.abc import Callable
from contextvars import Context, copy_context
from functools import partial
from types import CoroutineType
from typing import Any, TypeVar, overload

from ..errors import Http2Error, new_error
from .interfaces import Emits
from .log_limit import limit
from .suggestions import nearest
from .tasks import Work, run

__all__ = ["EventEmitter", "arity_of", "call_handler"]

logger = logging.getLogger("http2")

Function = TypeVar("Function", bound=Callable[..., object])

# The default for a listener that was not given; None is an error.
NOT_GIVEN: Any = object()

# The events of this library; applications may emit others.
EVENTS = frozenset({
    "aborted", "altsvc", "check_continue", "check_expectation", "close", "connect",
    "connection", "continue", "data", "drain", "end", "error", "finish", "frame_error",
    "goaway", "headers", "listening", "local_settings", "origin", "ping", "push", "ready",
    "remote_settings", "request", "response", "session", "session_error", "stream", "timeout",
    "tls_client_error", "trailers", "unknown_protocol", "upgrade", "want_trailers"
})  # fmt: skip


def _check_name(event: object) -> None:
    """Warn about an unknown *event* whose name is similar to a known one."""
    meant = nearest(event, EVENTS) if isinstance(event, str) else None
    if meant is not None:
        warnings.warn(f"unknown event {event!r}: did you mean {meant!r}?", stacklevel=4)


_VARIADIC = inspect.CO_VARARGS


def arity_of(function: Callable[..., object]) -> int:
    """Return the number of positional arguments of *function*; -1 for any number."""
    bound = 0
    target: object = function
    if inspect.ismethod(target):
        bound = 1
        target = target.__func__
    code = getattr(target, "__code__", None)
    if code is not None and not hasattr(target, "__wrapped__"):
        return -1 if code.co_flags & _VARIADIC else code.co_argcount - bound
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return -1
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return -1
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


class _Listener:
    """One registration of one function for one event."""

    __slots__ = ("arity", "context", "function", "once")

    def __init__(
        self, function: Callable[..., object], once: bool, context: Context | None
    ) -> None:
        self.function = function
        self.context = context
        self.once = once
        self.arity = arity_of(function)


# The tasks of an emitter whose coroutine listeners have all ended without waiting.
NO_TASKS: frozenset[asyncio.Task[object]] = frozenset()


def _look_at_end(
    running: set[asyncio.Task[object]],
    owner: EventEmitter,
    coroutine: Work[object],
    emitter: EventEmitter,
    event: str,
    args: tuple[object, ...],
    task: asyncio.Task[object],
) -> None:
    """Report the end of *emitter*'s coroutine listener of *event*, run as *task* of *owner*."""
    running.discard(task)
    error: BaseException | None
    try:
        error = task.exception()
    except asyncio.CancelledError as cancelled:
        if task.cancelling():
            return
        error = cancelled
    if error is None:
        owner._work_ended(coroutine, emitter, event, args)
    else:
        report_error(error, emitter, event, args)


def report_error(
    error: BaseException, emitter: EventEmitter, event: str, args: tuple[object, ...]
) -> None:
    """Report the *error* of *emitter*'s coroutine listener of *event*, which nothing cancelled."""
    if isinstance(error, asyncio.CancelledError):
        # the application did not cancel the listener, but something that it awaited
        cause = error
        error = RuntimeError("a listener awaited a cancelled task or future")
        error.__cause__ = cause
    if isinstance(error, Exception):
        emitter.listener_raised(error, event, args)


def _run(emitter: Emits, entry: _Listener, event: str, args: tuple[object, ...]) -> None:
    arity = entry.arity
    try:
        result = entry.function(*(args[:arity] if 0 <= arity < len(args) else args))
    except Exception as error:
        emitter.listener_raised(error, event, args)
        return
    if result is not None:
        emitter.returned(result, event, args)


def call_handler(emitter: Emits, handler: Callable[..., object], name: str, *args: object) -> None:
    """Call *handler* like a listener of *name*: *emitter* handles its exception and coroutine."""
    _run(emitter, _Listener(handler, False, None), name, args)


class EventEmitter:
    """Named events with listeners with Node's semantics.

    A listener is called with as many of the event's arguments as it takes. If it is a
    coroutine function, the coroutine runs to its first ``await`` at once, and then
    as a task that is cancelled when its stream or session is destroyed.
    """

    # Created at the first `on`: most streams never have their own listeners.
    _listeners: dict[str, list[_Listener]] | None = None
    # Running tasks of coroutine listeners; None: there never was one.
    _tasks: set[asyncio.Task[object]] | frozenset[asyncio.Task[object]] | None = None
    # Whether listeners run in the context (`contextvars`) in which they were registered. Events
    # occur in the connection's context, which is that of `connect` or of the server.
    _keeps_context = False
    # Whether there are listeners, waiters or tasks: without them, the end takes a short path.
    _watched = False

    @overload
    def on(self, event: str) -> Callable[[Function], Function]: ...
    @overload
    def on(self, event: str, listener: Function) -> Function: ...
    def on(self, event: str, listener: Any = NOT_GIVEN) -> Any:
        """Call *listener* whenever *event* happens; also a decorator: ``@emitter.on("x")``.

        Returns the listener. Raises ERR_INVALID_ARG_TYPE if it is not callable. An unknown name
        that is similar to one of the library's events causes a `UserWarning`.
        """
        if listener is NOT_GIVEN:
            return lambda function: self._add(event, function, once=False)
        return self._add(event, listener, once=False)

    @overload
    def once(self, event: str) -> Callable[[Function], Function]: ...
    @overload
    def once(self, event: str, listener: Function) -> Function: ...
    def once(self, event: str, listener: Any = NOT_GIVEN) -> Any:
        """Call *listener* the next time *event* happens, and only then; also a decorator."""
        if listener is NOT_GIVEN:
            return lambda function: self._add(event, function, once=True)
        return self._add(event, listener, once=True)

    add_listener = on

    @overload
    def prepend_listener(self, event: str) -> Callable[[Function], Function]: ...
    @overload
    def prepend_listener(self, event: str, listener: Function) -> Function: ...
    def prepend_listener(self, event: str, listener: Any = NOT_GIVEN) -> Any:
        """Like `on`, but *listener* is called before the existing ones."""
        if listener is NOT_GIVEN:
            return lambda function: self._add(event, function, once=False, front=True)
        return self._add(event, listener, once=False, front=True)

    @overload
    def prepend_once_listener(self, event: str) -> Callable[[Function], Function]: ...
    @overload
    def prepend_once_listener(self, event: str, listener: Function) -> Function: ...
    def prepend_once_listener(self, event: str, listener: Any = NOT_GIVEN) -> Any:
        """Like `once`, but *listener* is called before the existing ones."""
        if listener is NOT_GIVEN:
            return lambda function: self._add(event, function, once=True, front=True)
        return self._add(event, listener, once=True, front=True)

    def _add(self, event: str, function: Function, *, once: bool, front: bool = False) -> Function:
        if not callable(function):
            raise new_error("ERR_INVALID_ARG_TYPE", "listener", "a callable", function)
        if event not in EVENTS:
            _check_name(event)
        if self._listeners is None:
            self._listeners = {}
        self._watched = True
        found = self._listeners.setdefault(event, [])
        context = copy_context() if self._keeps_context else None
        found.insert(0 if front else len(found), _Listener(function, once, context))
        self._listeners_changed(event, added=True)
        return function

    def _listeners_changed(self, event: str, *, added: bool) -> None:
        """Handle a listener of *event* that was *added* or removed; some subclasses do."""

    def off(self, event: str, listener: Callable[..., object]) -> None:
        """Remove the latest registration of *listener* for *event*, if there is one."""
        found = (self._listeners or {}).get(event, [])
        for index in range(len(found) - 1, -1, -1):
            if found[index].function == listener:
                del found[index]
                self._listeners_changed(event, added=False)
                return

    remove_listener = off

    def remove_all_listeners(self, event: str | None = None) -> None:
        """Remove every listener of *event*, or of all events."""
        known = self._listeners or {}
        for name in tuple(known) if event is None else (event,):
            if known.pop(name, None):
                self._listeners_changed(name, added=False)
        if not known:
            self._listeners = None

    def listeners(self, event: str) -> list[Callable[..., object]]:
        """Return the functions registered for *event*, in the order of their calls."""
        return [entry.function for entry in (self._listeners or {}).get(event, [])]

    def listener_count(self, event: str) -> int:
        """Return the number of listeners of *event*."""
        return len((self._listeners or {}).get(event, []))

    def event_names(self) -> list[str]:
        """Return the names of the events that have listeners."""
        return [event for event, found in (self._listeners or {}).items() if found]

    def emit(self, event: str, *args: object) -> bool:
        """Call every listener of *event* with *args*; return False if there is none.

        An exception in a listener is never raised to the caller: it ends the stream or
        session of the event.
        """
        listeners = self._listeners
        if listeners is None:
            return False
        found = listeners.get(event)
        if not found:
            return False
        for entry in tuple(found):
            self._call(entry, event, args)
        return True

    def _call(self, entry: _Listener, event: str, args: tuple[object, ...]) -> None:
        if entry.once:
            found = (self._listeners or {}).get(event, [])
            if entry not in found:
                return
            found.remove(entry)
            self._listeners_changed(event, added=False)
        context = entry.context
        if context is None:
            _run(self, entry, event, args)
        else:
            # a copy, because this call may come from the listener
            context.copy().run(_run, self, entry, event, args)

    def listener_raised(self, error: Exception, event: str, args: tuple[object, ...]) -> None:
        """Handle an exception in a listener; sessions and streams override this."""
        logger.error("a listener of %r on %r raised", event, self, exc_info=error)

    def listener_ended(self, work: Work[object], event: str, args: tuple[object, ...]) -> None:
        """Handle the end of the coroutine listener *work*; some check whether it has answered."""

    def returned(
        self,
        result: object,
        event: str,
        args: tuple[object, ...],
        owner: EventEmitter | None = None,
    ) -> None:
        """Handle a listener's *result*: start it if it is a coroutine, as a task of *owner*."""
        if isinstance(result, CoroutineType):
            if owner is None:
                owner = self.task_owner(event, args)
            owner.run_listener(result, self, event, args)

    def task_owner(self, event: str, args: tuple[object, ...]) -> EventEmitter:
        """Return the owner of the tasks of *event*'s coroutine listeners: its end cancels them."""
        return self

    def run_listener(
        self,
        coroutine: Work[object],
        emitter: EventEmitter,
        event: str,
        args: tuple[object, ...],
    ) -> None:
        """Run *coroutine*, a listener of *event* of *emitter*, as a task of this object."""
        try:
            task = run(coroutine)
        except (Exception, asyncio.CancelledError) as error:
            if self._tasks is None:
                self._tasks = NO_TASKS
            report_error(error, emitter, event, args)
            return
        if task is not None:
            self._keep_task(task, coroutine, emitter, event, args)
            return
        if self._tasks is None:
            self._tasks = NO_TASKS
        self._work_ended(coroutine, emitter, event, args)

    def _keep_task(
        self,
        task: asyncio.Task[object],
        coroutine: Work[object],
        emitter: EventEmitter,
        event: str,
        args: tuple[object, ...],
    ) -> None:
        """Keep *task*, which continues the listener *coroutine*, until its end."""
        tasks = self._tasks
        if not isinstance(tasks, set):
            tasks = self._tasks = set()
            self._watched = True
        tasks.add(task)
        # a closure would take 300 bytes more for each handler that waits
        task.add_done_callback(partial(_look_at_end, tasks, self, coroutine, emitter, event, args))

    def _work_ended(
        self, work: Work[object], emitter: EventEmitter, event: str, args: tuple[object, ...]
    ) -> None:
        """Handle the end of *work*, a listener of *emitter* that was a task of this object."""
        emitter.listener_ended(work, event, args)

    def _cancel_tasks(self) -> None:
        """Cancel the coroutine listeners, except the one that makes this call."""
        if not self._tasks:
            return
        try:
            current = asyncio.current_task()
        except RuntimeError:
            current = None
        for task in tuple(self._tasks):
            if task is not current:
                task.cancel()

    def _emit_error(self, error: BaseException) -> None:
        """Emit ``error``; without a listener, log it, within the limits of `log_limit`."""
        if not self.emit("error", error):
            kind = type(self).__name__
            if isinstance(error, Http2Error):
                kind += error.code
                limit.warn(kind, self.peer_name(), "%r: %s [%s]", self, error, error.code)
            else:
                kind += type(error).__name__
                limit.warn(kind, self.peer_name(), "%r: %r", self, error)

    def peer_name(self) -> str | None:
        """Return the peer's address without its port; None if there is none."""
        return None
