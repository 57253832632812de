"""Define `run`, which ends a program when nothing is left to do, like Node's process."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import signal
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from ..common.references import WaitedFor, waited_for
from ..errors import new_error

if TYPE_CHECKING:
    from ..common.tasks import Work

__all__ = ["run"]

Result = TypeVar("Result")

# Seconds that requests in progress have after Ctrl-C or SIGTERM.
GRACE = 3.0


class _Interruptions:
    """Handles SIGINT and SIGTERM while `run` runs: the first cancels, further ones end at once."""

    def __init__(self) -> None:
        self.count = 0
        self._task: asyncio.Task[Any] | None = None
        self._open: WaitedFor | None = None
        self.heard = False
        """Whether the loop has ended with `KeyboardInterrupt`."""

    def begin(self, open_ones: WaitedFor) -> None:
        """Store the current task, which a signal cancels."""
        self._task = asyncio.current_task()
        self._open = open_ones

    def __call__(self, number: int, frame: object) -> None:
        self.count += 1
        task = self._task
        if self.count > 1 or task is None or self._open is None or task.done():
            if task is not None and not task.done():
                # uvloop logs and discards exceptions that are raised while it calls a protocol
                task.get_loop().call_soon_threadsafe(self._interrupt)
            raise KeyboardInterrupt
        self._open.interrupted = True
        task.cancel()
        # wake a loop that waits for its sockets
        task.get_loop().call_soon_threadsafe(lambda: None)

    def _interrupt(self) -> None:
        if not self.heard:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        """Catch both signals, except those for which the program has its own handler."""
        ours: dict[int, Any] = {}
        defaults: dict[int, object] = {
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
                # the program may have set its own handler meanwhile
                if signal.getsignal(number) is self:
                    signal.signal(number, default)


def run(
    main: Callable[[], Work[Result]] | Work[Result],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    debug: bool | None = None,
) -> Result:
    """Run *main* until it is done and no referenced session or server is open.

    *main* is a coroutine or a coroutine function without arguments; its result is
    returned. Servers that listen and sessions that are open keep the program running, as
    they do with Node's process, unless their `Http2Session.unref` was called.
    *loop_factory* creates the event loop, such as ``uvloop.new_event_loop``; *debug* is as
    in `asyncio.Runner`.

    Ctrl-C and SIGTERM announce the end to every peer; requests in progress
    have 3 seconds; a second signal ends at once. If *main* is done, its result is returned as
    usual; if not, it is cancelled and `KeyboardInterrupt` is raised.
    `Http2Server.serve_forever` and ``async with server`` in it give the requests this time.
    Signals for which the program has its own handler are not caught.
    An exception in *main* ends everything too.

    Raises ERR_INVALID_ARG_TYPE, and RuntimeError in a running event loop.
    """
    if not inspect.iscoroutine(main) and not callable(main):
        raise new_error("ERR_INVALID_ARG_TYPE", "main", "a coroutine or a function of one", main)

    running = False
    interruptions = _Interruptions()

    async def whole() -> Result:
        loop = asyncio.get_running_loop()
        open_ones = waited_for[loop] = WaitedFor()
        interruptions.begin(open_ones)
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
            await open_ones.idle()
        except asyncio.CancelledError:
            grace = GRACE
            if not done:
                raise
        finally:
            await open_ones.end(grace)
            del waited_for[loop]
        return result

    try:
        # checked here, where no coroutine would be left without being awaited
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop()
            running = True
        if running:
            raise RuntimeError("http2.run() cannot be called from a running event loop")
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
