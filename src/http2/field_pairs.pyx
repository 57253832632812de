# cython: language_level=3
"""Pairs of bytes, as other interfaces such as ASGI have them: of received headers, and to send."""

from cpython.dict cimport (
    PyDict_GetItemWithError,
    PyDict_Next,
    PyDict_SetItem,
)
from cpython.list cimport PyList_Append
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_AsLatin1String


cdef extern from "Python.h":
    # a borrowed reference
    PyObject *PyList_GET_ITEM(object sequence, Py_ssize_t i)


# Names as bytes, by the spellings that peers have used; None for pseudo-headers. Peers choose the
# names, so their number and their length are limited.
cdef dict known_names = {}
cdef enum:
    MOST_NAMES = 4096
    LONGEST_NAME = 64


cdef object learn(str name):
    cdef object made = None if name.startswith(":") else name.lower().encode("latin-1")
    # these two are compared by their identity
    if made == HOST:
        made = HOST
    elif made == COOKIE:
        made = COOKIE
    if len(known_names) < MOST_NAMES and len(name) <= LONGEST_NAME:
        known_names[name] = made
    return made


# Names in lower case as text, by the bytes that applications have used.
cdef dict texts = {}


cdef str learn_text(bytes name):
    cdef str made = name.decode("latin-1").lower()
    if len(texts) < MOST_NAMES and len(name) <= LONGEST_NAME:
        texts[name] = made
    return made


def raw_pairs(object headers, list raw):
    """Return the fields of *headers* in wire order; *raw* has all fields if the dict differs.

    See `Headers.raw`.
    """
    cdef list pairs
    cdef PyObject *key
    cdef PyObject *value
    cdef object item
    cdef Py_ssize_t position = 0
    if raw is not None:
        return list(raw)
    pairs = []
    while PyDict_Next(headers, &position, &key, &value):
        if isinstance(<object>key, str):
            item = <object>value
            if isinstance(item, list) and item:
                item = item[0]
            elif not isinstance(item, str):
                item = str(item)
            pairs.append((<object>key, item))
    return pairs


cdef object HOST = b"host"
cdef object COOKIE = b"cookie"


cdef inline object encoded(object value):
    return PyUnicode_AsLatin1String(value if isinstance(value, str) else str(value))


cdef Py_ssize_t add_pair(
    list pairs, object name, object value, bint has_authority, Py_ssize_t cookie
) except -2:
    """Add a field to *pairs*; return the position of the field ``cookie``, or -1."""
    cdef PyObject *known = PyDict_GetItemWithError(known_names, name)
    cdef object key = <object>known if known is not NULL else learn(name)
    if key is None or (has_authority and key is HOST):
        return cookie
    if isinstance(value, list):
        for item in <list>value:
            PyList_Append(pairs, (key, PyUnicode_AsLatin1String(item)))
        return cookie
    if key is COOKIE:
        if cookie >= 0:
            # RFC 9113 section 8.2.3: cookie crumbs are joined before another protocol sees them
            pairs[cookie] = (key, pairs[cookie][1] + b"; " + encoded(value))
            return cookie
        cookie = len(pairs)
    PyList_Append(pairs, (key, encoded(value)))
    return cookie


cpdef list field_pairs(object headers, list raw):
    """Return the fields of *headers* as pairs; *raw* has all fields if some were merged.

    See `Headers.encoded`.
    """
    cdef list pairs = []
    cdef PyObject *authority
    cdef PyObject *key
    cdef PyObject *value
    cdef Py_ssize_t position = 0
    cdef Py_ssize_t cookie = -1
    cdef bint has_authority
    if not isinstance(headers, dict):
        raise TypeError(f"headers are a dict, not {headers!r}")
    authority = PyDict_GetItemWithError(headers, ":authority")
    has_authority = authority is not NULL and len(<str?><object>authority) > 0
    if has_authority:
        PyList_Append(pairs, (HOST, PyUnicode_AsLatin1String(<object>authority)))
    if raw is not None:
        for name, item in raw:
            cookie = add_pair(pairs, name, item, has_authority, cookie)
    else:
        while PyDict_Next(headers, &position, &key, &value):
            if isinstance(<object>key, str):
                cookie = add_pair(pairs, <object>key, <object>value, has_authority, cookie)
    return pairs


# What is remembered of a connection's headers: few and short fields, because a peer chooses them.
cdef enum:
    MOST_FIELDS = 32
    LONGEST_VALUE = 256


cdef class PairMemory:
    """The pairs of a connection's last block, which has most fields in common with the next one.

    The engine finds a value that it has received before by its place in HPACK's table, and uses the
    same `str` again: so a comparison of addresses tells whether a field is as before. By its
    position in the block, each field has a name, a value, and its pair; the pair is None for a name
    that is never a field, and then any value will do.
    """

    def __cinit__(self):
        self._names = []
        self._values = []
        self._pairs = []

    cdef list field_pairs(self, object headers):
        """Return the fields of *headers*, of which none were merged; see `field_pairs`."""
        cdef list pairs = []
        cdef PyObject *authority
        cdef PyObject *key
        cdef PyObject *value
        cdef object name, pair
        cdef Py_ssize_t position = 0
        cdef Py_ssize_t i = 0
        cdef Py_ssize_t before
        cdef Py_ssize_t known = len(self._names)
        cdef bint has_authority
        if not isinstance(headers, dict):
            raise TypeError(f"headers are a dict, not {headers!r}")
        authority = PyDict_GetItemWithError(headers, ":authority")
        has_authority = authority is not NULL and len(<str?><object>authority) > 0
        if has_authority:
            if <object>authority is self._authority:
                pair = self._host
            else:
                pair = (HOST, PyUnicode_AsLatin1String(<object>authority))
                if len(<str><object>authority) <= LONGEST_VALUE:
                    self._host = pair
                    self._authority = <object>authority
            PyList_Append(pairs, pair)
        while PyDict_Next(headers, &position, &key, &value):
            if i < known and PyList_GET_ITEM(self._names, i) is key:
                pair = <object>PyList_GET_ITEM(self._pairs, i)
                if pair is None:
                    i += 1
                    continue
                if PyList_GET_ITEM(self._values, i) is value:
                    PyList_Append(pairs, pair)
                    i += 1
                    continue
            name = <object>key
            if isinstance(name, str):
                before = len(pairs)
                add_pair(pairs, name, <object>value, has_authority, -1)
                if len(pairs) == before + 1:
                    self._remember(i, name, <object>value, pairs[before])
                else:
                    self._remember(i, name if name.startswith(":") else None, None, None)
                known = len(self._names)
            i += 1
        return pairs

    cdef int _remember(self, Py_ssize_t i, object name, object value, object pair) except -1:
        if i >= MOST_FIELDS:
            return 0
        if name is None or len(<str?>name) > LONGEST_NAME or (
            pair is not None
            and (
                type(value) is not str
                or len(<str>value) > LONGEST_VALUE
                # depends on the rest of the block
                or pair[0] is HOST
            )
        ):
            name = value = pair = None
        if i < len(self._names):
            self._names[i] = name
            self._values[i] = value
            self._pairs[i] = pair
        elif i == len(self._names):
            self._names.append(name)
            self._values.append(value)
            self._pairs.append(pair)
        return 0


cpdef dict response_fields(object status, list pairs):
    """``:status`` and the fields of *pairs* as a dict for `respond`; see the declarations."""
    cdef dict fields = {":status": status}
    cdef PyObject *known
    cdef object name, value
    for pair in pairs:
        if not (type(pair) is tuple and len(<tuple>pair) == 2):
            return None
        name = (<tuple>pair)[0]
        value = (<tuple>pair)[1]
        if type(name) is not bytes or type(value) is not bytes:
            return None
        known = PyDict_GetItemWithError(texts, name)
        PyDict_SetItem(fields, <object>known if known is not NULL else learn_text(name), value)
    return fields if len(fields) == len(pairs) + 1 else None
