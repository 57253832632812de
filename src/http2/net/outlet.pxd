cdef class Outlet:
    cdef readonly object error
    cdef object transport
    cdef object writelines
    cdef int descriptor
    cdef bint busy

    cdef bint empty(self, object engine) except -1
    cdef int pass_on(self, object chunks) except -1
