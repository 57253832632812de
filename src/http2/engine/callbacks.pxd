from http2.engine.nghttp2 cimport nghttp2_session_callbacks


cdef nghttp2_session_callbacks *callbacks_for(bint padding) noexcept
