from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from http2.engine.nghttp2 cimport nghttp2_session

cdef enum:
    OWN_RESETS = 128
    PEER_RESETS = 32
    GAPS = 8


cdef enum Verdict:
    HARMLESS
    STREAM_ERROR
    CONNECTION_ERROR


cdef class Resets:
    """The last streams that were reset, and the identifiers that were skipped: two rings each."""

    cdef int32_t[OWN_RESETS] _own
    cdef int32_t[PEER_RESETS] _peer
    # pairs: the identifiers between the two were never used
    cdef int32_t[GAPS] _gap_from
    cdef int32_t[GAPS] _gap_to
    cdef uint32_t _own_count
    cdef uint32_t _peer_count
    cdef uint32_t _gap_count
    # the highest of our resets that are no longer stored
    cdef int32_t floor

    cdef void add_own(self, int32_t stream_id) noexcept
    cdef bint is_own(self, int32_t stream_id) noexcept
    cdef void add_peer(self, int32_t stream_id) noexcept
    cdef bint is_peer(self, int32_t stream_id) noexcept
    cdef void add_gap(self, int32_t before, int32_t after) noexcept
    cdef bint in_gap(self, int32_t stream_id) noexcept


cdef class FrameWatch:
    # the position of the next frame in the peer's bytes
    cdef uint32_t _skip
    cdef uint32_t _have
    cdef uint8_t[9] _head
    cdef bint _in_block
    cdef bint _in_settings
    cdef Py_ssize_t _at

    # the streams of frames that were not given to nghttp2 yet
    cdef int32_t _highest_seen
    cdef int32_t _open
    cdef uint64_t _ended

    # the frame at which `doubtful` has stopped
    cdef uint8_t kind
    cdef int32_t stream_id
    # the number of queued frames when the current SETTINGS frame began to arrive
    cdef size_t _queued

    # opened streams: by the client, as the server sees them, and by promises
    cdef bint _client
    cdef int32_t _highest
    cdef int32_t last_promised
    # the server has sent GOAWAY: it processed no stream above this one
    cdef int32_t refused_above
    cdef Resets _resets

    # the connection error that was found, and its description
    cdef uint32_t error_code
    cdef bytes reason

    cdef void begin(self, nghttp2_session *session, int32_t last_sent_request) noexcept
    cdef Py_ssize_t doubtful(
        self, nghttp2_session *session, const uint8_t *data, Py_ssize_t length) noexcept
    cdef bint _is_doubtful(
        self, nghttp2_session *session, uint8_t kind, int32_t stream_id) noexcept
    cdef Py_ssize_t _stop(
        self, Py_ssize_t at, Py_ssize_t start, uint8_t kind, int32_t stream_id) noexcept
    cdef Verdict judge(self, nghttp2_session *session) except *
    cdef Verdict _fault(self, uint32_t code, bytes why) except *
    cdef Resets _remember(self)

    cdef int opened(self, int32_t stream_id) except -1
    cdef int refused(self, int32_t stream_id) except -1
    cdef int reset_sent(self, nghttp2_session *session, int32_t stream_id) except -1
    cdef int reset_received(self, int32_t stream_id) except -1
    cdef bint settings_received(self, nghttp2_session *session) noexcept
    cdef int push_closed(self, nghttp2_session *session, int32_t stream_id) except -1
