# cython: language_level=3, boundscheck=False, initializedcheck=False
"""One HTTP/2 connection without I/O: bytes in, events out; commands in, bytes out.

A thin binding of one `nghttp2_session`, in either role. No user code runs while nghttp2
is on the stack: its callbacks (`callbacks.pyx`) only append to a batch of events
(`http2.engine.events`). An exception in a callback is raised by the call that ran nghttp2.
This file has the streams; `session.pyx` has what concerns the whole connection.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport UINT64_MAX, int32_t, uint8_t, uint32_t

from http2.engine.budget cimport (
    CLIENT_PREFACE,
    OF_FRAMES,
    REPORTED,
    allow,
    count_frames,
)
from http2.engine.callbacks cimport callbacks_for
from http2.engine.frame_watch cimport FrameWatch
from http2.engine.header_block cimport (
    INFORMATIONAL,
    PUSH_REQUEST,
    REQUEST,
    RESPONSE,
    TRAILERS,
    OutgoingBlock,
    StringCache,
)
from http2.engine.nghttp2 cimport *
from http2.engine.outgoing cimport OutgoingBody, Output
from http2.engine.sending cimport read_body
from http2.engine.session cimport Session, checked

from time import monotonic

from http2.engine import events as _events
from http2.errors import new_error

__all__ = ["Connection", "nghttp2_version_string"]

cdef int EVENT_DATA = _events.DATA
cdef int EVENT_FAILED = _events.FAILED
# Events of a stream that are dropped if the stream was reset in the batch that began it.
cdef frozenset OF_ONE_STREAM = frozenset({
    _events.REQUEST, _events.HEADERS, _events.STREAM_CLOSED, _events.INVALID_FRAME,
    _events.FRAME_NOT_SENT,
})
# The largest possible stream identifier.
cdef int32_t LAST_STREAM_ID = 0x7FFFFFFF

cdef Py_ssize_t HIGH_WATER = _events.HIGH_WATER

# Reported to the peer and to the program when an allowance is used up.
cdef str SPENT_FRAMES = (
    "too many frames that carry nothing (control_frame_burst, control_frame_rate)")
cdef str SPENT_RESETS = "too many streams were reset (stream_reset_burst, stream_reset_rate)"


def nghttp2_version_string():
    """Return the version of the linked libnghttp2, such as ``'1.52.0'``."""
    return nghttp2_version(0).version_str.decode("ascii")


cdef bint usually_bodiless(str method) except -1:
    return method == "GET" or method == "HEAD" or method == "DELETE"


cdef OutgoingBody new_body(bint ended, bint wants_trailers, long long declared):
    cdef OutgoingBody body = OutgoingBody.__new__(OutgoingBody)
    body.ended = ended
    body.declared = declared
    body.wants_trailers = wants_trailers
    return body


cdef object wrong_length(long long declared, long long written):
    """Return the error for a body of *written* bytes or more; *declared* were announced."""
    cdef str than = "longer" if written > declared else "shorter"
    return new_error(
        "ERR_HTTP_CONTENT_LENGTH_MISMATCH",
        message=f"the body is {than} than its content-length: {written} bytes were written, "
        f"{declared} were declared")


cdef int count_body(OutgoingBody body, object data, bint end) except -1:
    """Check the length of *data* against ``content-length`` before any of it is queued."""
    cdef long long written = body.written
    if data is not None:
        written += len(data) if isinstance(data, (bytes, bytearray)) else memoryview(data).nbytes
    if written > body.declared or end and written < body.declared:
        raise wrong_length(body.declared, written)
    body.written = written
    return 0


cdef nghttp2_data_provider *body_provider(
    nghttp2_data_provider *provider, OutgoingBody body
) noexcept:
    """Make *provider* read from *body*, which it does not own; return it."""
    provider.source.ptr = <void *>body
    provider.read_callback = read_body
    return provider


@cython.final
cdef class Connection(Session):
    """One HTTP/2 connection (RFC 9113), client or server, without I/O."""

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
        long long control_frame_burst=10_000,
        long long control_frame_rate=1000,
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
        self._output = Output.__new__(Output)
        self._watch = FrameWatch.__new__(FrameWatch, client)
        self._outgoing.strict_single_value = strict_single_value_fields
        self._outgoing.strict_whitespace = strict_field_whitespace_validation
        self._max_pairs = max_header_list_pairs
        self._max_list_size = max_header_list_size
        self._padding = padding_strategy
        self._max_memory = max_session_memory
        self._max_rejected = max_session_rejected_streams
        self._newest_before = LAST_STREAM_ID
        self._last_accepted = -1
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
        # The library counts resets itself, with those that a peer provokes.
        http2_set_stream_reset_rate_limit(option, UINT64_MAX, 0)
        # The library counts empty frames itself; nghttp2 has no credit paid in advance.
        http2_set_glitch_rate_limit(option, UINT64_MAX, 0)
        allow(&self._budget.resets, stream_reset_burst, stream_reset_rate)
        allow(&self._budget.frames, control_frame_burst, control_frame_rate)
        self._budget.client = client
        if not client:
            self._budget.skip = CLIENT_PREFACE
        if client:
            nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_ALTSVC)
            nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_ORIGIN)
        else:
            nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE)
        cdef nghttp2_session_callbacks *used = callbacks_for(padding_strategy != 0)
        if client:
            rv = nghttp2_session_client_new2(&self._session, used, <void *>self, option)
        else:
            rv = nghttp2_session_server_new2(&self._session, used, <void *>self, option)
        nghttp2_option_del(option)
        checked(rv)

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
            self._pattern = None

    # --- bytes in, events out -------------------------------------------------------------

    cpdef list receive(self, data):
        """Take *data* from the peer; return the batch of events that result.

        *data* is any contiguous buffer and is not kept. A fatal error of the peer is the
        event FAILED at the end of the batch, never an exception.
        """
        cdef Py_buffer view
        cdef ssize_t rv
        cdef Py_ssize_t size
        cdef list batch
        self._alive()
        if self._busy:
            raise RuntimeError("receive() inside receive() or data_to_send()")
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        self.bytes_received += view.len
        if self.stamping:
            self.last_received = monotonic()
        self._busy = True
        self._admitted = 0
        self._refused = None
        self._block_memory_in_batch = 0
        self._closed_blocks = None
        if not self.client:
            self._newest_before = self._newest
        try:
            size = 0
            if not self._budget.spent:
                size = count_frames(&self._budget, <const uint8_t *>view.buf, view.len)
            rv = self._feed(<const uint8_t *>view.buf, size)
        finally:
            self._busy = False
            self._newest_before = LAST_STREAM_ID
            PyBuffer_Release(&view)
        if self._reset_at_once is not None:
            self._drop_reset_at_once()
        if rv < 0 or self._budget.spent:
            self._report_end(<int>rv)
        else:
            self._give_back()
        batch = self._batch
        self._batch = []
        return batch

    cdef ssize_t _feed(self, const uint8_t *data, Py_ssize_t length) except? -1:
        """Feed *data* to nghttp2, and stop before each doubtful frame; return nghttp2's result."""
        cdef FrameWatch watch = self._watch
        cdef Py_ssize_t fed = 0, start
        cdef ssize_t rv
        watch.begin(self._session, self.last_sent_request)
        while True:
            start = watch.doubtful(self._session, data, length)
            if start < 0:
                return nghttp2_session_mem_recv(self._session, data + fed, length - fed)
            if start > fed:
                rv = nghttp2_session_mem_recv(self._session, data + fed, start - fed)
                if rv < 0:
                    return rv
                fed = start
            self._react_to_violation()

    cdef int _drop_reset_at_once(self) except -1:
        """Remove the events of streams that were begun and reset within the batch."""
        cdef list kept = []
        cdef tuple event
        for item in self._batch:
            event = <tuple>item
            if event[1] in self._reset_at_once:
                if <int>event[0] == EVENT_DATA:
                    self._unread -= len(<bytes>event[2])
                    continue
                if <int>event[0] in OF_ONE_STREAM:
                    continue
            kept.append(event)
        self._batch = kept
        self._reset_at_once = None
        return 0

    cpdef list take_events(self):
        """Return the events that sending and commands have caused since the last batch."""
        cdef list batch = self._batch
        if batch:
            self._batch = []
        return batch

    cdef int _report_end(self, int code) except -1:
        """Report that the connection has failed: nghttp2's error *code*, or an empty allowance."""
        cdef str message
        self._raise_failure()
        if self._budget.spent & REPORTED:
            return 0
        if self._budget.spent:
            message = SPENT_FRAMES if self._budget.spent & OF_FRAMES else SPENT_RESETS
            code = NGHTTP2_ERR_FLOODED
            self._budget.spent |= REPORTED
        else:
            message = nghttp2_strerror(code).decode("ascii")
        self._batch.append((EVENT_FAILED, 0, code, message))
        return 0

    cdef int _raise_failure(self) except -1:
        if self._failure is not None:
            failure = self._failure
            self._failure = None
            raise failure
        return 0

    # --- commands in, bytes out -----------------------------------------------------------

    def data_to_send(self, Py_ssize_t limit=262144):
        """Return about *limit* bytes for the peer, as a list of buffers; empty if there are none.

        Large pieces of bodies are the writers' own buffers, not copies of them.
        """
        if not self._gather(limit):
            return []
        return self._output.take()

    def send(self, int fd):
        """Write up to 1 MiB to the peer over the non-blocking socket *fd*.

        Returns the buffers that the socket did not take: nothing more may be written to it
        before them. None when there was nothing to send. Raises `OSError` when the connection
        is broken: the system reports that only once.
        """
        if not self._gather(self._output.batch):
            return None
        return self._output.send(fd)

    cdef Py_ssize_t _gather(self, Py_ssize_t limit) except -1:
        """Gather some *limit* bytes in `_output`; return how many."""
        cdef const uint8_t *data = NULL
        cdef ssize_t length = 0
        cdef Output output = self._output
        self._alive()
        if self._busy:
            raise RuntimeError("data_to_send() inside receive() or data_to_send()")
        if self._left:
            return 0
        output.begin(limit)
        self._busy = True
        try:
            while output.gathered < limit:
                length = nghttp2_session_mem_send(self._session, &data)
                if length <= 0:
                    break
                output.add(data, length)
            if self._late_resets is not None and length == 0:
                # between two frames of nghttp2, and not after its last one
                if nghttp2_session_want_read(self._session):
                    output.add(<const char *>self._late_resets, len(self._late_resets))
                self._late_resets = None
        finally:
            self._busy = False
        if length < 0 or self._budget.spent:
            self._report_end(<int>length)
        self.bytes_sent += output.gathered
        self.batch_was_full = output.gathered >= limit
        if not output.gathered:
            output.take()
        return output.gathered

    # --- header blocks --------------------------------------------------------------------

    cdef int _collect_request(self, headers, str authority, str scheme) except -1:
        self._alive()
        self._outgoing.collect(headers, REQUEST)
        self._outgoing.complete_request(authority, scheme)
        return 0

    cdef bint _is_gone(self, int32_t stream_id) noexcept:
        """Return whether the stream that a server responds on is closed."""
        return not self.client and (
            nghttp2_session_find_stream(self._session, stream_id) is NULL
            and (self._promised is None or stream_id not in self._promised)
        )

    cdef int _collect_response(self, headers) except -1:
        """Gather the fields of a final response; return its status."""
        cdef OutgoingBlock block = self._outgoing
        self._alive()
        block.collect(headers, RESPONSE)
        if block.status == 0:
            block._add_entry(":status", "200", RESPONSE, None, False)
        elif block.status < 200 or block.status > 599:
            raise new_error("ERR_HTTP2_STATUS_INVALID", block.status)
        return block.status

    cpdef tuple submit_request(
        self, headers, str authority, str scheme, end_stream=None,
        bint wait_for_trailers=False, int32_t parent=0, int32_t weight=16,
        bint exclusive=False,
    ):
        """Queue a request; return ``(stream_id, headers, end_stream)``.

        *end_stream* None means the default for the method: GET, HEAD and DELETE have
        no body. The returned *headers* are a copy, if they are a dict. nghttp2 holds the request back while the peer's MAX_CONCURRENT_STREAMS
        does not allow it.
        """
        cdef OutgoingBlock block = self._outgoing
        cdef OutgoingBody body = None
        cdef int32_t stream_id
        self._collect_request(headers, authority, scheme)
        if end_stream is None:
            end_stream = usually_bodiless(block.method)
        self._check_bodiless(end_stream)
        if not end_stream or wait_for_trailers:
            body = new_body(end_stream, wait_for_trailers, self._declared())
            if not wait_for_trailers:
                body.kept = []
        stream_id = self._submit_collected(body, parent, weight, exclusive)
        return stream_id, block.held, end_stream

    def submit_again(
        self, int32_t stream_id, headers, str authority, str scheme,
        int32_t parent=0, int32_t weight=16, bint exclusive=False,
    ):
        """Queue the request of *stream_id*, which the peer has just refused, again.

        Return the identifier of the new stream; 0 if the body can't be sent again. The
        other arguments are those of `submit_request`.
        """
        cdef OutgoingBody body = None
        cdef OutgoingBody before
        self._alive()
        if self._refused is None or stream_id not in self._refused:
            return 0
        before = self._refused.pop(stream_id)
        self._collect_request(headers, authority, scheme)
        if before is not None:
            body = new_body(before.ended, False, before.declared)
            body.written = before.written
            body.blocked = before.blocked
            body.kept = []
            for data in before.kept:
                body.add(data)
            self._queued += body.held
        return self._submit_collected(body, parent, weight, exclusive)

    cdef int _check_bodiless(self, bint end_stream) except -1:
        """Refuse a request without a body if its ``content-length`` is not 0."""
        if end_stream and self._outgoing.length > 0:
            raise wrong_length(self._outgoing.length, 0)
        return 0

    cdef long long _declared(self) noexcept:
        """Return the required length of a request's body; -1 for any."""
        # the bytes after a CONNECT request are no body (RFC 9113 section 8.5)
        return -1 if self._outgoing.method == "CONNECT" else self._outgoing.length

    cdef int32_t _submit_collected(
        self, OutgoingBody body, int32_t parent, int32_t weight, bint exclusive
    ) except -1:
        """Queue the request with the collected headers, and with *body* unless it is None."""
        cdef OutgoingBlock block = self._outgoing
        cdef nghttp2_data_provider provider
        cdef nghttp2_data_provider *used = NULL
        cdef nghttp2_priority_spec priority
        cdef nghttp2_priority_spec *with_priority = NULL
        cdef int32_t stream_id
        if body is not None:
            used = body_provider(&provider, body)
        if parent or exclusive or weight != 16:
            # nghttp2 ignores priorities from 1.65 on
            if parent == <int32_t>nghttp2_session_get_next_stream_id(self._session):
                raise new_error("ERR_HTTP2_STREAM_SELF_DEPENDENCY")
            nghttp2_priority_spec_init(&priority, parent, weight, exclusive)
            with_priority = &priority
        stream_id = nghttp2_submit_request(
            self._session, with_priority, block.fields(), block.count(), used, NULL)
        checked(stream_id)
        if body is not None:
            self._bodies[stream_id] = body
        return stream_id

    def check_request(self, headers, str authority, str scheme, end_stream=None):
        """Raise what `submit_request` would raise; return ``(method, end_stream)``."""
        self._collect_request(headers, authority, scheme)
        if end_stream is None:
            end_stream = usually_bodiless(self._outgoing.method)
        self._check_bodiless(end_stream)
        return self._outgoing.method, end_stream

    def check_response(self, headers):
        """Raise what `submit_response` would raise because of *headers*; return the status."""
        return self._collect_response(headers)

    cpdef tuple submit_response(
        self, stream_id, headers, bint end_stream=False,
        bint wait_for_trailers=False, bint head_request=False, bint send_date=True,
    ):
        """Queue a final response; return ``(end_stream, sent)``.

        ``:status`` is 200 by default, and with *send_date*, ``date`` is added unless
        *headers* has one.
        Statuses 204, 205 and 304, and a HEAD request, end the stream at once. *sent* is
        ``(headers, status, added date or None)``, with a copy of *headers* if it is a dict.
        """
        cdef OutgoingBlock block = self._outgoing
        cdef nghttp2_data_provider provider
        cdef nghttp2_data_provider *used = NULL
        cdef OutgoingBody body = None
        cdef str date = None
        cdef int status
        cdef int32_t number = stream_id
        if stream_id in self._bodies:
            raise new_error("ERR_HTTP2_HEADERS_SENT")
        status = self._collect_response(headers)
        if send_date:
            date = block.add_default_date()
        if status == 204 or status == 205 or status == 304 or head_request:
            end_stream = True
        elif end_stream and block.length > 0:
            raise wrong_length(block.length, 0)
        if self._is_gone(number):
            # The event STREAM_CLOSED reports it. Nothing is kept for the stream.
            return end_stream, (block.held, status, date)
        if not end_stream or wait_for_trailers:
            body = new_body(end_stream, wait_for_trailers, block.length)
            used = body_provider(&provider, body)
        checked(nghttp2_submit_response(
            self._session, number, block.fields(), block.count(), used))
        if body is not None:
            self._bodies[stream_id] = body
        return end_stream, (block.held, status, date)

    def submit_informational(self, int32_t stream_id, headers):
        """Queue a 1xx response on *stream_id*; return its status.

        Raises ERR_HTTP2_INVALID_INFO_STATUS, ERR_HTTP2_STATUS_101.
        """
        cdef OutgoingBlock block = self._outgoing
        cdef int status
        self._alive()
        block.collect(headers, INFORMATIONAL)
        status = block.status
        if status == 101:
            raise new_error("ERR_HTTP2_STATUS_101")
        if status < 100 or status > 199:
            raise new_error("ERR_HTTP2_INVALID_INFO_STATUS", status)
        if self._is_gone(stream_id):
            return status
        checked(nghttp2_submit_headers(
            self._session, NGHTTP2_FLAG_NONE, stream_id, NULL, block.fields(), block.count(),
            NULL))
        return status

    def submit_trailers(self, int32_t stream_id, headers):
        """Queue the trailers that end *stream_id*; an empty DATA frame if there are no fields."""
        cdef OutgoingBlock block = self._outgoing
        cdef OutgoingBody body
        cdef nghttp2_data_provider provider
        self._alive()
        block.collect(headers, TRAILERS)
        if self._is_gone(stream_id):
            return
        if block.count():
            checked(nghttp2_submit_trailer(
                self._session, stream_id, block.fields(), block.count()))
            return
        body = self._bodies.get(stream_id)
        if body is None:
            raise new_error("ERR_HTTP2_INVALID_STREAM")
        body.wants_trailers = False
        checked(nghttp2_submit_data(
            self._session, NGHTTP2_FLAG_END_STREAM, stream_id, body_provider(&provider, body)))

    def check_trailers(self, headers):
        """Raise what `submit_trailers` would raise because of *headers*."""
        self._alive()
        self._outgoing.collect(headers, TRAILERS)

    def expect_trailers(self, int32_t stream_id):
        """Make a body that has not ended wait for trailers, like *wait_for_trailers*."""
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
        promised = checked(nghttp2_submit_push_promise(
            self._session, NGHTTP2_FLAG_NONE, stream_id, block.fields(), block.count(), NULL))
        if self._promised is None:
            self._promised = {}
        self._promised[promised] = changes = []
        if parent or exclusive:
            changes.append((parent or stream_id, 16, exclusive))
        return promised, block.method

    # --- bodies ---------------------------------------------------------------------------

    cpdef Py_ssize_t write(self, stream_id, data, bint end=False) except -2:
        """Queue *data* (a buffer or None) on *stream_id*; return the bytes now queued.

        `bytes` and read-only buffers are sent without a copy, others are copied now.
        -1 means that the stream takes no more data: it is closed or has ended. Raises
        ERR_HTTP_CONTENT_LENGTH_MISMATCH, and queues nothing, for more bytes than the
        headers' ``content-length``, and for an end with fewer.
        """
        cdef OutgoingBody body
        cdef Py_ssize_t held
        self._alive()
        body = self._bodies.get(stream_id)
        if body is None or body.ended:
            return -1
        if body.declared >= 0:
            count_body(body, data, end)
        if data is not None:
            held = body.held
            body.add(data)
            self._queued += body.held - held
        body.ended = end
        if body.deferred and (body.pending or end):
            body.deferred = False
            nghttp2_session_resume_data(self._session, stream_id)
        if body.pending >= HIGH_WATER:
            body.blocked = True
        return body.pending

    cdef Py_ssize_t queued_frames(self) noexcept:
        """Return the number of frames that wait to be sent, other than DATA."""
        return nghttp2_session_get_outbound_queue_size(self._session)

    def pending(self, int32_t stream_id):
        """Return the bytes queued on *stream_id* that were not gathered for sending yet."""
        self._alive()
        cdef OutgoingBody body = self._bodies.get(stream_id)
        return 0 if body is None else body.pending

    def body_sent(self, int32_t stream_id):
        """Return the bytes of the body on *stream_id* that were gathered for sending."""
        self._alive()
        cdef OutgoingBody body = self._bodies.get(stream_id)
        return 0 if body is None else body.sent

    def unsent_bodies(self):
        """Return ``(stream_id, bytes sent)`` of each stream with bytes that wait to be sent."""
        self._alive()
        cdef list found = []
        cdef OutgoingBody body
        for stream_id, item in self._bodies.items():
            body = <OutgoingBody>item
            if body.pending:
                found.append((stream_id, body.sent))
        return found

    def reset(self, int32_t stream_id, uint32_t error_code):
        """Queue RST_STREAM; a request that still waits in the queue is removed from it."""
        cdef OutgoingBody body
        self._alive()
        if self._promised is not None and stream_id in self._promised:
            # its PUSH_PROMISE may never be sent, and then the stream is idle for the client
            (<list>self._promised[stream_id]).append((error_code,))
            return
        if self.client and stream_id % 2 == 1 and stream_id > self.last_sent_request:
            body = self._bodies.get(stream_id)
            if body is not None:
                # nghttp2 keeps the request until its turn comes; its body is not needed
                self._queued -= body.held
                body.drop()
        cdef size_t queued = nghttp2_session_get_outbound_queue_size(self._session)
        checked(nghttp2_submit_rst_stream(
            self._session, NGHTTP2_FLAG_NONE, stream_id, error_code))
        if nghttp2_session_get_outbound_queue_size(self._session) > queued:
            # the program's reset, not provoked by the peer
            self._budget.own_resets += 1
