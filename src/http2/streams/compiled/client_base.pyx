# cython: language_level=3
"""What a client's stream has and does in each request, compiled: see `http2.streams.compiled.base`."""

from cpython.object cimport PyObject

from http2.common.waiter cimport Waiter, Wakes, new_waiter, wake
from http2.engine.connection cimport Connection
from http2.streams.compiled.base cimport Http2StreamBase, OwnerBase
from http2.streams.compiled.life_state cimport Life

from http2.common.members import add_members
from http2.constants import NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM
from http2.streams.life import LIVE

cdef int NO_ERROR = NGHTTP2_NO_ERROR
cdef int REFUSED_STREAM = NGHTTP2_REFUSED_STREAM
cdef tuple NO_ARGUMENTS = ()

DEFAULT_PRIORITY = (0, 16, False)
cdef tuple default_priority = DEFAULT_PRIORITY

# The state of a request that was sent to its end; also of one that the server has promised.
SENT = LIVE.on_end.on_sent
cdef Life sent = SENT
# The same when the response has arrived to its end.
cdef Life arrived = SENT.on_peer_end.on_over


cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        object (*tp_new)(PyTypeObject *kind, object arguments, PyObject *keywords)


cdef class ClientStreamBase(Http2StreamBase):
    """The attributes and the common way of a request on the client; see `client_base.pyi`."""

    def __cinit__(self):
        # all others are None
        self._priority = default_priority
        self._refusals = 0

    def __init__(self, session, stream_id, Life life not None, headers, tuple priority=default_priority):
        """Create the stream of a request; without an identifier, it waits for the connection."""
        begin(self, session, stream_id, life, headers, priority)

    def over(self, code, unsent):
        """Handle the end of the stream in HTTP/2; received data can still be read."""
        cdef object connection = (<OwnerBase?>self._session).engine
        cdef object receiver = self._receiver
        cdef bint unread = receiver is not None and connection is not None and receiver.size
        cdef Life life
        if unread:
            # header blocks of a response that has ended before it was read
            size = (<Connection?>connection).hold_blocks(self.id)
            if size:
                self._hold(connection, size)
        life = <Life?>self.life
        if (
            unsent is None
            and life.both_ended is True
            and self._watched is False
            and <int>code == NO_ERROR
        ):
            # there are no listeners or waiters
            if unread:
                # see `_end_over`
                (<Connection?>connection).consume(self.id, receiver.size - receiver.reported)
            if life.readable_ended is True:
                self.life = life.on_done
            else:
                self.life = (<Life?>life.on_sent).on_over
        elif <int>code != REFUSED_STREAM or not self._ask_again():
            self._end_over(code, unsent is not None)

    def _response_waiter(self):
        """Return a new waiter, which is woken or fails when the response is there or fails."""
        cdef Waiter waiter = new_waiter(<Wakes?>self._session.wakes)
        if self._response_waiters is None:
            self._response_waiters = [waiter]
        else:
            (<list?>self._response_waiters).append(waiter)
        return waiter

    def all_read(self, rest):
        """Handle the end of reading: emit *rest* as ``data`` if it is not empty, and ``end``."""
        cdef Life life
        self._held_blocks = None
        if self._watched is not False:
            super().all_read(rest)
            return
        # there are no listeners or waiters
        life = <Life?>(<Life?>self.life).on_read
        self.life = life.on_done if life.whole is True else life


add_members(
    ClientStreamBase,
    "_response", "_response_waiters", "_body", "_held_blocks",
    "_priority", "_early", "_refusals", "_signal",
)


cdef int begin(
    ClientStreamBase stream, object session, object stream_id, Life life, object headers,
    tuple priority,
) except -1:
    """Set the attributes of a new *stream*."""
    stream._session = session
    stream.life = life
    stream.headers_sent = True
    stream.id = stream_id
    stream._sent = (headers, None, None)
    stream._priority = priority
    return 0


cdef ClientStreamBase new_client_stream(
    object kind, OwnerBase session, object stream_id, Life life, object headers, tuple priority
):
    """Return a new stream of the class *kind*, as a call of the class would, but faster."""
    cdef ClientStreamBase stream
    stream = <ClientStreamBase?>(<PyTypeObject *>kind).tp_new(
        <PyTypeObject *>kind, NO_ARGUMENTS, NULL)
    begin(stream, session, stream_id, life, headers, priority)
    return stream


cdef int receive_response(ClientStreamBase stream, object headers, object flags) except -1:
    """Handle the headers of a common final response, like `receive_headers` but faster."""
    cdef object waiters
    if stream._watched is not False:
        stream.receive_headers(headers, flags)
        return 0
    # there are no listeners
    stream._response = headers
    waiters = stream._response_waiters
    if waiters is not None:
        stream._response_waiters = None
        for waiter in <list?>waiters:
            wake(<Waiter?>waiter)
    return 0


cdef bint receive_whole(ClientStreamBase stream, bytes data) except -1:
    """Handle *data*, the whole body, with which the stream has also ended in HTTP/2.

    Return False if this takes two steps: `receive_data` and `over`.
    """
    if stream.life is not sent or stream._watched is not False or stream._receiver is not None:
        return False
    # there are no listeners or waiters
    stream._whole = data
    stream.life = arrived
    # the connection's window does not depend on the reader
    (<Connection?>(<OwnerBase?>stream._session).engine).consume(stream.id, len(data))
    return True
