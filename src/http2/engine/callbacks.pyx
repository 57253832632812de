# cython: language_level=3, boundscheck=False, initializedcheck=False
"""nghttp2's callbacks for received frames, which become events, and the tables of all callbacks.

No callback runs code of the program. An exception in one is kept in `Session._failure` and
raised by the call that ran nghttp2.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint8_t, uint32_t

from http2.engine.budget cimport BYTES_THAT_PAY, PAID_BY_BLOCK, earn, spend_frame
from http2.engine.nghttp2 cimport *
from http2.engine.outgoing cimport OutgoingBody
from http2.engine.received_blocks cimport (
    block_memory,
    cancel_lost_promise,
    drop_block,
    keep_block,
    on_begin_headers,
    on_header,
    on_invalid_header,
    take_block,
)
from http2.engine.sending cimport (
    data_read_length,
    on_frame_not_send,
    on_frame_send,
    select_padding,
    send_data,
)
from http2.engine.session cimport Session, fail, provoked, report

from http2.engine import events as _events

cdef int EVENT_RESPONSE = _events.RESPONSE
cdef int EVENT_HEADERS = _events.HEADERS
cdef int EVENT_DATA = _events.DATA
cdef int EVENT_PUSH_PROMISE = _events.PUSH_PROMISE
cdef int EVENT_STREAM_CLOSED = _events.STREAM_CLOSED
cdef int EVENT_SETTINGS = _events.SETTINGS
cdef int EVENT_SETTINGS_ACK = _events.SETTINGS_ACK
cdef int EVENT_PING = _events.PING
cdef int EVENT_PING_ACK = _events.PING_ACK
cdef int EVENT_GOAWAY = _events.GOAWAY
cdef int EVENT_ALTSVC = _events.ALTSVC
cdef int EVENT_ORIGIN = _events.ORIGIN
cdef int EVENT_PRIORITY = _events.PRIORITY
cdef int EVENT_PRIORITY_UPDATE = _events.PRIORITY_UPDATE
cdef int EVENT_INVALID_FRAME = _events.INVALID_FRAME
cdef int EVENT_LAST_DATA = _events.LAST_DATA

cdef tuple KNOWN_SETTINGS = _events.KNOWN_SETTINGS

cdef enum:
    REFUSED_STREAM = 7
    MISDIRECTED_REQUEST = 421
    # A chunk of a body is joined to the previous one while that is shorter than this,
    SMALL_CHUNK = 4096
    # if the batch has more events than this.
    MANY_EVENTS = 64


# --- received frames ----------------------------------------------------------------------

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
        report(
            self, EVENT_GOAWAY, frame.goaway.last_stream_id, frame.goaway.error_code,
            PyBytes_FromStringAndSize(
                <const char *>frame.goaway.opaque_data, frame.goaway.opaque_data_len))
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


cdef bint is_common_status(object block) except -1:
    """Return whether the response is final, and its status does not concern the session."""
    cdef PyObject *status = PyDict_GetItem(block, ":status")
    return status is not NULL and <object>status >= 200 and <object>status != MISDIRECTED_REQUEST


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
    cdef object block
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
            block = take_block(self)
            if event == EVENT_RESPONSE and (
                flags & NGHTTP2_FLAG_END_STREAM or not is_common_status(block)
            ):
                event = EVENT_HEADERS
            report(self, event, stream_id, block, flags)
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
    cdef object unsent = None, key
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
        key = stream_id
        body = self._bodies.pop(key, None)
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
        self._batch.append((EVENT_STREAM_CLOSED, key, error_code, unsent))
        return 0
    except BaseException as failure:
        return fail(self, failure)


# --- the two tables of callbacks ----------------------------------------------------------

cdef nghttp2_session_callbacks *callbacks = NULL
cdef nghttp2_session_callbacks *padding_callbacks = NULL


cdef nghttp2_session_callbacks *callbacks_for(bint padding) noexcept:
    """Return the callbacks of a session that pads its frames, or of one that does not."""
    return padding_callbacks if padding else callbacks


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
