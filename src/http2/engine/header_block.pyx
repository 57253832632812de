# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Header blocks at the border of C: HPACK's buffers to `str`, a program's mapping to fields.

Incoming: nghttp2 hands out reference-counted buffers, and the same field of the next
request is the same buffer, so a `str` made once is found again by its address.

Outgoing: one pass over the program's mapping checks every rule of RFC 9113 section 8.2
and 8.3 and leaves an array of `nghttp2_nv` that points into the program's own strings.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Copy, PyDict_GetItem, PyDict_Next, PyDict_SetItem
from cpython.list cimport PyList_Append
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport uint64_t, uintptr_t
from libc.string cimport memcmp
from libc.time cimport time, time_t

from http2.engine.nghttp2 cimport (
    NGHTTP2_NV_FLAG_NO_INDEX,
    NGHTTP2_NV_FLAG_NONE,
    nghttp2_rcbuf_decref,
    nghttp2_rcbuf_get_buf,
    nghttp2_rcbuf_incref,
    nghttp2_rcbuf_is_static,
    nghttp2_vec,
)

from collections.abc import Mapping
from email.utils import formatdate

from http2.errors import new_error
from http2.headers import (
    CONNECTION_SPECIFIC,
    PSEUDO_HEADERS,
    SINGLE_VALUE,
    Headers,
    sensitive_headers,
)

cdef extern from "Python.h":
    str PyUnicode_DecodeLatin1(const char *s, Py_ssize_t size, const char *errors)
    int PyUnicode_KIND(object o)
    int PyUnicode_READY(object o) except -1
    void *PyUnicode_DATA(object o)
    Py_ssize_t PyUnicode_GET_LENGTH(object o)
    void PyUnicode_InternInPlace(PyObject **p)
    bint PyUnicode_CheckExact(object o)
    bint PyBytes_CheckExact(object o)
    bint PyLong_CheckExact(object o)
    bint PyDict_CheckExact(object o)
    PyObject *PyDict_SetDefault(object d, object key, object value) except NULL
    Py_ssize_t PyDict_Size(object d) except -1
    Py_ssize_t PySequence_Fast_GET_SIZE(object o)
    PyObject *PySequence_Fast_GET_ITEM(object o, Py_ssize_t i)


# --- incoming ---------------------------------------------------------------------------

# Longer values are seldom repeated, and a cache must not pin much of a peer's memory.
cdef enum:
    LONGEST_CACHED = 256
    SLOT_BITS = 7
    SLOTS = 1 << SLOT_BITS
    STATIC_SLOT_BITS = 10
    STATIC_SLOTS = 1 << STATIC_SLOT_BITS

cdef struct Slot:
    nghttp2_rcbuf *buffer
    PyObject *text

# HPACK's static table is one for the process; its buffers are never freed.
cdef Slot[STATIC_SLOTS] static_slots


cdef class StringCache:
    """The strings of one connection's HPACK buffers, found by the buffer's address.

    Direct-mapped: a slot holds a reference to its buffer, so that an address can't come
    to mean another string while it is cached.
    """

    def __dealloc__(self):
        cdef Slot *slots = <Slot *>self._slots
        cdef int i
        if slots is NULL:
            return
        for i in range(SLOTS):
            if slots[i].buffer is not NULL:
                nghttp2_rcbuf_decref(slots[i].buffer)
                Py_DECREF(<object>slots[i].text)
        PyMem_Free(slots)

    cdef str text(self, nghttp2_rcbuf *buffer):
        cdef uint64_t mixed = <uint64_t>(<uintptr_t>buffer >> 4) * 0x9E3779B97F4A7C15ULL
        cdef Slot *slot
        cdef nghttp2_vec vec
        cdef str text
        cdef PyObject *interned
        if nghttp2_rcbuf_is_static(buffer):
            slot = &static_slots[mixed >> (64 - STATIC_SLOT_BITS)]
            if slot.buffer is buffer:
                return <str>slot.text
            vec = nghttp2_rcbuf_get_buf(buffer)
            text = PyUnicode_DecodeLatin1(<const char *>vec.base, vec.len, NULL)
            interned = <PyObject *>text
            Py_INCREF(text)
            PyUnicode_InternInPlace(&interned)
            if slot.buffer is not NULL:
                Py_DECREF(<object>slot.text)
            slot.buffer = buffer
            slot.text = interned
            return <str>interned
        if self._slots is NULL:
            self._slots = PyMem_Calloc(SLOTS, sizeof(Slot))
            if self._slots is NULL:
                raise MemoryError
        slot = &(<Slot *>self._slots)[mixed >> (64 - SLOT_BITS)]
        if slot.buffer is buffer:
            return <str>slot.text
        vec = nghttp2_rcbuf_get_buf(buffer)
        text = PyUnicode_DecodeLatin1(<const char *>vec.base, vec.len, NULL)
        if vec.len <= LONGEST_CACHED:
            if slot.buffer is not NULL:
                nghttp2_rcbuf_decref(slot.buffer)
                Py_DECREF(<object>slot.text)
            nghttp2_rcbuf_incref(buffer)
            Py_INCREF(text)
            slot.buffer = buffer
            slot.text = <PyObject *>text
        return text


cdef frozenset single_value = SINGLE_VALUE


cdef extern from *:
    """
    static PyObject *http2_new(PyObject *type, PyObject *arguments) {
      return ((PyTypeObject *)type)->tp_new((PyTypeObject *)type, arguments, NULL);
    }
    """
    object http2_new(object type, tuple arguments)

cdef tuple no_arguments = ()


cdef object new_headers():
    """An empty `Headers`, without the detour over its type's call."""
    return http2_new(Headers, no_arguments)


cdef const char *STATUS = b":status"
cdef const char *SET_COOKIE = b"set-cookie"


cdef inline bint is_named(str name, const char *other, Py_ssize_t length) noexcept:
    """Whether *name*, which was received and so is of one byte a character, is *other*."""
    return (
        PyUnicode_GET_LENGTH(name) == length and memcmp(PyUnicode_DATA(name), other, length) == 0
    )


cdef list add_received(object headers, list raw, str name, str value):
    """Add one received field to *headers* by the merging rules of `Headers`.

    A block in which nothing was merged can be read back from the dict itself. From the
    first field that is merged on, or has a list, *raw* is the list of all fields; it is returned.
    """
    cdef Py_ssize_t before = PyDict_Size(headers)
    cdef PyObject *existing = PyDict_SetDefault(headers, name, value)
    if PyDict_Size(headers) != before:
        if raw is not None:
            raw.append((name, value))
        if is_named(name, STATUS, 7):
            # nghttp2 has checked that it is three digits
            PyDict_SetItem(headers, name, int(value))
        elif is_named(name, SET_COOKIE, 10):
            if raw is None:
                # a program may change the list in place
                raw = headers.raw
            PyDict_SetItem(headers, name, [value])
        return raw
    if raw is None:
        raw = headers.raw
    raw.append((name, value))
    if is_named(name, SET_COOKIE, 10):
        PyList_Append(<object>existing, value)
    elif name == "cookie":
        PyDict_SetItem(headers, name, <str>existing + "; " + value)
    elif name not in single_value:
        PyDict_SetItem(headers, name, <str>existing + ", " + value)
    return raw


# --- outgoing ---------------------------------------------------------------------------

cdef time_t date_second = 0
cdef str date_text = None


cdef str http_date():
    """The current time as an HTTP date, such as ``'Sun, 06 Nov 1994 08:49:37 GMT'``."""
    global date_second, date_text
    cdef time_t now = time(NULL)
    if now != date_second or date_text is None:
        date_text = formatdate(now, usegmt=True)
        date_second = now
    return date_text


cdef enum:
    SEEN_STATUS = 1
    SEEN_METHOD = 2
    SEEN_PATH = 4
    SEEN_SCHEME = 8
    SEEN_AUTHORITY = 16
    SEEN_PROTOCOL = 32
    SEEN_DATE = 64
    SEEN_HOST = 128
    SEEN_LENGTH = 256

cdef unsigned int[5] allowed_pseudo
allowed_pseudo[REQUEST] = allowed_pseudo[PUSH_REQUEST] = (
    SEEN_METHOD | SEEN_PATH | SEEN_SCHEME | SEEN_AUTHORITY | SEEN_PROTOCOL
)
allowed_pseudo[RESPONSE] = allowed_pseudo[INFORMATIONAL] = SEEN_STATUS
allowed_pseudo[TRAILERS] = 0

# RFC 9110 section 5.6.2: what a token is made of, upper case apart (it is lowered first).
cdef bint[256] is_token
for _byte in bytearray(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"):
    is_token[_byte] = True

# Pseudo-headers are written right before this slot, the other fields from it on.
cdef enum:
    FIRST_FIELD = 8
    MOST_NAMES = 4096


cdef class FieldName:
    """What is known of a name that a program has used: its bytes and its rules.

    One for the process: no block leaves anything in it.
    """

    cdef bytes lower
    cdef str text
    cdef bint pseudo
    # a bit of its own when it has one value at most, else 0
    cdef uint64_t single
    cdef bint connection_specific
    cdef bint te
    cdef unsigned int mark


cdef dict field_names = {}
cdef dict single_bits = {name: 1 << bit for bit, name in enumerate(sorted(SINGLE_VALUE))}

cdef dict marks = {
    ":status": SEEN_STATUS,
    ":method": SEEN_METHOD,
    ":path": SEEN_PATH,
    ":scheme": SEEN_SCHEME,
    ":authority": SEEN_AUTHORITY,
    ":protocol": SEEN_PROTOCOL,
    "date": SEEN_DATE,
    "host": SEEN_HOST,
    "content-length": SEEN_LENGTH,
}


cdef FieldName learn_name(str name):
    """The rules of *name*, one object for all its spellings; kept when there is room."""
    cdef FieldName entry
    cdef PyObject *known
    cdef str lower
    cdef unsigned char byte
    if not name.isascii():
        raise new_error("ERR_INVALID_HTTP_TOKEN", "Header name", name)
    lower = name.lower()
    known = PyDict_GetItem(field_names, lower)
    if known is not NULL:
        entry = <FieldName>known
    else:
        entry = FieldName.__new__(FieldName)
        entry.lower = lower.encode("ascii")
        entry.text = lower
        entry.mark = marks.get(lower, 0)
        if lower.startswith(":"):
            entry.pseudo = True
            if lower not in PSEUDO_HEADERS:
                raise new_error("ERR_HTTP2_INVALID_PSEUDOHEADER", name)
        else:
            if not lower:
                raise new_error("ERR_INVALID_HTTP_TOKEN", "Header name", name)
            for byte in entry.lower:
                if not is_token[byte]:
                    raise new_error("ERR_INVALID_HTTP_TOKEN", "Header name", name)
        entry.single = single_bits.get(lower, 0)
        entry.connection_specific = lower in CONNECTION_SPECIFIC
        entry.te = lower == "te"
    if len(field_names) < MOST_NAMES:
        # Names come from programs, but some programs copy them from peers: no more than
        # so many are remembered.
        field_names[name] = entry
    return entry


# Those that a rule is about are in everyday use: they are remembered, whatever else is.
for _name in (*sorted(SINGLE_VALUE), *sorted(CONNECTION_SPECIFIC), "te"):
    learn_name(_name)


cdef bint is_method(const char *data, Py_ssize_t length) noexcept:
    """Whether these bytes are a token, which a method is (RFC 9110 section 9.1)."""
    cdef Py_ssize_t i
    cdef unsigned char c
    for i in range(length):
        c = <unsigned char>data[i]
        if not is_token[c + 32 if 65 <= c <= 90 else c]:
            return False
    return length > 0


cdef str exact_name(object name):
    """*name*, which is no exact `str`, as one: none of the program's code runs later."""
    if isinstance(name, str):
        return str.__str__(name)
    if isinstance(name, bytes):
        return bytes.decode(name, "latin-1")
    raise new_error("ERR_INVALID_ARG_TYPE", "name", "str", name)


cdef class OutgoingBlock:
    """The fields of one block on their way out, reused from block to block."""

    def __cinit__(self):
        self._capacity = 32
        self._fields = <nghttp2_nv *>PyMem_Calloc(self._capacity, sizeof(nghttp2_nv))
        if self._fields is NULL:
            raise MemoryError
        self._keep = []
        self.strict_single_value = True
        self.strict_whitespace = True

    def __dealloc__(self):
        PyMem_Free(self._fields)

    cdef nghttp2_nv *fields(self) noexcept:
        return self._fields + FIRST_FIELD - self._pseudo_count

    cdef Py_ssize_t count(self) noexcept:
        return self._end - FIRST_FIELD + self._pseudo_count

    cdef int _put(
        self, object entry, const char *value, Py_ssize_t length, unsigned char flags
    ) except -1:
        cdef FieldName name = <FieldName>entry
        cdef nghttp2_nv *field
        cdef nghttp2_nv *grown
        cdef int i
        if name.pseudo:
            # keep the order in which they were given
            self._pseudo_count += 1
            field = self._fields + FIRST_FIELD - self._pseudo_count
            for i in range(self._pseudo_count - 1):
                field[i] = field[i + 1]
            field += self._pseudo_count - 1
        else:
            if self._end == self._capacity:
                grown = <nghttp2_nv *>PyMem_Realloc(
                    self._fields, self._capacity * 2 * sizeof(nghttp2_nv))
                if grown is NULL:
                    raise MemoryError
                self._fields = grown
                self._capacity *= 2
            field = self._fields + self._end
            self._end += 1
        field.name = <unsigned char *>PyBytes_AS_STRING(name.lower)
        field.namelen = PyBytes_GET_SIZE(name.lower)
        field.value = <unsigned char *>value
        field.valuelen = length
        field.flags = flags
        return 0

    cdef int _add(self, object entry, object value, unsigned char flags) except -1:
        """Check one value and append the field; *value* is str, bytes, int or float."""
        cdef FieldName name = <FieldName>entry
        cdef const char *data
        cdef Py_ssize_t length, i
        cdef char c
        if PyUnicode_CheckExact(value):
            pass
        elif isinstance(value, bytes):
            pass
        elif isinstance(value, str):
            # an enum's own __str__ says its name, not its value
            value = str.__str__(value)
            self._keep.append(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            value = int.__repr__(value)
            self._keep.append(value)
        elif isinstance(value, float):
            value = float.__repr__(value)
            self._keep.append(value)
        else:
            raise new_error(
                "ERR_INVALID_ARG_TYPE", f"headers[{name.text!r}]",
                "str, bytes, number or a list of them", value)
        if isinstance(value, bytes):
            data = PyBytes_AS_STRING(value)
            length = PyBytes_GET_SIZE(value)
        else:
            PyUnicode_READY(value)
            if PyUnicode_KIND(value) != 1:
                # beyond Latin-1: no octet says this character
                raise new_error("ERR_INVALID_CHAR", "header content", name.text)
            data = <const char *>PyUnicode_DATA(value)
            length = PyUnicode_GET_LENGTH(value)
        for i in range(length):
            c = data[i]
            # RFC 9110 section 5.5; a peer with nghttp2 takes a block with any of them for malformed
            if 0 <= c < 32 and c != 9 or c == 127:
                raise new_error("ERR_INVALID_CHAR", "header content", name.text)
        if length and self.strict_whitespace and (
            data[0] == 32 or data[0] == 9 or data[length - 1] == 32 or data[length - 1] == 9
        ):
            raise new_error("ERR_HTTP2_INVALID_HEADER_VALUE", value, name.text)
        if name.te and (length != 8 or bytes(data[:length]).lower() != b"trailers"):
            raise new_error("ERR_HTTP2_INVALID_CONNECTION_HEADERS", name.text)
        if name.mark == SEEN_STATUS:
            self.status = self._parse_status(data, length)
        elif name.mark == SEEN_METHOD:
            if not is_method(data, length):
                raise new_error("ERR_INVALID_HTTP_TOKEN", "Method", value)
            self.method = value if isinstance(value, str) else value.decode("latin-1")
        elif name.mark == SEEN_PATH:
            self._check_path(data, length)
        elif name.mark == SEEN_LENGTH and self._kind != TRAILERS:
            self.length = self._parse_length(data, length)
        return self._put(name, data, length, flags)

    cdef int _parse_status(self, const char *data, Py_ssize_t length) except -1:
        if (length == 3 and 48 <= data[0] <= 57 and 48 <= data[1] <= 57 and 48 <= data[2] <= 57):
            return (data[0] - 48) * 100 + (data[1] - 48) * 10 + (data[2] - 48)
        raise new_error(
            "ERR_HTTP2_INVALID_INFO_STATUS" if self._kind == INFORMATIONAL
            else "ERR_HTTP2_STATUS_INVALID", bytes(data[:length]).decode("latin-1"))

    cdef int _check_path(self, const char *data, Py_ssize_t length) except -1:
        """Refuse what no server takes for a ``:path`` (RFC 9113 section 8.3.1)."""
        cdef Py_ssize_t i
        for i in range(length):
            if data[i] == 32 or data[i] == 9:
                raise new_error("ERR_INVALID_CHAR", "header content", ":path")
        # for OPTIONS alone, which may be told later: `complete_request` looks again
        self._asterisk = length == 1 and data[0] == 42
        if not self._asterisk and (length == 0 or data[0] != 47):
            raise new_error(
                "ERR_HTTP2_INVALID_HEADER_VALUE", bytes(data[:length]).decode("latin-1"), ":path")
        return 0

    cdef long long _parse_length(self, const char *data, Py_ssize_t length) except? -2:
        """The number of a ``content-length`` (RFC 9110 section 8.6)."""
        cdef long long number = 0
        cdef Py_ssize_t i
        if 0 < length <= 18:
            for i in range(length):
                if not 48 <= data[i] <= 57:
                    break
                number = number * 10 + (data[i] - 48)
            else:
                return number
        raise new_error(
            "ERR_HTTP2_INVALID_HEADER_VALUE", bytes(data[:length]).decode("latin-1"),
            "content-length")

    cdef int _add_entry(
        self, object key, object value, int kind, object sensitive, bint ordered
    ) except -1:
        """One item of the program's headers: a name with a value or a list of values."""
        cdef FieldName name
        cdef PyObject *known
        cdef unsigned char flags = NGHTTP2_NV_FLAG_NONE
        cdef Py_ssize_t i, size = 1
        cdef bint several = isinstance(value, (list, tuple))
        if value is None or key is sensitive_headers:
            return 0
        if not PyUnicode_CheckExact(key):
            key = exact_name(key)
        known = PyDict_GetItem(field_names, key)
        if known is not NULL:
            name = <FieldName>known
        else:
            name = learn_name(key)
            self._keep.append(name)
        if several:
            size = PySequence_Fast_GET_SIZE(value)
            if size == 0:
                return 0
            if size > 1 and name.single and (self.strict_single_value or name.pseudo):
                raise new_error("ERR_HTTP2_HEADER_SINGLE_VALUE", name.text)
        if name.pseudo:
            if not name.mark & allowed_pseudo[kind]:
                raise new_error(
                    "ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED" if kind == TRAILERS
                    else "ERR_HTTP2_INVALID_PSEUDOHEADER", name.text)
            if ordered and self._end > FIRST_FIELD:
                raise new_error("ERR_HTTP2_INVALID_PSEUDOHEADER", name.text)
        elif name.connection_specific:
            raise new_error("ERR_HTTP2_INVALID_CONNECTION_HEADERS", name.text)
        if name.single and (self.strict_single_value or name.pseudo):
            if self._singles & name.single:
                raise new_error("ERR_HTTP2_HEADER_SINGLE_VALUE", name.text)
            self._singles |= name.single
        self._seen |= name.mark
        if sensitive is not None and name.text in sensitive:
            flags = NGHTTP2_NV_FLAG_NO_INDEX
        if not several:
            return self._add(name, value, flags)
        for i in range(size):
            self._add(name, <object>PySequence_Fast_GET_ITEM(value, i), flags)
        return 0

    cdef int _begin(self, int kind) except -1:
        self._kind = kind
        self._seen = 0
        self._singles = 0
        self._end = FIRST_FIELD
        self._pseudo_count = 0
        self.status = 0
        self.length = -1
        self._asterisk = False
        self.method = None
        if self._keep:
            self._keep = []
        return 0

    cdef int collect(self, object headers, int kind) except -1:
        """Check *headers* (a mapping, pairs or None) for a block of *kind* and gather them.

        The fields point into the strings of `held`, a copy of *headers*, and hold until
        the next `collect`. What code the program's own types have has run before the
        first field is looked at, so that it can't change anything under way.
        """
        cdef object sensitive = None
        cdef PyObject *key
        cdef PyObject *value
        cdef Py_ssize_t position = 0
        cdef bint ordered = False
        if PyDict_CheckExact(headers):
            held = PyDict_Copy(headers)
            key = PyDict_GetItem(held, sensitive_headers)
            if key is not NULL:
                sensitive = lower_names(<object>key)
            self._begin(kind)
            self.held = held
            while PyDict_Next(held, &position, &key, &value):
                self._add_entry(<object>key, <object>value, kind, sensitive, False)
            return 0
        if headers is None:
            self._begin(kind)
            self.held = None
            return 0
        if isinstance(headers, Mapping):
            pairs = [(name, item) for name, item in headers.items()]
            if not any(name is sensitive_headers for name, _ in pairs):
                # a Headers has it without listing it
                item = getattr(headers, "sensitive", None)
                if item:
                    pairs.append((sensitive_headers, item))
        else:
            pairs = pairs_of(headers)
            ordered = True
        # a list that the program can change later is not what was checked
        pairs = [
            (name, list(item) if isinstance(item, (list, tuple)) and name is not sensitive_headers
             else item)
            for name, item in pairs
        ]
        for name, item in pairs:
            if name is sensitive_headers:
                sensitive = lower_names(item)
        self._begin(kind)
        self.held = pairs
        for name, item in pairs:
            self._add_entry(name, item, kind, sensitive, ordered)
        return 0

    cdef str add_default_date(self):
        """Add ``date`` (RFC 9110 section 6.6.1) unless the program did; the date, or None."""
        cdef str date
        if self._seen & SEEN_DATE:
            return None
        date = http_date()
        self._put(
            date_name, <const char *>PyUnicode_DATA(date), PyUnicode_GET_LENGTH(date),
            NGHTTP2_NV_FLAG_NONE)
        return date

    cdef int complete_request(self, str authority, str scheme) except -1:
        """The pseudo-headers that a request has by default, and the rules of CONNECT."""
        if not self._seen & SEEN_METHOD:
            self._add(known_name(":method"), "GET", NGHTTP2_NV_FLAG_NONE)
        elif self.method == "CONNECT" and not self._seen & SEEN_PROTOCOL:
            if not self._seen & SEEN_AUTHORITY:
                raise new_error("ERR_HTTP2_CONNECT_AUTHORITY")
            if self._seen & SEEN_SCHEME:
                raise new_error("ERR_HTTP2_CONNECT_SCHEME")
            if self._seen & SEEN_PATH:
                raise new_error("ERR_HTTP2_CONNECT_PATH")
            return 0
        if self._asterisk and self.method != "OPTIONS":
            raise new_error("ERR_HTTP2_INVALID_HEADER_VALUE", "*", ":path")
        if not self._seen & SEEN_SCHEME:
            self._add(known_name(":scheme"), scheme, NGHTTP2_NV_FLAG_NONE)
        if not self._seen & (SEEN_AUTHORITY | SEEN_HOST):
            self._add(known_name(":authority"), authority, NGHTTP2_NV_FLAG_NONE)
        if not self._seen & SEEN_PATH:
            self._add(known_name(":path"), "/", NGHTTP2_NV_FLAG_NONE)
        return 0


cdef FieldName date_name = learn_name("date")


cdef FieldName known_name(str name):
    cdef PyObject *known = PyDict_GetItem(field_names, name)
    return <FieldName>known if known is not NULL else learn_name(name)


cdef object lower_names(object names):
    """The names that must never be indexed, as a set of lower-case `str`."""
    cdef set lower = set()
    if not isinstance(names, (list, tuple, set, frozenset)):
        raise new_error("ERR_INVALID_ARG_VALUE", "headers[http2.sensitive_headers]", names)
    for name in names:
        if not isinstance(name, (str, bytes)):
            raise new_error("ERR_INVALID_ARG_VALUE", "headers[http2.sensitive_headers]", names)
        lower.add(exact_name(name).lower())
    return lower


cdef list pairs_of(object headers):
    """The (name, value) pairs of a program's iterable of pairs."""
    if isinstance(headers, (str, bytes, bytearray)):
        raise new_error("ERR_INVALID_ARG_TYPE", "headers", "a mapping or pairs", headers)
    try:
        return [(name, value) for name, value in headers]
    except (TypeError, ValueError):
        raise new_error(
            "ERR_INVALID_ARG_TYPE", "headers", "a mapping or pairs", headers) from None
