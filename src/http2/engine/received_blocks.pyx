# cython: language_level=3, boundscheck=False, initializedcheck=False
"""nghttp2's callbacks for received header blocks: their fields, limits and memory, and promises."""

from libc.stdint cimport int32_t, uint8_t

from http2.engine.header_block cimport (
    FIELD_OVERHEAD,
    MATCHING,
    RECORDING,
    BlockPattern,
    add_received,
    new_headers,
)
from http2.engine.nghttp2 cimport *
from http2.engine.session cimport Session, fail, provoked, report, stream_begun

from http2.engine import events as _events

cdef int EVENT_FAILED = _events.FAILED

cdef enum:
    # The first block that others are compared with. Many connections carry only a few requests.
    FIRST_PATTERN = 3
    # Larger header blocks count towards the session's memory by themselves, smaller ones with
    # their stream.
    SMALL_BLOCK = 1024
    # Memory of a received field besides its characters: two `str`, and an entry in a dict.
    FIELD_MEMORY = 224
    REFUSED_STREAM = 7
    CANCEL = 8


# --- streams that are refused -------------------------------------------------------------

cdef inline int32_t block_stream(const nghttp2_frame *frame) noexcept:
    """Return the stream of a header block: with PUSH_PROMISE, the promised one."""
    if frame.hd.type == NGHTTP2_PUSH_PROMISE:
        return frame.push_promise.promised_stream_id
    return frame.hd.stream_id


cdef int refuse_stream(Session self, int32_t stream_id) except -1:
    """Refuse a stream of the peer for lack of memory (Node: a credit-based limit)."""
    nghttp2_submit_rst_stream(
        self._session, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_ENHANCE_YOUR_CALM)
    self._rejected += 1
    if self._rejected == self._max_rejected + 1:
        report(
            self, EVENT_FAILED, 0, NGHTTP2_ERR_FLOODED,
            "the peer keeps opening streams although they are refused")
    return 0


cdef int cancel_lost_promise(Session self) except -1:
    """Reset a promised stream that was never reported.

    nghttp2 does not report a promise if its stream is reset here while its block arrives. It
    keeps the promised stream, and then treats the response on it as a malformed request.
    """
    self._budget.own_resets += 1
    nghttp2_submit_rst_stream(
        self._session, NGHTTP2_FLAG_NONE, self._promise, CANCEL)
    self._cancelled_promise = self._promise
    self._promise = 0
    return 0


# --- the callbacks ------------------------------------------------------------------------

cdef int on_begin_headers(
    nghttp2_session *session, const nghttp2_frame *frame, void *user_data
) noexcept:
    cdef Session self = <Session>user_data
    try:
        self._blocks += 1
        if self._promise:
            cancel_lost_promise(self)
        if frame.hd.type == NGHTTP2_PUSH_PROMISE or frame.headers.cat == NGHTTP2_HCAT_REQUEST:
            stream_begun(self, True)
            if not self.client:
                self._newest = frame.hd.stream_id
                self._watch.opened(frame.hd.stream_id)
                if 0 <= self._last_accepted < frame.hd.stream_id:
                    # The GOAWAY in the queue says that this stream is not processed, and nghttp2
                    # ends the stream when the frame is sent: no event (RFC 9113 section 6.8).
                    self._budget.own_resets += 1
                    nghttp2_submit_rst_stream(
                        session, NGHTTP2_FLAG_NONE, frame.hd.stream_id, REFUSED_STREAM)
                    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
            if self._memory() > self._max_memory:
                refuse_stream(self, block_stream(frame))
                return provoked(self) or NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
            self._rejected = 0
            if self.client:
                self._promise = frame.push_promise.promised_stream_id
                self._promise_parent = frame.hd.stream_id
        elif self._memory_of_peer() > self._max_memory:
            # a response, or trailers: the bodies that this side has queued are no reason
            refuse_stream(self, frame.hd.stream_id)
            return provoked(self) or NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
        self._block = new_headers()
        self._block_raw = None
        self._sensitive = None
        self._block_pairs = 0
        self._block_size = 0
        if self._pattern is not None:
            self._pattern.begin()
        elif self._blocks >= FIRST_PATTERN:
            self._pattern = BlockPattern.__new__(BlockPattern)
            self._pattern.begin()
        return 0
    except BaseException as failure:
        return fail(self, failure)


cdef int on_header(
    nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
    nghttp2_rcbuf *value, uint8_t flags, void *user_data,
) noexcept:
    cdef Session self = <Session>user_data
    cdef BlockPattern pattern = self._pattern
    cdef Py_ssize_t size = 0
    cdef str text
    cdef int32_t stream_id
    try:
        if pattern is not None and pattern.state == MATCHING:
            size = pattern.match(name, value, self._strings)
            if size == 0:
                pattern.unfold(self._block)
        self._block_size += size or (
            nghttp2_rcbuf_get_buf(name).len + nghttp2_rcbuf_get_buf(value).len
            + FIELD_OVERHEAD)
        self._block_pairs += 1
        if self._block_pairs > self._max_pairs or self._block_size > self._max_list_size:
            stream_id = block_stream(frame)
            nghttp2_submit_rst_stream(
                session, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_ENHANCE_YOUR_CALM)
            self._block = None
            self._promise = 0
            return provoked(self) or NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
        if size == 0:
            text = self._strings.text(name)
            self._block_raw = add_received(
                self._block, self._block_raw, text, self._strings.text(value))
            if pattern is not None and pattern.state == RECORDING:
                pattern.record(name, value, text)
        if flags & NGHTTP2_NV_FLAG_NO_INDEX:
            if self._sensitive is None:
                self._sensitive = []
            self._sensitive.append(self._strings.text(name))
        return 0
    except BaseException as failure:
        return fail(self, failure)


cdef int on_invalid_header(
    nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
    nghttp2_rcbuf *value, uint8_t flags, void *user_data,
) noexcept:
    """Treat a message with an invalid field as malformed (RFC 9113 section 8.2.1).

    Without this callback, nghttp2 from 1.67 on drops the field and reports the others.
    """
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE


# --- the complete block -------------------------------------------------------------------

cdef object take_block(Session self):
    """Return the `Headers` of the block that is now complete."""
    cdef object block = self._block
    self._block = None
    if self._pattern is not None:
        self._pattern.complete(block, self._block_raw is not None)
    # also None: a slot that is not set raises an error for each reader
    block._raw = self._block_raw
    if self._sensitive is not None:
        block._sensitive = self._sensitive
    return block


cdef Py_ssize_t block_memory(Session self) noexcept:
    """Return the memory of the block that is now complete; 0 if it is a small one."""
    cdef Py_ssize_t memory = self._block_size + self._block_pairs * FIELD_MEMORY
    if self._block_raw is not None:
        # if fields were merged, the block is stored a second time, as received
        memory += self._block_size
    return memory if memory > SMALL_BLOCK + 16 * FIELD_MEMORY else 0


cdef int keep_block(Session self, int32_t stream_id, Py_ssize_t memory) except -1:
    """Count a large header block until its stream is closed."""
    cdef Py_ssize_t before = <Py_ssize_t>nghttp2_session_get_stream_user_data(
        self._session, stream_id)
    if nghttp2_session_set_stream_user_data(
        self._session, stream_id, <void *>(before + memory)
    ) == 0:
        self._large_blocks += before == 0
        self._block_memory += memory
    return 0


cdef int drop_block(Session self, int32_t stream_id) except -1:
    cdef Py_ssize_t memory = <Py_ssize_t>nghttp2_session_get_stream_user_data(
        self._session, stream_id)
    if memory:
        self._large_blocks -= 1
        self._block_memory -= memory
        self._block_memory_in_batch += memory
        if self.client:
            if self._closed_blocks is None:
                self._closed_blocks = {}
            self._closed_blocks[stream_id] = memory
    return 0
