"""Limits of work that a peer can cause for free: frames without content, and stream resets.

A session has two allowances. Each is a number that frames reduce and time refills. The clock
is read only when a number has run out. The frames are counted by their nine bytes of header,
before nghttp2 sees them, because it does not report frames that it ignores.

A frame without content costs 1. Frames with content pay for others in advance, because an
honest peer reacts to what it gets: it sends a WINDOW_UPDATE or two for each of our DATA frames,
a PING for each of its batches (gRPC), a PRIORITY or a PRIORITY_UPDATE for each request.
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
    # A CONTINUATION smaller than this counts as empty: a peer that fragments fills its frames.
    TINY_CONTINUATION = 1024
    # Credit for a request or response, for a DATA frame of ours, and for each BYTES_THAT_PAY.
    PAID_BY_BLOCK = 4
    PAID_BY_DATA = 4
    BYTES_THAT_PAY = 512
    # The largest credit beyond the burst.
    MOST_IN_ADVANCE = 100_000
    # The allowance that has run out, and whether this was reported.
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
    # OF_FRAMES or OF_RESETS when one has run out, and REPORTED after that
    int spent
    # our PING and SETTINGS frames that the peer has not acknowledged
    long long unanswered
    # RST_STREAM frames in nghttp2's queue: the program's, and those counted already
    long long own_resets
    long long counted_resets
    # the frame that is arriving: bytes to skip, and the part of its header that has arrived
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
    """Add what time gives back to an allowance that has run out; return whether that is enough."""
    cdef double now = seconds()
    cdef double back = (now - self.since) * self.rate
    if back >= self.burst:
        self.left += self.burst
        self.since = now
    elif back >= 1:
        self.left += <long long>back
        # the rest counts the next time
        self.since += <double><long long>back / self.rate
    return self.left >= 0


cdef inline bint spend(Allowance *self) noexcept nogil:
    """Take 1; return False if there was none left."""
    self.left -= 1
    return self.left >= 0 or refill(self)


cdef inline void earn(Budget *self, long long frames) noexcept nogil:
    """Add the credit of content that was received or sent: it pays for *frames* empty frames."""
    self.frames.left += frames
    if self.frames.left > self.frames.burst + MOST_IN_ADVANCE:
        self.frames.left = self.frames.burst + MOST_IN_ADVANCE


cdef inline bint spend_frame(Budget *self) noexcept nogil:
    """Count a frame without content; return False if there were too many."""
    if spend(&self.frames):
        return True
    self.spent |= OF_FRAMES
    return False


cdef inline bint spend_reset(Budget *self) noexcept nogil:
    """Count a reset that the client sends or provokes; return False if there were too many."""
    # a server may refuse streams as it likes; the client had to request each that it resets
    if self.client or spend(&self.resets):
        return True
    self.spent |= OF_RESETS
    return False


cdef inline bint spend_on_head(Budget *self, const uint8_t *head, uint32_t length) noexcept nogil:
    """Count the frame with this header; return False if it is one too many."""
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
    """Count the frames in the received bytes; return how many bytes may be processed.

    Fewer than *size* if a frame is one too many: up to the end of its header, or of the whole
    frame if it is RST_STREAM.
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
            # process the whole RST_STREAM, so that its stream is not reported in vain
            return min(at + length, size) if head[3] == NGHTTP2_RST_STREAM else at
    return size
