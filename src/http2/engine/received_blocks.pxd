from libc.stdint cimport int32_t, uint8_t

from http2.engine.nghttp2 cimport nghttp2_frame, nghttp2_rcbuf, nghttp2_session
from http2.engine.session cimport Session


cdef int on_begin_headers(
    nghttp2_session *session, const nghttp2_frame *frame, void *user_data
) noexcept
cdef int on_header(
    nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
    nghttp2_rcbuf *value, uint8_t flags, void *user_data,
) noexcept
cdef int on_invalid_header(
    nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
    nghttp2_rcbuf *value, uint8_t flags, void *user_data,
) noexcept
cdef int cancel_lost_promise(Session self) except -1
cdef object take_block(Session self)
cdef Py_ssize_t block_memory(Session self) noexcept
cdef int keep_block(Session self, int32_t stream_id, Py_ssize_t memory) except -1
cdef int drop_block(Session self, int32_t stream_id) except -1
