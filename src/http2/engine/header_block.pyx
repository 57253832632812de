# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Convert header blocks: from HPACK's buffers to `str`, and from a program's mapping to fields.

Incoming: nghttp2 hands out reference-counted buffers, and the same field of the next
request is the same buffer. So a `str` that was created once is found again by its address.

Outgoing: one pass over the program's mapping checks every rule of RFC 9113 sections 8.2
and 8.3 and fills an array of `nghttp2_nv` that points into the program's own strings.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Copy, PyDict_GetItem, PyDict_Next, PyDict_SetItem
from cpython.list cimport PyList_Append
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from libc.stdint cimport uint64_t, uintptr_t
from libc.string cimport memcmp

from http2.engine.field_rules cimport (
    SEEN_AUTHORITY,
    SEEN_DATE,
    SEEN_HOST,
    SEEN_LENGTH,
    SEEN_METHOD,
    SEEN_PATH,
    SEEN_PROTOCOL,
    SEEN_SCHEME,
    SEEN_STATUS,
    FieldName,
    current_date,
    is_token_bytes,
    is_padded,
    lower_names,
    name_of,
    pairs_of,
    parse_length,
    parse_status,
    plain_value,
    span,
)

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

from http2.errors import new_error
from http2.headers import SINGLE_VALUE, Headers, sensitive_headers

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
    int PyDict_Update(object d, object other) except -1
    PyObject *PyDict_SetDefault(object d, object key, object value) except NULL
    Py_ssize_t PyDict_Size(object d) except -1
    Py_ssize_t PySequence_Fast_GET_SIZE(object o)
    PyObject *PySequence_Fast_GET_ITEM(object o, Py_ssize_t i)


# --- incoming ---------------------------------------------------------------------------

# Longer values are seldom repeated, and a cache must not hold much memory for a peer.
cdef enum:
    LONGEST_CACHED = 256
    SLOT_BITS = 7
    SLOTS = 1 << SLOT_BITS
    STATIC_SLOT_BITS = 10
    STATIC_SLOTS = 1 << STATIC_SLOT_BITS

cdef struct Slot:
    nghttp2_rcbuf *buffer
    PyObject *text

# HPACK's static table is shared by the process; its buffers are never freed.
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
    """Return an empty `Headers`, created without a call of its type."""
    return http2_new(Headers, no_arguments)


cdef const char *STATUS = b":status"
cdef const char *SET_COOKIE = b"set-cookie"


cdef inline bint is_named(str name, const char *other, Py_ssize_t length) noexcept:
    """Return whether *name*, a received name of one byte a character, equals *other*."""
    return (
        PyUnicode_GET_LENGTH(name) == length and memcmp(PyUnicode_DATA(name), other, length) == 0
    )


cdef object status_number(str value):
    """Return the number of a received status: nghttp2 has checked that it has three digits."""
    cdef const unsigned char *digits = <const unsigned char *>PyUnicode_DATA(value)
    return (digits[0] - 48) * 100 + (digits[1] - 48) * 10 + (digits[2] - 48)


cdef list add_received(object headers, list raw, str name, str value):
    """Add one received field to *headers* by the merging rules of `Headers`; return *raw*.

    A block in which nothing was merged can be read back from the dict itself. From the
    first field on that is merged, or is stored in a list, *raw* is the list of all fields.
    """
    cdef Py_ssize_t before = PyDict_Size(headers)
    cdef PyObject *existing = PyDict_SetDefault(headers, name, value)
    if PyDict_Size(headers) != before:
        if raw is not None:
            raw.append((name, value))
        if is_named(name, STATUS, 7):
            PyDict_SetItem(headers, name, status_number(value))
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



# Of a block with more fields, no pattern is made: it must not hold much memory for a peer.
cdef enum:
    MOST_FIELDS = 32
    # A pattern is replaced after this many blocks in a row that have not matched it.
    MOST_MISSES = 2


cdef class BlockPattern:
    """An earlier block of the connection, in order to receive others like it faster.

    Most blocks of a connection have the same names in the same order, and the same value for
    many of them. HPACK's table makes these the same buffers, so two addresses tell whether a field
    is as before. A block that has matched to its end is a copy of the earlier dict, with the
    values that differ. The pattern has a reference to each buffer, so that an address can't come
    to mean another string.
    """

    def __cinit__(self):
        # record the next block
        self._misses = MOST_MISSES

    def __dealloc__(self):
        self._forget()
        PyMem_Free(self._fields)

    cdef int begin(self) except -1:
        """Begin a block."""
        self._forget_others()
        if self.state == RECORDING:
            # the last block had no end
            self._forget()
        self._matched = 0
        if self._misses >= MOST_MISSES:
            self._forget()
            self._misses = 0
            self.state = RECORDING
        elif self._count:
            self.state = MATCHING
        else:
            self._misses += 1
            self.state = IGNORING
        return 0

    cdef Py_ssize_t match(
        self, nghttp2_rcbuf *name, nghttp2_rcbuf *value, StringCache strings
    ) except -1:
        """Take the next field of the block if it has the expected name.

        Return what it counts in the size of the block; 0 if it has another name.
        """
        cdef RememberedField *field
        cdef str text
        if self._matched == self._count:
            return 0
        field = self._fields + self._matched
        if field.name is not name:
            return 0
        self._matched += 1
        if field.value is value:
            return field.size
        text = strings.text(value)
        Py_INCREF(text)
        field.other = <PyObject *>text
        self._others = True
        return (
            nghttp2_rcbuf_get_buf(name).len + nghttp2_rcbuf_get_buf(value).len + FIELD_OVERHEAD)

    cdef int unfold(self, object headers) except -1:
        """Add the fields that have matched to *headers*: the block does not match to its end."""
        cdef RememberedField *field
        cdef object name
        cdef int i
        for i in range(self._matched):
            field = self._fields + i
            name = <object>field.text
            if field.other is NULL:
                PyDict_SetItem(headers, name, <object>PyDict_GetItem(self._headers, name))
            else:
                PyDict_SetItem(headers, name, as_received(name, <object>field.other))
        self._forget_others()
        self._misses += 1
        self.state = IGNORING
        return 0

    cdef int record(self, nghttp2_rcbuf *name, nghttp2_rcbuf *value, str text) except -1:
        """Take the next field for the pattern."""
        cdef RememberedField *field
        if self._fields is NULL:
            self._fields = <RememberedField *>PyMem_Calloc(MOST_FIELDS, sizeof(RememberedField))
            if self._fields is NULL:
                raise MemoryError
        if self._count == MOST_FIELDS or nghttp2_rcbuf_get_buf(name).len > LONGEST_CACHED:
            self._forget()
            self.state = IGNORING
            return 0
        field = self._fields + self._count
        field.size = (
            nghttp2_rcbuf_get_buf(name).len + nghttp2_rcbuf_get_buf(value).len + FIELD_OVERHEAD)
        nghttp2_rcbuf_incref(name)
        field.name = name
        if nghttp2_rcbuf_get_buf(value).len <= LONGEST_CACHED:
            nghttp2_rcbuf_incref(value)
            field.value = value
        Py_INCREF(text)
        field.text = <PyObject *>text
        self._count += 1
        return 0

    cdef int complete(self, object headers, bint merged) except -1:
        """End a block: add its fields to *headers* if it has matched, or keep what was recorded."""
        cdef RememberedField *field
        cdef object name
        cdef int i
        cdef PatternState state = self.state
        self.state = IGNORING
        if state == MATCHING:
            if self._matched < self._count:
                return self.unfold(headers)
            self._misses = 0
            # CPython copies the table of such a dict as a whole
            PyDict_Update(headers, self._headers)
            if self._others:
                for i in range(self._count):
                    field = self._fields + i
                    if field.other is not NULL:
                        name = <object>field.text
                        PyDict_SetItem(headers, name, as_received(name, <object>field.other))
                self._forget_others()
        elif state == RECORDING:
            if merged or self._count == 0:
                self._forget()
                return 0
            self._headers = {}
            PyDict_Update(self._headers, headers)
            for i in range(self._count):
                field = self._fields + i
                if field.value is NULL:
                    # not kept
                    PyDict_SetItem(self._headers, <object>field.text, "")
        return 0

    cdef int _forget_others(self) except -1:
        cdef int i
        cdef PyObject *other
        if self._others:
            self._others = False
            for i in range(self._count):
                other = self._fields[i].other
                self._fields[i].other = NULL
                Py_XDECREF(other)
        return 0

    cdef int _forget(self) except -1:
        cdef RememberedField *field
        self._forget_others()
        while self._count:
            self._count -= 1
            field = self._fields + self._count
            nghttp2_rcbuf_decref(field.name)
            if field.value is not NULL:
                nghttp2_rcbuf_decref(field.value)
                field.value = NULL
            Py_DECREF(<object>field.text)
        self._headers = None
        return 0


cdef object as_received(object name, object value):
    """Return the value as `Headers` has it."""
    return status_number(value) if is_named(name, STATUS, 7) else value


# Pseudo-headers are written directly before this slot, other fields from it on.
cdef enum:
    FIRST_FIELD = 8
    # Fields that the first block has room for, those for pseudo-headers included.
    FIELDS_BEGUN = 32

# --- outgoing ---------------------------------------------------------------------------

cdef unsigned int[5] allowed_pseudo
allowed_pseudo[REQUEST] = allowed_pseudo[PUSH_REQUEST] = (
    SEEN_METHOD | SEEN_PATH | SEEN_SCHEME | SEEN_AUTHORITY | SEEN_PROTOCOL
)
allowed_pseudo[RESPONSE] = allowed_pseudo[INFORMATIONAL] = SEEN_STATUS
allowed_pseudo[TRAILERS] = 0


cdef class OutgoingBlock:
    """The fields of one outgoing block. The object is reused for the next block."""

    def __cinit__(self):
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
            # keep the order of the program's pseudo-headers
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
        cdef Py_ssize_t length
        cdef object text = plain_value(name, value)
        if text is not value:
            self._keep.append(text)
        span(name, text, &data, &length)
        if self.strict_whitespace and is_padded(data, length):
            raise new_error("ERR_HTTP2_INVALID_HEADER_VALUE", text, name.text)
        if name.te and (length != 8 or bytes(data[:length]).lower() != b"trailers"):
            raise new_error("ERR_HTTP2_INVALID_CONNECTION_HEADERS", name.text)
        if name.mark == SEEN_STATUS:
            self.status = parse_status(data, length, self._kind == INFORMATIONAL)
        elif name.mark == SEEN_METHOD:
            if not is_token_bytes(data, length):
                raise new_error("ERR_INVALID_HTTP_TOKEN", "Method", text)
            self.method = text if isinstance(text, str) else text.decode("latin-1")
        elif name.mark == SEEN_PATH:
            self._check_path(data, length)
        elif name.mark == SEEN_LENGTH and self._kind != TRAILERS:
            self.length = parse_length(data, length)
        return self._put(name, data, length, flags)

    cdef int _check_path(self, const char *data, Py_ssize_t length) except -1:
        """Refuse a ``:path`` that no server accepts (RFC 9113 section 8.3.1)."""
        cdef Py_ssize_t i
        for i in range(length):
            if data[i] == 32 or data[i] == 9:
                raise new_error("ERR_INVALID_CHAR", "header content", ":path")
        # only OPTIONS may have it, and the method may follow: `complete_request` checks again
        self._asterisk = length == 1 and data[0] == 42
        if not self._asterisk and (length == 0 or data[0] != 47):
            raise new_error(
                "ERR_HTTP2_INVALID_HEADER_VALUE", bytes(data[:length]).decode("latin-1"), ":path")
        return 0

    cdef int _add_entry(
        self, object key, object value, int kind, object sensitive, bint ordered
    ) except -1:
        """Add one item of the program's headers: a name with a value or a list of values."""
        cdef FieldName name
        cdef unsigned char flags = NGHTTP2_NV_FLAG_NONE
        cdef Py_ssize_t i, size = 1
        cdef bint several = isinstance(value, (list, tuple))
        if value is None or key is sensitive_headers:
            return 0
        name = name_of(key)
        if not name.remembered:
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
        if self._fields is NULL:
            self._fields = <nghttp2_nv *>PyMem_Calloc(FIELDS_BEGUN, sizeof(nghttp2_nv))
            if self._fields is NULL:
                raise MemoryError
            self._capacity = FIELDS_BEGUN
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

        The fields point into the strings of `held`, a copy of *headers*, and are valid until
        the next `collect`. All code of the program's own types has run before the first
        field is checked, so that it can't change anything afterwards.
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
        pairs = pairs_of(headers)
        if isinstance(headers, Mapping):
            if not any(name is sensitive_headers for name, _ in pairs):
                # a Headers object has them as an attribute, not as an item
                item = getattr(headers, "sensitive", None)
                if item:
                    pairs.append((sensitive_headers, item))
        else:
            ordered = True
        # copy lists: the program could change one after the check
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
        """Add ``date`` (RFC 9110 section 6.6.1) unless the program did; return it, or None."""
        cdef str date
        if self._seen & SEEN_DATE:
            return None
        date = current_date()
        self._put(
            date_name, <const char *>PyUnicode_DATA(date), PyUnicode_GET_LENGTH(date),
            NGHTTP2_NV_FLAG_NONE)
        return date

    cdef int complete_request(self, str authority, str scheme) except -1:
        """Add the default pseudo-headers of a request, and check the rules of CONNECT."""
        if not self._seen & SEEN_METHOD:
            self.method = "GET"
            self._put(method_name, "GET", 3, NGHTTP2_NV_FLAG_NONE)
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
            self._add(scheme_name, scheme, NGHTTP2_NV_FLAG_NONE)
        if not self._seen & (SEEN_AUTHORITY | SEEN_HOST):
            self._add(authority_name, authority, NGHTTP2_NV_FLAG_NONE)
        if not self._seen & SEEN_PATH:
            self._put(path_name, "/", 1, NGHTTP2_NV_FLAG_NONE)
        return 0


cdef FieldName method_name = name_of(":method")
cdef FieldName scheme_name = name_of(":scheme")
cdef FieldName authority_name = name_of(":authority")
cdef FieldName path_name = name_of(":path")
cdef FieldName date_name = name_of("date")
