# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The rules for header fields: their names, their values, and which a message may have.

HTTP/2's blocks (`header_block.pyx`), HTTP/1's (`http1/fields.pyx`), and responses whose fields
are set one by one use them, so that both protocols allow the same. The rules are those of
RFC 9110 section 5 and RFC 9113 section 8.2.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem, PyDict_Next
from cpython.object cimport PyObject
from libc.time cimport time, time_t

from collections.abc import Mapping

from http2.errors import new_error
from http2.headers import CONNECTION_SPECIFIC, PSEUDO_HEADERS, SINGLE_VALUE

cdef extern from "Python.h":
    int PyUnicode_KIND(object o)
    int PyUnicode_READY(object o) except -1
    void *PyUnicode_DATA(object o)
    Py_ssize_t PyUnicode_GET_LENGTH(object o)
    long PyLong_AsLongAndOverflow(object value, int *overflow) except? -1
    bint PyLong_CheckExact(object o)
    bint PyUnicode_CheckExact(object o)
    bint PyBytes_CheckExact(object o)

__all__ = [
    "field_name", "http_date", "is_field_value", "is_plain", "is_token", "known_name",
    "plain_field",
]

# --- names --------------------------------------------------------------------------------

# RFC 9110 section 5.6.2: the characters of a token, without upper case (it is lowered first).
cdef bint[256] token_bytes
for _byte in bytearray(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"):
    token_bytes[_byte] = True

# Programs choose the names, but some copy them from peers: so the number and the length of the
# stored names are limited.
cdef enum:
    MOST_NAMES = 4096
    LONGEST_NAME = 256


cdef class FieldName:
    """The bytes and the rules of a name that a program has used.

    One object for the whole process: a block stores nothing in it.
    """


# By each spelling that was used.
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
    "keep-alive": SEEN_KEEP_ALIVE,
    "transfer-encoding": SEEN_CODING,
    "connection": SEEN_CONNECTION,
}


cdef FieldName learn_name(str name):
    """Return the rules of *name*, one object for all its spellings; store them if there is room."""
    cdef FieldName entry
    cdef PyObject *known
    cdef str lower
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
        elif not is_token_bytes(PyBytes_AS_STRING(entry.lower), PyBytes_GET_SIZE(entry.lower)):
            raise new_error("ERR_INVALID_HTTP_TOKEN", "Header name", name)
        entry.single = single_bits.get(lower, 0)
        entry.connection_specific = lower in CONNECTION_SPECIFIC
        entry.te = lower == "te"
    if len(field_names) < MOST_NAMES and len(name) <= LONGEST_NAME:
        field_names[name] = entry
        entry.remembered = True
    return entry


# Names with a rule of their own are in everyday use: they are always stored.
for _name in (*sorted(SINGLE_VALUE), *sorted(CONNECTION_SPECIFIC), "te"):
    learn_name(_name)


cdef FieldName name_of(object key):
    """Return the rules of the name *key*, a `str` or `bytes`.

    Raises ERR_INVALID_ARG_TYPE and the errors of `learn_name`.
    """
    cdef PyObject *known
    if not PyUnicode_CheckExact(key):
        key = exact_name(key)
    known = PyDict_GetItem(field_names, key)
    return <FieldName>known if known is not NULL else learn_name(key)


cdef str exact_name(object name):
    """Return *name*, of another type, as an exact `str`: no code of the program runs later."""
    if isinstance(name, str):
        return str.__str__(name)
    if isinstance(name, bytes):
        return bytes.decode(name, "latin-1")
    raise new_error("ERR_INVALID_ARG_TYPE", "name", "str", name)


cdef bint is_token_bytes(const char *data, Py_ssize_t length) noexcept:
    """Return whether these bytes are a token, which a method must be (RFC 9110 section 9.1)."""
    cdef Py_ssize_t i
    cdef unsigned char c
    for i in range(length):
        c = <unsigned char>data[i]
        if not token_bytes[c + 32 if 65 <= c <= 90 else c]:
            return False
    return length > 0


cdef object lower_names(object names):
    """Return the names that must never be indexed, as a set of lower-case `str`."""
    cdef set lower = set()
    if not isinstance(names, (list, tuple, set, frozenset)):
        raise new_error("ERR_INVALID_ARG_VALUE", "headers[http2.sensitive_headers]", names)
    for name in names:
        if not isinstance(name, (str, bytes)):
            raise new_error("ERR_INVALID_ARG_VALUE", "headers[http2.sensitive_headers]", names)
        lower.add(exact_name(name).lower())
    return lower


cdef list pairs_of(object headers):
    """Return the (name, value) pairs of a program's mapping or iterable of pairs."""
    if isinstance(headers, Mapping):
        return [(name, item) for name, item in headers.items()]
    if isinstance(headers, (str, bytes, bytearray)):
        raise new_error("ERR_INVALID_ARG_TYPE", "headers", "a mapping or pairs", headers)
    try:
        return [(name, value) for name, value in headers]
    except (TypeError, ValueError):
        raise new_error(
            "ERR_INVALID_ARG_TYPE", "headers", "a mapping or pairs", headers) from None


# --- values -------------------------------------------------------------------------------

# The text of numbers that are often in headers: statuses, and lengths of short bodies.
cdef enum:
    REMEMBERED_NUMBERS = 1000

cdef list number_texts = [None] * REMEMBERED_NUMBERS


cdef str number_text(object value):
    """Return the decimal digits of an `int`."""
    cdef int too_large
    cdef long number = PyLong_AsLongAndOverflow(value, &too_large)
    cdef str text
    if too_large or not 0 <= number < REMEMBERED_NUMBERS:
        return int.__repr__(value)
    text = <str>number_texts[number]
    if text is None:
        text = number_texts[number] = int.__repr__(value)
    return text


cdef object plain_value(FieldName name, object value):
    """Return one value as an exact `str` or as `bytes`, so that no code of the program runs later.

    A `str` or `bytes` is returned unchanged. Raises ERR_INVALID_ARG_TYPE.
    """
    if PyUnicode_CheckExact(value) or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        # the __str__ of an enum returns its name, not its value
        return str.__str__(value)
    if PyLong_CheckExact(value):
        return number_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value)
    raise new_error(
        "ERR_INVALID_ARG_TYPE", f"headers[{name.text!r}]", "str, bytes, number or a list of them",
        value)


cdef bint is_text(const char *data, Py_ssize_t length) noexcept:
    """Return whether a value may have these octets (RFC 9110 section 5.5).

    A peer with nghttp2 treats a block with other octets as malformed.
    """
    cdef Py_ssize_t i
    cdef char c
    for i in range(length):
        c = data[i]
        if 0 <= c < 32 and c != 9 or c == 127:
            return False
    return True


cdef int span(FieldName name, object value, const char **data, Py_ssize_t *length) except -1:
    """Set *data* and *length* to the octets of *value*, the result of `plain_value`.

    Raises ERR_INVALID_CHAR.
    """
    if isinstance(value, bytes):
        data[0] = PyBytes_AS_STRING(value)
        length[0] = PyBytes_GET_SIZE(value)
    else:
        PyUnicode_READY(value)
        if PyUnicode_KIND(value) != 1:
            # not in Latin-1, so that no octet can represent this character
            raise new_error("ERR_INVALID_CHAR", "header content", name.text)
        data[0] = <const char *>PyUnicode_DATA(value)
        length[0] = PyUnicode_GET_LENGTH(value)
    if not is_text(data[0], length[0]):
        raise new_error("ERR_INVALID_CHAR", "header content", name.text)
    return 0


cdef bint is_padded(const char *data, Py_ssize_t length) noexcept:
    """Return whether there is a space or tab at either end."""
    return length > 0 and (
        data[0] == 32 or data[0] == 9 or data[length - 1] == 32 or data[length - 1] == 9
    )


cdef int parse_status(const char *data, Py_ssize_t length, bint informational) except -1:
    """Return the number of a status, which has three digits."""
    if length == 3 and 48 <= data[0] <= 57 and 48 <= data[1] <= 57 and 48 <= data[2] <= 57:
        return (data[0] - 48) * 100 + (data[1] - 48) * 10 + (data[2] - 48)
    raise new_error(
        "ERR_HTTP2_INVALID_INFO_STATUS" if informational else "ERR_HTTP2_STATUS_INVALID",
        bytes(data[:length]).decode("latin-1"))


cdef long long parse_length(const char *data, Py_ssize_t length) except? -2:
    """Return the number of a ``content-length`` (RFC 9110 section 8.6)."""
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


# --- the date -----------------------------------------------------------------------------

cdef time_t date_second = 0
cdef str date_text = None


cdef str current_date():
    global date_second, date_text
    cdef time_t now = time(NULL)
    if now != date_second or date_text is None:
        from email.utils import formatdate  # loads a dozen modules: not before a response

        date_text = formatdate(now, usegmt=True)
        date_second = now
    return date_text


# --- functions for Python -----------------------------------------------------------------

def http_date():
    return current_date()


def is_token(object text):
    cdef bytes encoded
    if isinstance(text, str):
        if not (<str>text).isascii():
            return False
        text = (<str>text).encode("ascii")
    encoded = text
    return is_token_bytes(PyBytes_AS_STRING(encoded), PyBytes_GET_SIZE(encoded))


def is_field_value(str text not None):
    PyUnicode_READY(text)
    return PyUnicode_KIND(text) == 1 and is_text(
        <const char *>PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text))


def field_name(str name not None):
    return name_of(name).text


def known_name(object name):
    cdef PyObject *known
    if not PyUnicode_CheckExact(name):
        return None
    known = PyDict_GetItem(field_names, name)
    if known is NULL or (<FieldName>known).pseudo:
        return None
    return (<FieldName>known).text


cpdef object plain_field(object name, object value):
    cdef PyObject *known
    cdef FieldName field
    if not PyUnicode_CheckExact(name):
        return None
    known = PyDict_GetItem(field_names, name)
    if known is NULL:
        return None
    field = <FieldName>known
    if field.pseudo or field.connection_specific:
        return None
    if PyUnicode_CheckExact(value):
        PyUnicode_READY(value)
        if PyUnicode_KIND(value) == 1 and is_text(
            <const char *>PyUnicode_DATA(value), PyUnicode_GET_LENGTH(value)
        ):
            return field.text
    elif PyLong_CheckExact(value):
        return field.text
    return None


cpdef bint is_plain(dict headers) except -1:
    cdef PyObject *key
    cdef PyObject *value
    cdef PyObject *known
    cdef Py_ssize_t position = 0
    while PyDict_Next(headers, &position, &key, &value):
        if not PyUnicode_CheckExact(<object>key) or <object>value is None:
            return False
        known = PyDict_GetItem(field_names, <object>key)
        if (
            known is NULL
            or (<FieldName>known).pseudo
            or (<FieldName>known).connection_specific
            or (<FieldName>known).text != <str>key
        ):
            return False
    return True
