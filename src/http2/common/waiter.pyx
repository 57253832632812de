# cython: language_level=3, binding=False
"""The wait of one task for one event, which costs less than a future of asyncio.

A future calls its loop for each task that it wakes, and the loop makes a handle of each call. The
waiters of a session that are woken by the same read share one call, which continues their tasks
one after the other, each in its own context.

A task awaits any object with the methods and the attribute that are here (`asyncio.isfuture`). No
other object may use a waiter as a future: it has no result.
"""

cimport cython

from cpython.contextvars cimport PyContext_CopyCurrent, PyContext_Enter, PyContext_Exit, PyContext_New

import asyncio

cdef object CancelledError = asyncio.CancelledError


cdef class KnownLoop:
    """Has the method `get_loop` of the waiters of one loop: they share what CPython calls."""

    cdef object loop

    def get_loop(self):
        """Return the loop."""
        return self.loop


cdef class Wakes:
    """Continues the tasks of waiters: all that are woken in one turn of *loop*, in the next."""

    def __init__(self, loop):
        cdef KnownLoop known = KnownLoop()
        known.loop = self.loop = loop
        self.get_loop = known.get_loop
        self.complete = asyncio.Future(loop=loop)
        self.complete.set_result(None)
        self.due = []

    def waiter(self):
        """Return a new waiter."""
        return new_waiter(self)

    cdef int add(self, Waiter waiter) except -1:
        self.due.append(waiter)
        if len(self.due) == 1:
            # no context of a task: each is entered in `_run`
            self.loop.call_soon(self._run, context=PyContext_New())
        return 0

    def _run(self):
        cdef list due = self.due
        cdef Py_ssize_t begun = 0
        self.due = []
        try:
            for item in due:
                begun += 1
                continue_task(<Waiter>item)
        finally:
            # there are none, unless a task has raised KeyboardInterrupt or SystemExit
            for item in due[begun:]:
                self.add(<Waiter>item)


cdef class Both:
    """Calls what *waiter* was to call, and then *callback* in *context*."""

    cdef object first
    cdef object callback
    cdef object context

    def __init__(self, Waiter waiter, callback, context):
        self.first, self.callback, self.context = waiter.callback, callback, context

    def __call__(self, complete):
        self.first(complete)
        self.context.run(self.callback, complete)


cdef int continue_task(Waiter waiter) except -1:
    cdef object callback = waiter.callback
    cdef object context = waiter.context
    # The task asks its argument for an exception, and a future of asyncio answers faster than
    # other objects.
    cdef object outcome = waiter.wakes.complete
    waiter.callback = waiter.context = None
    if waiter.error is not None:
        # raised by the task, so that its traceback has no frame of this module, which takes memory
        outcome = asyncio.Future(loop=waiter.wakes.loop)
        outcome.set_exception(waiter.error)
    PyContext_Enter(context)
    try:
        callback(outcome)
    finally:
        PyContext_Exit(context)
    return 0


@cython.freelist(64)
cdef class Waiter:
    """A wait of one task, until `wake` or `fail`; see `waiter.pyi`."""

    # --- for the coroutine that awaits it -------------------------------------------------

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        if not self.known:
            # the task calls `add_done_callback`
            self._asyncio_future_blocking = True
            return self
        if self.error is not None:
            raise self.error
        raise StopIteration

    # --- for the task ----------------------------------------------------------------------

    @property
    def get_loop(self):
        """The method of a future that returns its loop."""
        return self.wakes.get_loop

    def add_done_callback(self, callback, *, context=None):
        """Continue the task with *callback*, which belongs to the task itself."""
        if context is None:
            context = PyContext_CopyCurrent()
        if self.callback is None:
            self.callback, self.context = callback, context
        else:
            # a tool that looks at what a coroutine waits for; the task's own call comes second
            self.callback = Both(self, callback, context)
            return
        if self.known:
            self.wakes.add(self)

    def cancel(self, msg=None):
        """Raise `CancelledError` in the task; return False if it may continue already."""
        return self.fail(CancelledError() if msg is None else CancelledError(msg))

    def done(self):
        """Return whether the task may continue."""
        return self.known

    # --- for the object that the task waits for ----------------------------------------------

    def wake(self):
        """Let the task continue."""
        wake(self)

    def fail(self, error):
        """Raise *error* in the task; return False if it may continue already."""
        if self.known:
            return False
        self.error = error
        wake(self)
        return True


cdef Waiter new_waiter(Wakes wakes):
    """Return a new waiter of *wakes*."""
    cdef Waiter waiter = Waiter.__new__(Waiter)
    waiter.wakes = wakes
    return waiter


cdef int wake(Waiter waiter) except -1:
    """Do what `Waiter.wake` says."""
    if not waiter.known:
        waiter.known = True
        if waiter.callback is not None:
            waiter.wakes.add(waiter)
    return 0
