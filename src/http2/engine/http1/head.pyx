# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Parse the head of an HTTP/1 request, and trailer sections.

RFC 9112 is applied strictly, and ambiguous input is refused: a proxy in front of this
server may interpret it differently, which enables request smuggling (section 11.2).
A head is parsed once it is complete, in one pass over its lines.
"""

from cpython.dict cimport PyDict_GetItem, PyDict_SetItem
from cpython.list cimport PyList_Append
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeASCII, PyUnicode_DecodeLatin1
from libc.string cimport memchr, memcmp

from http2.engine.header_block cimport new_headers

from http2.headers import SINGLE_VALUE

__all__ = ["BadRequest", "Http1Head", "Http1Limits"]


class BadRequest(Exception):
    """A client's bytes are not a request that can be served.

    Attributes:
        status: The status of the response, after which the connection is closed.
    """

    def __init__(self, status, reason):
        """Create the error; *reason* is for the log."""
        super().__init__(reason)
        self.status = status


cdef int refuse(int status, str reason) except -1:
    raise BadRequest(status, reason)


cdef class Http1Limits:
    """Limits of heads and trailer sections, see `head.pyi`."""

    def __init__(self, *, Py_ssize_t url_size, Py_ssize_t section_size, Py_ssize_t fields):
        self.url_size = url_size
        self.section_size = section_size
        self.fields = fields


cdef class Http1Head:
    """The head of a request, see `head.pyi`."""

    @property
    def request(self):
        return self.headers, self.method, self.url, self.version, self.body


# --- classes of bytes -----------------------------------------------------------------------

# A token: RFC 9110 section 5.6.2. A target: the characters of RFC 3986, without a fragment, which a
# target can't have. A field's value: RFC 9110 section 5.5. A host: the characters of RFC 3986
# section 3.2.2, none that could end it and begin a path.
cdef enum:
    TOKEN = 1
    TARGET = 2
    VALUE = 4
    HOST = 8
    NAME = 16  # a host that precedes a port
    HEXADECIMAL = 32  # an address in brackets

cdef unsigned char[256] kinds
for _byte in range(256):
    kinds[_byte] = 0
for _byte in bytearray(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"):
    kinds[_byte] |= TOKEN
for _byte in range(0x21, 0x7F):
    if _byte != 35:
        kinds[_byte] |= TARGET
for _byte in (9, *range(0x20, 0x7F), *range(0x80, 0x100)):
    kinds[_byte] |= VALUE
for _byte in bytearray(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._~!$&'()*+,;=%-"):
    kinds[_byte] |= HOST | NAME
for _byte in bytearray(b":[]"):
    kinds[_byte] |= HOST
for _byte in bytearray(b"0123456789abcdefABCDEF:."):
    kinds[_byte] |= HEXADECIMAL


cdef inline bint all_of(const char *data, Py_ssize_t size, unsigned char kind) noexcept:
    """Return whether each byte is of this kind."""
    cdef Py_ssize_t i
    for i in range(size):
        if not kinds[<unsigned char>data[i]] & kind:
            return False
    return True


cdef inline Py_ssize_t find(const char *data, Py_ssize_t begin, Py_ssize_t end, char byte) noexcept:
    """Return the position of the next *byte*; -1 if there is none."""
    cdef const char *found = NULL
    if begin < end:
        found = <const char *>memchr(data + begin, byte, end - begin)
    return -1 if found is NULL else found - data


cdef int check_line_ends(const char *data, Py_ssize_t size) except -1:
    """Refuse CR or LF outside CRLF: some implementations end a line there, others do not."""
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t lf, cr
    while True:
        lf = find(data, at, size, 10)
        cr = find(data, at, size if lf < 0 else lf, 13)
        if lf < 0 and cr < 0:
            return 0
        if cr < 0 or cr != lf - 1:
            return refuse(400, "CR without LF, or LF without CR")
        at = lf + 1


# --- methods --------------------------------------------------------------------------------

# The known methods, as in Node: those in everyday use, then in alphabetical order. The answer to
# any other is 501.
cdef tuple METHODS = (
    *("GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "CONNECT"),
    *("ACL", "BIND", "CHECKOUT", "COPY", "LINK", "LOCK", "M-SEARCH", "MERGE", "MKACTIVITY"),
    *("MKCALENDAR", "MKCOL", "MOVE", "NOTIFY", "PROPFIND", "PROPPATCH", "PURGE", "QUERY"),
    *("REBIND", "REPORT", "SEARCH", "SOURCE", "SUBSCRIBE", "TRACE", "UNBIND", "UNLINK"),
    *("UNLOCK", "UNSUBSCRIBE"),
)
cdef dict methods = {_name.encode(): _name for _name in METHODS}
cdef str GET = METHODS[0]
cdef str POST = METHODS[1]


cdef str read_method(const char *data, Py_ssize_t size):
    cdef PyObject *known
    if size == 3 and memcmp(data, b"GET", 3) == 0:
        return GET
    if size == 4 and memcmp(data, b"POST", 4) == 0:
        return POST
    known = PyDict_GetItem(methods, data[:size])
    if known is not NULL:
        return <str>known
    if size and all_of(data, size, TOKEN) and data[:size] != b"PRI":
        refuse(501, "unknown method")
    # also PRI, which is reserved for the preface of HTTP/2 (RFC 9113 section 11.6)
    refuse(400, "invalid method")


# --- names of fields ------------------------------------------------------------------------

# The meaning of a field, if it concerns the message itself.
cdef enum:
    ORDINARY = 0
    FIELD_HOST = 1
    FIELD_LENGTH = 2
    FIELD_CODING = 3
    FIELD_CONNECTION = 4
    FIELD_UPGRADE = 5
    FIELD_SET_COOKIE = 6
    FIELD_COOKIE = 7
    FIELD_EXPECT = 8

cdef dict subjects = {
    "host": FIELD_HOST,
    "content-length": FIELD_LENGTH,
    "transfer-encoding": FIELD_CODING,
    "connection": FIELD_CONNECTION,
    "upgrade": FIELD_UPGRADE,
    "set-cookie": FIELD_SET_COOKIE,
    "cookie": FIELD_COOKIE,
    "expect": FIELD_EXPECT,
}

# Trailers that could change how the message is framed, routed or authorised, or how its body
# is to be read, are ignored (RFC 9110 section 6.5.1).
cdef frozenset NOT_IN_TRAILERS = frozenset({
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "max-forwards",
    "pragma",
    "proxy-authorization",
    "range",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
})


cdef class Name:
    """A field name in a peer's spelling, with its rules."""

    cdef bytes spelling
    cdef str text
    cdef str lower
    cdef int subject
    cdef bint single
    cdef bint no_trailer


# The names seen last, each at the place of its hash: a repeated name is found without creating
# an object. Peers choose the names, so their number and their length are limited.
cdef enum:
    MOST_NAMES = 512
    LONGEST_NAME = 64

cdef list names = [None] * MOST_NAMES


cdef Name name_of(const char *data, Py_ssize_t size):
    """Return the rules of a name; raise `BadRequest` if it is invalid."""
    cdef unsigned int place = 2166136261
    cdef Py_ssize_t i
    cdef Name name
    for i in range(size):
        place = (place ^ <unsigned char>data[i]) * 16777619
    place = (place ^ (place >> 15)) & (MOST_NAMES - 1)
    found = names[place]
    if found is not None:
        name = <Name>found
        if len(name.spelling) == size and memcmp(<char *>name.spelling, data, size) == 0:
            return name
    if not size or not all_of(data, size, TOKEN):
        refuse(400, "invalid field name")
    name = Name.__new__(Name)
    name.spelling = data[:size]
    name.text = name.spelling.decode("ascii")
    name.lower = name.text.lower()
    if name.lower == name.text:
        name.text = name.lower
    name.subject = subjects.get(name.lower, ORDINARY)
    name.single = name.lower in SINGLE_VALUE
    name.no_trailer = name.lower in NOT_IN_TRAILERS
    if size <= LONGEST_NAME:
        names[place] = name
    return name


# --- a section of fields ----------------------------------------------------------------------

cdef class Section:
    """The fields of a head or of trailers, while they are parsed."""

    cdef object headers
    cdef list raw
    cdef Py_ssize_t count
    # the fields that decide on the message's framing and the connection's life
    cdef str host
    cdef str length
    cdef str coding
    cdef bint connection
    cdef bint upgrade
    cdef bint expects
    # the first name that is repeated but must not be
    cdef str twice

    cdef int read(self, const char *data, Py_ssize_t at, Py_ssize_t end, bint trailers) except -1:
        """Parse the lines between *at* and *end*, each with its CRLF."""
        cdef Py_ssize_t colon, line, begin, stop
        cdef Name name
        cdef str value
        self.headers = new_headers()
        self.raw = []
        while at < end:
            line = find(data, at, end, 13)
            colon = find(data, at, line, 58)
            if colon < 0:
                return refuse(400, "a header line without a colon")
            name = name_of(data + at, colon - at)
            begin = colon + 1
            stop = line
            while begin < stop and (data[begin] == 32 or data[begin] == 9):
                begin += 1
            while begin < stop and (data[stop - 1] == 32 or data[stop - 1] == 9):
                stop -= 1
            if not all_of(data + begin, stop - begin, VALUE):
                return refuse(400, "a control character in a field value")
            value = PyUnicode_DecodeLatin1(data + begin, stop - begin, NULL)
            if name.subject == FIELD_CODING and find(data, stop, line, 9) >= 0:
                return refuse(400, "a tab after a transfer coding")
            at = line + 2
            if trailers and name.no_trailer:
                self.drop(name, value)
                continue
            self.count += 1
            self.raw.append((name.text, value))
            self.add(name, value)
        return 0

    cdef int drop(self, Name name, str value) except -1:
        """Drop a field of trailers; refuse one that would frame the message if it is invalid."""
        if name.subject == FIELD_LENGTH:
            if self.length is not None or not is_length(value):
                return refuse(400, "invalid content-length")
            self.length = value
        elif name.subject == FIELD_CODING:
            if self.coding is not None:
                return refuse(400, "field transfer-encoding is repeated")
            self.coding = value
            if value.lower().rpartition(",")[2].strip(" \t") != "chunked":
                return refuse(400, "the last transfer coding is not chunked")
        if self.coding is not None and self.length is not None:
            return refuse(400, "both content-length and transfer-encoding")
        return 0

    cdef int add(self, Name name, str value) except -1:
        """Add one field by the merging rules of `Headers`, and store its meaning."""
        cdef PyObject *earlier = PyDict_GetItem(self.headers, name.lower)
        cdef int subject = name.subject
        if earlier is not NULL:
            if FIELD_HOST <= subject <= FIELD_CODING:
                # Even if both values are equal: RFC 9112 section 6.3 would allow it, but a gateway
                # may have read the message differently.
                if self.twice is None:
                    self.twice = name.lower
            elif subject == FIELD_SET_COOKIE:
                PyList_Append(<object>earlier, value)
            elif not name.single:
                PyDict_SetItem(
                    self.headers, name.lower,
                    <str>earlier + ("; " if subject == FIELD_COOKIE else ", ") + value)
            return 0
        if subject:
            if subject == FIELD_HOST:
                self.host = value
            elif subject == FIELD_LENGTH:
                self.length = value
            elif subject == FIELD_CODING:
                self.coding = value
            elif subject == FIELD_CONNECTION:
                self.connection = True
            elif subject == FIELD_UPGRADE:
                self.upgrade = True
            elif subject == FIELD_EXPECT:
                self.expects = True
            elif subject == FIELD_SET_COOKIE:
                PyDict_SetItem(self.headers, name.lower, [value])
                return 0
        PyDict_SetItem(self.headers, name.lower, value)
        return 0

    cdef object taken(self, Http1Limits limits):
        """Return the fields; refuse too many of them, and a repeated one that must be single."""
        if self.count > limits.fields:
            refuse(431, f"more than {limits.fields} header fields")
        if self.twice is not None:
            refuse(400, f"field {self.twice} is repeated")
        self.headers._raw = self.raw
        return self.headers


# --- a head -------------------------------------------------------------------------------------

cdef Http1Head read_head(const char *data, Py_ssize_t size, Http1Limits limits):
    """Parse a request's head with its empty line; raise `BadRequest` if it is invalid."""
    cdef Http1Head head
    cdef Section section
    cdef Py_ssize_t line, first, second
    cdef const char *target
    cdef Py_ssize_t target_size
    cdef bint old, connect
    check_line_ends(data, size)
    line = find(data, 0, size, 13)
    first = find(data, 0, line, 32)
    second = -1 if first < 0 else find(data, first + 1, line, 32)
    if second < 0 or find(data, second + 1, line, 32) >= 0:
        refuse(400, "the request line does not have three parts")
    target = data + first + 1
    target_size = second - first - 1
    if target_size > limits.url_size:
        refuse(414, "the request target is too long")
    if size - line > limits.section_size:
        refuse(431, "the header section is too long")
    old = read_version(data + second + 1, line - second - 1)
    head = Http1Head.__new__(Http1Head)
    head.method = read_method(data, first)
    head.version = "1.0" if old else "1.1"
    if not target_size or not all_of(target, target_size, TARGET):
        refuse(400, "invalid request target")
    head.url = PyUnicode_DecodeASCII(target, target_size, NULL)
    section = Section.__new__(Section)
    section.read(data, line + 2, size - 2, False)
    head.headers = section.taken(limits)
    if section.host is None:
        if not old:
            refuse(400, "the field host is missing")
    elif not is_host(section.host):
        refuse(400, "invalid host")
    connect = head.method == "CONNECT"
    if connect or target[0] != 47:
        read_target(head, connect)
    frame(head, section, old)
    persist(head, section, old, connect)
    head.expects = section.expects and not old
    return head


cdef bint read_version(const char *data, Py_ssize_t size) except -1:
    """Return True for HTTP/1.0, False for HTTP/1.1; raise `BadRequest` for any other version."""
    cdef bint known
    if size == 8 and memcmp(data, b"HTTP/1.", 7) == 0:
        if data[7] == 49:
            return False
        if data[7] == 48:
            return True
    known = (
        size == 8 and memcmp(data, b"HTTP/", 5) == 0 and 48 <= data[5] <= 57 and data[6] == 46
        and 48 <= data[7] <= 57
    )
    refuse(505 if known else 400, "the version is not HTTP/1.0 or HTTP/1.1")


cdef bint is_host(str text) except -1:
    cdef bytes host
    if not text.isascii():
        return False
    host = text.encode("ascii")
    return all_of(host, len(host), HOST)


cdef int read_target(Http1Head head, bint connect) except -1:
    """Check a target that does not begin with a slash (RFC 9112 section 3.2)."""
    cdef str url = head.url
    cdef str authority, rest
    cdef Py_ssize_t end
    if connect:
        if not is_authority(url.encode("ascii")):
            refuse(400, "invalid target for CONNECT")
        return 0
    if url == "*":
        if head.method != "OPTIONS":
            refuse(400, "target * is allowed for OPTIONS only")
        return 0
    scheme, colon, rest = url.partition("://")
    end = 0
    while end < len(rest) and rest[end] not in "/?":
        end += 1
    authority = rest[:end]
    if not colon or not scheme.isalpha() or not authority or not is_host(authority):
        refuse(400, "invalid request target")
    # section 3.2.2: the target's own authority replaces Host
    head.headers["host"] = authority
    return 0


cdef bint is_authority(bytes text) except -1:
    """Return whether this is a host and a port (RFC 9112 section 3.2.3)."""
    cdef Py_ssize_t size = len(text)
    cdef Py_ssize_t colon = text.rfind(b":")
    cdef const char *data = text
    if colon < 1 or not 1 <= size - colon - 1 <= 5 or not text[colon + 1:].isdigit():
        return False
    if data[0] == 91:
        return colon > 2 and data[colon - 1] == 93 and all_of(data + 1, colon - 2, HEXADECIMAL)
    return all_of(data, colon, NAME)


cdef bint is_length(str text) except -1:
    return 1 <= len(text) <= 18 and text.isascii() and text.isdigit()


cdef int frame(Http1Head head, Section section, bint old) except -1:
    """Determine the length of the body (RFC 9112 section 6.3)."""
    if section.coding is not None:
        if old:
            refuse(400, "transfer-encoding is not allowed in HTTP/1.0")
        if section.length is not None:
            refuse(400, "both content-length and transfer-encoding")
        if section.coding.lower() != "chunked":
            refuse_coding(section.coding)
        head.chunked = True
    elif section.length is not None:
        if not is_length(section.length):
            refuse(400, "invalid content-length")
        head.length = int(section.length)
    return 0


cdef int refuse_coding(str coding) except -1:
    """Refuse a coding other than chunked: unsupported (section 6.1), or without an end."""
    cdef list codings = [word.strip(" \t") for word in coding.lower().split(",")]
    if codings[len(codings) - 1] == "chunked" and codings.count("chunked") == 1 and all(codings):
        return refuse(501, "a transfer coding other than chunked")
    return refuse(400, "the last transfer coding is not chunked")


cdef int persist(Http1Head head, Section section, bint old, bint connect) except -1:
    """Determine whether the connection persists (section 9.3), or changes its protocol."""
    head.upgrade = connect
    if not section.connection:
        head.keep_alive = not old
        return 0
    words = {word.strip(" \t") for word in head.headers["connection"].lower().split(",")}
    head.keep_alive = "close" not in words and (not old or "keep-alive" in words)
    if section.upgrade and "upgrade" in words and not old:
        # RFC 9113 section 3.1 has removed h2c, which curl still offers
        head.upgrade = head.headers["upgrade"].lower() != "h2c"
    return 0


# --- trailers and incomplete heads ----------------------------------------------------------------

cdef object read_trailers(const char *data, Py_ssize_t size, Http1Limits limits):
    """Parse a trailer section with its empty line; drop fields that are not allowed there."""
    cdef Section section = Section.__new__(Section)
    check_line_ends(data, size)
    section.read(data, 0, size - 2, True)
    return section.taken(limits)


# The rest of a request line besides its target: the longest method and the version.
cdef enum:
    LINE_EXTRA = 48


cdef int check_incomplete(
    const char *data, Py_ssize_t size, Py_ssize_t begin, Http1Limits limits
) except -1:
    """Refuse, from its first bytes, what can't become a head or is too long for one.

    The bytes before *begin* were checked before. Raises `BadRequest`.
    """
    cdef Py_ssize_t most = limits.url_size + LINE_EXTRA
    cdef Py_ssize_t first = -1
    cdef Py_ssize_t i, end
    cdef unsigned char c
    i = 0
    while True:
        i = find(data, i, min(size, most) - 1, 13)
        if i < 0:
            break
        if data[i + 1] == 10:
            first = i
            break
        i += 1
    if first < 0:
        if size > most:
            return refuse(414, "the request line is too long")
    elif size - first > limits.section_size:
        return refuse(431, "the header section is too long")
    end = size if first < 0 else first
    for i in range(begin, end):
        c = <unsigned char>data[i]
        if c != 13 and not 32 <= c <= 126:
            # it can't become a request
            return refuse(400, "invalid request line")
    i = find(data, begin, size, 10)
    while i >= 0:
        if i == 0 or data[i - 1] != 13:
            # its empty line might never be recognised
            return refuse(400, "LF without CR")
        i = find(data, i + 1, size, 10)
    return 0
