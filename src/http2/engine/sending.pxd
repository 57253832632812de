from libc.stdint cimport int32_t, uint8_t, uint32_t

from http2.engine.nghttp2 cimport nghttp2_data_source, nghttp2_frame, nghttp2_session


cdef int on_frame_send(
    nghttp2_session *session, const nghttp2_frame *frame, void *user_data
) noexcept
cdef int on_frame_not_send(
    nghttp2_session *session, const nghttp2_frame *frame, int lib_error, void *user_data
) noexcept
cdef ssize_t read_body(
    nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t length,
    uint32_t *data_flags, nghttp2_data_source *source, void *user_data,
) noexcept
cdef int send_data(
    nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_header,
    size_t length, nghttp2_data_source *source, void *user_data,
) noexcept
cdef ssize_t select_padding(
    nghttp2_session *session, const nghttp2_frame *frame, size_t max_payload, void *user_data
) noexcept
cdef ssize_t data_read_length(
    nghttp2_session *session, uint8_t frame_type, int32_t stream_id, int32_t session_window,
    int32_t stream_window, uint32_t max_frame_size, void *user_data,
) noexcept
