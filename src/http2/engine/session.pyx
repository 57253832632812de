# cython: language_level=3, boundscheck=False, initializedcheck=False
"""One `nghttp2_session`: its attributes, and the commands that concern the whole connection.

Settings, PING, GOAWAY, windows, priorities and the other frames without header blocks or
bodies; the connection's state, and how much memory it holds. `Connection` adds the streams.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int32_t, uint8_t, uint32_t

from http2.engine.budget cimport spend_reset
from http2.engine.frame_watch cimport CONNECTION_ERROR, STREAM_ERROR, FrameWatch, Verdict
from http2.engine.nghttp2 cimport *

from http2.engine import events as _events
from http2.errors import new_error, nghttp_error

cdef int EVENT_INVALID_FRAME = _events.INVALID_FRAME

cdef enum:
    # Estimates of a session's memory, in bytes, where counting would cost too much: a stream
    # of the peer with its headers and the task of its handler, the queue of a body, and a
    # frame that waits to be sent or acknowledged.
    # tests/limits/test_session_memory.py measures them.
    STREAM_MEMORY = 6144
    # Header blocks of at least this size count after their stream has closed: see `hold_blocks`.
    LARGE_ENDED = 16384
    BODY_MEMORY = 128
    FRAME_MEMORY = 512
    # Requests that are reported in one turn of the loop, so that other tasks can run in between.
    MOST_ADMITTED = 128


cdef object refusal(int code):
    """Return the exception for a command that nghttp2 refused with *code*."""
    if code == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE:
        return new_error("ERR_HTTP2_OUT_OF_STREAMS")
    if code == NGHTTP2_ERR_NOMEM:
        return new_error("ERR_HTTP2_NO_MEM")
    if code == NGHTTP2_ERR_STREAM_CLOSED:
        return new_error("ERR_HTTP2_INVALID_STREAM")
    return nghttp_error(code)


cdef int fail(Session self, BaseException failure) noexcept:
    """Store the exception of a callback; the call that ran nghttp2 raises it."""
    if self._failure is None:
        self._failure = failure
    return NGHTTP2_ERR_CALLBACK_FAILURE


cdef int provoked(Session self) noexcept:
    """Count a reset that the peer provoked; return a failure if there were too many, else 0."""
    self._budget.counted_resets += 1
    return 0 if spend_reset(&self._budget) else NGHTTP2_ERR_CALLBACK_FAILURE


cdef int checked(int code) except -1:
    """Return *code*, nghttp2's result of a command; raise the exception if it is an error."""
    if code < 0:
        raise refusal(code)
    return code


cdef int check_setting(int identifier) except -1:
    """Check *identifier*: nghttp2 ends the process if asked for a setting it does not know."""
    if 1 <= identifier <= 6 or 8 <= identifier <= 9:
        return 0
    raise new_error("ERR_INVALID_ARG_VALUE", "identifier", identifier)


cdef class Session:
    """The part of a connection that handles no header blocks and no bodies."""

    def __dealloc__(self):
        if self._session is not NULL:
            nghttp2_session_del(self._session)

    cdef int _alive(self) except -1:
        if self._session is NULL:
            raise new_error("ERR_HTTP2_INVALID_SESSION")
        return 0

    @property
    def closed(self):
        """Whether `close` was called; then no other method may be called."""
        return self._session is NULL

    @property
    def want_read(self):
        """Whether bytes of the peer can still be processed; if not, the connection may end."""
        return self._session is not NULL and nghttp2_session_want_read(self._session) != 0

    @property
    def want_write(self):
        """Whether `data_to_send` has something that flow control allows to be sent."""
        return self._session is not NULL and (
            self._late_resets is not None or nghttp2_session_want_write(self._session) != 0
        )

    cdef bint has_nothing_left(self) noexcept:
        """Return whether neither side can send anything more, before `close` is called."""
        return (
            self._session is not NULL
            and not nghttp2_session_want_read(self._session)
            and self._late_resets is None
            and not nghttp2_session_want_write(self._session)
        )

    cdef int _react_to_violation(self) except -1:
        """React to a frame that `FrameWatch.doubtful` has found (RFC 9113 section 5.1)."""
        cdef FrameWatch watch = self._watch
        cdef Verdict verdict = watch.judge(self._session)
        if verdict == STREAM_ERROR:
            # nghttp2 from 1.69 on sends no RST_STREAM on a closed stream
            self._late_resets = (self._late_resets or b"") + (
                b"\0\0\4\3\0" + watch.stream_id.to_bytes(4, "big")
                + NGHTTP2_STREAM_CLOSED.to_bytes(4, "big"))
            spend_reset(&self._budget)
            self._batch.append((
                EVENT_INVALID_FRAME, watch.stream_id, watch.kind, NGHTTP2_ERR_STREAM_CLOSED))
        elif verdict == CONNECTION_ERROR:
            # later frames are ignored; `watch.reason` is reported when the GOAWAY was sent
            checked(nghttp2_session_terminate_session(self._session, watch.error_code))
        return 0

    # --- windows --------------------------------------------------------------------------

    cpdef int consume(self, int32_t stream_id, Py_ssize_t size) except -1:
        """Let the peer send *size* more bytes: the application has read as many (RFC 9113
        section 5.2). If the stream no longer exists, only the connection's window grows.

        WINDOW_UPDATE for the connection is sent when half of its window is due. If more than
        half of it is unread and the rest nearly used up, any amount is sent. nghttp2 itself
        waits for half, so that one unread stream would starve all others.
        """
        self._alive()
        if size < 0:
            raise new_error("ERR_OUT_OF_RANGE", "size", ">= 0", size)
        self.bytes_consumed += size
        checked(nghttp2_session_consume_stream(self._session, stream_id, size))
        # never more than was received, whatever the caller says
        self._unread -= min(<long long>size, self._unread)
        self._give_back()

    cdef int _give_back(self) except -1:
        """Send a WINDOW_UPDATE for the connection if one is due.

        All received bytes that do not wait for a reader are due. That includes bytes that the
        engine never sees: padding, and DATA for streams that were reset here, which nghttp2
        counts as consumed at once (RFC 9113 sections 5.1 and 6.1).
        """
        cdef int32_t window, received
        cdef long long due
        received = nghttp2_session_get_effective_recv_data_length(self._session)
        due = received - self._unread
        if due <= 0:
            return 0
        window = nghttp2_session_get_effective_local_window_size(self._session)
        if 2 * due >= window or (
            2 * self._unread > window
            and 4 * <long long>nghttp2_session_get_local_window_size(self._session) < window
        ):
            checked(nghttp2_submit_window_update(
                self._session, NGHTTP2_FLAG_NONE, 0, <int32_t>due))
        return 0

    def set_local_window_size(self, int32_t size, int32_t stream_id=0):
        """Set the receive window of a stream, or with 0 of the connection, to *size* bytes."""
        self._alive()
        checked(nghttp2_session_set_local_window_size(
            self._session, NGHTTP2_FLAG_NONE, stream_id, size))

    def stream_window(self, int32_t stream_id):
        """Return a stream's whole receive window in bytes; -1 if there is no such stream."""
        self._alive()
        return nghttp2_session_get_stream_effective_local_window_size(self._session, stream_id)

    def connection_window(self):
        """Return the connection's whole receive window in bytes."""
        self._alive()
        return nghttp2_session_get_effective_local_window_size(self._session)

    # --- frames ---------------------------------------------------------------------------

    def submit_settings(self, pairs):
        """Queue a SETTINGS frame of (identifier, value) *pairs*."""
        cdef nghttp2_settings_entry[64] entries
        cdef size_t count = 0
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
        checked(nghttp2_submit_settings(self._session, NGHTTP2_FLAG_NONE, entries, count))
        self._unacknowledged += 1
        self._budget.unanswered += 1

    def local_setting(self, int identifier):
        """Return the value of one of our settings that the peer has acknowledged."""
        self._alive()
        check_setting(identifier)
        return nghttp2_session_get_local_settings(self._session, identifier)

    def remote_setting(self, int identifier):
        """Return the value of one of the peer's settings."""
        self._alive()
        check_setting(identifier)
        return nghttp2_session_get_remote_settings(self._session, identifier)

    def ping(self, const uint8_t[::1] payload):
        """Queue a PING of the 8 bytes *payload*; the answer is the event PING_ACK."""
        self._alive()
        if payload.shape[0] != 8:
            raise new_error("ERR_HTTP2_PING_LENGTH")
        checked(nghttp2_submit_ping(self._session, NGHTTP2_FLAG_NONE, &payload[0]))
        self._unacknowledged += 1
        self._budget.unanswered += 1

    def goaway(self, uint32_t error_code=0, int32_t last_stream_id=0, bytes opaque_data=b""):
        """Queue GOAWAY; *last_stream_id* 0 means the last received stream."""
        self._alive()
        if last_stream_id <= 0:
            last_stream_id = nghttp2_session_get_last_proc_stream_id(self._session)
        # RFC 9113 section 6.8: it must not grow. nghttp2 compares only with those already sent
        if self._last_accepted >= 0:
            last_stream_id = min(last_stream_id, self._last_accepted)
        checked(nghttp2_submit_goaway(
            self._session, NGHTTP2_FLAG_NONE, last_stream_id, error_code,
            <const uint8_t *>PyBytes_AS_STRING(opaque_data), PyBytes_GET_SIZE(opaque_data)))
        self._last_accepted = last_stream_id

    def shutdown_notice(self):
        """Queue the first GOAWAY of a two-step shutdown (RFC 9113 section 6.8); server only."""
        self._alive()
        checked(nghttp2_submit_shutdown_notice(self._session))

    def terminate(self, uint32_t error_code, bytes reason=b""):
        """Queue the last GOAWAY: no later frame of the peer is processed.

        *reason* is its opaque data. nghttp2 can't send it and end the connection at once, so after
        a call with a *reason*, `receive` must not be called any more.
        """
        self._alive()
        if reason:
            self._leaving = True
            self.goaway(error_code, 0, reason)
        else:
            checked(nghttp2_session_terminate_session(self._session, error_code))

    def altsvc(self, int32_t stream_id, bytes origin, bytes field_value):
        """Queue ALTSVC (RFC 7838 section 4); server only."""
        self._alive()
        checked(nghttp2_submit_altsvc(
            self._session, NGHTTP2_FLAG_NONE, stream_id,
            <const uint8_t *>PyBytes_AS_STRING(origin), PyBytes_GET_SIZE(origin),
            <const uint8_t *>PyBytes_AS_STRING(field_value), PyBytes_GET_SIZE(field_value)))

    def origin(self, origins):
        """Queue ORIGIN (RFC 8336) with the `bytes` of *origins*; server only."""
        cdef nghttp2_origin_entry *entries
        cdef size_t count = 0
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
            checked(nghttp2_submit_origin(self._session, NGHTTP2_FLAG_NONE, entries, count))
        finally:
            PyMem_Free(entries)

    def set_next_stream_id(self, int32_t stream_id):
        """Set the identifier of our next stream to *stream_id*, larger than all before."""
        self._alive()
        checked(nghttp2_session_set_next_stream_id(self._session, stream_id))

    # --- priorities -----------------------------------------------------------------------

    def priority(
        self, int32_t stream_id, int32_t parent=0, int32_t weight=16, bint exclusive=False,
        bint silent=False,
    ):
        """Change a stream's RFC 7540 priority; unless *silent*, send PRIORITY to the peer."""
        cdef nghttp2_priority_spec spec
        self._alive()
        if parent == stream_id:
            raise new_error("ERR_HTTP2_STREAM_SELF_DEPENDENCY")
        if silent:
            self._prioritize(stream_id, (parent, weight, exclusive))
            return
        nghttp2_priority_spec_init(&spec, parent, weight, exclusive)
        checked(nghttp2_submit_priority(self._session, NGHTTP2_FLAG_NONE, stream_id, &spec))

    def set_urgency(self, int32_t stream_id, uint32_t urgency, bint incremental):
        """Change a stream's RFC 9218 priority here, whatever the client's is; server only.

        No effect unless SETTINGS_NO_RFC7540_PRIORITIES was 1 in our first SETTINGS.
        """
        self._alive()
        self._prioritize(stream_id, (urgency, incremental))

    cdef int _prioritize(self, int32_t stream_id, tuple change) except -1:
        if self._promised is not None and stream_id in self._promised:
            # nghttp2 creates the stream when it sends its PUSH_PROMISE
            (<list>self._promised[stream_id]).append(change)
            return 0
        if nghttp2_session_find_stream(self._session, stream_id) is NULL:
            # the stream is still in the queue, or has just ended: it has no priority
            return 0
        checked(self._change_priority(stream_id, change))
        return 0

    cdef int _change_priority(self, int32_t stream_id, tuple change) except? -1:
        """Apply (parent, weight, exclusive) or (urgency, incremental); return nghttp2's code.

        (error code,), for a stream that has just been promised, resets it.
        """
        cdef nghttp2_priority_spec spec
        cdef nghttp2_extpri extpri
        if len(change) == 1:
            return nghttp2_submit_rst_stream(
                self._session, NGHTTP2_FLAG_NONE, stream_id, change[0])
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
        checked(nghttp2_submit_priority_update(
            self._session, NGHTTP2_FLAG_NONE, stream_id,
            <const uint8_t *>PyBytes_AS_STRING(field_value), PyBytes_GET_SIZE(field_value)))

    # --- state ----------------------------------------------------------------------------

    @property
    def receiving_block(self):
        """Ordinal of the header block that has arrived in part; 0 if there is none."""
        return 0 if self._block is None else self._blocks

    def state(self):
        """Return the connection's windows, queue and tables, named as in `Http2Session.state`."""
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
        """Return a stream's state, named as in `Http2Stream.state`; None if there is no stream."""
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

    def memory(self):
        """Return the estimated memory of the session in bytes, which `max_session_memory` limits.

        It includes bodies that wait to be sent, received data that was not read, the tables of
        header compression, frames that wait to be sent or acknowledged, streams that the peer has
        opened, and its header blocks.
        """
        self._alive()
        return self._memory()

    cdef Py_ssize_t _memory(self) noexcept:
        return self._queued + self._memory_of_peer()

    cdef Py_ssize_t _memory_of_peer(self) noexcept:
        """Return the memory that the peer causes: all but the bodies that this side has queued."""
        return (
            <Py_ssize_t>self._unread
            + <Py_ssize_t>nghttp2_session_get_hd_deflate_dynamic_table_size(self._session)
            + <Py_ssize_t>nghttp2_session_get_hd_inflate_dynamic_table_size(self._session)
            + (self._unacknowledged
               + <Py_ssize_t>nghttp2_session_get_outbound_queue_size(self._session)
               ) * FRAME_MEMORY
            + <Py_ssize_t>self._peer_streams * STREAM_MEMORY
            + self._block_memory
            + self._block_memory_in_batch
            + <Py_ssize_t>len(self._bodies) * BODY_MEMORY
            + self._held
        )

    def hold(self, Py_ssize_t size):
        """Count *size* bytes that others hold for the peer; a negative size releases them."""
        self._held += size

    def hold_blocks(self, int32_t stream_id):
        """Keep counting the header blocks of a response that has just ended; return their bytes.

        For a client's stream whose body is still unread. 0 if the blocks take less than
        LARGE_ENDED bytes: an honest response's do, and a program may leave many of them
        unread. The caller releases the bytes with `hold`. Without this call the blocks count
        until the next `receive`.
        """
        cdef Py_ssize_t memory
        if self._closed_blocks is None:
            return 0
        memory = self._closed_blocks.pop(stream_id, 0)
        if memory < LARGE_ENDED:
            return 0
        self._block_memory_in_batch -= memory
        self._held += memory
        return memory

    @property
    def crowded(self):
        """Whether bodies that wait to be sent take more than half of the session's memory."""
        return 2 * self._queued > self._max_memory

    cpdef bint admit(self) except -1:
        """Return whether one more request may be reported in this turn of the loop.

        Not while the session is `crowded`, nor after MOST_ADMITTED requests since `receive` or
        `new_turn` was called.
        """
        if self._admitted >= MOST_ADMITTED or 2 * self._queued > self._max_memory:
            return False
        self._admitted += 1
        return True

    def new_turn(self):
        """Reset the count of `admit`: a new turn of the loop has begun."""
        self._admitted = 0
