# cython: language_level=3, annotation_typing=False, nonecheck=True
"""What a request and its response have and do in each exchange, compiled, for both protocols.

As in `http2.streams.compiled.base`, the attributes are fields of C that Python code uses like any other.
An object gets its ``__dict__`` with the first attribute that a program adds.

`ServerResponse` names the public methods, so that the reference finds them there. The first line of
the classes' docstrings is read by `inspect.signature`.
"""

from cpython.dict cimport PyDict_Contains, PyDict_GetItem, PyDict_Update
from cpython.object cimport PyObject

from types import CoroutineType
from typing import Any, Self  # for the annotations

from http2.common.members import add_members
from http2.compat.fields import check_chunk, check_name, check_status, check_value, pairs_of
from http2.engine.field_rules cimport is_plain, plain_field
from http2.errors import new_error
from http2.headers import OutgoingHeaders  # for the annotations
from http2.streams.compiled.base cimport ExchangeBase
from http2.streams.compiled.life_state cimport Life


cdef extern from "Python.h":
    # without an object for the bound method
    object PyObject_CallMethodOneArg(object owner, object name, object argument)


cdef class RequestBase:
    """RequestBase(stream, headers)\n--\n\nThe attributes of every request; see `message_base.pyi`.
    """

    def __cinit__(self):
        # all others are None
        self._watched = False

    def __init__(self, ExchangeBase stream not None, headers):
        self.stream = stream
        self.headers = headers


add_members(
    RequestBase,
    "_listeners", "_watched", "_stream", "headers", "_body",
    readable={"stream": "_stream"},
    docs={"headers": "The header fields by their lower-case names."},
)


cdef class Http1RequestBase(RequestBase):
    """Http1RequestBase(stream, headers)\n--\n\nWhat is not in the headers of a request over HTTP/1.
    """

    def __init__(self, ExchangeBase stream not None, headers):
        self.stream = stream
        self.headers = headers
        self._method = (<object>stream).method
        self.url = (<object>stream).url
        if (<object>stream).http_version == "1.0":
            (<object>self).http_version_minor = 0


add_members(Http1RequestBase, "_method", "url")


cdef class ResponseBase:
    """ResponseBase(stream, request=None)\n--\n\nThe attributes and everyday methods of every response.
    """

    def __cinit__(self):
        # all others are None
        self._watched = False
        self.send_date = True
        self._ended = False
        self._status = 200

    def __init__(self, ExchangeBase stream not None, request=None):
        self.stream = stream
        self.req = request

    def set_header(self, name: str, value: Any) -> None:
        """Set the header *name* to *value*: a `str`, a number, or a list for several fields.

        Raises ERR_HTTP2_HEADERS_SENT, ERR_INVALID_ARG_TYPE, ERR_INVALID_HTTP_TOKEN,
        ERR_INVALID_CHAR, ERR_HTTP2_INVALID_HEADER_VALUE, ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED.
        """
        cdef object known
        if self.stream.headers_sent:
            raise new_error("ERR_HTTP2_HEADERS_SENT")
        known = plain_field(name, value)
        if known is None:
            known = check_name(name)
            value = check_value(known, value)
            if self._is_dropped(known):
                return
        if self._headers is None:
            # the block as it will be sent: the status comes first
            self._headers = {":status": None}
        (<dict?>self._headers)[known] = value

    def write_head(
        self,
        status_code: int,
        status_message: str | OutgoingHeaders | None = None,
        headers: OutgoingHeaders | None = None,
    ) -> Self:
        """Send the status and the headers; *headers* override those that were set.

        *headers* is a mapping or a list of (name, value) pairs, and may be the second
        argument. A *status_message* is sent over HTTP/1; over HTTP/2 it causes an
        `UnsupportedWarning`. Does nothing if the stream is closed. Returns
        the response.
        Raises ERR_HTTP2_HEADERS_SENT, ERR_HTTP2_STATUS_INVALID, and the errors of `set_header`.
        """
        cdef dict block
        if (<Life?>self.stream.life).closed:
            return self
        if self.stream.headers_sent:
            raise new_error("ERR_HTTP2_HEADERS_SENT")
        if headers is None and status_message is not None and not isinstance(status_message, str):
            headers, status_message = status_message, None
        kept = self._headers
        if (
            kept is None
            and status_message is None
            and type(headers) is dict
            and type(status_code) is int
            and is_plain(headers)
        ):
            # the common case: the block is checked as a whole
            block = {":status": status_code}
            PyDict_Update(block, headers)
            respond(self, block)
            self._headers = block
            self._status = status_code
            return self
        status_code = check_status(status_code)
        try:
            if headers is not None:
                self._headers = None if kept is None else dict(kept)
                self._merge(headers)
            if status_message is not None:
                self.status_message = status_message
            send_head(self, status_code)
        except BaseException:
            # nothing was sent: undo the changes
            self._headers = kept
            raise
        return self

    def _merge(self, headers):
        cdef set given = set()
        for name, value in pairs_of(headers):
            name = check_name(name)
            if name in given:
                self.append_header(name, value)
            else:
                given.add(name)
                self.set_header(name, value)

    def _send_head(self, status):
        send_head(self, status)

    def write(self, chunk: Chunk, encoding: str = "utf-8") -> bool:
        """Send *chunk*, a buffer or a `str`, after the headers; after False, wait for ``drain``.

        A response without a body (to HEAD, with status 204, 205 or 304) drops it. Raises
        ERR_STREAM_WRITE_AFTER_END, ERR_HTTP2_INVALID_STREAM, ERR_INVALID_ARG_TYPE.
        """
        if self._ended:
            raise new_error("ERR_STREAM_WRITE_AFTER_END")
        if (<Life?>self.stream.life).closed:
            raise self.stream.closed_error()
        if not self.stream.headers_sent:
            check_chunk(chunk)
            send_head(self, self._status)
        if (<Life?>self.stream.life).writable_ended:
            return True
        return self.stream.write(chunk, encoding)

    def end(self, data: Chunk | None = None, encoding: str = "utf-8") -> Self:
        """End the response, after *data* if there is any; ending twice does nothing.

        Returns the response. Awaiting it waits until everything was passed to the transport, and
        raises the stream's error if it ends before that. Raises like `write`.
        """
        if self._ended or (<Life?>self.stream.life).closed:
            return self
        if data is not None and type(data) is not bytes:
            check_chunk(data)
            if isinstance(data, str):
                data = data.encode(encoding)
        if not self.stream.headers_sent:
            send_head(self, self._status)
        self._ended = True
        if (<Life?>self.stream.life).writable_ended:
            return self
        try:
            if self._trailers is None:
                PyObject_CallMethodOneArg(self.stream, "end", data)
            else:
                self.stream.end_with_trailers(data, self._trailers)
        except BaseException:
            # an error here must not end the response
            self._ended = (<Life?>self.stream.life).writable_ended
            raise
        return self


add_members(
    ResponseBase,
    "_listeners", "_watched", "_stream", "req", "send_date", "_ended", "_status", "_headers",
    "_trailers",
    readable={"stream": "_stream"},
    docs={
        "req": "The request of this response; None for a pushed response.",
        "send_date": "Whether ``date`` is added if it was not set; True by default.",
    },
)


cdef int send_head(ResponseBase self, object status) except -1:
    """Send *status* and the headers that were set."""
    cdef dict block = self._headers
    if block is None:
        block = {":status": status}
    else:
        block[":status"] = status
    respond(self, block)
    self._status = status
    return 0


cdef int respond(ResponseBase self, dict block) except -1:
    # by its name: a program sets it, and may delete it
    cdef object send_date = (<object>self).send_date
    if send_date is True:
        PyObject_CallMethodOneArg(self.stream, "respond", block)
    else:
        (<object>self.stream).respond(block, send_date=send_date)
    return 0


cdef class RequestListenerBase:
    """See `message_base.pyi`."""

    def __cinit__(self):
        self._takes_streams = False

    cdef int take_stream(self, object stream, object headers) except -1:
        """Take a request over HTTP/2; for subclasses that set `_takes_streams`."""
        raise NotImplementedError


def listener_of_streams(
    server, type request_class, type response_class, dispatch_special, *, bint own_classes=True
):
    """Return a listener of ``stream`` that creates a request and a response for each stream.

    They are arguments of *server*'s listeners of ``request``, or of *dispatch_special*.
    Without *own_classes*, a `RequestListenerBase` gets the stream instead.
    """

    def on_stream(stream, headers):
        cdef PyObject *method
        cdef bint special
        if not isinstance(headers, dict):
            raise TypeError(f"the headers of a stream are a dict, not {headers!r}")
        # received names are in lower case
        method = PyDict_GetItem(headers, ":method")
        special = PyDict_Contains(headers, "expect") or (
            method is not NULL and <object>method == "CONNECT"
        )
        found = None if special else (<dict?>server.everyday).get("request")
        if (
            found is not None
            and not own_classes
            and isinstance((<tuple?>found)[0], RequestListenerBase)
            and (<RequestListenerBase>(<tuple>found)[0])._takes_streams
        ):
            (<RequestListenerBase>(<tuple>found)[0]).take_stream(stream, headers)
            return
        request = request_class(stream, headers)
        response = response_class(stream, request)
        if special:
            dispatch_special(server, request, response)
            return
        if found is None or (<tuple?>found)[1] != 2:
            server.emit("request", request, response)
            return
        try:
            result = (<tuple>found)[0](request, response)
        except Exception as error:
            server.listener_raised(error, "request", (request, response))
            return
        if type(result) is CoroutineType:
            stream.run_listener(result, server, "request", (request, response))
        elif result is not None:
            server.returned(result, "request", (request, response), stream)

    return on_stream
