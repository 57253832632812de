# cython: language_level=3
cdef extern from "nghttp2/nghttp2.h":
    ctypedef struct nghttp2_info:
        const char *version_str
    nghttp2_info *nghttp2_version(int least)
def version(): return nghttp2_version(0).version_str.decode()
