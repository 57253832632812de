# cython: language_level=3, annotation_typing=False
"""What a connection of HTTP/1 and its exchanges have and do in each request, compiled.

The attributes are fields of C, see `http2.common.members`. What is rare is in `writer.py`,
`stream.py`, `carrier.py` and `connection.py`, and is called here by its name.
"""

from http2.engine.http1.fields cimport Http1FieldRules, Http1Fields
from http2.engine.http1.head cimport Http1Head
from http2.engine.http1.output cimport Http1Output
from http2.engine.http1.receiver cimport Http1Receiver
from http2.net.outlet cimport Outlet
from http2.streams.compiled.base cimport ExchangeBase, as_buffer, receive_body
from http2.streams.compiled.life_state cimport Life
from http2.streams.compiled.receiver_base cimport ReceiverBase

from http2.common.checks import check_bool
from http2.common.members import add_members
from http2.engine.http1.head import BadRequest
from http2.errors import new_error
from http2.http1.status_line import status_line
from http2.streams.life import LIVE

cdef extern from "Python.h":
    object PyContext_CopyCurrent()
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1

NO_BODY, LENGTH, CHUNKED, UNTIL_CLOSE = range(4)
HIGH_WATER = 64 * 1024
HEAD_READ = 16 * 1024
MOST_UNREAD = 64 * 1024
MOST_DISCARDED = 64 * 1024

cdef object no_body = NO_BODY
cdef object by_length = LENGTH
cdef Py_ssize_t high_water = HIGH_WATER
cdef Py_ssize_t head_read = HEAD_READ
cdef Py_ssize_t most_unread = MOST_UNREAD
cdef Py_ssize_t most_discarded = MOST_DISCARDED
cdef Life live = LIVE
# The state of an exchange whose request is complete when it begins.
cdef Life received = LIVE.on_peer_end


cdef class Http1StreamBase(ExchangeBase):
    """An exchange of HTTP/1, see `http1_base.pyi`."""

    def __cinit__(self):
        # all others are None
        self._framing = no_body
        self._wants_chunks = False
        self.response_ended = False

    def __init__(self, Http1ConnectionBase connection not None, Http1Head head not None):
        cdef bytes body = head.body
        self._session = connection
        self._request = head.headers
        self.method = head.method
        self.url = head.url
        self.http_version = head.version
        self.life = live if body is None else received
        self._head_request = head.method == "HEAD"
        if body is not None:
            if body:
                # the body arrived with the head: its reader need not wait
                self._whole = body
            else:
                self.end_after_headers = True

    # --- the response -------------------------------------------------------------------

    def respond(
        self,
        headers: OutgoingHeaders | None = None,
        *,
        end_stream: bool = False,
        wait_for_trailers: bool = False,
        send_date: bool = True,
    ) -> None:
        """Begin the response with *headers*; see `ServerHttp2Stream.respond`.

        The body has a ``content-length`` if *headers* have one, or if
        `end` gets the whole body before the next turn of the loop; otherwise it is
        chunked, or for HTTP/1.0 ends with the connection. With *wait_for_trailers* it is
        always chunked. ``connection: close`` closes the connection afterwards.

        Raises ERR_HTTP2_HEADERS_SENT, ERR_HTTP2_INVALID_STREAM,
        ERR_HTTP2_STATUS_INVALID, ERR_INVALID_ARG_TYPE, and the errors of the header
        rules, before anything is sent.
        """
        cdef Http1ConnectionBase connection
        cdef Http1Fields fields
        if (<Life?>self.life).closed:
            raise self.closed_error()
        if self.headers_sent:
            raise new_error("ERR_HTTP2_HEADERS_SENT")
        if end_stream is not False or wait_for_trailers is not False or send_date is not True:
            check_bool("end_stream", end_stream)
            check_bool("wait_for_trailers", wait_for_trailers)
            check_bool("send_date", send_date)
        connection = <Http1ConnectionBase?>self._session
        fields = (<Http1FieldRules?>connection.field_rules).of_response(headers, send_date)
        if self.status_message:
            status_line(fields.status, self.status_message)
        self._fields = self._given = fields
        self.headers_sent = True
        self._wants_chunks = wait_for_trailers
        if self._watched and self._timer is not None:
            self._timer.touch()
        if end_stream or fields.bodiless:
            self.life = (<Life?>self.life).on_end
            self._end(b"", None)
        else:
            wake(connection)

    def write(self, data: Chunk, encoding: str = "utf-8") -> bool:
        """Send *data*, a buffer or a `str`; after False, wait for `drain` before the next call.

        Raises ERR_STREAM_WRITE_AFTER_END, ERR_HTTP2_INVALID_STREAM, ERR_INVALID_ARG_TYPE,
        ERR_HTTP_CONTENT_LENGTH_MISMATCH for more than ``content-length`` says.
        """
        cdef Life life = <Life?>self.life
        cdef Http1ConnectionBase connection
        cdef Http1Fields fields
        cdef Py_ssize_t size
        if life.closed or life.writable_ended:
            self._check_writable()
        if type(data) is not bytes:
            data = bytes(as_buffer(data, encoding))
        if not self.headers_sent:
            self.respond()
        size = len(<bytes>data)
        connection = <Http1ConnectionBase?>self._session
        fields = <Http1Fields?>self._fields if self._fields is not None else None
        if self._head_request:
            if size and fields is not None:
                # more may follow: the length is unknown
                put(connection, self._head(None))
            return True
        if fields is not None:
            if fields.length is not None:
                self._check_length(fields.length, size)
            put(connection, self._head(None))
        if self._left is not None:
            self._check_length(self._left, size)
            self._left -= size
        if self._timer is not None:
            self._timer.touch()
        if size:
            self._write_body(data, size)
        if connection._write_paused or connection._resting:
            if self._drainers is None:
                self._drainers = []
            self._watched = True
            return False
        return True

    def end(self, data: Chunk | None = None, encoding: str = "utf-8") -> None:
        """End the response, after *data* if there is any; ending twice does nothing.

        A response to HEAD has no body: only the length of *data* is sent. Raises like
        `write` if *data* cannot be sent. A response that is shorter than its
        ``content-length`` ends the connection, so that the client notices.
        """
        cdef Life life = <Life?>self.life
        cdef Http1ConnectionBase connection
        if not life.writable:
            if data is not None and (life.closed or not self._head_request):
                self._check_writable()
            return
        if data is None:
            data = b""
        elif type(data) is not bytes:
            data = bytes(as_buffer(data, encoding))
        if not self.headers_sent:
            self.respond()
            life = <Life?>self.life
            if life.writable_ended:
                return
        if (
            self._fields is not None
            and not (self._head_request or self._wants_chunks or self.status_message)
            and not (self._watched and self._timer is not None)
        ):
            # a common response, if the connection agrees: its head and its whole body
            connection = <Http1ConnectionBase?>self._session
            if write_whole(connection, <Http1Fields?>self._fields, <bytes>data):
                self._fields = None
                self._framing = by_length
                self.life = life.on_end
                self.response_ended = True
                if not connection.in_batch:
                    connection.response_given(self)
                return
        self._end(data, None)

    # --- the body of the request --------------------------------------------------------

    def consumed(self, size):
        """Handle *size* bytes that the program has read: the peer may send as many again."""
        cdef Life life = <Life?>self.life
        if life.on_wire and not life.read_ended:
            self._session.body_taken(unread_size(self))

    def _unread_size(self):
        return unread_size(self)

    def receive_data(self, bytes data not None, bint end):
        """Handle received bytes of the body; *end* marks the last. Return the unread bytes."""
        receive_body(self, data, end)
        return unread_size(self)

    # --- the end ------------------------------------------------------------------------

    def end_unnoticed(self):
        """End after a complete request and response if nothing listens, waits or is unread.

        Otherwise, return False.
        """
        return end_unnoticed(self)


cdef Py_ssize_t unread_size(Http1StreamBase stream) except -1:
    """Return the number of bytes of the body that have arrived and are not read."""
    if stream._receiver is not None:
        return (<ReceiverBase?>stream._receiver).size
    return 0 if stream._whole is None else len(<bytes?>stream._whole)


cdef bint end_unnoticed(Http1StreamBase stream) except -1:
    """Do what `Http1StreamBase.end_unnoticed` says."""
    if stream._watched or unread_size(stream):
        return False
    stream.life = (<Life?>stream.life).on_done
    return True


cdef class Http1ConnectionBase:
    """A connection of HTTP/1, see `http1_base.pyi`."""

    def __cinit__(self):
        # all others are None
        self._watched = False
        self._closed = self.destroyed = self.in_batch = False
        self._flush_scheduled = self._resting = False
        self._write_paused = self._reading_paused = self._eof = self._lingering = False
        self._deadline = self._timer_at = self._began = 0.0
        self._keep_alive = self._promised = True
        self._expects_continue = self._client_closes = self._discarding = False
        self._requests = self._discarded = 0

    # --- asyncio's side -----------------------------------------------------------------

    def get_buffer(self, sizehint):
        """Return the buffer for the next bytes."""
        return self._target

    def buffer_updated(self, Py_ssize_t nbytes):
        """Process *nbytes* received bytes."""
        if self._idle_timer is not None:
            self._idle_timer.touch()
        if not self._lingering:
            (<Http1Receiver?>self._receiver).take_in(self._target, nbytes)
            process(self)

    # --- reading ------------------------------------------------------------------------

    def _batch(self):
        """Process received data, and write the resulting output at once."""
        process(self)

    def _next(self):
        """Continue with the next request."""
        go_on(self)

    # --- writing ------------------------------------------------------------------------

    def write(self, bytes data not None):
        """Queue *data*, which is sent with all other output of this turn of the loop."""
        put(self, data)

    def write_whole(self, Http1Fields fields not None, bytes body not None):
        """Queue a common response; return False for one that `write` must write in parts."""
        return write_whole(self, fields, body)

    def wake(self):
        """Send held back or queued data in the next turn of the loop, unless in a batch."""
        wake(self)

    def is_full(self):
        """Return whether writers should pause."""
        return self._write_paused or self._resting

    def _flush(self):
        flush(self)


cdef int process(Http1ConnectionBase connection) except -1:
    """Process received data, and write the resulting output at once."""
    cdef Http1Receiver receiver = <Http1Receiver?>connection._receiver
    cdef Http1StreamBase stream
    cdef Http1Head head
    connection.in_batch = True
    try:
        while receiver.unparsed() and not connection._lingering:
            if receiver.receiving:
                take_body(connection, receiver)
            elif connection._stream is not None or connection._write_paused:
                connection._pause_reading()
                break
            else:
                try:
                    head = receiver.next_head()
                except BadRequest as error:
                    connection._refuse(error)
                    break
                if head is None:
                    connection._wait_for_head()
                    break
                begin_request(connection, head)
            if connection._stream is None:
                continue
            stream = <Http1StreamBase?>connection._stream
            if stream.response_ended:
                if receiver.receiving or not end_unnoticed(stream):
                    connection._after_response(stream)
                else:
                    # `_after_response` without the steps that this exchange does not need
                    connection._stream = None
                    go_on(connection)
    finally:
        connection.in_batch = False
    if connection._stream is not None:
        connection._complete_output()
    flush(connection)
    return 0


cdef int begin_request(Http1ConnectionBase connection, Http1Head head) except -1:
    """Create the exchange of the request *head*, and pass it to its handler."""
    cdef bint keep_alive = head.keep_alive
    cdef object service = connection._service
    cdef object most = service.options.max_requests_per_socket
    cdef object stream, dispatch, context
    connection._client_closes = not keep_alive
    if most:
        connection._requests += 1
        keep_alive = keep_alive and connection._requests < most
    connection._keep_alive = keep_alive and not connection._closed
    connection._stream = stream = service.exchange(connection, head)
    if head.body is None:
        connection._expect_body(head)
    else:
        connection._deadline = 0.0
    if head.upgrade and not connection._stays(head, stream):
        return 0
    dispatch = service.dispatch
    # a handler's context variables must not be visible to the next one
    context = PyContext_CopyCurrent()
    PyContext_Enter(context)
    try:
        dispatch(stream, head.headers)
    finally:
        PyContext_Exit(context)
    return 0


cdef int take_body(Http1ConnectionBase connection, Http1Receiver receiver) except -1:
    """Pass received parts of the body to the exchange."""
    cdef bytes data
    cdef object stream
    connection._expects_continue = False
    try:
        data = receiver.body()
    except BadRequest as error:
        connection._refuse_body(error)
        return 0
    if receiver.receiving:
        return deliver(connection, data, False)
    # the request is complete
    connection._target = connection._buffer[:head_read]
    connection._deadline = 0.0
    if connection._discarding:
        connection._discarding = False
        go_on(connection)
    stream = connection._stream
    if receiver.trailers is not None and stream is not None:
        if data:
            deliver(connection, data, False)
        stream.receive_trailers(receiver.trailers)
        data = b""
    return deliver(connection, data, True)


cdef int deliver(Http1ConnectionBase connection, bytes data, bint end) except -1:
    """Pass *data* of the body to the exchange, or discard it; *end* marks the last."""
    cdef object stream = connection._stream
    cdef Py_ssize_t unread
    if stream is not None:
        unread = stream.receive_data(data, end)
        if unread > most_unread and not end:
            connection._pause_reading()
    elif not end:
        connection._discarded += len(data)
        if connection._discarded > most_discarded:
            connection._linger(more_comes=True)
    return 0


cdef int go_on(Http1ConnectionBase connection) except -1:
    """Continue with the next request."""
    cdef Http1Receiver receiver = <Http1Receiver?>connection._receiver
    cdef object seconds, when
    connection._began = 0.0
    if not connection._keep_alive or connection._closed:
        connection._end_after_response()
    elif receiver.unparsed():
        if not connection.in_batch:
            connection.loop.call_soon(connection._proceed)
    elif connection._eof:
        connection._close_transport()
    else:
        if connection._reading_paused:
            connection._resume_reading()
        seconds = connection._service.options.keep_alive_timeout
        when = connection.loop.time() + seconds if seconds else 0.0
        if connection._timer is None or when < connection._timer_at:
            connection._set_deadline(when)
        else:
            # the common case: the timer checks when it is due
            connection._deadline = when
    return 0


cdef bint write_whole(
    Http1ConnectionBase connection, Http1Fields fields, bytes body
) except -1:
    """Queue a common response; return False for one that `write` must write in parts."""
    cdef Py_ssize_t size
    if (
        not connection._keep_alive
        or connection._expects_continue
        or connection.server.closing
    ):
        # the connection may end with this response: `connection_lines` decides
        return False
    size = (<Http1Output?>connection._output).put_response(fields, body)
    if not size:
        return False
    if not connection.in_batch or size >= high_water:
        queued(connection, size)
    return True


cdef int put(Http1ConnectionBase connection, bytes data) except -1:
    """Queue *data*, which is sent with all other output of this turn of the loop."""
    return queued(connection, (<Http1Output?>connection._output).put(data))


cdef int queued(Http1ConnectionBase connection, Py_ssize_t size) except -1:
    """Send the waiting *size* bytes at the end of this turn of the loop, or at once if many."""
    if size >= high_water:
        flush(connection)
        if not connection._resting:
            connection._resting = True
            connection.loop.call_soon(connection._rested)
    else:
        wake(connection)
    return 0


cdef int wake(Http1ConnectionBase connection) except -1:
    """Send held back or queued data in the next turn of the loop, unless in a batch."""
    if not connection.in_batch and not connection._flush_scheduled:
        connection._flush_scheduled = True
        connection.loop.call_soon(connection._turn_over)
    return 0


cdef int flush(Http1ConnectionBase connection) except -1:
    """Pass the output to the transport."""
    cdef object transport = connection._transport
    # a failed transport reports it later, and logs each write until then
    if transport is None or transport.is_closing():
        connection._output.data_to_send()
    elif (<Outlet?>connection._outlet).empty(connection._output):
        if connection._idle_timer is not None:
            connection._idle_timer.touch()
    return 0


add_members(
    Http1StreamBase,
    "method", "url", "http_version", "status_message", "_fields", "_given", "_framing", "_left",
    "_wants_chunks", "response_ended",
    docs={
        "method": "The method, such as ``'GET'``.",
        "url": "The target of the request, as received.",
        "http_version": "The client's: ``'1.1'`` or ``'1.0'``.",
    },
)
add_members(
    Http1ConnectionBase,
    "_listeners", "_tasks", "_watched",
    "server", "loop", "addresses", "_transport", "_outlet", "_output", "_buffer", "_target",
    "_closed", "destroyed", "in_batch", "_flush_scheduled", "_resting", "_write_paused",
    "_reading_paused", "_eof", "_lingering", "_idle_timer", "_deadline", "_timer", "_timer_at",
    "field_rules", "_service", "_receiver", "_stream", "_keep_alive", "_expects_continue",
    "_promised", "_client_closes", "_requests", "_began", "_discarding", "_discarded",
    readable={"closed": "_closed"},
    docs={
        "closed": "Whether no further request will be served.",
        "destroyed": "Whether the connection has ended.",
    },
)
