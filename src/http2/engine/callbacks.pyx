# cython: language_level=3, boundscheck=False, initializedcheck=False
"""nghttp2's callbacks: they append to the batch of events, and gather the bytes to send.

No callback runs code of the program. An exception in one is kept in `Session._failure` and
raised by the call that ran nghttp2.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memset

from http2.engine.budget cimport (
    BYTES_THAT_PAY,
    PAID_BY_BLOCK,
    PAID_BY_DATA,
    earn,
    spend_frame,
    spend_reset,
)
from http2.engine.frame_watch cimport FrameWatch
from http2.engine.header_block cimport add_received, new_headers
from http2.engine.nghttp2 cimport *
from http2.engine.outgoing cimport OutgoingBody, Output
from http2.engine.session cimport Session

from http2.engine import events as _events

cdef int EVENT_RESPONSE = _events.RESPONSE
cdef int EVENT_HEADERS = _events.HEADERS
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
cdef int EVENT_FAILED = _events.FAILED
cdef int EVENT_WINDOW_GIVEN = _events.WINDOW_GIVEN
cdef int EVENT_MEASURED = _events.MEASURED
cdef int EVENT_LAST_DATA = _events.LAST_DATA

cdef Py_ssize_t HIGH_WATER = _events.HIGH_WATER
cdef tuple KNOWN_SETTINGS = _events.KNOWN_SETTINGS

cdef enum:
    # The largest DATA frame that we send, if the peer allows more than 16,384.
    LARGEST_DATA = 65536
    # The size of a field is that of its name, its value, and this (RFC 9113 section 6.5.2).
    FIELD_OVERHEAD = 32
    PADDING_MAX = 2
    REFUSED_STREAM = 7
    CANCEL = 8
    FRAME_HEADER = 9
    MISDIRECTED_REQUEST = 421
    # Larger header blocks count towards the session's memory by themselves, smaller ones with
    # their stream.
    SMALL_BLOCK = 1024
    # Memory of a received field besides its characters: two `str`, and an entry in a dict.
    FIELD_MEMORY = 224
    # A chunk of a body is joined to the previous one while that is shorter than this,
    SMALL_CHUNK = 4096
    # if the batch has more events than this.
    MANY_EVENTS = 64


cdef nghttp2_session_callbacks *callbacks = NULL
cdef nghttp2_session_callbacks *padding_callbacks = NULL


cdef nghttp2_session_callbacks *callbacks_for(bint padding) noexcept:
    """Return the callbacks of a session that pads its frames, or of one that does not."""
    return padding_callbacks if padding else callbacks


# --- what the callbacks share -------------------------------------------------------------

cdef inline int report(Session self, int kind, int32_t stream_id, first, second) except -1:
    self._batch.append((kind, stream_id, first, second))
    return 0


cdef int report_goaway(Session self, int kind, const nghttp2_frame *frame) except -1:
    cdef FrameWatch watch = self._watch
    cdef bytes reason = PyBytes_FromStringAndSize(
        <const char *>frame.goaway.opaque_data, frame.goaway.opaque_data_len)
    if (
        kind == EVENT_GOAWAY_SENT and not reason and watch.reason is not None
        and frame.goaway.error_code == watch.error_code
    ):
        # nghttp2 sends no description after `nghttp2_session_terminate_session`
        reason = watch.reason
    return report(
        self, kind, frame.goaway.last_stream_id, frame.goaway.error_code, reason)


cdef int fail(Session self, BaseException failure) noexcept:
    """Store the exception of a callback; the call that ran nghttp2 raises it."""
    if self._failure is None:
        self._failure = failure
    return NGHTTP2_ERR_CALLBACK_FAILURE


cdef void stream_begun(Session self, bint by_peer) noexcept:
    self.stream_count += 1
    self._peer_streams += by_peer
    self._open_streams += 1
    if self._open_streams > self.max_open_streams:
        self.max_open_streams = self._open_streams


cdef inline int32_t block_stream(const nghttp2_frame *frame) noexcept:
    """Return the stream of a header block: with PUSH_PROMISE, the promised one."""
    if frame.hd.type == NGHTTP2_PUSH_PROMISE:
        return frame.push_promise.promised_stream_id
    return frame.hd.stream_id


cdef int provoked(Session self) noexcept:
    """Count a reset that the peer provoked; return a failure if there were too many, else 0."""
    self._budget.counted_resets += 1
    return 0 if spend_reset(&self._budget) else NGHTTP2_ERR_CALLBACK_FAILURE


cdef inline void count_reset_sent(Session self) noexcept:
    """Count an RST_STREAM that is sent, unless the program sent it or it is counted already.

    nghttp2 reports some of the streams that it resets, and not others (a `content-length` that
    does not match). A reset that is neither the program's nor counted is one of the others.
    """
    if self._budget.own_resets:
        self._budget.own_resets -= 1
    elif self._budget.counted_resets:
        self._budget.counted_resets -= 1
    else:
        spend_reset(&self._budget)


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


cdef bint is_common_status(object block) except -1:
    """Return whether the response is final, and its status does not concern the session."""
    cdef PyObject *status = PyDict_GetItem(block, ":status")
    return status is not NULL and <object>status >= 200 and <object>status != MISDIRECTED_REQUEST


cdef object take_block(Session self):
    """Return the `Headers` of the block that is now complete."""
    cdef object block = self._block
    self._block = None
    # also None: a slot that is not set raises an error for each reader
    block._raw = self._block_raw
    if self._sensitive is not None:
        block._sensitive = self._sensitive
    return block


# --- receiving ----------------------------------------------------------------------------

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
        return 0
    except BaseException as failure:
        return fail(self, failure)


cdef int on_header(
    nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
    nghttp2_rcbuf *value, uint8_t flags, void *user_data,
) noexcept:
    cdef Session self = <Session>user_data
    cdef str text
    cdef int32_t stream_id
    try:
        self._block_size += (
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
        text = self._strings.text(name)
        self._block_raw = add_received(
            self._block, self._block_raw, text, self._strings.text(value))
        if flags & NGHTTP2_NV_FLAG_NO_INDEX:
            if self._sensitive is None:
                self._sensitive = []
            self._sensitive.append(text)
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


cdef int on_data_chunk_recv(
    nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data,
    size_t length, void *user_data,
) noexcept:
    cdef Session self = <Session>user_data
    cdef tuple last
    cdef bytes chunk
    try:
        self._unread += <long long>length
        chunk = PyBytes_FromStringAndSize(<const char *>data, length)
        if length < SMALL_CHUNK and len(self._batch) > MANY_EVENTS:
            # join the data of many small frames: each object takes more than its bytes
            last = <tuple>self._batch[-1]
            if (
                <int>last[0] == EVENT_DATA and <int32_t>last[1] == stream_id
                and PyBytes_GET_SIZE(last[2]) < SMALL_CHUNK
            ):
                self._batch[-1] = (EVENT_DATA, stream_id, <bytes>last[2] + chunk, False)
                return 0
        self._batch.append((EVENT_DATA, stream_id, chunk, False))
        return 0
    except BaseException as failure:
        return fail(self, failure)


cdef str latin1(const uint8_t *data, size_t length):
    if length == 0:
        return ""
    return data[:length].decode("latin-1")


cdef list settings_now(Session self, bint local):
    """Return all settings of one side as (id, value) pairs, before the next frame changes them."""
    if local:
        return [
            (identifier, nghttp2_session_get_local_settings(self._session, identifier))
            for identifier in KNOWN_SETTINGS]
    return [
        (identifier, nghttp2_session_get_remote_settings(self._session, identifier))
        for identifier in KNOWN_SETTINGS]


cdef int report_frame(Session self, const nghttp2_frame *frame) except -1:
    """Report a received frame that carries neither a header block nor DATA."""
    cdef uint8_t kind = frame.hd.type
    cdef uint8_t flags = frame.hd.flags
    cdef int32_t stream_id = frame.hd.stream_id
    cdef nghttp2_ext_altsvc *altsvc
    cdef nghttp2_ext_origin *origin
    cdef nghttp2_ext_priority_update *update
    cdef size_t i
    if kind == NGHTTP2_SETTINGS:
        if flags & NGHTTP2_FLAG_ACK:
            if self._unacknowledged:
                self._unacknowledged -= 1
            if self._list_size_announced:
                self._max_list_size = nghttp2_session_get_local_settings(
                    self._session, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE)
            report(self, EVENT_SETTINGS_ACK, 0, settings_now(self, True), None)
        else:
            if self._watch.settings_received(self._session):
                nghttp2_session_terminate_session(self._session, NGHTTP2_FLOW_CONTROL_ERROR)
                return 0
            report(
                self, EVENT_SETTINGS, 0,
                [(frame.settings.iv[i].settings_id, frame.settings.iv[i].value)
                 for i in range(frame.settings.niv)], settings_now(self, False))
    elif kind == NGHTTP2_PING:
        if flags & NGHTTP2_FLAG_ACK and self._unacknowledged:
            self._unacknowledged -= 1
        report(
            self, EVENT_PING_ACK if flags & NGHTTP2_FLAG_ACK else EVENT_PING, 0,
            PyBytes_FromStringAndSize(<const char *>frame.ping.opaque_data, 8), None)
    elif kind == NGHTTP2_GOAWAY:
        if frame.goaway.last_stream_id < self._watch.refused_above:
            self._watch.refused_above = frame.goaway.last_stream_id
        report_goaway(self, EVENT_GOAWAY, frame)
    elif kind == NGHTTP2_RST_STREAM:
        self._watch.reset_received(stream_id)
    elif kind == NGHTTP2_PRIORITY:
        report(
            self, EVENT_PRIORITY, stream_id,
            (frame.priority.pri_spec.stream_id, frame.priority.pri_spec.weight,
             bool(frame.priority.pri_spec.exclusive)), None)
    elif kind == NGHTTP2_ALTSVC:
        altsvc = <nghttp2_ext_altsvc *>frame.ext.payload
        report(
            self, EVENT_ALTSVC, stream_id,
            latin1(altsvc.origin, altsvc.origin_len),
            latin1(altsvc.field_value, altsvc.field_value_len))
    elif kind == NGHTTP2_ORIGIN:
        origin = <nghttp2_ext_origin *>frame.ext.payload
        report(
            self, EVENT_ORIGIN, 0,
            [latin1(origin.ov[i].origin, origin.ov[i].origin_len)
             for i in range(origin.nov)], None)
    elif kind == NGHTTP2_PRIORITY_UPDATE:
        update = <nghttp2_ext_priority_update *>frame.ext.payload
        report(
            self, EVENT_PRIORITY_UPDATE, update.stream_id,
            PyBytes_FromStringAndSize(
                <const char *>update.field_value, update.field_value_len), None)
    return 0


cdef int on_frame_recv(
    nghttp2_session *session, const nghttp2_frame *frame, void *user_data
) noexcept:
    cdef Session self = <Session>user_data
    cdef uint8_t kind = frame.hd.type
    cdef uint8_t flags = frame.hd.flags
    cdef int32_t stream_id = frame.hd.stream_id
    cdef tuple last
    cdef Py_ssize_t memory
    cdef int event
    cdef OutgoingBody body
    self.frames_received += 1
    try:
        if kind == NGHTTP2_DATA:
            if frame.hd.length >= BYTES_THAT_PAY:
                earn(&self._budget, frame.hd.length // BYTES_THAT_PAY)
            if flags & NGHTTP2_FLAG_END_STREAM:
                if self._batch:
                    last = self._batch[-1]
                    if <int>last[0] == EVENT_DATA and <int32_t>last[1] == stream_id:
                        self._batch[-1] = (EVENT_DATA, stream_id, last[2], True)
                        return 0
                report(self, EVENT_DATA, stream_id, b"", True)
            elif frame.hd.length == 0:
                # no error, but, as in Node, the session tolerates only some of these frames
                report(self, EVENT_INVALID_FRAME, stream_id, NGHTTP2_DATA, 0)
            elif frame.hd.length == frame.data.padlen and not spend_frame(&self._budget):
                return NGHTTP2_ERR_CALLBACK_FAILURE
        elif kind == NGHTTP2_HEADERS:
            if frame.headers.cat != NGHTTP2_HCAT_HEADERS:
                earn(&self._budget, PAID_BY_BLOCK)
            elif not flags & NGHTTP2_FLAG_END_STREAM and not spend_frame(&self._budget):
                # another informational response
                return NGHTTP2_ERR_CALLBACK_FAILURE
            memory = block_memory(self)
            if memory:
                keep_block(self, stream_id, memory)
            if frame.headers.cat == NGHTTP2_HCAT_RESPONSE and self._bodies:
                # the peer has not refused the request: its body will not be sent again
                body = self._bodies.get(stream_id)
                if body is not None:
                    body.kept = None
            # the categories are the event kinds
            event = <int>frame.headers.cat
            if event == EVENT_RESPONSE and (
                flags & NGHTTP2_FLAG_END_STREAM or not is_common_status(self._block)
            ):
                event = EVENT_HEADERS
            report(self, event, stream_id, take_block(self), flags)
        elif kind == NGHTTP2_PUSH_PROMISE:
            self._promise = 0
            memory = block_memory(self)
            if memory:
                keep_block(self, frame.push_promise.promised_stream_id, memory)
            report(
                self, EVENT_PUSH_PROMISE, stream_id, take_block(self),
                frame.push_promise.promised_stream_id)
        else:
            report_frame(self, frame)
        return 0
    except BaseException as failure:
        return fail(self, failure)


cdef int on_invalid_frame_recv(
    nghttp2_session *session, const nghttp2_frame *frame, int lib_error, void *user_data
) noexcept:
    cdef Session self = <Session>user_data
    try:
        self._block = None
        if self._cancelled_promise and frame.hd.stream_id == self._cancelled_promise:
            # the response came before our RST_STREAM was sent: nghttp2 treats it as a request
            return 0
        if frame.hd.type == NGHTTP2_PUSH_PROMISE:
            self._promise = 0
        if lib_error == NGHTTP2_ERR_REFUSED_STREAM and not self.client:
            self._watch.refused(frame.hd.stream_id)
        report(self, EVENT_INVALID_FRAME, frame.hd.stream_id, frame.hd.type, lib_error)
        return provoked(self)
    except BaseException as failure:
        return fail(self, failure)


cdef int on_stream_close(
    nghttp2_session *session, int32_t stream_id, uint32_t error_code, void *user_data
) noexcept:
    cdef Session self = <Session>user_data
    cdef OutgoingBody body
    cdef object unsent = None
    cdef tuple last
    if self._open_streams > 0:
        self._open_streams -= 1
    if (stream_id & 1) != self.client and self._peer_streams > 0:
        self._peer_streams -= 1
    try:
        if stream_id > self._newest_before and stream_id & 1 and error_code != 0:
            if self._reset_at_once is None:
                self._reset_at_once = set()
            self._reset_at_once.add(stream_id)
        body = self._bodies.pop(stream_id, None)
        if body is not None:
            self._queued -= body.held
            if body.pending:
                unsent = body.pending
        if error_code == REFUSED_STREAM and self.client and stream_id & 1 and (
            body is None or body.kept is not None
        ):
            if self._refused is None:
                self._refused = {}
            self._refused[stream_id] = body
        if self.client:
            if not stream_id & 1:
                self._watch.push_closed(session, stream_id)
            elif self._promise and stream_id == self._promise_parent:
                cancel_lost_promise(self)
        if self._large_blocks:
            drop_block(self, stream_id)
        elif self.joining_ends and error_code == 0 and unsent is None and self._batch:
            last = self._batch[-1]
            if (
                <int>last[0] == EVENT_DATA and <int32_t>last[1] == stream_id
                and last[3] and PyBytes_GET_SIZE(last[2])
            ):
                self._batch[-1] = (EVENT_LAST_DATA, stream_id, last[2], None)
                return 0
        report(self, EVENT_STREAM_CLOSED, stream_id, error_code, unsent)
        return 0
    except BaseException as failure:
        return fail(self, failure)


# --- sending ------------------------------------------------------------------------------

cdef int on_frame_send(
    nghttp2_session *session, const nghttp2_frame *frame, void *user_data
) noexcept:
    cdef Session self = <Session>user_data
    cdef uint8_t kind = frame.hd.type
    self.frames_sent += 1
    try:
        if kind == NGHTTP2_DATA or (
            kind == NGHTTP2_HEADERS and frame.headers.cat == NGHTTP2_HCAT_HEADERS
        ):
            if (
                frame.hd.flags & NGHTTP2_FLAG_END_STREAM
                # else the stream closes at once, and STREAM_CLOSED reports this too
                and nghttp2_session_get_stream_remote_close(session, frame.hd.stream_id) != 1
            ):
                report(self, EVENT_END_SENT, frame.hd.stream_id, None, None)
        elif kind == NGHTTP2_HEADERS:
            if frame.headers.cat == NGHTTP2_HCAT_REQUEST:
                self.last_sent_request = frame.hd.stream_id
                earn(&self._budget, PAID_BY_BLOCK)
                stream_begun(self, False)
                if self.measuring:
                    report(self, EVENT_MEASURED, frame.hd.stream_id, 0, None)
        elif kind == NGHTTP2_WINDOW_UPDATE:
            if self.reporting_windows:
                report(self, EVENT_WINDOW_GIVEN, frame.hd.stream_id, None, None)
        elif kind == NGHTTP2_RST_STREAM:
            self._watch.reset_sent(session, frame.hd.stream_id)
            count_reset_sent(self)
        elif kind == NGHTTP2_PUSH_PROMISE:
            earn(&self._budget, PAID_BY_BLOCK)
            stream_begun(self, False)
            self._watch.last_promised = frame.push_promise.promised_stream_id
            for change in self._promised.pop(frame.push_promise.promised_stream_id, ()):
                if len(change) == 1:
                    nghttp2_submit_rst_stream(
                        session, NGHTTP2_FLAG_NONE, frame.push_promise.promised_stream_id,
                        change[0])
                    self._budget.own_resets += 1
                else:
                    self._change_priority(frame.push_promise.promised_stream_id, change)
            if self.measuring:
                report(
                    self, EVENT_MEASURED, frame.push_promise.promised_stream_id, 0, None)
        elif kind == NGHTTP2_GOAWAY:
            if not self.client and frame.goaway.last_stream_id < self._watch.refused_above:
                self._watch.refused_above = frame.goaway.last_stream_id
            report_goaway(self, EVENT_GOAWAY_SENT, frame)
            if self._leaving:
                self._left = True
                self._output.limit = 0
        return 0
    except BaseException as failure:
        return fail(self, failure)


cdef int on_frame_not_send(
    nghttp2_session *session, const nghttp2_frame *frame, int lib_error, void *user_data
) noexcept:
    cdef Session self = <Session>user_data
    cdef OutgoingBody body
    try:
        if (
            frame.hd.type == NGHTTP2_HEADERS
            # trailers sent before their request fail, and the request's body is still needed
            and (not self.client or frame.headers.cat == NGHTTP2_HCAT_REQUEST)
            and nghttp2_session_find_stream(session, frame.hd.stream_id) is NULL
        ):
            # the stream does not exist, so no event of its end will remove the body
            body = self._bodies.pop(frame.hd.stream_id, None)
            if body is not None:
                self._queued -= body.held
        elif frame.hd.type == NGHTTP2_PUSH_PROMISE:
            self._promised.pop(frame.push_promise.promised_stream_id, None)
            report(
                self, EVENT_FRAME_NOT_SENT, frame.push_promise.promised_stream_id, frame.hd.type,
                lib_error)
            return 0
        report(self, EVENT_FRAME_NOT_SENT, frame.hd.stream_id, frame.hd.type, lib_error)
        return 0
    except BaseException as failure:
        return fail(self, failure)


cdef ssize_t read_body(
    nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t length,
    uint32_t *data_flags, nghttp2_data_source *source, void *user_data,
) noexcept:
    cdef Session self = <Session>user_data
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
                if n == 0 and not self._padding:
                    # no DATA frame will be sent
                    report(self, EVENT_WANT_TRAILERS, stream_id, None, None)
        return n
    except BaseException as failure:
        return fail(self, failure)


cdef int send_data(
    nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_header,
    size_t length, nghttp2_data_source *source, void *user_data,
) noexcept:
    cdef Session self = <Session>user_data
    cdef OutgoingBody body = <OutgoingBody>source.ptr
    cdef Output output = self._output
    cdef Py_ssize_t held = body.held
    cdef uint8_t[256] padding
    try:
        if output.gathered >= output.limit:
            return NGHTTP2_ERR_WOULDBLOCK
        output.add(frame_header, FRAME_HEADER)
        if frame.data.padlen:
            memset(padding, 0, 256)
            padding[0] = <uint8_t>(frame.data.padlen - 1)
            output.add(padding, 1)
        output.add_body(body, length)
        self._queued -= held - body.held
        earn(&self._budget, PAID_BY_DATA + length // BYTES_THAT_PAY)
        if self.measuring:
            report(self, EVENT_MEASURED, frame.hd.stream_id, 1, length)
        if frame.data.padlen > 1:
            padding[0] = 0
            output.add(padding, frame.data.padlen - 1)
        if body.blocked and body.pending <= HIGH_WATER // 4:
            body.blocked = False
            report(self, EVENT_WRITABLE, frame.hd.stream_id, None, None)
        if body.wants_trailers and body.ended and body.pending == 0:
            # not earlier: while the frame is in the queue, nghttp2 accepts no end of the stream
            report(self, EVENT_WANT_TRAILERS, frame.hd.stream_id, None, None)
        return 0
    except BaseException as failure:
        return fail(self, failure)


cdef ssize_t select_padding(
    nghttp2_session *session, const nghttp2_frame *frame, size_t max_payload, void *user_data
) noexcept:
    cdef Session self = <Session>user_data
    cdef size_t length = frame.hd.length
    cdef size_t padded
    if self._padding == PADDING_MAX:
        padded = length + 256
    else:
        # the length of the whole frame, with its header, is a multiple of 8
        padded = ((length + FRAME_HEADER + 7) & ~<size_t>7) - FRAME_HEADER
    return min(padded, max_payload)


cdef ssize_t data_read_length(
    nghttp2_session *session, uint8_t frame_type, int32_t stream_id, int32_t session_window,
    int32_t stream_window, uint32_t max_frame_size, void *user_data,
) noexcept:
    return LARGEST_DATA


# --- the two tables of callbacks ----------------------------------------------------------

cdef int make_callbacks(nghttp2_session_callbacks **made, bint padding) except -1:
    if nghttp2_session_callbacks_new(made) != 0:
        raise MemoryError
    cdef nghttp2_session_callbacks *cbs = made[0]
    nghttp2_session_callbacks_set_on_begin_headers_callback(cbs, on_begin_headers)
    nghttp2_session_callbacks_set_on_header_callback2(cbs, on_header)
    nghttp2_session_callbacks_set_on_invalid_header_callback2(cbs, on_invalid_header)
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
