# cython: language_level=3
"""Pairs of bytes, as other interfaces such as ASGI have them: of received headers, and to send."""

from cpython.dict cimport PyDict_GetItem, PyDict_Next
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_AsLatin1String

# Names as bytes, by the spellings that peers have used; None for pseudo-headers. Peers choose the
# names, so their number and their length are limited.
cdef dict known_names = {}
cdef enum:
    MOST_NAMES = 4096
    LONGEST_NAME = 64


cdef object learn(str name):
    cdef object made = None if name.startswith(":") else name.lower().encode("latin-1")
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


cdef class Pairs:
    """The list of pairs while it is built."""

    cdef list pairs
    cdef bint has_authority
    cdef Py_ssize_t cookie

    cdef int add(self, str name, object value) except -1:
        cdef PyObject *known = PyDict_GetItem(known_names, name)
        cdef object key = <object>known if known is not NULL else learn(name)
        cdef bytes encoded
        if key is None or (self.has_authority and key == b"host"):
            return 0
        if isinstance(value, list):
            for item in value:
                self.pairs.append((key, PyUnicode_AsLatin1String(item)))
            return 0
        encoded = PyUnicode_AsLatin1String(value if isinstance(value, str) else str(value))
        if key == b"cookie":
            if self.cookie >= 0:
                # RFC 9113 section 8.2.3: cookie crumbs are joined before another protocol sees them
                self.pairs[self.cookie] = (key, self.pairs[self.cookie][1] + b"; " + encoded)
                return 0
            self.cookie = len(self.pairs)
        self.pairs.append((key, encoded))
        return 0


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


def field_pairs(object headers, list raw):
    """Return the fields of *headers* as pairs; *raw* has all fields if some were merged.

    See `Headers.encoded`.
    """
    cdef Pairs made = Pairs.__new__(Pairs)
    cdef PyObject *authority = PyDict_GetItem(headers, ":authority")
    cdef PyObject *key
    cdef PyObject *value
    cdef Py_ssize_t position = 0
    made.pairs = []
    made.cookie = -1
    made.has_authority = authority is not NULL and len(<str>authority) > 0
    if made.has_authority:
        made.pairs.append((b"host", PyUnicode_AsLatin1String(<object>authority)))
    if raw is not None:
        for name, item in raw:
            made.add(name, item)
    else:
        while PyDict_Next(headers, &position, &key, &value):
            if isinstance(<object>key, str):
                made.add(<str>key, <object>value)
    return made.pairs


def response_fields(object status, list pairs not None):
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
        known = PyDict_GetItem(texts, name)
        fields[<str>known if known is not NULL else learn_text(name)] = value
    return fields if len(fields) == len(pairs) + 1 else None
