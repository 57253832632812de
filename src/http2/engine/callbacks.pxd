from libc.stdint cimport int32_t, uint8_t, uint32_t

from http2.engine.nghttp2 cimport nghttp2_data_source, nghttp2_session, nghttp2_session_callbacks


cdef nghttp2_session_callbacks *callbacks_for(bint padding) noexcept
cdef ssize_t read_body(
    nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t length,
    uint32_t *data_flags, nghttp2_data_source *source, void *user_data,
) noexcept
