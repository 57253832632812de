# cython: language_level=3
"""The first step of a coroutine, as a task would take it: see `http2.common.tasks`."""

cimport cython

from cpython.contextvars cimport PyContext_CopyCurrent, PyContext_Enter, PyContext_Exit
from cpython.dict cimport PyDict_DelItem, PyDict_GetItem, PyDict_SetItem
from cpython.object cimport PyObject

import asyncio

from http2.common.eager_task import UnbegunTask, begin, name_of


cdef extern from "Python.h":
    ctypedef enum PySendResult:
        PYGEN_RETURN
        PYGEN_ERROR
        PYGEN_NEXT
    PySendResult PyIter_Send(object coroutine, object value, PyObject **result) except PYGEN_ERROR


cdef extern from *:
    void Py_DECREF(PyObject *o)
    Py_ssize_t Py_REFCNT(object o)


# CPython 3.12 and later have this function; 3.11 has the dictionary that it would change.
cdef object swap_current_task = getattr(asyncio.tasks, "_swap_current_task", None)
cdef dict current_tasks = (
    asyncio.tasks._current_tasks if swap_current_task is None else None
)


cdef object swap(object loop, object task):
    """Make *task* the current one of *loop*, or none with None; return the one before."""
    if swap_current_task is not None:
        return swap_current_task(loop, task)
    cdef PyObject *found = PyDict_GetItem(current_tasks, loop)
    cdef object before = None if found is NULL else <object>found
    if task is not None:
        PyDict_SetItem(current_tasks, loop, task)
    elif before is not None:
        PyDict_DelItem(current_tasks, loop)
    return before


cdef object new_task = UnbegunTask.__new__


@cython.freelist(16)
cdef class FirstStep:
    """The first step of *coroutine*: its arguments, and its result."""

    def __cinit__(self, object coroutine not None, object loop not None):
        self.coroutine = coroutine
        self.loop = loop
        self.context = PyContext_CopyCurrent()

    cpdef int take(self, object task) except -1:
        """Take the step while *task* is the current one. Raises what the coroutine raises."""
        cdef PyObject *result = NULL
        cdef PySendResult state
        # the caller may be a task: it is not the current one meanwhile
        cdef object caller = swap(self.loop, task)
        PyContext_Enter(self.context)
        try:
            state = PyIter_Send(self.coroutine, None, &result)
        except BaseException:
            self.over = True
            raise
        finally:
            PyContext_Exit(self.context)
            swap(self.loop, caller)
        self.over = state == PYGEN_RETURN
        if self.over:
            self.result = <object>result
        else:
            self.waiter = <object>result
        Py_DECREF(result)
        return 0


def run(coroutine, loop=None, *, bint keep=False):
    """Run *coroutine* to its first `await`; return the task that continues it.

    Returns None if the coroutine has ended, or raises its exception. With *keep*, and if its task
    was used or kept, the task has the result or the exception: from the next turn of the loop on.
    The task has the name of the coroutine's function. *loop* is the running loop, if the caller
    knows it: CPython 3.11 makes a system call to find it.

    A loop with a task factory of its own makes its tasks itself: they may begin later.
    """
    cdef FirstStep step
    cdef object error = None
    if loop is None:
        loop = asyncio.get_running_loop()
    if loop.get_task_factory() is not None:
        return loop.create_task(coroutine, name=name_of(coroutine))
    step = FirstStep.__new__(FirstStep, coroutine, loop)
    task = new_task(UnbegunTask)
    task.step = step
    try:
        step.take(task)
    except (Exception, asyncio.CancelledError) as raised:
        error = raised
    if type(task) is UnbegunTask:
        # 1: only this variable refers to it
        if step.over and not keep and Py_REFCNT(task) == 1:
            if error is None:
                return None
            raise error
        begin(task)
    step.error = error
    return task
