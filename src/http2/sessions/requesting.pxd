from http2.sessions.session_base cimport SessionBase


cdef class ClientSessionBase(SessionBase):
    cdef object authority
    cdef object scheme
