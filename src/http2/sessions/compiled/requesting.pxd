from http2.sessions.compiled.session_base cimport SessionBase


cdef class ClientSessionBase(SessionBase):
    cdef object authority
    cdef object scheme
    cdef object wakes
