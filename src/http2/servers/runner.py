"""`run`: a program that ends when nothing is left to do, like Node's process."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import new_error

if TYPE_CHECKING:
    from ..common.tasks import Work

__all__ = ["Referenced", "run"]

Result = TypeVar("Result")

# Seconds that Ctrl-C and SIGTERM give to the requests that are under way, and that transports may
# take to close when the program is over.
GRACE = 3.0
CLOSING = 1.0


class Tally:
    """The sessions and servers of one loop that are open, and who is waited for."""

    def __init__(self) -> None:
        self.open: set[Referenced] = set()
        self.referenced: set[Referenced] = set()
        self._changed = asyncio.Event()
        self.interrupted = False

    def note(self, thing: Referenced, *, is_open: bool, referenced: bool) -> None:
        """*thing* has been opened or closed, or `run` shall (not) wait for it."""
        (self.open.add if is_open else self.open.discard)(thing)
        (self.referenced.add if is_open and referenced else self.referenced.discard)(thing)
        self._changed.set()

    async def idle(self) -> None:
        """Wait until nothing is left that is waited for."""
        while self.referenced:
            self._changed.clear()
            await self._changed.wait()

    async def end(self, grace: float) -> None:
        """End everything: politely for *grace* seconds, then at once."""
        if grace:
            for thing in tuple(self.open):
                thing._end_gently()
            await self._all_closed(grace)
        for thing in tuple(self.open):
            thing._end_now()
        await self._all_closed(CLOSING)

    async def _all_closed(self, limit: float) -> None:
        """Wait until nothing is open, or for *limit* seconds.

        The task may have been cancelled before, by Ctrl-C. `asyncio.timeout` would then end in
        `CancelledError` until Python 3.11.2: it took the old request for a new one.
        """
        loop = asyncio.get_running_loop()
        late = False

        def expire() -> None:
            nonlocal late
            late = True
            self._changed.set()

        timer = loop.call_later(limit, expire)
        try:
            while self.open and not late:
                self._changed.clear()
                await self._changed.wait()
        finally:
            timer.cancel()


# By loop, while `run` runs it.
_tallies: dict[asyncio.AbstractEventLoop, Tally] = {}


class Referenced(ABC):
    """What `run` waits for: mixed into sessions and servers."""

    _tally: Tally | None = None
    _referenced = True

    def _opened(self, loop: asyncio.AbstractEventLoop) -> None:
        tally = _tallies.get(loop)
        if tally is not None:
            self._tally = tally
            self._note(True)

    def _note(self, is_open: bool) -> None:
        if self._tally is not None:
            self._tally.note(self, is_open=is_open, referenced=self._referenced)
            if not is_open:
                self._tally = None

    @property
    def _interrupted(self) -> bool:
        """Whether `run` has been asked to end, by Ctrl-C or SIGTERM."""
        return self._tally is not None and self._tally.interrupted

    @abstractmethod
    def _end_gently(self) -> None:
        """Begin to end, after what is under way."""

    @abstractmethod
    def _end_now(self) -> None:
        """End at once."""

    def ref(self) -> None:
        """Let `run` wait for this; it does so unless `unref` was called."""
        self._referenced = True
        self._note(True)

    def unref(self) -> None:
        """Let `run` return without waiting for this."""
        self._referenced = False
        self._note(True)


class _Interruptions:
    """What SIGINT and SIGTERM do while `run` runs: the first one cancels, others end at once."""

    def __init__(self) -> None:
        self.count = 0
        self._task: asyncio.Task[Any] | None = None
        self._tally: Tally | None = None
        self.heard = False
        """Whether the loop has ended with `KeyboardInterrupt`."""

    def begin(self, tally: Tally) -> None:
        """The current task is the one to cancel."""
        self._task = asyncio.current_task()
        self._tally = tally

    def __call__(self, number: int, frame: Any) -> None:
        self.count += 1
        task = self._task
        if self.count > 1 or task is None or self._tally is None or task.done():
            if task is not None and not task.done():
                # uvloop logs, and forgets, what is raised while it calls a protocol
                task.get_loop().call_soon_threadsafe(self._interrupt)
            raise KeyboardInterrupt
        self._tally.interrupted = True
        task.cancel()
        # wakes a loop that waits for its sockets
        task.get_loop().call_soon_threadsafe(lambda: None)

    def _interrupt(self) -> None:
        if not self.heard:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        """Catch both signals, each unless the program has its own way with it."""
        ours: dict[int, Any] = {}
        defaults: dict[int, Any] = {
            signal.SIGINT: signal.default_int_handler,
            signal.SIGTERM: signal.SIG_DFL,
        }
        if threading.current_thread() is threading.main_thread():
            for number, default in defaults.items():
                if signal.getsignal(number) == default:
                    ours[number] = default
                    signal.signal(number, self)
        try:
            yield
        except asyncio.CancelledError:
            if self.count and self._task is not None and self._task.uncancel() == 0:
                raise KeyboardInterrupt from None
            raise
        finally:
            for number, default in ours.items():
                # the program may have set its own meanwhile
                if signal.getsignal(number) is self:
                    signal.signal(number, default)


def run(
    main: Callable[[], Work[Result]] | Work[Result],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    debug: bool | None = None,
) -> Result:
    """Run *main* until it is done and no referenced session or server is left.

    *main* is a coroutine or a coroutine function without arguments; its result is
    returned. Servers that listen and sessions that are open keep the program running, as
    they do with Node's process, unless their `Http2Session.unref` was called.
    *loop_factory* makes the event loop, such as ``uvloop.new_event_loop``; *debug* is that
    of `asyncio.Runner`.

    Ctrl-C and SIGTERM announce the end to every peer and give 3 seconds to the requests that
    are under way; a second one ends at once. When *main* was done, its result is returned as
    if all had ended by itself; when not, it is cancelled and `KeyboardInterrupt` raised;
    `Http2Server.serve_forever` and ``async with server`` in it give the requests their time.
    A signal for which the program has a handler of its own is the program's.
    What *main* raises ends everything too.

    Raises ERR_INVALID_ARG_TYPE, and RuntimeError in a loop that is running.
    """
    if not inspect.iscoroutine(main) and not callable(main):
        raise new_error("ERR_INVALID_ARG_TYPE", "main", "a coroutine or a function of one", main)

    running = False
    interruptions = _Interruptions()

    async def whole() -> Result:
        loop = asyncio.get_running_loop()
        tally = _tallies[loop] = Tally()
        interruptions.begin(tally)
        grace = 0.0
        done = False
        try:
            coroutine = main if inspect.iscoroutine(main) else main()
            if not inspect.isawaitable(coroutine):
                raise new_error(
                    "ERR_INVALID_ARG_TYPE", "main", "a coroutine or a function of one", main
                )
            result: Result = await coroutine
            done = True
            await tally.idle()
        except asyncio.CancelledError:
            grace = GRACE
            if not done:
                raise
        finally:
            await tally.end(grace)
            del _tallies[loop]
        return result

    try:
        # asked here, where no coroutine is left that nobody awaits
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop()
            running = True
        if running:
            raise RuntimeError("http2.run() can't be called in a running event loop")
        with (
            interruptions.caught(),
            asyncio.Runner(debug=debug, loop_factory=loop_factory) as runner,
        ):
            try:
                return runner.run(whole())
            except KeyboardInterrupt:
                interruptions.heard = True
                raise
    finally:
        if inspect.iscoroutine(main):
            main.close()
