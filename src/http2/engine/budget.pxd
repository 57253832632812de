"""What a peer may make us do for nothing: frames that carry nothing, and streams that are reset.

Two allowances of a session, each a number that goes down, and that time fills again. The clock
is looked at only when a number has run out. The frames are counted as they come, by their nine
bytes of header, before nghttp2 has seen them: it tells of no frame that it ignores.

A frame that carries nothing costs 1. Frames that carry something pay for others in advance, as an
honest peer answers what it gets: a WINDOW_UPDATE or two for each DATA frame of ours, a PING for
each of its batches (gRPC), a PRIORITY or a PRIORITY_UPDATE for each request.
"""

from libc.stdint cimport uint8_t, uint32_t

from http2.engine.nghttp2 cimport *


cdef extern from "time.h" nogil:
    ctypedef int clockid_t
    cdef struct timespec:
        long tv_sec
        long tv_nsec
    int CLOCK_MONOTONIC
    int clock_gettime(clockid_t clock, timespec *time)


cdef enum:
    FRAME_HEAD = 9
    CLIENT_PREFACE = 24
    # A CONTINUATION with less than this carries nothing: who fragments, fills its frames.
    TINY_CONTINUATION = 1024
    # What a request, a response, and a DATA frame of ours pay for, and each so many bytes of DATA.
    PAID_BY_BLOCK = 4
    PAID_BY_DATA = 4
    BYTES_THAT_PAY = 512
    # What may be paid in advance, beyond the burst.
    MOST_IN_ADVANCE = 100_000
    # Which allowance has run out, and that it has been reported.
    OF_FRAMES = 1
    OF_RESETS = 2
    REPORTED = 4


cdef struct Allowance:
    long long left
    long long burst
    long long rate
    double since


cdef struct Budget:
    Allowance frames
    Allowance resets
    bint client
    # OF_FRAMES or OF_RESETS once one has run out, with REPORTED after that
    int spent
    # PING and SETTINGS frames of ours that the peer is to acknowledge
    long long unanswered
    # RST_STREAM frames in nghttp2's queue: those of the program, and those counted already
    long long own_resets
    long long counted_resets
    # the frame that is coming: bytes of it to pass over, and of its header what has come
    long long skip
    int known
    uint8_t[9] head


cdef inline double seconds() noexcept nogil:
    cdef timespec time
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec + time.tv_nsec * 1e-9


cdef inline void allow(Allowance *self, long long burst, long long rate) noexcept nogil:
    self.left = self.burst = burst
    self.rate = rate
    self.since = seconds()


cdef inline bint refill(Allowance *self) noexcept nogil:
    """What time gives back to an allowance that has run out; whether that is enough."""
    cdef double now = seconds()
    cdef double back = (now - self.since) * self.rate
    if back >= self.burst:
        self.left += self.burst
        self.since = now
    elif back >= 1:
        self.left += <long long>back
        # what is left of a whole one counts the next time
        self.since += <double><long long>back / self.rate
    return self.left >= 0


cdef inline bint spend(Allowance *self) noexcept nogil:
    """Take 1; False when there is none left."""
    self.left -= 1
    return self.left >= 0 or refill(self)


cdef inline void earn(Budget *self, long long frames) noexcept nogil:
    """Something of use has come or gone: it pays for *frames* that carry nothing."""
    self.frames.left += frames
    if self.frames.left > self.frames.burst + MOST_IN_ADVANCE:
        self.frames.left = self.frames.burst + MOST_IN_ADVANCE


cdef inline bint spend_frame(Budget *self) noexcept nogil:
    """A frame has come that carries nothing; False when there were too many."""
    if spend(&self.frames):
        return True
    self.spent |= OF_FRAMES
    return False


cdef inline bint spend_reset(Budget *self) noexcept nogil:
    """The client has a stream reset, or makes us do it; False when it has too often."""
    # a server may refuse what it likes; what it resets, the client had to ask for
    if self.client or spend(&self.resets):
        return True
    self.spent |= OF_RESETS
    return False


cdef inline bint spend_on_head(Budget *self, const uint8_t *head, uint32_t length) noexcept nogil:
    """Count the frame with this header; False when it is one too many."""
    cdef uint8_t kind = head[3]
    cdef uint8_t flags = head[4]
    if kind == NGHTTP2_DATA:
        if length or flags & NGHTTP2_FLAG_END_STREAM:
            return True
    elif kind == NGHTTP2_HEADERS:
        if length or flags & NGHTTP2_FLAG_END_HEADERS:
            return True
    elif kind == NGHTTP2_PUSH_PROMISE:
        return True
    elif kind == NGHTTP2_CONTINUATION:
        if length >= TINY_CONTINUATION:
            return True
    elif kind == NGHTTP2_RST_STREAM:
        if not self.client:
            return spend_reset(self)
    elif flags & NGHTTP2_FLAG_ACK and (kind == NGHTTP2_PING or kind == NGHTTP2_SETTINGS):
        if self.unanswered > 0:
            self.unanswered -= 1
            return True
    return spend_frame(self)


cdef inline Py_ssize_t count_frames(
    Budget *self, const uint8_t *data, Py_ssize_t size
) noexcept nogil:
    """Count the frames in what has come; return how many bytes of it may be processed.

    Fewer than *size* when a frame is one too many: up to the end of its header, or of the whole
    of an RST_STREAM.
    """
    cdef Py_ssize_t at = 0
    cdef const uint8_t *head
    cdef uint32_t length
    while at < size:
        if self.skip >= size - at:
            self.skip -= size - at
            break
        at += self.skip
        self.skip = 0
        if self.known == 0 and size - at >= FRAME_HEAD:
            head = data + at
            at += FRAME_HEAD
        else:
            while self.known < FRAME_HEAD and at < size:
                self.head[self.known] = data[at]
                self.known += 1
                at += 1
            if self.known < FRAME_HEAD:
                break
            self.known = 0
            head = self.head
        length = (<uint32_t>head[0] << 16) | (<uint32_t>head[1] << 8) | head[2]
        self.skip = length
        if not spend_on_head(self, head, length):
            # a reset is processed to its end, so that its stream is not handed out for nothing
            return min(at + length, size) if head[3] == NGHTTP2_RST_STREAM else at
    return size
