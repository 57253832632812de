# cython: language_level=3
"""What every ASGI request does, compiled: its scope, and the messages of its response.

All that waits remains a coroutine of Python: applications may pass `send` and `receive` to whatever
needs a coroutine.
"""

from urllib.parse import unquote

from cpython.dict cimport (
    PyDict_Contains,
    PyDict_Copy,
    PyDict_GetItemWithError,
    PyDict_SetItem,
)
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_AsLatin1String

from http2.common.first_step cimport FirstStep
from http2.compat.message_base cimport RequestListenerBase
from http2.field_pairs cimport PairMemory, field_pairs, response_fields
from http2.streams.compiled.base cimport ExchangeBase
from http2.streams.compiled.life_state cimport Life

from asyncio import CancelledError

from http2.asgi.scope import FORWARDED as _FORWARDED, SPEC_VERSION, VERSION
from http2.common.eager_task import UnbegunTask, begin as begin_task
from http2.common.members import add_members
from http2.errors import Http2Error

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)
    Py_ssize_t Py_REFCNT(object o)
    ctypedef struct PyTypeObject:
        object (*tp_new)(PyTypeObject *kind, object arguments, PyObject *keywords)


cdef dict VERSIONS = {"version": VERSION, "spec_version": SPEC_VERSION}

# The states of a response; see `exchange`.
NEW, HELD, OPEN, TAIL, DONE = range(5)
cdef object IS_NEW = NEW
cdef object IS_HELD = HELD
cdef object IS_OPEN = OPEN
cdef object IS_TAIL = TAIL
cdef object IS_DONE = DONE

cdef tuple FORWARDED = _FORWARDED
cdef tuple NO_ARGUMENTS = ()
cdef object new_task = UnbegunTask.__new__

# Statuses whose responses have no body (RFC 9110 section 15).
cdef frozenset BODILESS = frozenset({204, 205, 304})

# Methods whose upper case need not be asked for.
cdef frozenset METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


cdef object get(object message, object key, object default):
    """Return ``message.get(key, default)``; most messages are dicts."""
    cdef PyObject *found
    if type(message) is dict:
        found = PyDict_GetItemWithError(message, key)
        return default if found is NULL else <object>found
    return message.get(key, default)


cdef object copied(object mapping):
    return PyDict_Copy(mapping) if type(mapping) is dict else mapping.copy()


cdef bint has_closed(object stream) except -1:
    """Return whether *stream* has been closed."""
    if isinstance(stream, ExchangeBase):
        return (<Life?>(<ExchangeBase>stream).life).closed is True
    return stream.closed


# --- scopes --------------------------------------------------------------------------------


cdef class SharedScopeBase:
    """The attributes of `SharedScope`; see `steps.pyi`."""

    def __cinit__(self):
        # all others are None
        self._direct = False
        self._send_date = True
        self._access_log = False

    def scope(self, str method not None, str target not None, list headers not None):
        """Return the scope of a request: a new dict, copied as deep as applications change it."""
        return new_scope(self, method, target, headers)

    def takes_default_headers(self, given):
        """Take the server's default headers, which precede the application's."""
        # uvicorn creates a new list each second
        kept = [pair for pair in given if pair[0] != b"date"]
        self._defaults = given
        self._added = kept or None
        self._send_date = len(kept) != len(given)

    def responding(self, scope, status):
        """Handle the beginning of a response with *status*, for an access log."""


cdef dict new_scope(SharedScopeBase connection, str method, str target, list headers):
    cdef dict scope = PyDict_Copy(<dict?>connection.base)
    cdef str root = <str?>connection.root_path
    cdef str raw, path
    cdef bytes query = b""
    cdef Py_ssize_t mark
    if not target.startswith("/") and "://" in target:
        # the absolute form, which HTTP/1.1's clients send to proxies (RFC 9112 section 3.2.2)
        target = "/" + target.partition("://")[2].partition("/")[2]
    raw = target
    mark = target.find("?")
    if mark >= 0:
        raw = target[:mark]
        query = PyUnicode_AsLatin1String(target[mark + 1:])
    path = raw
    if not PyUnicode_IS_ASCII(path):
        path = path.encode("latin-1").decode("utf-8", "replace")
    if "%" in path:
        path = unquote(path)
    if root:
        path = root + path
        raw = root + raw
    PyDict_SetItem(scope, "asgi", PyDict_Copy(VERSIONS))
    PyDict_SetItem(scope, "method", method if method in METHODS else method.upper())
    PyDict_SetItem(scope, "path", path)
    PyDict_SetItem(scope, "raw_path", PyUnicode_AsLatin1String(raw))
    PyDict_SetItem(scope, "query_string", query)
    PyDict_SetItem(scope, "headers", headers)
    PyDict_SetItem(scope, "state", copied(connection.state))
    PyDict_SetItem(scope, "extensions", PyDict_Copy(<dict?>connection.extensions))
    return scope


add_members(
    SharedScopeBase,
    "app", "loop", "http_version", "tasks", "state", "root_path", "extensions", "base",
    "exchange_class", "_direct", "_server_state", "_defaults", "_added", "_send_date",
    "_access_log", "_memory", "_inner",
)


# --- messages ------------------------------------------------------------------------------


cdef class AsgiExchangeBase:
    """The attributes of `Exchange`, and what it does in every request; see `steps.pyi`."""

    def __cinit__(self):
        # all others are None
        self._state = IS_NEW
        self._more = True
        self._expects = False

    def take(self, message):
        """Take the next message; return a coroutine for the rest of the work, or None.

        Raises what `send` raises.
        """
        cdef object kind = message["type"]
        cdef object state = self._state
        cdef object stream = self._stream
        cdef object body, status
        if state is not IS_DONE and has_closed(stream):
            raise self._disconnected()
        if kind == "http.response.body":
            if state is not IS_HELD and state is not IS_OPEN:
                raise self._unexpected(kind)
            body = get(message, "body", b"")
            if type(body) is str:
                raise TypeError(f"the body of {kind!r} must be bytes, not str")
            more = get(message, "more_body", False)
            if state is IS_HELD:
                respond(self, body)
            if not more:
                end(self, body)
            elif body and not stream.writable_ended and not stream.write(body):
                return self._drain()
        elif kind == "http.response.start":
            if state is not IS_NEW:
                raise self._unexpected(kind)
            status = message["status"]
            if not isinstance(status, int):
                raise TypeError(f"the status of {kind!r} must be an int, not {status!r}")
            self._status = status
            self._fields = list(get(message, "headers", ()))
            self._trailers = [] if get(message, "trailers", False) else None
            self._state = IS_HELD
        else:
            return self._extended(kind, message)
        return None

    def _respond(self, body):
        """Send the headers, before *body*."""
        respond(self, body)

    def _end(self, body):
        """Send the last *body*."""
        end(self, body)

    def _complete(self):
        complete(self)


cdef int respond(AsgiExchangeBase self, object body) except -1:
    cdef object status = self._status
    cdef list fields = <list?>self._fields
    cdef object stream = self._stream
    cdef SharedScopeBase connection
    cdef object send_date, given
    if body and status in BODILESS and self.scope["method"] != "HEAD":
        raise RuntimeError(
            f"a response with status {status} must not have a body: {len(body)} bytes"
        )
    connection = <SharedScopeBase?>self._connection
    if connection._server_state is not None:
        given = connection._server_state.default_headers
        if given is not connection._defaults:
            connection.takes_default_headers(given)
        if connection._added is not None:
            fields = [*connection._added, *fields]
    send_date = connection._send_date
    # the engine is faster with a mapping
    given = response_fields(status, fields)
    if given is None:
        given = self._unusual(status, fields)
    try:
        if send_date is True:
            stream.respond(given)
        else:
            stream.respond(given, send_date=send_date)
    except Http2Error as error:
        self._respond_repaired(fields, send_date, error)
    self._state = IS_OPEN
    if connection._access_log is True:
        connection.responding(self.scope, status)
    return 0


cdef int end(AsgiExchangeBase self, object body) except -1:
    if self._trailers is not None:
        if body and not self._stream.writable_ended:
            self._stream.write(body)
        self._state = IS_TAIL
        return 0
    self._stream.end(body or None)
    complete(self)
    return 0


cdef int complete(AsgiExchangeBase self) except -1:
    self._state = IS_DONE
    if self._waiters is not None:
        self._wake()
    server_state = (<SharedScopeBase?>self._connection)._server_state
    if server_state is not None:
        # uvicorn counts them for `limit_max_requests`
        server_state.total_requests += 1
    return 0


add_members(
    AsgiExchangeBase,
    "_connection", "_stream", "_response", "_state", "_more", "_expects", "_waiters",
    "_status", "_fields", "_trailers", "scope",
)


# --- requests ------------------------------------------------------------------------------


cpdef AsgiExchangeBase new_exchange(
    SharedScopeBase connection, object stream, object headers, str method, str target,
    object response
):
    """Return an exchange of the connection's class, for a request that has not begun."""
    cdef object kind = connection.exchange_class
    cdef object raw
    cdef list pairs
    cdef AsgiExchangeBase exchange = <AsgiExchangeBase?>(<PyTypeObject *>kind).tp_new(
        <PyTypeObject *>kind, NO_ARGUMENTS, NULL)
    if method is None or target is None:
        raise TypeError(f"a request needs a method and a target, not {method!r} and {target!r}")
    exchange._connection = connection
    exchange._stream = stream
    exchange._response = response
    raw = getattr(headers, "_raw", None)
    if raw is None and connection._memory is not None:
        pairs = (<PairMemory?>connection._memory).field_pairs(headers)
    else:
        pairs = field_pairs(headers, raw)
    exchange.scope = new_scope(connection, method, target, pairs)
    if response is None and PyDict_Contains(headers, "expect"):
        exchange._expects = headers["expect"].lower() == "100-continue"
    return exchange


cdef bint is_forwarded(object headers) except -1:
    """Return whether *headers*, a dict, have fields that proxies add."""
    cdef object name
    for name in FORWARDED:
        if PyDict_Contains(headers, name):
            return True
    return False


cdef int start(AsgiExchangeBase exchange, object headers) except -1:
    """Call the application, and run it to its first `await`: see `http2.common.tasks`.

    There is no coroutine around the application's, unless it waits or there is something to do at
    its end: `Exchange.finish` does that, in its task.
    """
    cdef SharedScopeBase connection = <SharedScopeBase?>exchange._connection
    cdef object app = connection._inner
    cdef object loop = connection.loop
    cdef FirstStep step
    if app is None or is_forwarded(headers):
        app = connection.app
    if connection._direct is not True or loop.get_task_factory() is not None:
        connection.run(exchange.run(app), None)
        return 0
    try:
        coroutine = app(exchange.scope, exchange.receive, exchange.send)
    except TypeError:
        # a coroutine function with other arguments: the error is the application's
        connection.run(exchange.run(app), None)
        return 0
    step = FirstStep.__new__(FirstStep, coroutine, loop)
    step.watcher = exchange
    task = new_task(UnbegunTask)
    task.step = step
    try:
        step.take(task)
    except (Exception, CancelledError) as error:
        step.error = error
    except BaseException as error:
        exchange._failed(error)
        raise
    if type(task) is UnbegunTask:
        # 1: only this variable refers to it
        if has_ended(exchange, step) and Py_REFCNT(task) == 1:
            return 0
        begin_task(task)
    connection.tasks.add(task)
    task.add_done_callback(connection.tasks.discard)
    return 0


cdef bint has_ended(AsgiExchangeBase exchange, FirstStep step) except -1:
    """Return whether the application has ended, and nothing remains to do."""
    return (
        step.over
        and step.error is None
        and step.result is None
        and exchange._state is IS_DONE
        and (exchange._more is False or exchange._stream.end_after_headers is True)
    )


def start_request(
    SharedScopeBase connection not None, stream, headers, str method, str target, response
):
    """Run the connection's application for a request in a new task."""
    start(new_exchange(connection, stream, headers, method, target, response), headers)


cdef class StreamListenerBase(RequestListenerBase):
    """A listener of a server's requests over HTTP/2; see `steps.pyi`."""

    def __cinit__(self):
        self._connections = {}

    def _on_stream(self, stream, headers):
        """Start the application for a request."""
        self.take_stream(stream, headers)

    cdef int take_stream(self, object stream, object headers) except -1:
        cdef PyObject *known = PyDict_GetItemWithError(
            self._connections, (<ExchangeBase?>stream)._session)
        cdef object method
        if known is not NULL:
            method = headers[":method"]
            if method != "CONNECT":
                start(
                    new_exchange(
                        <SharedScopeBase?><object>known, stream, headers, method,
                        headers[":path"], None),
                    headers)
                return 0
        self._take_other(stream, headers)
        return 0
