"""The C declarations of libnghttp2 (1.52 and later), and nothing else."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t


cdef extern from *:
    """
    #include <sys/types.h>
    #include <nghttp2/nghttp2.h>
    /* Not in every version. Whether it exists shows at load time, because the loaded version need
       not be the one that the extension was built with. */
    extern void nghttp2_option_set_stream_reset_rate_limit(
        nghttp2_option *option, uint64_t burst, uint64_t rate) __attribute__((weak));
    extern void nghttp2_option_set_glitch_rate_limit(
        nghttp2_option *option, uint64_t burst, uint64_t rate) __attribute__((weak));
    /* Since 1.57; distributions add it to older versions as a security fix. */
    static inline void http2_set_stream_reset_rate_limit(
        nghttp2_option *option, uint64_t burst, uint64_t rate) {
      if (nghttp2_option_set_stream_reset_rate_limit)
        nghttp2_option_set_stream_reset_rate_limit(option, burst, rate);
    }
    /* Since 1.67. */
    static inline void http2_set_glitch_rate_limit(
        nghttp2_option *option, uint64_t burst, uint64_t rate) {
      if (nghttp2_option_set_glitch_rate_limit)
        nghttp2_option_set_glitch_rate_limit(option, burst, rate);
    }
    """
    pass


cdef extern from "nghttp2/nghttp2.h":
    ctypedef struct nghttp2_session:
        pass
    ctypedef struct nghttp2_session_callbacks:
        pass
    ctypedef struct nghttp2_option:
        pass
    ctypedef struct nghttp2_rcbuf:
        pass
    ctypedef struct nghttp2_stream:
        pass

    ctypedef struct nghttp2_info:
        int age
        int version_num
        const char *version_str

    ctypedef struct nghttp2_vec:
        uint8_t *base
        size_t len

    ctypedef struct nghttp2_nv:
        uint8_t *name
        uint8_t *value
        size_t namelen
        size_t valuelen
        uint8_t flags

    ctypedef struct nghttp2_frame_hd:
        size_t length
        int32_t stream_id
        uint8_t type
        uint8_t flags

    ctypedef union nghttp2_data_source:
        int fd
        void *ptr

    ctypedef ssize_t (*nghttp2_data_source_read_callback)(
        nghttp2_session *session, int32_t stream_id, uint8_t *buf, size_t length,
        uint32_t *data_flags, nghttp2_data_source *source, void *user_data) noexcept

    ctypedef struct nghttp2_data_provider:
        nghttp2_data_source source
        nghttp2_data_source_read_callback read_callback

    ctypedef struct nghttp2_priority_spec:
        int32_t stream_id
        int32_t weight
        uint8_t exclusive

    ctypedef struct nghttp2_settings_entry:
        int32_t settings_id
        uint32_t value

    ctypedef struct nghttp2_data:
        nghttp2_frame_hd hd
        size_t padlen

    ctypedef enum nghttp2_headers_category:
        NGHTTP2_HCAT_REQUEST
        NGHTTP2_HCAT_RESPONSE
        NGHTTP2_HCAT_HEADERS

    ctypedef struct nghttp2_headers:
        nghttp2_frame_hd hd
        size_t padlen
        nghttp2_priority_spec pri_spec
        nghttp2_headers_category cat

    ctypedef struct nghttp2_priority:
        nghttp2_frame_hd hd
        nghttp2_priority_spec pri_spec

    ctypedef struct nghttp2_settings:
        nghttp2_frame_hd hd
        size_t niv
        nghttp2_settings_entry *iv

    ctypedef struct nghttp2_push_promise:
        nghttp2_frame_hd hd
        size_t padlen
        int32_t promised_stream_id

    ctypedef struct nghttp2_ping:
        nghttp2_frame_hd hd
        uint8_t opaque_data[8]

    ctypedef struct nghttp2_goaway:
        nghttp2_frame_hd hd
        int32_t last_stream_id
        uint32_t error_code
        uint8_t *opaque_data
        size_t opaque_data_len

    ctypedef struct nghttp2_extension:
        nghttp2_frame_hd hd
        void *payload

    ctypedef struct nghttp2_ext_altsvc:
        uint8_t *origin
        size_t origin_len
        uint8_t *field_value
        size_t field_value_len

    ctypedef struct nghttp2_origin_entry:
        uint8_t *origin
        size_t origin_len

    ctypedef struct nghttp2_ext_origin:
        size_t nov
        nghttp2_origin_entry *ov

    ctypedef struct nghttp2_ext_priority_update:
        int32_t stream_id
        uint8_t *field_value
        size_t field_value_len

    ctypedef struct nghttp2_extpri:
        uint32_t urgency
        int inc

    ctypedef union nghttp2_frame:
        nghttp2_frame_hd hd
        nghttp2_data data
        nghttp2_headers headers
        nghttp2_priority priority
        nghttp2_settings settings
        nghttp2_push_promise push_promise
        nghttp2_ping ping
        nghttp2_goaway goaway
        nghttp2_extension ext

    enum:
        NGHTTP2_DATA
        NGHTTP2_HEADERS
        NGHTTP2_PRIORITY
        NGHTTP2_RST_STREAM
        NGHTTP2_SETTINGS
        NGHTTP2_PUSH_PROMISE
        NGHTTP2_PING
        NGHTTP2_GOAWAY
        NGHTTP2_WINDOW_UPDATE
        NGHTTP2_CONTINUATION
        NGHTTP2_ALTSVC
        NGHTTP2_ORIGIN
        NGHTTP2_PRIORITY_UPDATE
        NGHTTP2_FLAG_NONE
        NGHTTP2_FLAG_END_STREAM
        NGHTTP2_FLAG_END_HEADERS
        NGHTTP2_FLAG_ACK
        NGHTTP2_NV_FLAG_NONE
        NGHTTP2_NV_FLAG_NO_INDEX
        NGHTTP2_DATA_FLAG_EOF
        NGHTTP2_DATA_FLAG_NO_END_STREAM
        NGHTTP2_DATA_FLAG_NO_COPY
        NGHTTP2_FRAME_SIZE_ERROR
        NGHTTP2_FLOW_CONTROL_ERROR
        NGHTTP2_STREAM_CLOSED
        NGHTTP2_PROTOCOL_ERROR
        NGHTTP2_ENHANCE_YOUR_CALM
        NGHTTP2_ERR_WOULDBLOCK
        NGHTTP2_ERR_DEFERRED
        NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE
        NGHTTP2_ERR_STREAM_CLOSED
        NGHTTP2_ERR_REFUSED_STREAM
        NGHTTP2_ERR_FLOODED
        NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
        NGHTTP2_ERR_CALLBACK_FAILURE
        NGHTTP2_ERR_NOMEM
        NGHTTP2_SETTINGS_MAX_FRAME_SIZE
        NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE
        NGHTTP2_STREAM_STATE_IDLE
        NGHTTP2_STREAM_STATE_RESERVED_LOCAL

    ctypedef int (*nghttp2_send_data_callback)(
        nghttp2_session *session, nghttp2_frame *frame, const uint8_t *framehd,
        size_t length, nghttp2_data_source *source, void *user_data) noexcept
    ctypedef int (*nghttp2_on_frame_callback)(
        nghttp2_session *session, const nghttp2_frame *frame, void *user_data) noexcept
    ctypedef int (*nghttp2_on_frame_error_callback)(
        nghttp2_session *session, const nghttp2_frame *frame, int lib_error_code,
        void *user_data) noexcept
    ctypedef int (*nghttp2_on_data_chunk_recv_callback)(
        nghttp2_session *session, uint8_t flags, int32_t stream_id,
        const uint8_t *data, size_t len, void *user_data) noexcept
    ctypedef int (*nghttp2_on_stream_close_callback)(
        nghttp2_session *session, int32_t stream_id, uint32_t error_code,
        void *user_data) noexcept
    ctypedef int (*nghttp2_on_invalid_header_callback2)(
        nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
        nghttp2_rcbuf *value, uint8_t flags, void *user_data) noexcept
    ctypedef int (*nghttp2_on_header_callback2)(
        nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
        nghttp2_rcbuf *value, uint8_t flags, void *user_data) noexcept
    ctypedef ssize_t (*nghttp2_select_padding_callback)(
        nghttp2_session *session, const nghttp2_frame *frame, size_t max_payloadlen,
        void *user_data) noexcept
    ctypedef ssize_t (*nghttp2_data_source_read_length_callback)(
        nghttp2_session *session, uint8_t frame_type, int32_t stream_id,
        int32_t session_remote_window_size, int32_t stream_remote_window_size,
        uint32_t remote_max_frame_size, void *user_data) noexcept

    int nghttp2_session_callbacks_new(nghttp2_session_callbacks **callbacks_ptr)
    void nghttp2_session_callbacks_set_on_frame_recv_callback(
        nghttp2_session_callbacks *cbs, nghttp2_on_frame_callback callback)
    void nghttp2_session_callbacks_set_on_frame_send_callback(
        nghttp2_session_callbacks *cbs, nghttp2_on_frame_callback callback)
    void nghttp2_session_callbacks_set_on_frame_not_send_callback(
        nghttp2_session_callbacks *cbs, nghttp2_on_frame_error_callback callback)
    void nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
        nghttp2_session_callbacks *cbs, nghttp2_on_frame_error_callback callback)
    void nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        nghttp2_session_callbacks *cbs, nghttp2_on_data_chunk_recv_callback callback)
    void nghttp2_session_callbacks_set_on_stream_close_callback(
        nghttp2_session_callbacks *cbs, nghttp2_on_stream_close_callback callback)
    void nghttp2_session_callbacks_set_on_begin_headers_callback(
        nghttp2_session_callbacks *cbs, nghttp2_on_frame_callback callback)
    void nghttp2_session_callbacks_set_on_invalid_header_callback2(
        nghttp2_session_callbacks *cbs, nghttp2_on_invalid_header_callback2 callback)
    void nghttp2_session_callbacks_set_on_header_callback2(
        nghttp2_session_callbacks *cbs, nghttp2_on_header_callback2 callback)
    void nghttp2_session_callbacks_set_select_padding_callback(
        nghttp2_session_callbacks *cbs, nghttp2_select_padding_callback callback)
    void nghttp2_session_callbacks_set_data_source_read_length_callback(
        nghttp2_session_callbacks *cbs, nghttp2_data_source_read_length_callback callback)
    void nghttp2_session_callbacks_set_send_data_callback(
        nghttp2_session_callbacks *cbs, nghttp2_send_data_callback callback)

    int nghttp2_option_new(nghttp2_option **option_ptr)
    void nghttp2_option_del(nghttp2_option *option)
    void nghttp2_option_set_no_auto_window_update(nghttp2_option *option, int val)
    void nghttp2_option_set_no_closed_streams(nghttp2_option *option, int val)
    void nghttp2_option_set_peer_max_concurrent_streams(nghttp2_option *option, uint32_t val)
    void nghttp2_option_set_max_reserved_remote_streams(nghttp2_option *option, uint32_t val)
    void nghttp2_option_set_max_send_header_block_length(nghttp2_option *option, size_t val)
    void nghttp2_option_set_max_deflate_dynamic_table_size(nghttp2_option *option, size_t val)
    void nghttp2_option_set_max_settings(nghttp2_option *option, size_t val)
    void nghttp2_option_set_builtin_recv_extension_type(nghttp2_option *option, uint8_t type)
    void nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(
        nghttp2_option *option, int val)

    int nghttp2_session_server_new2(
        nghttp2_session **session_ptr, const nghttp2_session_callbacks *callbacks,
        void *user_data, const nghttp2_option *option)
    int nghttp2_session_client_new2(
        nghttp2_session **session_ptr, const nghttp2_session_callbacks *callbacks,
        void *user_data, const nghttp2_option *option)
    void nghttp2_session_del(nghttp2_session *session)
    ssize_t nghttp2_session_mem_recv(
        nghttp2_session *session, const uint8_t *data, size_t length)
    ssize_t nghttp2_session_mem_send(nghttp2_session *session, const uint8_t **data_ptr)
    int nghttp2_session_resume_data(nghttp2_session *session, int32_t stream_id)
    int nghttp2_session_want_read(nghttp2_session *session)
    int nghttp2_session_want_write(nghttp2_session *session)
    int nghttp2_session_terminate_session(nghttp2_session *session, uint32_t error_code)
    int nghttp2_session_consume_stream(
        nghttp2_session *session, int32_t stream_id, size_t size)
    int nghttp2_session_set_local_window_size(
        nghttp2_session *session, uint8_t flags, int32_t stream_id, int32_t window_size)
    int nghttp2_session_set_next_stream_id(nghttp2_session *session, int32_t next_stream_id)
    uint32_t nghttp2_session_get_next_stream_id(nghttp2_session *session)
    size_t nghttp2_session_get_outbound_queue_size(nghttp2_session *session)
    int32_t nghttp2_session_get_effective_local_window_size(nghttp2_session *session)
    int32_t nghttp2_session_get_effective_recv_data_length(nghttp2_session *session)
    int32_t nghttp2_session_get_local_window_size(nghttp2_session *session)
    int32_t nghttp2_session_get_remote_window_size(nghttp2_session *session)
    int32_t nghttp2_session_get_last_proc_stream_id(nghttp2_session *session)
    size_t nghttp2_session_get_hd_deflate_dynamic_table_size(nghttp2_session *session)
    size_t nghttp2_session_get_hd_inflate_dynamic_table_size(nghttp2_session *session)
    uint32_t nghttp2_session_get_remote_settings(nghttp2_session *session, int id)
    uint32_t nghttp2_session_get_local_settings(nghttp2_session *session, int id)
    int32_t nghttp2_session_get_stream_effective_local_window_size(
        nghttp2_session *session, int32_t stream_id)
    int32_t nghttp2_session_get_stream_local_window_size(
        nghttp2_session *session, int32_t stream_id)
    int nghttp2_session_get_stream_local_close(nghttp2_session *session, int32_t stream_id)
    int nghttp2_session_get_stream_remote_close(nghttp2_session *session, int32_t stream_id)
    int nghttp2_session_set_stream_user_data(
        nghttp2_session *session, int32_t stream_id, void *stream_user_data)
    void *nghttp2_session_get_stream_user_data(nghttp2_session *session, int32_t stream_id)
    nghttp2_stream *nghttp2_session_find_stream(nghttp2_session *session, int32_t stream_id)
    int nghttp2_stream_get_state(nghttp2_stream *stream)
    int32_t nghttp2_stream_get_weight(nghttp2_stream *stream)
    int32_t nghttp2_stream_get_sum_dependency_weight(nghttp2_stream *stream)

    int32_t nghttp2_submit_request(
        nghttp2_session *session, const nghttp2_priority_spec *pri_spec,
        const nghttp2_nv *nva, size_t nvlen, const nghttp2_data_provider *data_prd,
        void *stream_user_data)
    int nghttp2_submit_response(
        nghttp2_session *session, int32_t stream_id, const nghttp2_nv *nva, size_t nvlen,
        const nghttp2_data_provider *data_prd)
    int nghttp2_submit_trailer(
        nghttp2_session *session, int32_t stream_id, const nghttp2_nv *nva, size_t nvlen)
    int32_t nghttp2_submit_headers(
        nghttp2_session *session, uint8_t flags, int32_t stream_id,
        const nghttp2_priority_spec *pri_spec, const nghttp2_nv *nva, size_t nvlen,
        void *stream_user_data)
    int nghttp2_submit_data(
        nghttp2_session *session, uint8_t flags, int32_t stream_id,
        const nghttp2_data_provider *data_prd)
    int nghttp2_submit_priority(
        nghttp2_session *session, uint8_t flags, int32_t stream_id,
        const nghttp2_priority_spec *pri_spec)
    int nghttp2_session_change_stream_priority(
        nghttp2_session *session, int32_t stream_id, const nghttp2_priority_spec *pri_spec)
    int nghttp2_session_change_extpri_stream_priority(
        nghttp2_session *session, int32_t stream_id, const nghttp2_extpri *extpri,
        int ignore_client_signal)
    int nghttp2_submit_rst_stream(
        nghttp2_session *session, uint8_t flags, int32_t stream_id, uint32_t error_code)
    int nghttp2_submit_settings(
        nghttp2_session *session, uint8_t flags, const nghttp2_settings_entry *iv, size_t niv)
    int32_t nghttp2_submit_push_promise(
        nghttp2_session *session, uint8_t flags, int32_t stream_id, const nghttp2_nv *nva,
        size_t nvlen, void *promised_stream_user_data)
    int nghttp2_submit_ping(
        nghttp2_session *session, uint8_t flags, const uint8_t *opaque_data)
    int nghttp2_submit_goaway(
        nghttp2_session *session, uint8_t flags, int32_t last_stream_id, uint32_t error_code,
        const uint8_t *opaque_data, size_t opaque_data_len)
    int nghttp2_submit_shutdown_notice(nghttp2_session *session)
    int nghttp2_submit_window_update(
        nghttp2_session *session, uint8_t flags, int32_t stream_id,
        int32_t window_size_increment)
    int nghttp2_submit_altsvc(
        nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *origin,
        size_t origin_len, const uint8_t *field_value, size_t field_value_len)
    int nghttp2_submit_origin(
        nghttp2_session *session, uint8_t flags, const nghttp2_origin_entry *ov, size_t nov)
    int nghttp2_submit_priority_update(
        nghttp2_session *session, uint8_t flags, int32_t stream_id,
        const uint8_t *field_value, size_t field_value_len)
    void nghttp2_priority_spec_init(
        nghttp2_priority_spec *pri_spec, int32_t stream_id, int32_t weight, int exclusive)

    void nghttp2_rcbuf_incref(nghttp2_rcbuf *rcbuf)
    void nghttp2_rcbuf_decref(nghttp2_rcbuf *rcbuf)
    nghttp2_vec nghttp2_rcbuf_get_buf(nghttp2_rcbuf *rcbuf)
    int nghttp2_rcbuf_is_static(const nghttp2_rcbuf *rcbuf)

    const char *nghttp2_strerror(int lib_error_code)
    nghttp2_info *nghttp2_version(int least_version)


cdef extern from *:
    void http2_set_stream_reset_rate_limit(
        nghttp2_option *option, uint64_t burst, uint64_t rate)
    void http2_set_glitch_rate_limit(nghttp2_option *option, uint64_t burst, uint64_t rate)
