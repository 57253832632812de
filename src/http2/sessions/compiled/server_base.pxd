from http2.sessions.compiled.session_base cimport SessionBase

cdef class ServerSessionBase(SessionBase):
    cdef object _server
