# cython: language_level=3
"""What every ASGI request does, compiled: its scope, and the messages of its response.

All that waits remains a coroutine of Python: applications may pass `send` and `receive` to whatever
needs a coroutine.
"""

from urllib.parse import unquote

from cpython.dict cimport PyDict_Contains, PyDict_Copy, PyDict_GetItem, PyDict_SetItem
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_AsLatin1String

from http2.asgi.scope import SPEC_VERSION, VERSION
from http2.common.members import add_members
from http2.errors import Http2Error
from http2.field_pairs import response_fields
from http2.streams.compiled.base cimport ExchangeBase
from http2.streams.compiled.life_state cimport Life

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)


cdef dict VERSIONS = {"version": VERSION, "spec_version": SPEC_VERSION}

# The states of a response; see `exchange`.
NEW, HELD, OPEN, TAIL, DONE = range(5)
cdef object IS_NEW = NEW
cdef object IS_HELD = HELD
cdef object IS_OPEN = OPEN
cdef object IS_TAIL = TAIL
cdef object IS_DONE = DONE

# Statuses whose responses have no body (RFC 9110 section 15).
cdef frozenset BODILESS = frozenset({204, 205, 304})

# Methods whose upper case need not be asked for.
cdef frozenset METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


cdef object get(object message, object key, object default):
    """Return ``message.get(key, default)``; most messages are dicts."""
    cdef PyObject *found
    if type(message) is dict:
        found = PyDict_GetItem(message, key)
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

    def scope(self, str method not None, str target not None, list headers not None):
        """Return the scope of a request: a new dict, copied as deep as applications change it."""
        cdef dict scope = PyDict_Copy(<dict?>self.base)
        cdef str root = <str?>self.root_path
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
        PyDict_SetItem(scope, "state", copied(self.state))
        PyDict_SetItem(scope, "extensions", PyDict_Copy(<dict?>self.extensions))
        return scope

    def added(self):
        """Return the fields that precede the application's, and whether ``date`` is sent."""
        return None, True

    def responding(self, scope, status):
        """Handle the beginning of a response with *status*."""

    def responded(self):
        """Handle a complete response."""


add_members(
    SharedScopeBase,
    "app", "loop", "http_version", "tasks", "state", "root_path", "extensions", "base",
)


# --- messages ------------------------------------------------------------------------------


cdef class AsgiExchangeBase:
    """The attributes of `Exchange`, and what it does in every request; see `steps.pyi`."""

    def __cinit__(self, SharedScopeBase connection not None, stream, headers, str method not None,
                  str target not None, response=None):
        self._connection = connection
        self._stream = stream
        self._response = response
        self._state = IS_NEW
        self._more = True
        self._expects = False
        self.scope = connection.scope(method, target, headers.encoded())
        if response is None and PyDict_Contains(headers, "expect"):
            self._expects = headers["expect"].lower() == "100-continue"

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
    cdef object added, send_date, given
    if body and status in BODILESS and self.scope["method"] != "HEAD":
        raise RuntimeError(
            f"a response with status {status} must not have a body: {len(body)} bytes"
        )
    added, send_date = self._connection.added()
    if added:
        fields = [*added, *fields]
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
    self._connection.responding(self.scope, status)
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
    self._connection.responded()
    return 0


add_members(
    AsgiExchangeBase,
    "_connection", "_stream", "_response", "_state", "_more", "_expects", "_waiters",
    "_status", "_fields", "_trailers", "scope",
)
