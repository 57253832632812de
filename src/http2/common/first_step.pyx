# cython: language_level=3
"""The first step of a coroutine, as a task would take it."""

import asyncio

from cpython.contextvars cimport PyContext_CopyCurrent, PyContext_Enter, PyContext_Exit
from cpython.dict cimport PyDict_DelItem, PyDict_GetItem, PyDict_SetItem
from cpython.object cimport PyObject


cdef extern from "Python.h":
    ctypedef enum PySendResult:
        PYGEN_RETURN
        PYGEN_ERROR
        PYGEN_NEXT
    PySendResult PyIter_Send(object coroutine, object value, PyObject **result) except PYGEN_ERROR


cdef extern from *:
    void Py_DECREF(PyObject *o)


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


cdef class FirstStep:
    """The first step of *coroutine*: its arguments, and its result."""

    cdef readonly object coroutine
    cdef readonly object loop
    cdef readonly object context
    # Whether the coroutine has ended, with `result` or `error`; else it waits for `waiter`.
    cdef readonly bint over
    cdef readonly object result
    cdef readonly object waiter
    cdef public object error

    def __init__(self, object coroutine not None, object loop not None):
        self.coroutine = coroutine
        self.loop = loop
        self.context = PyContext_CopyCurrent()

    def take(self, object task not None):
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
