from libc.stdint cimport int32_t

from http2.engine.budget cimport Budget
from http2.engine.frame_watch cimport FrameWatch
from http2.engine.header_block cimport OutgoingBlock, StringCache
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
    # what went wrong in a callback; the call that ran nghttp2 raises it
    cdef object _failure
    # promised streams whose PUSH_PROMISE is still queued, with what is to be done once it is sent:
    # the priorities to give them, and the code, as a tuple of one, of their RST_STREAM
    cdef dict _promised
    # RST_STREAM frames for streams that nghttp2 has forgotten, which it would not send; or None
    cdef bytes _late_resets

    # the block that is being received
    cdef object _block
    cdef list _block_raw
    cdef list _sensitive
    cdef Py_ssize_t _block_pairs
    cdef Py_ssize_t _block_size
    cdef Py_ssize_t _max_pairs
    cdef Py_ssize_t _max_list_size
    cdef bint _list_size_announced
    # a promise whose block is not complete, or was lost with the stream it came on; or 0
    cdef int32_t _promise
    cdef int32_t _promise_parent
    # the promised stream that was cancelled last; its response may be under way
    cdef int32_t _cancelled_promise

    # what counts for max_session_memory
    cdef Py_ssize_t _queued
    cdef Py_ssize_t _large_blocks
    cdef Py_ssize_t _block_memory
    # of streams that have been closed since `receive` was called: its batch has them still
    cdef Py_ssize_t _block_memory_in_batch
    # of what streams, when this side is a client; None: of none
    cdef dict _closed_blocks
    cdef Py_ssize_t _unacknowledged
    # what others hold for the peer, who say so
    cdef Py_ssize_t _held
    cdef Py_ssize_t _max_memory
    cdef Py_ssize_t _max_rejected
    cdef Py_ssize_t _rejected

    # the least stream that a queued GOAWAY names, or -1: the next one may not name a later one
    cdef int32_t _last_accepted
    # what the peer may make us do for nothing
    cdef Budget _budget
    # whether the next GOAWAY is the last thing to be said, and whether it was said
    cdef bint _leaving
    cdef bint _left

    # what is counted for who asks: see connection.pyi
    cdef readonly long long bytes_received
    cdef readonly long long bytes_sent
    cdef readonly long long bytes_consumed
    cdef readonly long long frames_received
    cdef readonly long long frames_sent
    cdef readonly long long stream_count
    cdef readonly long long max_open_streams
    cdef long long _open_streams
    # those of them that the peer has opened
    cdef long long _peer_streams
    cdef long long _blocks
    cdef readonly double last_received
    cdef public bint stamping
    cdef public bint reporting_windows
    cdef public bint measuring

    # the peer's newest stream when the batch under way began, and which of its newer ones have
    # been reset since; None while there are none
    # requests that the peer has refused since `receive` was called: their bodies, or None
    cdef dict _refused
    cdef int _admitted
    cdef int32_t _newest_before
    cdef int32_t _newest
    cdef set _reset_at_once

    cdef int _padding
    # bytes of DATA that were handed out as events and that no reader has taken yet
    cdef long long _unread
    cdef readonly bint client
    # the id of the last request that has left the queue
    cdef readonly int32_t last_sent_request

    cdef int _alive(self) except -1
    cdef int _react_to_violation(self) except -1
    cdef int _give_back(self) except -1
    cdef Py_ssize_t _memory(self) noexcept
    cdef Py_ssize_t _memory_of_peer(self) noexcept
    cdef int _prioritize(self, int32_t stream_id, tuple change) except -1
    cdef int _change_priority(self, int32_t stream_id, tuple change) except? -1


cdef int checked(int code) except -1
