# cython: language_level=3, boundscheck=False, initializedcheck=False
"""nghttp2's callbacks for sent frames: bodies become the next write."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memset

from http2.engine.budget cimport BYTES_THAT_PAY, PAID_BY_BLOCK, PAID_BY_DATA, earn, spend_reset
from http2.engine.frame_watch cimport FrameWatch
from http2.engine.nghttp2 cimport *
from http2.engine.outgoing cimport OutgoingBody, Output
from http2.engine.session cimport Session, fail, report, stream_begun

from http2.engine import events as _events

cdef int EVENT_END_SENT = _events.END_SENT
cdef int EVENT_WRITABLE = _events.WRITABLE
cdef int EVENT_WANT_TRAILERS = _events.WANT_TRAILERS
cdef int EVENT_GOAWAY_SENT = _events.GOAWAY_SENT
cdef int EVENT_FRAME_NOT_SENT = _events.FRAME_NOT_SENT
cdef int EVENT_WINDOW_GIVEN = _events.WINDOW_GIVEN
cdef int EVENT_MEASURED = _events.MEASURED

cdef Py_ssize_t HIGH_WATER = _events.HIGH_WATER

cdef enum:
    # The largest DATA frame that we send, if the peer allows more than 16,384.
    LARGEST_DATA = 65536
    PADDING_MAX = 2
    FRAME_HEADER = 9


# --- frames -------------------------------------------------------------------------------

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


cdef int report_goaway_sent(Session self, const nghttp2_frame *frame) except -1:
    cdef FrameWatch watch = self._watch
    cdef bytes reason = PyBytes_FromStringAndSize(
        <const char *>frame.goaway.opaque_data, frame.goaway.opaque_data_len)
    if not reason and watch.reason is not None and frame.goaway.error_code == watch.error_code:
        # nghttp2 sends no description after `nghttp2_session_terminate_session`
        reason = watch.reason
    return report(
        self, EVENT_GOAWAY_SENT, frame.goaway.last_stream_id, frame.goaway.error_code, reason)


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
            report_goaway_sent(self, frame)
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


# --- bodies -------------------------------------------------------------------------------

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
