# cython: language_level=3, boundscheck=False, initializedcheck=False
"""One HTTP/2 connection without I/O: bytes in, events out; commands in, bytes out.

A thin binding of one `nghttp2_session`, in either role. No user code runs while nghttp2
is on the stack: its callbacks only append to a batch of events (`http2.events`), and
what goes wrong in one is carried out of it and raised by the call that ran it.
"""

cimport cython
from cpython.bytes cimport (
    PyBytes_AS_STRING,
    PyBytes_CheckExact,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memcpy, memset

from http2.engine.header_block cimport (
    INFORMATIONAL,
    PUSH_REQUEST,
    REQUEST,
    RESPONSE,
    TRAILERS,
    OutgoingBlock,
    StringCache,
    add_received,
    new_headers,
)
from http2.engine.nghttp2 cimport *

from time import monotonic

from http2 import events as _events
from http2.errors import new_error, nghttp_error

__all__ = ["Connection", "nghttp2_version_string"]

cdef int EVENT_DATA = _events.DATA
cdef int EVENT_PUSH_PROMISE = _events.PUSH_PROMISE
cdef int EVENT_STREAM_CLOSED = _events.STREAM_CLOSED
cdef int EVENT_END_SENT = _events.END_SENT
cdef int EVENT_WRITABLE = _events.WRITABLE
cdef int EVENT_WANT_TRAILERS = _events.WANT_TRAILERS
cdef int EVENT_SETTINGS = _events.SETTINGS
cdef int EVENT_SETTINGS_ACK = _events.SETTINGS_ACK
cdef int EVENT_PING = _events.PING
cdef int EVENT_PING_ACK = _events.PING_ACK
cdef int EVENT_GOAWAY = _events.GOAWAY
cdef int EVENT_GOAWAY_SENT = _events.GOAWAY_SENT
cdef int EVENT_ALTSVC = _events.ALTSVC
cdef int EVENT_ORIGIN = _events.ORIGIN
cdef int EVENT_PRIORITY = _events.PRIORITY
cdef int EVENT_PRIORITY_UPDATE = _events.PRIORITY_UPDATE
cdef int EVENT_FRAME_NOT_SENT = _events.FRAME_NOT_SENT
cdef int EVENT_INVALID_FRAME = _events.INVALID_FRAME
cdef int EVENT_HEADERS_REJECTED = _events.HEADERS_REJECTED
cdef int EVENT_FAILED = _events.FAILED
cdef int EVENT_WINDOW_GIVEN = _events.WINDOW_GIVEN
cdef int EVENT_MEASURED = _events.MEASURED

cdef Py_ssize_t HIGH_WATER = _events.HIGH_WATER

cdef enum:
    # Below this a piece of a body is copied next to its frame header: cheaper than an
    # entry of its own in the vector of buffers that goes to the transport.
    COPY_BELOW = 2048
    # The largest DATA frame that we make, where the peer allows more than 16,384.
    LARGEST_DATA = 65536
    # A field counts its name, its value and this much (RFC 9113 section 6.5.2).
    FIELD_OVERHEAD = 32
    PADDING_ALIGNED = 1
    PADDING_MAX = 2
    FRAME_HEADER = 9
    STREAM_ID_NOT_AVAILABLE = -509
    FLOODED = -904
    # What a session's memory is taken to be, in bytes, where counting would cost more than
    # it is worth: a stream, the queue of a body, and a PING or SETTINGS
    # frame of ours that is not acknowledged.
    STREAM_MEMORY = 1024
    BODY_MEMORY = 128
    FRAME_MEMORY = 512
    # Header blocks up to this are part of STREAM_MEMORY.
    SMALL_BLOCK = 1024
    INVALID_ARGUMENT = -501


def nghttp2_version_string():
    """The version of the linked libnghttp2, such as ``'1.52.0'``."""
    return nghttp2_version(0).version_str.decode("ascii")


cdef object refusal(int code):
    """The exception for a command that nghttp2 refused with *code*."""
    if code == STREAM_ID_NOT_AVAILABLE:
        return new_error("ERR_HTTP2_OUT_OF_STREAMS")
    if code == NGHTTP2_ERR_NOMEM:
        return new_error("ERR_HTTP2_NO_MEM")
    if code == NGHTTP2_ERR_STREAM_CLOSED:
        return new_error("ERR_HTTP2_INVALID_STREAM")
    return nghttp_error(code)


cdef int check_setting(int identifier) except -1:
    """nghttp2 ends the process when it is asked for a setting that it does not know."""
    if 1 <= identifier <= 6 or 8 <= identifier <= 9:
        return 0
    raise new_error("ERR_INVALID_ARG_VALUE", "identifier", identifier)


@cython.final
@cython.no_gc  # it holds buffers: no cycle can go through it
@cython.freelist(256)
cdef class OutgoingBody:
    """What a stream has still to send: a queue of buffers and how it ends.

    Most bodies are one buffer, which needs no list: `queue` is for those behind `first`.
    """

    cdef object first
    cdef list queue
    cdef Py_ssize_t head
    cdef Py_ssize_t offset
    cdef Py_ssize_t pending
    cdef long long sent
    cdef bint ended
    cdef bint deferred
    cdef bint wants_trailers
    cdef bint blocked


cdef nghttp2_session_callbacks *callbacks = NULL
cdef nghttp2_session_callbacks *padding_callbacks = NULL


@cython.final
cdef class Connection:
    """One HTTP/2 connection (RFC 9113), client or server, without I/O."""

    cdef nghttp2_session *_session
    cdef list _batch
    cdef dict _bodies
    cdef StringCache _strings
    cdef OutgoingBlock _outgoing
    cdef object _failure
    cdef bint _busy
    # promised streams whose PUSH_PROMISE is still queued, with the priorities to give them
    cdef dict _promised

    # the block that is being received
    cdef object _block
    cdef list _block_raw
    cdef list _sensitive
    cdef Py_ssize_t _block_pairs
    cdef Py_ssize_t _block_size
    cdef Py_ssize_t _max_pairs
    cdef Py_ssize_t _max_list_size
    cdef bint _list_size_announced

    # what counts for max_session_memory
    cdef Py_ssize_t _queued
    cdef Py_ssize_t _large_blocks
    cdef Py_ssize_t _large_block_bytes
    cdef Py_ssize_t _unacknowledged
    cdef Py_ssize_t _max_memory
    cdef Py_ssize_t _max_rejected
    cdef Py_ssize_t _rejected

    # the bytes that are being gathered
    cdef list _chunks
    cdef char *_small
    cdef Py_ssize_t _small_length
    cdef Py_ssize_t _small_capacity
    cdef Py_ssize_t _gathered
    cdef Py_ssize_t _gather_limit

    # what is counted for who asks: see connection.pyi
    cdef readonly long long bytes_received
    cdef readonly long long bytes_sent
    cdef readonly long long bytes_consumed
    cdef readonly long long frames_received
    cdef readonly long long frames_sent
    cdef readonly long long stream_count
    cdef readonly long long max_open_streams
    cdef long long _open_streams
    cdef long long _blocks
    cdef readonly double last_received
    cdef public bint stamping
    cdef public bint reporting_windows
    cdef public bint measuring

    cdef int _padding
    # bytes that were read and are not given back to the connection's window yet
    cdef long long _unreturned
    cdef readonly bint client
    # the id of the last request that has left the queue
    cdef readonly int32_t last_sent_request

    def __cinit__(
        self,
        bint client,
        *,
        long long max_deflate_dynamic_table_size=4096,
        long long max_settings=32,
        Py_ssize_t max_header_list_pairs=128,
        Py_ssize_t max_header_list_size=65535,
        long long max_send_header_block_length=0,
        int padding_strategy=0,
        uint32_t peer_max_concurrent_streams=100,
        uint32_t max_reserved_remote_streams=200,
        long long stream_reset_burst=1000,
        long long stream_reset_rate=33,
        bint strict_field_whitespace_validation=True,
        bint strict_single_value_fields=True,
        Py_ssize_t max_session_memory=10_000_000,
        Py_ssize_t max_session_rejected_streams=100,
    ):
        cdef nghttp2_option *option = NULL
        cdef int rv
        self.client = client
        self._batch = []
        self._bodies = {}
        self._strings = StringCache.__new__(StringCache)
        self._outgoing = OutgoingBlock.__new__(OutgoingBlock)
        self._outgoing.strict_single_value = strict_single_value_fields
        self._outgoing.strict_whitespace = strict_field_whitespace_validation
        self._max_pairs = max_header_list_pairs
        self._max_list_size = max_header_list_size
        self._padding = padding_strategy
        self._max_memory = max_session_memory
        self._max_rejected = max_session_rejected_streams
        if nghttp2_option_new(&option) != 0:
            raise MemoryError
        nghttp2_option_set_no_auto_window_update(option, 1)
        nghttp2_option_set_no_closed_streams(option, 1)
        nghttp2_option_set_peer_max_concurrent_streams(option, peer_max_concurrent_streams)
        nghttp2_option_set_max_reserved_remote_streams(option, max_reserved_remote_streams)
        nghttp2_option_set_max_deflate_dynamic_table_size(
            option, max_deflate_dynamic_table_size)
        nghttp2_option_set_max_settings(option, max_settings)
        if max_send_header_block_length > 0:
            nghttp2_option_set_max_send_header_block_length(
                option, max_send_header_block_length)
        if not strict_field_whitespace_validation:
            nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(option, 1)
        http2_set_stream_reset_rate_limit(option, stream_reset_burst, stream_reset_rate)
        if client:
            nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_ALTSVC)
            nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_ORIGIN)
        else:
            nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE)
        cdef nghttp2_session_callbacks *used = (
            padding_callbacks if padding_strategy else callbacks)
        if client:
            rv = nghttp2_session_client_new2(&self._session, used, <void *>self, option)
        else:
            rv = nghttp2_session_server_new2(&self._session, used, <void *>self, option)
        nghttp2_option_del(option)
        if rv != 0:
            raise refusal(rv)

    def __dealloc__(self):
        if self._session is not NULL:
            nghttp2_session_del(self._session)
        PyMem_Free(self._small)

    cdef int _alive(self) except -1:
        if self._session is NULL:
            raise new_error("ERR_HTTP2_INVALID_SESSION")
        return 0

    @property
    def closed(self):
        """Whether `close` was called; no other method may be called then."""
        return self._session is NULL

    def close(self):
        """Free the connection's memory. Every later command raises ERR_HTTP2_INVALID_SESSION."""
        if self._busy:
            raise RuntimeError("close() inside receive() or data_to_send()")
        if self._session is not NULL:
            nghttp2_session_del(self._session)
            self._session = NULL
            self._bodies = {}
            self._queued = 0
            self._strings = StringCache.__new__(StringCache)

    # --- bytes in, events out -------------------------------------------------------------

    def receive(self, data):
        """Take *data* from the peer; return the batch of events it makes.

        *data* is any contiguous buffer and is not kept. A fatal error of the peer is the
        event FAILED at the end of the batch, never an exception.
        """
        cdef Py_buffer view
        cdef ssize_t rv
        cdef list batch
        self._alive()
        if self._busy:
            raise RuntimeError("receive() inside receive() or data_to_send()")
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        self.bytes_received += view.len
        if self.stamping:
            self.last_received = monotonic()
        self._busy = True
        try:
            rv = nghttp2_session_mem_recv(self._session, <const uint8_t *>view.buf, view.len)
        finally:
            self._busy = False
            PyBuffer_Release(&view)
        if rv < 0:
            self._raise_failure()
            self._batch.append((EVENT_FAILED, 0, rv, nghttp2_strerror(<int>rv).decode("ascii")))
        batch = self._batch
        self._batch = []
        return batch

    def take_events(self):
        """The events that sending and commands have made since the last batch."""
        cdef list batch = self._batch
        if batch:
            self._batch = []
        return batch

    cdef int _raise_failure(self) except -1:
        if self._failure is not None:
            failure = self._failure
            self._failure = None
            raise failure
        return 0

    # --- commands in, bytes out -----------------------------------------------------------

    def data_to_send(self, Py_ssize_t limit=262144):
        """Some *limit* bytes to write to the peer, as a list of buffers; empty when none.

        Large pieces of bodies are the writers' own buffers, not copies of them.
        """
        cdef const uint8_t *data = NULL
        cdef ssize_t length = 0
        cdef list chunks
        self._alive()
        if self._busy:
            raise RuntimeError("data_to_send() inside receive() or data_to_send()")
        self._chunks = chunks = []
        self._gathered = 0
        self._gather_limit = limit
        self._busy = True
        try:
            while self._gathered < limit:
                length = nghttp2_session_mem_send(self._session, &data)
                if length <= 0:
                    break
                self._gather(data, length)
        finally:
            self._busy = False
        if length < 0:
            self._raise_failure()
            self._batch.append(
                (EVENT_FAILED, 0, length, nghttp2_strerror(<int>length).decode("ascii")))
        self._flush_small()
        self._chunks = None
        self.bytes_sent += self._gathered
        return chunks

    cdef int _gather(self, const void *data, Py_ssize_t length) except -1:
        cdef char *grown
        cdef Py_ssize_t needed = self._small_length + length
        if needed > self._small_capacity:
            needed = max(needed, 2 * self._small_capacity, 4096)
            grown = <char *>PyMem_Realloc(self._small, needed)
            if grown is NULL:
                raise MemoryError
            self._small = grown
            self._small_capacity = needed
        memcpy(self._small + self._small_length, data, length)
        self._small_length += length
        self._gathered += length
        return 0

    cdef int _flush_small(self) except -1:
        if self._small_length:
            self._chunks.append(PyBytes_FromStringAndSize(self._small, self._small_length))
            self._small_length = 0
            if self._small_capacity > 65536:
                # an idle connection keeps no large buffer
                PyMem_Free(self._small)
                self._small = NULL
                self._small_capacity = 0
        return 0

    cdef int _gather_body(self, OutgoingBody body, Py_ssize_t length) except -1:
        """Move *length* bytes from the front of *body* to what is being gathered."""
        cdef object item
        cdef Py_buffer view
        cdef Py_ssize_t size, n
        while length > 0:
            item = body.first
            size = len(item)
            n = min(size - body.offset, length)
            if n < COPY_BELOW:
                if isinstance(item, bytes):
                    self._gather(PyBytes_AS_STRING(item) + body.offset, n)
                else:
                    PyObject_GetBuffer(item, &view, PyBUF_SIMPLE)
                    try:
                        self._gather(<char *>view.buf + body.offset, n)
                    finally:
                        PyBuffer_Release(&view)
            else:
                self._flush_small()
                if n == size:
                    self._chunks.append(item)
                else:
                    self._chunks.append(memoryview(item)[body.offset:body.offset + n])
                self._gathered += n
            length -= n
            self._queued -= n
            body.pending -= n
            body.sent += n
            body.offset += n
            if body.offset == size:
                body.offset = 0
                if body.queue is None:
                    body.first = None
                    continue
                body.first = body.queue[body.head]
                body.queue[body.head] = None
                body.head += 1
                if body.head == len(body.queue):
                    body.queue = None
                    body.head = 0
                elif body.head >= 64 and 2 * body.head > len(body.queue):
                    del body.queue[:body.head]
                    body.head = 0
        return 0

    @property
    def want_read(self):
        """False when the peer's bytes are of no use any more: the connection may end."""
        return self._session is not NULL and nghttp2_session_want_read(self._session) != 0

    @property
    def want_write(self):
        """Whether `data_to_send` has something that flow control allows to go out."""
        return self._session is not NULL and nghttp2_session_want_write(self._session) != 0

    # --- header blocks --------------------------------------------------------------------

    cdef OutgoingBody _new_body(self, int32_t stream_id, bint wants_trailers):
        cdef OutgoingBody body = OutgoingBody.__new__(OutgoingBody)
        body.wants_trailers = wants_trailers
        return body

    def submit_request(
        self, headers, str authority, str scheme, end_stream=None,
        bint wait_for_trailers=False, int32_t parent=0, int32_t weight=16,
        bint exclusive=False,
    ):
        """Queue a request; return ``(stream_id, method, end_stream)``.

        *end_stream* None means what the method usually means: GET, HEAD and DELETE have
        no body. nghttp2 holds the request back while the peer's MAX_CONCURRENT_STREAMS
        does not allow it.
        """
        cdef OutgoingBlock block = self._outgoing
        cdef nghttp2_data_provider provider
        cdef nghttp2_data_provider *used = NULL
        cdef nghttp2_priority_spec priority
        cdef nghttp2_priority_spec *with_priority = NULL
        cdef OutgoingBody body = None
        cdef int32_t stream_id
        cdef str method
        self._alive()
        block.collect(headers, REQUEST)
        block.complete_request(authority, scheme)
        method = block.method
        if end_stream is None:
            end_stream = method == "GET" or method == "HEAD" or method == "DELETE"
        if not end_stream or wait_for_trailers:
            body = self._new_body(0, wait_for_trailers)
            body.ended = end_stream
            provider.source.ptr = <void *>body
            provider.read_callback = read_body
            used = &provider
        if parent or exclusive or weight != 16:
            nghttp2_priority_spec_init(&priority, parent, weight, exclusive)
            with_priority = &priority
        stream_id = nghttp2_submit_request(
            self._session, with_priority, block.fields(), block.count(), used, NULL)
        if stream_id < 0:
            if stream_id == INVALID_ARGUMENT and parent:
                raise new_error("ERR_HTTP2_STREAM_SELF_DEPENDENCY")
            raise refusal(stream_id)
        if body is not None:
            self._bodies[stream_id] = body
        return stream_id, method, end_stream

    def check_request(self, headers, str authority, str scheme):
        """Raise what `submit_request` would; return ``(method, end_stream by default)``."""
        self._alive()
        self._outgoing.collect(headers, REQUEST)
        self._outgoing.complete_request(authority, scheme)
        method = self._outgoing.method
        return method, method in ("GET", "HEAD", "DELETE")

    def check_response(self, headers):
        """Raise what `submit_response` would because of *headers*; return the status."""
        cdef int status
        self._alive()
        self._outgoing.collect(headers, RESPONSE)
        status = self._outgoing.status or 200
        if status < 200 or status > 599:
            raise new_error("ERR_HTTP2_STATUS_INVALID", status)
        return status

    def submit_response(
        self, int32_t stream_id, headers, bint end_stream=False,
        bint wait_for_trailers=False, bint head_request=False, bint send_date=True,
    ):
        """Queue a final response; return ``(end_stream, sent)``.

        ``:status`` is 200 by default, and with *send_date*, ``date`` is added unless
        *headers* has one.
        Statuses 204, 205 and 304, and a HEAD request, end the stream at once. *sent* is
        ``(headers, status, added date or None)``, with a copy of a dict.
        """
        cdef OutgoingBlock block = self._outgoing
        cdef nghttp2_data_provider provider
        cdef nghttp2_data_provider *used = NULL
        cdef OutgoingBody body = None
        cdef str date = None
        cdef int rv, status
        self._alive()
        if stream_id in self._bodies:
            raise new_error("ERR_HTTP2_HEADERS_SENT")
        block.collect(headers, RESPONSE)
        status = block.status
        if status == 0:
            status = 200
            block._add_entry(":status", "200", RESPONSE, None, False)
        elif status < 200 or status > 599:
            raise new_error("ERR_HTTP2_STATUS_INVALID", status)
        if send_date:
            date = block.add_default_date()
        if status == 204 or status == 205 or status == 304 or head_request:
            end_stream = True
        if not end_stream or wait_for_trailers:
            body = self._new_body(stream_id, wait_for_trailers)
            body.ended = end_stream
            provider.source.ptr = <void *>body
            provider.read_callback = read_body
            used = &provider
        rv = nghttp2_submit_response(
            self._session, stream_id, block.fields(), block.count(), used)
        if rv != 0:
            raise refusal(rv)
        if body is not None:
            self._bodies[stream_id] = body
        return end_stream, (block.held, status, date)

    def submit_informational(self, int32_t stream_id, headers):
        """Queue a 1xx response on *stream_id*; return its status.

        Raises ERR_HTTP2_INVALID_INFO_STATUS, ERR_HTTP2_STATUS_101.
        """
        cdef OutgoingBlock block = self._outgoing
        cdef int status, rv
        self._alive()
        block.collect(headers, INFORMATIONAL)
        status = block.status
        if status == 101:
            raise new_error("ERR_HTTP2_STATUS_101")
        if status < 100 or status > 199:
            raise new_error("ERR_HTTP2_INVALID_INFO_STATUS", status)
        rv = nghttp2_submit_headers(
            self._session, NGHTTP2_FLAG_NONE, stream_id, NULL, block.fields(), block.count(),
            NULL)
        if rv != 0:
            raise refusal(rv)
        return status

    def submit_trailers(self, int32_t stream_id, headers):
        """Queue the trailers that end *stream_id*; without fields, an empty DATA frame does."""
        cdef OutgoingBlock block = self._outgoing
        cdef OutgoingBody body
        cdef nghttp2_data_provider provider
        cdef int rv
        self._alive()
        block.collect(headers, TRAILERS)
        if block.count():
            rv = nghttp2_submit_trailer(
                self._session, stream_id, block.fields(), block.count())
        else:
            body = self._bodies.get(stream_id)
            if body is None:
                raise new_error("ERR_HTTP2_INVALID_STREAM")
            body.wants_trailers = False
            provider.source.ptr = <void *>body
            provider.read_callback = read_body
            rv = nghttp2_submit_data(
                self._session, NGHTTP2_FLAG_END_STREAM, stream_id, &provider)
        if rv != 0:
            raise refusal(rv)

    def expect_trailers(self, int32_t stream_id):
        """Make a body that has not ended wait for trailers, as *wait_for_trailers* would have."""
        cdef OutgoingBody body
        self._alive()
        body = self._bodies.get(stream_id)
        if body is None or body.ended:
            raise new_error("ERR_HTTP2_INVALID_STREAM")
        body.wants_trailers = True

    def submit_push_promise(
        self, int32_t stream_id, headers, str authority, str scheme, int32_t parent=0,
        bint exclusive=False,
    ):
        """Promise a response to *headers* on *stream_id*; return ``(promised id, method)``.

        Only GET and HEAD may be promised (RFC 9113 section 8.4). The stream depends on
        *stream_id* unless *parent* says otherwise (RFC 7540 section 5.3.5).
        """
        cdef OutgoingBlock block = self._outgoing
        cdef int32_t promised
        self._alive()
        block.collect(headers, PUSH_REQUEST)
        block.complete_request(authority, scheme)
        if block.method != "GET" and block.method != "HEAD":
            raise new_error("ERR_INVALID_ARG_VALUE", "headers[':method']", block.method)
        if parent and parent == <int32_t>nghttp2_session_get_next_stream_id(self._session):
            raise new_error("ERR_HTTP2_STREAM_SELF_DEPENDENCY")
        promised = nghttp2_submit_push_promise(
            self._session, NGHTTP2_FLAG_NONE, stream_id, block.fields(), block.count(), NULL)
        if promised < 0:
            raise refusal(promised)
        if self._promised is None:
            self._promised = {}
        self._promised[promised] = changes = []
        if parent or exclusive:
            changes.append((parent or stream_id, 16, exclusive))
        return promised, block.method

    # --- bodies ---------------------------------------------------------------------------

    def write(self, int32_t stream_id, data, bint end=False):
        """Queue *data* (a buffer or None) on *stream_id*; return the bytes now queued.

        `bytes` and read-only buffers are sent from where they are, others are copied now.
        -1 means that the stream takes no more data: it is closed or has ended.
        """
        cdef OutgoingBody body
        cdef Py_ssize_t size
        self._alive()
        body = self._bodies.get(stream_id)
        if body is None or body.ended:
            return -1
        if data is not None:
            if not PyBytes_CheckExact(data):
                view = memoryview(data)
                if view.readonly and view.c_contiguous:
                    data = view.cast("B")
                else:
                    data = bytes(view)
            size = len(data)
            if size:
                if body.first is None:
                    body.first = data
                elif body.queue is None:
                    body.queue = [data]
                else:
                    body.queue.append(data)
                body.pending += size
                self._queued += size
        body.ended = end
        if body.deferred and (body.pending or end):
            body.deferred = False
            nghttp2_session_resume_data(self._session, stream_id)
        if body.pending >= HIGH_WATER:
            body.blocked = True
        return body.pending

    def pending(self, int32_t stream_id):
        """Bytes queued on *stream_id* that have not been gathered for sending."""
        self._alive()
        cdef OutgoingBody body = self._bodies.get(stream_id)
        return 0 if body is None else body.pending

    def body_sent(self, int32_t stream_id):
        """Bytes of the body on *stream_id* that have been gathered for sending so far."""
        self._alive()
        cdef OutgoingBody body = self._bodies.get(stream_id)
        return 0 if body is None else body.sent

    def unsent_bodies(self):
        """``(stream_id, bytes sent)`` of every stream with bytes that wait to be sent."""
        self._alive()
        cdef list found = []
        cdef OutgoingBody body
        for stream_id, item in self._bodies.items():
            body = <OutgoingBody>item
            if body.pending:
                found.append((stream_id, body.sent))
        return found

    def consume(self, int32_t stream_id, Py_ssize_t size):
        """Let the peer send *size* more bytes: the application has read as many (RFC 9113
        section 5.2). A stream that is gone counts for the connection's window alone.

        The connection's window is given back by halves; when more than half of it is
        unread and the rest nearly used up, whatever there is. nghttp2, which knows halves
        alone, would starve all streams for one that nobody reads.
        """
        cdef int32_t window, due, received
        cdef int rv
        self._alive()
        if size < 0:
            raise new_error("ERR_OUT_OF_RANGE", "size", ">= 0", size)
        self.bytes_consumed += size
        rv = nghttp2_session_consume_stream(self._session, stream_id, size)
        if rv != 0:
            raise refusal(rv)
        self._unreturned += size
        window = nghttp2_session_get_effective_local_window_size(self._session)
        received = nghttp2_session_get_effective_recv_data_length(self._session)
        if 2 * self._unreturned >= window or (
            2 * (received - self._unreturned) > window
            and 4 * <long long>nghttp2_session_get_local_window_size(self._session) < window
        ):
            # never more than what has come, whatever the caller says
            due = <int32_t>min(self._unreturned, <long long>received)
            self._unreturned = 0
            if due > 0:
                rv = nghttp2_submit_window_update(self._session, NGHTTP2_FLAG_NONE, 0, due)
                if rv != 0:
                    raise refusal(rv)

    def set_local_window_size(self, int32_t size, int32_t stream_id=0):
        """Make the receive window of a stream, or with 0 of the connection, *size* bytes."""
        self._alive()
        cdef int rv = nghttp2_session_set_local_window_size(
            self._session, NGHTTP2_FLAG_NONE, stream_id, size)
        if rv != 0:
            raise refusal(rv)

    # --- other frames ---------------------------------------------------------------------

    def submit_settings(self, pairs):
        """Queue a SETTINGS frame of (identifier, value) *pairs*."""
        cdef nghttp2_settings_entry[64] entries
        cdef size_t count = 0
        cdef int rv
        self._alive()
        pairs = list(pairs)
        if len(pairs) > 64:
            raise ValueError("a SETTINGS frame of more than 64 entries")
        for identifier, value in pairs:
            entries[count].settings_id = identifier
            entries[count].value = value
            count += 1
            if identifier == NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE:
                self._list_size_announced = True
        rv = nghttp2_submit_settings(self._session, NGHTTP2_FLAG_NONE, entries, count)
        if rv != 0:
            raise refusal(rv)
        self._unacknowledged += 1

    def local_setting(self, int identifier):
        """The value of one of our settings that the peer has acknowledged."""
        self._alive()
        check_setting(identifier)
        return nghttp2_session_get_local_settings(self._session, identifier)

    def remote_setting(self, int identifier):
        """The value of one of the peer's settings."""
        self._alive()
        check_setting(identifier)
        return nghttp2_session_get_remote_settings(self._session, identifier)

    def reset(self, int32_t stream_id, uint32_t error_code):
        """Queue RST_STREAM; a request that still waits in the queue is taken out of it."""
        cdef OutgoingBody body
        self._alive()
        if self.client and stream_id % 2 == 1 and stream_id > self.last_sent_request:
            body = self._bodies.get(stream_id)
            if body is not None:
                # nghttp2 keeps the request until its turn comes; its body needs no keeping
                body.first = body.queue = None
                body.pending = body.head = body.offset = 0
        cdef int rv = nghttp2_submit_rst_stream(
            self._session, NGHTTP2_FLAG_NONE, stream_id, error_code)
        if rv != 0:
            raise refusal(rv)

    def ping(self, const uint8_t[::1] payload):
        """Queue a PING of the 8 bytes *payload*; the answer is the event PING_ACK."""
        self._alive()
        if payload.shape[0] != 8:
            raise new_error("ERR_HTTP2_PING_LENGTH")
        cdef int rv = nghttp2_submit_ping(self._session, NGHTTP2_FLAG_NONE, &payload[0])
        if rv != 0:
            raise refusal(rv)
        self._unacknowledged += 1

    def goaway(self, uint32_t error_code=0, int32_t last_stream_id=0, bytes opaque_data=b""):
        """Queue GOAWAY; *last_stream_id* 0 means the last one that was received."""
        cdef int rv
        self._alive()
        if last_stream_id <= 0:
            last_stream_id = nghttp2_session_get_last_proc_stream_id(self._session)
        rv = nghttp2_submit_goaway(
            self._session, NGHTTP2_FLAG_NONE, last_stream_id, error_code,
            <const uint8_t *>PyBytes_AS_STRING(opaque_data), PyBytes_GET_SIZE(opaque_data))
        if rv != 0:
            raise refusal(rv)

    def shutdown_notice(self):
        """Queue the first GOAWAY of a two-step shutdown (RFC 9113 section 6.8); server only."""
        self._alive()
        cdef int rv = nghttp2_submit_shutdown_notice(self._session)
        if rv != 0:
            raise refusal(rv)

    def terminate(self, uint32_t error_code):
        """Queue the last GOAWAY: nothing of the peer's is processed any more."""
        self._alive()
        cdef int rv = nghttp2_session_terminate_session(self._session, error_code)
        if rv != 0:
            raise refusal(rv)

    def altsvc(self, int32_t stream_id, bytes origin, bytes field_value):
        """Queue ALTSVC (RFC 7838 section 4); server only."""
        self._alive()
        cdef int rv = nghttp2_submit_altsvc(
            self._session, NGHTTP2_FLAG_NONE, stream_id,
            <const uint8_t *>PyBytes_AS_STRING(origin), PyBytes_GET_SIZE(origin),
            <const uint8_t *>PyBytes_AS_STRING(field_value), PyBytes_GET_SIZE(field_value))
        if rv != 0:
            raise refusal(rv)

    def origin(self, origins):
        """Queue ORIGIN (RFC 8336) with the `bytes` of *origins*; server only."""
        cdef nghttp2_origin_entry *entries
        cdef size_t count = 0
        cdef int rv
        cdef list kept = list(origins)
        self._alive()
        entries = <nghttp2_origin_entry *>PyMem_Malloc(
            max(1, len(kept)) * sizeof(nghttp2_origin_entry))
        if entries is NULL:
            raise MemoryError
        try:
            for entry in kept:
                entries[count].origin = <uint8_t *>PyBytes_AS_STRING(<bytes?>entry)
                entries[count].origin_len = PyBytes_GET_SIZE(<bytes?>entry)
                count += 1
            rv = nghttp2_submit_origin(self._session, NGHTTP2_FLAG_NONE, entries, count)
        finally:
            PyMem_Free(entries)
        if rv != 0:
            raise refusal(rv)

    def priority(
        self, int32_t stream_id, int32_t parent=0, int32_t weight=16, bint exclusive=False,
        bint silent=False,
    ):
        """Change a stream's RFC 7540 priority; unless *silent*, tell the peer with PRIORITY."""
        cdef nghttp2_priority_spec spec
        cdef int rv
        self._alive()
        if parent == stream_id:
            raise new_error("ERR_HTTP2_STREAM_SELF_DEPENDENCY")
        if silent:
            self._prioritize(stream_id, (parent, weight, exclusive))
            return
        nghttp2_priority_spec_init(&spec, parent, weight, exclusive)
        rv = nghttp2_submit_priority(self._session, NGHTTP2_FLAG_NONE, stream_id, &spec)
        if rv != 0:
            raise refusal(rv)

    def set_urgency(self, int32_t stream_id, uint32_t urgency, bint incremental):
        """Change a stream's RFC 9218 priority here, over what the client says; server only.

        Without effect unless SETTINGS_NO_RFC7540_PRIORITIES was 1 in our first SETTINGS.
        """
        self._alive()
        self._prioritize(stream_id, (urgency, incremental))

    cdef int _prioritize(self, int32_t stream_id, tuple change) except -1:
        if self._promised is not None and stream_id in self._promised:
            # for nghttp2, the stream begins with its PUSH_PROMISE on the wire
            (<list>self._promised[stream_id]).append(change)
            return 0
        if nghttp2_session_find_stream(self._session, stream_id) is NULL:
            # it waits for its turn, or has just ended: it has no place in the order
            return 0
        cdef int rv = self._change_priority(stream_id, change)
        if rv != 0:
            raise refusal(rv)
        return 0

    cdef int _change_priority(self, int32_t stream_id, tuple change) except? -1:
        """Apply (parent, weight, exclusive) or (urgency, incremental); nghttp2's code."""
        cdef nghttp2_priority_spec spec
        cdef nghttp2_extpri extpri
        if len(change) == 3:
            nghttp2_priority_spec_init(&spec, change[0], change[1], change[2])
            return nghttp2_session_change_stream_priority(self._session, stream_id, &spec)
        extpri.urgency = change[0]
        extpri.inc = change[1]
        return nghttp2_session_change_extpri_stream_priority(
            self._session, stream_id, &extpri, 1)

    def priority_update(self, int32_t stream_id, bytes field_value):
        """Queue PRIORITY_UPDATE (RFC 9218 section 7.1); client only."""
        self._alive()
        cdef int rv = nghttp2_submit_priority_update(
            self._session, NGHTTP2_FLAG_NONE, stream_id,
            <const uint8_t *>PyBytes_AS_STRING(field_value), PyBytes_GET_SIZE(field_value))
        if rv != 0:
            raise refusal(rv)

    def set_next_stream_id(self, int32_t stream_id):
        """Give the next stream that we open *stream_id*, which must be larger than before."""
        self._alive()
        cdef int rv = nghttp2_session_set_next_stream_id(self._session, stream_id)
        if rv != 0:
            raise refusal(rv)

    # --- state ----------------------------------------------------------------------------

    @property
    def receiving_block(self):
        """The ordinal of the header block that has begun to come and is not complete, or 0."""
        return 0 if self._block is None else self._blocks

    def stream_window(self, int32_t stream_id):
        """The receive window of a stream in all, in bytes; -1 when there is no such stream."""
        self._alive()
        return nghttp2_session_get_stream_effective_local_window_size(self._session, stream_id)

    def connection_window(self):
        """The receive window of the connection in all, in bytes."""
        self._alive()
        return nghttp2_session_get_effective_local_window_size(self._session)

    @property
    def last_received_stream_id(self):
        """The id of the last stream of the peer's that was processed."""
        self._alive()
        return nghttp2_session_get_last_proc_stream_id(self._session)

    def state(self):
        """The connection's windows, queue and tables, by the names of `Http2Session.state`."""
        self._alive()
        cdef nghttp2_session *session = self._session
        return {
            "effective_local_window_size":
                nghttp2_session_get_effective_local_window_size(session),
            "effective_recv_data_length":
                nghttp2_session_get_effective_recv_data_length(session),
            "next_stream_id": nghttp2_session_get_next_stream_id(session),
            "local_window_size": nghttp2_session_get_local_window_size(session),
            "last_proc_stream_id": nghttp2_session_get_last_proc_stream_id(session),
            "remote_window_size": nghttp2_session_get_remote_window_size(session),
            "outbound_queue_size": nghttp2_session_get_outbound_queue_size(session),
            "deflate_dynamic_table_size":
                nghttp2_session_get_hd_deflate_dynamic_table_size(session),
            "inflate_dynamic_table_size":
                nghttp2_session_get_hd_inflate_dynamic_table_size(session),
        }

    def stream_state(self, int32_t stream_id):
        """A stream's state, by the names of `Http2Stream.state`; None when it is gone."""
        self._alive()
        cdef nghttp2_stream *stream = nghttp2_session_find_stream(self._session, stream_id)
        if stream is NULL:
            return None
        return {
            "state": nghttp2_stream_get_state(stream),
            "weight": nghttp2_stream_get_weight(stream),
            "sum_dependency_weight": nghttp2_stream_get_sum_dependency_weight(stream),
            "local_close": nghttp2_session_get_stream_local_close(self._session, stream_id),
            "remote_close": nghttp2_session_get_stream_remote_close(self._session, stream_id),
            "local_window_size":
                nghttp2_session_get_stream_local_window_size(self._session, stream_id),
        }

    cdef void _stream_begun(self) noexcept:
        self.stream_count += 1
        self._open_streams += 1
        if self._open_streams > self.max_open_streams:
            self.max_open_streams = self._open_streams

    def memory(self):
        """Bytes that the session is taken to hold: what `max_session_memory` limits.

        Bodies that wait to be sent, the tables of header compression, PING and SETTINGS
        frames that are not acknowledged, streams, and the peer's header blocks.
        """
        self._alive()
        return self._memory()

    cdef Py_ssize_t _memory(self):
        return (
            self._queued
            + <Py_ssize_t>nghttp2_session_get_hd_deflate_dynamic_table_size(self._session)
            + <Py_ssize_t>nghttp2_session_get_hd_inflate_dynamic_table_size(self._session)
            + self._unacknowledged * FRAME_MEMORY
            + <Py_ssize_t>self._open_streams * STREAM_MEMORY
            + self._large_block_bytes
            + <Py_ssize_t>len(self._bodies) * BODY_MEMORY
        )

    cdef int _refuse_stream(self, int32_t stream_id) except -1:
        """There is no memory for a stream that the peer opens (Node: a credit-based limit)."""
        nghttp2_submit_rst_stream(
            self._session, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_ENHANCE_YOUR_CALM)
        self._rejected += 1
        self._report(EVENT_HEADERS_REJECTED, stream_id, None, None)
        if self._rejected == self._max_rejected + 1:
            self._report(
                EVENT_FAILED, 0, FLOODED, "the peer goes on opening streams that are refused")
        return 0

    cdef int _keep_block(self, int32_t stream_id) except -1:
        """Count a large header block until its stream is closed."""
        nghttp2_session_set_stream_user_data(
            self._session, stream_id, <void *>self._block_size)
        self._large_blocks += 1
        self._large_block_bytes += self._block_size
        return 0

    cdef int _drop_block(self, int32_t stream_id) except -1:
        cdef Py_ssize_t size = <Py_ssize_t>nghttp2_session_get_stream_user_data(
            self._session, stream_id)
        if size:
            self._large_blocks -= 1
            self._large_block_bytes -= size
        return 0

    cdef int _report(self, int kind, int32_t stream_id, first, second) except -1:
        self._batch.append((kind, stream_id, first, second))
        return 0

    cdef object _take_block(self):
        """The `Headers` of the block that is complete now."""
        cdef object block = self._block
        self._block = None
        if self._block_raw is not None:
            block._raw = self._block_raw
        if self._sensitive is not None:
            block._sensitive = self._sensitive
        return block

    cdef int _report_goaway(self, int kind, const nghttp2_frame *frame) except -1:
        return self._report(
            kind, frame.goaway.last_stream_id, frame.goaway.error_code,
            PyBytes_FromStringAndSize(
                <const char *>frame.goaway.opaque_data, frame.goaway.opaque_data_len))

    cdef int _fail(self, BaseException failure) noexcept:
        """Keep what went wrong in a callback; the call that ran nghttp2 raises it."""
        if self._failure is None:
            self._failure = failure
        return NGHTTP2_ERR_CALLBACK_FAILURE


# --- nghttp2's callbacks: they append to the batch and do nothing else ---------------------

cdef int on_begin_headers(
    nghttp2_session *session, const nghttp2_frame *frame, void *user_data
) noexcept:
    cdef Connection self = <Connection>user_data
    cdef int32_t stream_id
    try:
        self._blocks += 1
        if frame.hd.type == NGHTTP2_PUSH_PROMISE or frame.headers.cat == NGHTTP2_HCAT_REQUEST:
            self._stream_begun()
            if self._memory() > self._max_memory:
                stream_id = (
                    frame.push_promise.promised_stream_id
                    if frame.hd.type == NGHTTP2_PUSH_PROMISE else frame.hd.stream_id)
                self._refuse_stream(stream_id)
                return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
            self._rejected = 0
        self._block = new_headers()
        self._block_raw = None
        self._sensitive = None
        self._block_pairs = 0
        self._block_size = 0
        return 0
    except BaseException as failure:
        return self._fail(failure)


cdef int on_header(
    nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
    nghttp2_rcbuf *value, uint8_t flags, void *user_data,
) noexcept:
    cdef Connection self = <Connection>user_data
    cdef str text
    cdef int32_t stream_id
    try:
        self._block_size += (
            nghttp2_rcbuf_get_buf(name).len + nghttp2_rcbuf_get_buf(value).len
            + FIELD_OVERHEAD)
        self._block_pairs += 1
        if self._block_pairs > self._max_pairs or self._block_size > self._max_list_size:
            stream_id = (
                frame.push_promise.promised_stream_id if frame.hd.type == NGHTTP2_PUSH_PROMISE
                else frame.hd.stream_id)
            nghttp2_submit_rst_stream(
                session, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_ENHANCE_YOUR_CALM)
            self._report(EVENT_HEADERS_REJECTED, stream_id, None, None)
            self._block = None
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
        text = self._strings.text(name)
        self._block_raw = add_received(
            self._block, self._block_raw, text, self._strings.text(value))
        if flags & NGHTTP2_NV_FLAG_NO_INDEX:
            if self._sensitive is None:
                self._sensitive = []
            self._sensitive.append(text)
        return 0
    except BaseException as failure:
        return self._fail(failure)


cdef int on_data_chunk_recv(
    nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data,
    size_t length, void *user_data,
) noexcept:
    cdef Connection self = <Connection>user_data
    try:
        self._batch.append((
            EVENT_DATA, stream_id, PyBytes_FromStringAndSize(<const char *>data, length), False))
        return 0
    except BaseException as failure:
        return self._fail(failure)


cdef int on_frame_recv(
    nghttp2_session *session, const nghttp2_frame *frame, void *user_data
) noexcept:
    cdef Connection self = <Connection>user_data
    cdef uint8_t kind = frame.hd.type
    cdef uint8_t flags = frame.hd.flags
    cdef int32_t stream_id = frame.hd.stream_id
    self.frames_received += 1
    cdef nghttp2_ext_altsvc *altsvc
    cdef nghttp2_ext_origin *origin
    cdef nghttp2_ext_priority_update *update
    cdef tuple last
    cdef size_t i
    try:
        if kind == NGHTTP2_DATA:
            if flags & NGHTTP2_FLAG_END_STREAM:
                if self._batch:
                    last = self._batch[-1]
                    if <int>last[0] == EVENT_DATA and <int32_t>last[1] == stream_id:
                        self._batch[-1] = (EVENT_DATA, stream_id, last[2], True)
                        return 0
                self._report(EVENT_DATA, stream_id, b"", True)
        elif kind == NGHTTP2_HEADERS:
            # the categories are the event kinds
            if self._block_size > SMALL_BLOCK and frame.headers.cat == NGHTTP2_HCAT_REQUEST:
                self._keep_block(stream_id)
            self._report(<int>frame.headers.cat, stream_id, self._take_block(), flags)
        elif kind == NGHTTP2_PUSH_PROMISE:
            if self._block_size > SMALL_BLOCK:
                self._keep_block(frame.push_promise.promised_stream_id)
            self._report(
                EVENT_PUSH_PROMISE, stream_id, self._take_block(),
                frame.push_promise.promised_stream_id)
        elif kind == NGHTTP2_SETTINGS:
            if flags & NGHTTP2_FLAG_ACK:
                if self._unacknowledged:
                    self._unacknowledged -= 1
                if self._list_size_announced:
                    self._max_list_size = nghttp2_session_get_local_settings(
                        session, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE)
                self._report(EVENT_SETTINGS_ACK, 0, None, None)
            else:
                self._report(
                    EVENT_SETTINGS, 0,
                    [(frame.settings.iv[i].settings_id, frame.settings.iv[i].value)
                     for i in range(frame.settings.niv)], None)
        elif kind == NGHTTP2_PING:
            if flags & NGHTTP2_FLAG_ACK and self._unacknowledged:
                self._unacknowledged -= 1
            self._report(
                EVENT_PING_ACK if flags & NGHTTP2_FLAG_ACK else EVENT_PING, 0,
                PyBytes_FromStringAndSize(<const char *>frame.ping.opaque_data, 8), None)
        elif kind == NGHTTP2_GOAWAY:
            self._report_goaway(EVENT_GOAWAY, frame)
        elif kind == NGHTTP2_PRIORITY:
            self._report(
                EVENT_PRIORITY, stream_id,
                (frame.priority.pri_spec.stream_id, frame.priority.pri_spec.weight,
                 bool(frame.priority.pri_spec.exclusive)), None)
        elif kind == NGHTTP2_ALTSVC:
            altsvc = <nghttp2_ext_altsvc *>frame.ext.payload
            self._report(
                EVENT_ALTSVC, stream_id,
                latin1(altsvc.origin, altsvc.origin_len),
                latin1(altsvc.field_value, altsvc.field_value_len))
        elif kind == NGHTTP2_ORIGIN:
            origin = <nghttp2_ext_origin *>frame.ext.payload
            self._report(
                EVENT_ORIGIN, 0,
                [latin1(origin.ov[i].origin, origin.ov[i].origin_len)
                 for i in range(origin.nov)], None)
        elif kind == NGHTTP2_PRIORITY_UPDATE:
            update = <nghttp2_ext_priority_update *>frame.ext.payload
            self._report(
                EVENT_PRIORITY_UPDATE, update.stream_id,
                PyBytes_FromStringAndSize(
                    <const char *>update.field_value, update.field_value_len), None)
        return 0
    except BaseException as failure:
        return self._fail(failure)


cdef str latin1(const uint8_t *data, size_t length):
    if length == 0:
        return ""
    return data[:length].decode("latin-1")


cdef int on_frame_send(
    nghttp2_session *session, const nghttp2_frame *frame, void *user_data
) noexcept:
    cdef Connection self = <Connection>user_data
    cdef uint8_t kind = frame.hd.type
    self.frames_sent += 1
    try:
        if kind == NGHTTP2_DATA or (
            kind == NGHTTP2_HEADERS and frame.headers.cat == NGHTTP2_HCAT_HEADERS
        ):
            if frame.hd.flags & NGHTTP2_FLAG_END_STREAM:
                self._report(EVENT_END_SENT, frame.hd.stream_id, None, None)
        elif kind == NGHTTP2_HEADERS:
            if frame.headers.cat == NGHTTP2_HCAT_REQUEST:
                self.last_sent_request = frame.hd.stream_id
                self._stream_begun()
                if self.measuring:
                    self._report(EVENT_MEASURED, frame.hd.stream_id, 0, None)
        elif kind == NGHTTP2_WINDOW_UPDATE:
            if self.reporting_windows:
                self._report(EVENT_WINDOW_GIVEN, frame.hd.stream_id, None, None)
        elif kind == NGHTTP2_PUSH_PROMISE:
            self._stream_begun()
            for change in self._promised.pop(frame.push_promise.promised_stream_id, ()):
                self._change_priority(frame.push_promise.promised_stream_id, change)
            if self.measuring:
                self._report(
                    EVENT_MEASURED, frame.push_promise.promised_stream_id, 0, None)
        elif kind == NGHTTP2_GOAWAY:
            self._report_goaway(EVENT_GOAWAY_SENT, frame)
        return 0
    except BaseException as failure:
        return self._fail(failure)


cdef int on_frame_not_send(
    nghttp2_session *session, const nghttp2_frame *frame, int lib_error, void *user_data
) noexcept:
    cdef Connection self = <Connection>user_data
    cdef OutgoingBody body
    try:
        if (
            frame.hd.type == NGHTTP2_HEADERS
            and nghttp2_session_find_stream(session, frame.hd.stream_id) is NULL
        ):
            # there is no stream whose end would take its body away
            body = self._bodies.pop(frame.hd.stream_id, None)
            if body is not None:
                self._queued -= body.pending
        elif frame.hd.type == NGHTTP2_PUSH_PROMISE:
            self._promised.pop(frame.push_promise.promised_stream_id, None)
            self._report(
                EVENT_FRAME_NOT_SENT, frame.push_promise.promised_stream_id, frame.hd.type,
                lib_error)
            return 0
        self._report(EVENT_FRAME_NOT_SENT, frame.hd.stream_id, frame.hd.type, lib_error)
        return 0
    except BaseException as failure:
        return self._fail(failure)


cdef int on_invalid_frame_recv(
    nghttp2_session *session, const nghttp2_frame *frame, int lib_error, void *user_data
) noexcept:
    cdef Connection self = <Connection>user_data
    try:
        self._block = None
        self._report(EVENT_INVALID_FRAME, frame.hd.stream_id, frame.hd.type, lib_error)
        return 0
    except BaseException as failure:
        return self._fail(failure)


cdef int on_stream_close(
    nghttp2_session *session, int32_t stream_id, uint32_t error_code, void *user_data
) noexcept:
    cdef Connection self = <Connection>user_data
    cdef tuple last
    cdef OutgoingBody body
    if self._open_streams > 0:
        self._open_streams -= 1
    try:
        body = self._bodies.pop(stream_id, None)
        if body is not None:
            self._queued -= body.pending
        if self._large_blocks and (stream_id & 1) != self.client:
            self._drop_block(stream_id)
        if self._batch:
            last = self._batch[-1]
            if <int>last[0] == EVENT_END_SENT and <int32_t>last[1] == stream_id:
                self._batch[-1] = (EVENT_STREAM_CLOSED, stream_id, error_code, None)
                return 0
        self._report(EVENT_STREAM_CLOSED, stream_id, error_code, None)
        return 0
    except BaseException as failure:
        return self._fail(failure)


cdef ssize_t read_body(
    nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t length,
    uint32_t *data_flags, nghttp2_data_source *source, void *user_data,
) noexcept:
    cdef Connection self = <Connection>user_data
    cdef OutgoingBody body = <OutgoingBody>source.ptr
    cdef Py_ssize_t n
    try:
        n = min(body.pending, <Py_ssize_t>length)
        if n == 0 and not body.ended:
            body.deferred = True
            return NGHTTP2_ERR_DEFERRED
        data_flags[0] |= NGHTTP2_DATA_FLAG_NO_COPY
        if n == body.pending and body.ended:
            data_flags[0] |= NGHTTP2_DATA_FLAG_EOF
            if body.wants_trailers:
                data_flags[0] |= NGHTTP2_DATA_FLAG_NO_END_STREAM
                self._report(EVENT_WANT_TRAILERS, stream_id, None, None)
        return n
    except BaseException as failure:
        return self._fail(failure)


cdef int send_data(
    nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_header,
    size_t length, nghttp2_data_source *source, void *user_data,
) noexcept:
    cdef Connection self = <Connection>user_data
    cdef OutgoingBody body
    cdef uint8_t[256] padding
    try:
        if self._gathered >= self._gather_limit:
            return NGHTTP2_ERR_WOULDBLOCK
        body = <OutgoingBody>source.ptr
        self._gather(frame_header, FRAME_HEADER)
        if frame.data.padlen:
            memset(padding, 0, 256)
            padding[0] = <uint8_t>(frame.data.padlen - 1)
            self._gather(padding, 1)
        self._gather_body(body, length)
        if self.measuring:
            self._report(EVENT_MEASURED, frame.hd.stream_id, 1, length)
        if frame.data.padlen > 1:
            padding[0] = 0
            self._gather(padding, frame.data.padlen - 1)
        if body.blocked and body.pending <= HIGH_WATER // 4:
            body.blocked = False
            self._report(EVENT_WRITABLE, frame.hd.stream_id, None, None)
        return 0
    except BaseException as failure:
        return self._fail(failure)


cdef ssize_t select_padding(
    nghttp2_session *session, const nghttp2_frame *frame, size_t max_payload, void *user_data
) noexcept:
    cdef Connection self = <Connection>user_data
    cdef size_t length = frame.hd.length
    cdef size_t padded
    if self._padding == PADDING_MAX:
        padded = length + 256
    else:
        # the whole frame, with its header, in multiples of 8
        padded = ((length + FRAME_HEADER + 7) & ~<size_t>7) - FRAME_HEADER
    return min(padded, max_payload)


cdef ssize_t data_read_length(
    nghttp2_session *session, uint8_t frame_type, int32_t stream_id, int32_t session_window,
    int32_t stream_window, uint32_t max_frame_size, void *user_data,
) noexcept:
    return LARGEST_DATA


cdef int make_callbacks(nghttp2_session_callbacks **made, bint padding) except -1:
    if nghttp2_session_callbacks_new(made) != 0:
        raise MemoryError
    cdef nghttp2_session_callbacks *cbs = made[0]
    nghttp2_session_callbacks_set_on_begin_headers_callback(cbs, on_begin_headers)
    nghttp2_session_callbacks_set_on_header_callback2(cbs, on_header)
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cbs, on_data_chunk_recv)
    nghttp2_session_callbacks_set_on_frame_recv_callback(cbs, on_frame_recv)
    nghttp2_session_callbacks_set_on_frame_send_callback(cbs, on_frame_send)
    nghttp2_session_callbacks_set_on_frame_not_send_callback(cbs, on_frame_not_send)
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(cbs, on_invalid_frame_recv)
    nghttp2_session_callbacks_set_on_stream_close_callback(cbs, on_stream_close)
    nghttp2_session_callbacks_set_send_data_callback(cbs, send_data)
    nghttp2_session_callbacks_set_data_source_read_length_callback(cbs, data_read_length)
    if padding:
        nghttp2_session_callbacks_set_select_padding_callback(cbs, select_padding)
    return 0


make_callbacks(&callbacks, False)
make_callbacks(&padding_callbacks, True)
