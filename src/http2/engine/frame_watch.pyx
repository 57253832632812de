# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Violations of RFC 9113 that nghttp2 accepts, or ignores silently.

Above all DATA and header blocks on closed streams. nghttp2 forgets a stream when it is
closed, because it can't distinguish a violation from frames that were under way when we reset the
stream. Section 5.1 requires STREAM_CLOSED if the *peer* has ended the stream, by END_STREAM or
by RST_STREAM: no honest peer sends DATA or HEADERS after that. Little has to be stored: a
stream that has begun, is not open and was not reset by us was ended by the peer. So
`FrameWatch` stores the highest identifier that was used, and the last `OWN_RESETS` streams that
we have reset before the peer had ended them; it stores nothing about a stream that ends well.
When a reset is dropped from the store, all streams up to it get the benefit of the doubt.

Then CONTINUATION larger than our MAX_FRAME_SIZE (section 4.2); in older versions of nghttp2, an
INITIAL_WINDOW_SIZE that makes the window of a stream too large (section 6.9.2); in newer ones,
PRIORITY on stream 0 (section 6.3).

`FrameWatch` reads the nine bytes that begin each frame before nghttp2 does, because nghttp2 has
no callback for frames that it drops. A frame that needs a closer look is `doubtful`: the frames
before it are given to nghttp2 first, so that `judge` sees the streams in their state at this frame.
"""

cimport cython
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from http2.engine.nghttp2 cimport *

cdef enum:
    FRAME_HEADER = 9
    CLIENT_PREFACE = 24
    HIGHEST_STREAM = 0x7fffffff
    # the MAX_FRAME_SIZE that every endpoint accepts
    SMALLEST_MAX_FRAME_SIZE = 16384


cdef inline uint64_t mark_of(int32_t stream_id) noexcept:
    """Return one bit for a stream. Two streams may share it: a set bit means "perhaps"."""
    return <uint64_t>1 << ((<uint32_t>stream_id >> 1) & 63)


@cython.final
cdef class Resets:
    """The streams that did not end well; created with the first of them."""

    cdef void add_own(self, int32_t stream_id) noexcept:
        cdef int32_t forgotten
        cdef uint32_t place
        if self.is_own(stream_id):
            return
        place = self._own_count % OWN_RESETS
        forgotten = self._own[place]
        if forgotten > self.floor:
            self.floor = forgotten
        self._own[place] = stream_id
        self._own_count += 1

    cdef bint is_own(self, int32_t stream_id) noexcept:
        cdef int i
        for i in range(OWN_RESETS):
            if self._own[i] == stream_id:
                return True
        return False

    cdef void add_peer(self, int32_t stream_id) noexcept:
        self._peer[self._peer_count % PEER_RESETS] = stream_id
        self._peer_count += 1

    cdef bint is_peer(self, int32_t stream_id) noexcept:
        cdef int i
        for i in range(PEER_RESETS):
            if self._peer[i] == stream_id:
                return True
        return False

    cdef void add_gap(self, int32_t before, int32_t after) noexcept:
        cdef uint32_t place = self._gap_count % GAPS
        self._gap_from[place] = before
        self._gap_to[place] = after
        self._gap_count += 1

    cdef bint in_gap(self, int32_t stream_id) noexcept:
        cdef int i
        for i in range(GAPS):
            if self._gap_from[i] < stream_id < self._gap_to[i]:
                return True
        return False


@cython.final
cdef class FrameWatch:
    """Reads the frames of one peer, and knows which of its streams it has ended."""

    def __cinit__(self, bint client):
        self._client = client
        self._skip = 0 if client else CLIENT_PREFACE
        # so that there is no gap before the first stream, 1
        self._highest = -1
        self.refused_above = HIGHEST_STREAM

    # --- looking at frames ----------------------------------------------------------------

    cdef void begin(self, nghttp2_session *session, int32_t last_sent_request) noexcept:
        """Prepare for new bytes; then `doubtful` is called with them until it returns -1."""
        self._at = 0
        self._open = 0
        self._ended = 0
        if self._client:
            self._highest = last_sent_request
        if self._in_settings:
            self._queued = nghttp2_session_get_outbound_queue_size(session)

    cdef Py_ssize_t doubtful(
        self, nghttp2_session *session, const uint8_t *data, Py_ssize_t length
    ) noexcept:
        """Return where in *data* the next doubtful frame begins; -1 if there is none.

        0 if the frame began in earlier bytes.
        """
        cdef Py_ssize_t at = self._at, start
        cdef const uint8_t *head
        cdef uint32_t missing
        cdef uint8_t kind, flags
        cdef int32_t stream_id
        cdef bint found
        while True:
            if length - at <= <Py_ssize_t>self._skip:
                self._skip -= <uint32_t>(length - at)
                return -1
            at += self._skip
            self._skip = 0
            start = at
            if self._have == 0 and length - at >= FRAME_HEADER:
                head = data + at
                at += FRAME_HEADER
            else:
                if self._have:
                    start = 0
                missing = FRAME_HEADER - self._have
                if length - at < <Py_ssize_t>missing:
                    memcpy(&self._head[self._have], data + at, length - at)
                    self._have += <uint32_t>(length - at)
                    return -1
                memcpy(&self._head[self._have], data + at, missing)
                at += missing
                self._have = 0
                head = self._head
            self._skip = <uint32_t>head[0] << 16 | <uint32_t>head[1] << 8 | head[2]
            kind = head[3]
            flags = head[4]
            if kind == NGHTTP2_CONTINUATION:
                if flags & NGHTTP2_FLAG_END_HEADERS:
                    self._in_block = False
                if self._skip > SMALLEST_MAX_FRAME_SIZE:
                    return self._stop(at, start, kind, 0)
                continue
            if kind > NGHTTP2_PUSH_PROMISE or self._in_block:
                # nghttp2 ends the connection for any other frame within a header block
                continue
            stream_id = (
                <int32_t>(head[5] & 0x7f) << 24 | <int32_t>head[6] << 16
                | <int32_t>head[7] << 8 | head[8])
            if kind == NGHTTP2_RST_STREAM:
                self._ended |= mark_of(stream_id)
                continue
            if kind == NGHTTP2_PRIORITY:
                if stream_id == 0:
                    return self._stop(at, start, kind, 0)
                continue
            if kind == NGHTTP2_SETTINGS:
                if self._skip and not flags & NGHTTP2_FLAG_ACK:
                    return self._stop(at, start, kind, 0)
                continue
            if kind != NGHTTP2_DATA and not flags & NGHTTP2_FLAG_END_HEADERS:
                self._in_block = True
            found = (
                stream_id != self._open or self._ended & mark_of(stream_id)
            ) and self._is_doubtful(session, kind, stream_id)
            if found:
                # nghttp2 gets the bytes before this frame now, and the frame itself after that
                self._stop(at, start, kind, stream_id)
            if flags & NGHTTP2_FLAG_END_STREAM and kind != NGHTTP2_PUSH_PROMISE:
                self._ended |= mark_of(stream_id)
            if found:
                return start

    cdef Py_ssize_t _stop(
        self, Py_ssize_t at, Py_ssize_t start, uint8_t kind, int32_t stream_id
    ) noexcept:
        """Store the doubtful frame, and that nghttp2 gets the bytes before it."""
        self._at = at
        self._ended = 0
        self.kind = kind
        self.stream_id = stream_id
        return start

    cdef bint _is_doubtful(
        self, nghttp2_session *session, uint8_t kind, int32_t stream_id
    ) noexcept:
        """Return whether the frame may be on a closed stream; nghttp2 may lack frames before it."""
        cdef bint requested = stream_id & 1
        if self._client:
            if requested and stream_id > self._highest:
                return False  # idle: nghttp2 handles it
            if not requested and (
                kind == NGHTTP2_PUSH_PROMISE
                or (self._resets is None and not self._ended & mark_of(stream_id))
            ):
                return False
        elif requested:
            if stream_id > self._highest_seen:
                if kind == NGHTTP2_HEADERS:
                    self._highest_seen = self._open = stream_id
                return False
        else:
            return kind == NGHTTP2_DATA and stream_id <= self.last_promised
        if self._ended & mark_of(stream_id):
            return True
        if is_open(session, stream_id):
            self._open = stream_id
            return False
        return True

    cdef Verdict judge(self, nghttp2_session *session) except *:
        """Judge the frame that `doubtful` has found; nghttp2 has processed all frames before it.

        For a connection error, `reason` is its description.
        """
        cdef int32_t stream_id = self.stream_id
        cdef uint8_t kind = self.kind
        cdef Resets resets = self._resets
        cdef bint requested = stream_id & 1
        if kind == NGHTTP2_SETTINGS:
            self._in_settings = True
            self._queued = nghttp2_session_get_outbound_queue_size(session)
            return HARMLESS
        if kind == NGHTTP2_CONTINUATION:
            if self._skip <= nghttp2_session_get_local_settings(
                session, NGHTTP2_SETTINGS_MAX_FRAME_SIZE
            ):
                return HARMLESS
            self.error_code = NGHTTP2_FRAME_SIZE_ERROR
            self.reason = b"CONTINUATION of %d octets" % self._skip
            return CONNECTION_ERROR
        if kind == NGHTTP2_PRIORITY:
            self.error_code = NGHTTP2_PROTOCOL_ERROR
            self.reason = b"PRIORITY on stream 0"
            return CONNECTION_ERROR
        if is_open(session, stream_id):
            self._open = stream_id
            if is_reserved(session, stream_id):
                # nghttp2's error would be STREAM_CLOSED
                return self._fault(NGHTTP2_PROTOCOL_ERROR, b"which is reserved for a push")
            return HARMLESS
        if not requested:
            if self._client:
                # nghttp2 itself resets a promise that was refused, so only the peer's resets count
                if resets is None or not resets.is_peer(stream_id):
                    return HARMLESS
            return self._fault(NGHTTP2_STREAM_CLOSED, b"which is closed")
        if stream_id > self._highest or stream_id > self.refused_above:
            return HARMLESS
        if resets is not None:
            if resets.is_own(stream_id):
                return HARMLESS
            if kind == NGHTTP2_HEADERS and resets.in_gap(stream_id):
                return self._fault(
                    NGHTTP2_PROTOCOL_ERROR, b"after stream %d had begun" % self._highest)
            if stream_id <= resets.floor:
                return HARMLESS
            if kind != NGHTTP2_PUSH_PROMISE and resets.is_peer(stream_id):
                # one RST_STREAM is the answer; later frames are ignored
                resets.add_own(stream_id)
                return STREAM_ERROR
        if kind == NGHTTP2_PUSH_PROMISE:
            # RFC 9113 section 6.6
            return self._fault(NGHTTP2_PROTOCOL_ERROR, b"which the peer had already ended")
        return self._fault(NGHTTP2_STREAM_CLOSED, b"which the peer had already ended")

    cdef Verdict _fault(self, uint32_t code, bytes why) except *:
        cdef bytes name = b"DATA"
        if self.kind == NGHTTP2_HEADERS:
            name = b"HEADERS"
        elif self.kind == NGHTTP2_PUSH_PROMISE:
            name = b"PUSH_PROMISE"
        self.error_code = code
        self.reason = b"%s on stream %d, %s" % (name, self.stream_id, why)
        return CONNECTION_ERROR

    # --- the life of streams --------------------------------------------------------------

    cdef Resets _remember(self):
        if self._resets is None:
            self._resets = Resets.__new__(Resets)
        return self._resets

    cdef int opened(self, int32_t stream_id) except -1:
        """Record that a client has begun a stream."""
        if stream_id != self._highest + 2:
            self._remember().add_gap(self._highest, stream_id)
        self._highest = stream_id
        return 0

    cdef int refused(self, int32_t stream_id) except -1:
        """Record that nghttp2 has refused a client's stream: it will be reset."""
        self.opened(stream_id)
        self._remember().add_own(stream_id)
        return 0

    cdef int reset_sent(self, nghttp2_session *session, int32_t stream_id) except -1:
        """Record that RST_STREAM is sent: frames may follow unless the peer had ended the stream."""
        if nghttp2_session_get_stream_remote_close(session, stream_id) != 1:
            self._remember().add_own(stream_id)
        return 0

    cdef int reset_received(self, int32_t stream_id) except -1:
        """Record that RST_STREAM has been received."""
        self._remember().add_peer(stream_id)
        return 0

    cdef bint settings_received(self, nghttp2_session *session) noexcept:
        """Return whether the SETTINGS just applied make a window too large (section 6.9.2).

        nghttp2 before 1.67 resets the streams with such windows: then it has queued more than the
        acknowledgement.
        """
        cdef bint watched = self._in_settings
        self._in_settings = False
        return watched and nghttp2_session_get_outbound_queue_size(session) > self._queued + 1

    cdef int push_closed(self, nghttp2_session *session, int32_t stream_id) except -1:
        """Record on the client that a pushed stream is closed, if the server had ended it."""
        if nghttp2_session_get_stream_remote_close(session, stream_id) == 1:
            self._remember().add_peer(stream_id)
        return 0


cdef bint is_open(nghttp2_session *session, int32_t stream_id) noexcept:
    """Return whether nghttp2 has the stream, and not only as a node of the priority tree."""
    cdef nghttp2_stream *stream = nghttp2_session_find_stream(session, stream_id)
    return stream is not NULL and nghttp2_stream_get_state(stream) != NGHTTP2_STREAM_STATE_IDLE


cdef bint is_reserved(nghttp2_session *session, int32_t stream_id) noexcept:
    """Return whether we have promised the stream and not answered on it yet."""
    cdef nghttp2_stream *stream = nghttp2_session_find_stream(session, stream_id)
    return nghttp2_stream_get_state(stream) == NGHTTP2_STREAM_STATE_RESERVED_LOCAL
