from libc.stdint cimport int32_t

from http2.engine.budget cimport Budget
from http2.engine.frame_watch cimport FrameWatch
from http2.engine.header_block cimport BlockPattern, OutgoingBlock, StringCache
from http2.engine.nghttp2 cimport nghttp2_session
from http2.engine.outgoing cimport Output


cdef class Session:
    cdef nghttp2_session *_session
    cdef list _batch
    cdef dict _bodies
    cdef StringCache _strings
    cdef OutgoingBlock _outgoing
    cdef Output _output
    cdef FrameWatch _watch
    # the exception of a callback; the call that ran nghttp2 raises it
    cdef object _failure
    # by promised streams whose PUSH_PROMISE is still queued, a list of what to do when it is sent:
    # priorities to set, and the error code of an RST_STREAM, as a tuple of one
    cdef dict _promised
    # RST_STREAM frames for streams that nghttp2 has forgotten, so that it can't send them; or None
    cdef bytes _late_resets

    # the block that is being received
    cdef object _block
    cdef list _block_raw
    cdef list _sensitive
    # what blocks of this connection are like; None for the first ones
    cdef BlockPattern _pattern
    cdef Py_ssize_t _block_pairs
    cdef Py_ssize_t _block_size
    cdef Py_ssize_t _max_pairs
    cdef Py_ssize_t _max_list_size
    cdef bint _list_size_announced
    # a promise whose block is incomplete, or was lost with the stream that it came on; or 0
    cdef int32_t _promise
    cdef int32_t _promise_parent
    # the promised stream that was cancelled last; its response may still arrive
    cdef int32_t _cancelled_promise

    # the parts of max_session_memory
    cdef Py_ssize_t _queued
    cdef Py_ssize_t _large_blocks
    cdef Py_ssize_t _block_memory
    # of streams closed since `receive` was called: the batch still has their headers
    cdef Py_ssize_t _block_memory_in_batch
    # the same by stream, for a client; None if there are none
    cdef dict _closed_blocks
    cdef Py_ssize_t _unacknowledged
    # memory that other objects hold for the peer: see `hold`
    cdef Py_ssize_t _held
    cdef Py_ssize_t _max_memory
    cdef Py_ssize_t _max_rejected
    cdef Py_ssize_t _rejected

    # the smallest stream identifier in a queued GOAWAY, or -1: the next GOAWAY must not exceed it
    cdef int32_t _last_accepted
    # limits of frames and resets that cost work
    cdef Budget _budget
    # whether the next GOAWAY is the last frame to send, and whether it was sent
    cdef bint _leaving
    cdef bint _left

    # counters: see connection.pyi
    cdef readonly long long bytes_received
    cdef readonly long long bytes_sent
    cdef readonly long long bytes_consumed
    # whether the last batch of output was as large as it may be, so that more may wait
    cdef readonly bint batch_was_full
    cdef readonly long long frames_received
    cdef readonly long long frames_sent
    cdef readonly long long stream_count
    cdef readonly long long max_open_streams
    cdef long long _open_streams
    # those opened by the peer
    cdef long long _peer_streams
    cdef long long _blocks
    cdef readonly double last_received
    cdef public bint stamping
    cdef public bint joining_ends
    cdef public bint reporting_windows
    cdef public int measuring

    # the bodies, or None, of requests that the peer has refused since `receive` was called
    cdef dict _refused
    cdef int _admitted
    # the peer's newest stream, and the newest when the current batch began
    cdef int32_t _newest_before
    cdef int32_t _newest
    # streams that were begun and reset in the current batch, or None
    cdef set _reset_at_once

    cdef int _padding
    # bytes of DATA reported as events and not read yet
    cdef long long _unread
    cdef readonly bint client
    # the identifier of the last request that was sent
    cdef readonly int32_t last_sent_request

    cpdef int consume(self, int32_t stream_id, Py_ssize_t size) except -1
    cpdef bint admit(self) except -1

    cdef bint has_nothing_left(self) noexcept
    cdef int _alive(self) except -1
    cdef int _react_to_violation(self) except -1
    cdef int _give_back(self) except -1
    cdef Py_ssize_t _memory(self) noexcept
    cdef Py_ssize_t _memory_of_peer(self) noexcept
    cdef int _prioritize(self, int32_t stream_id, tuple change) except -1
    cdef int _change_priority(self, int32_t stream_id, tuple change) except? -1


# --- for nghttp2's callbacks ---------------------------------------------------------------

cdef inline int report(Session self, int kind, int32_t stream_id, first, second) except -1:
    self._batch.append((kind, stream_id, first, second))
    return 0


cdef inline void stream_begun(Session self, bint by_peer) noexcept:
    self.stream_count += 1
    self._peer_streams += by_peer
    self._open_streams += 1
    if self._open_streams > self.max_open_streams:
        self.max_open_streams = self._open_streams


cdef int fail(Session self, BaseException failure) noexcept
cdef int provoked(Session self) noexcept


cdef int checked(int code) except -1
