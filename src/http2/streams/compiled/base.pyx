# cython: language_level=3, annotation_typing=False
"""What a stream has and does in each request, compiled.

The attributes are fields of C. `add_members` makes them attributes of Python objects, too, so that
the methods of `Duplex`, `Exchange` and their subclasses use them like any other. A stream's common
way through its life is here; whatever is rare is in those classes.
"""

from cpython.dict cimport PyDict_GetItem
from cpython.buffer cimport PyBUF_WRITE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.object cimport PyObject

from http2.engine.connection cimport Connection
from http2.streams.compiled.life_state cimport Life
from http2.streams.compiled.receiver_base cimport ReceiverBase, receive

from asyncio import CancelledError

from http2.common.checks import check_bool
from http2.common.emitter import NO_TASKS, report_error
from http2.common.first_step import run
from http2.common.members import add_members
from http2.constants import NGHTTP2_NO_ERROR
from http2.engine.events import HIGH_WATER as _HIGH_WATER
from http2.errors import Http2Error, new_error
from http2.streams.life import LIVE as _LIVE
from http2.streams.parts.receiver import Receiver

cdef object NO_ERROR = NGHTTP2_NO_ERROR
cdef int END_STREAM = 0x1
cdef Py_ssize_t HIGH_WATER = _HIGH_WATER
cdef tuple NOTHING_SENT = (None, None, None)
cdef tuple NO_ARGUMENTS = ()

# The state of a received request: its body may follow, or there is none.
cdef Life LIVE = _LIVE
cdef Life REQUESTED = LIVE.on_peer_end


cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        object (*tp_new)(PyTypeObject *kind, object arguments, PyObject *keywords)


cpdef object as_buffer(data, encoding="utf-8"):
    """Return *data* as an object with the buffer protocol; `str` is encoded."""
    if isinstance(data, (bytes, bytearray)):
        return data
    if isinstance(data, str):
        return data.encode(encoding)
    try:
        view = memoryview(data)
    except TypeError:
        raise new_error("ERR_INVALID_ARG_TYPE", "data", "a buffer or a str", data) from None
    # the memory behind a read-only view may still change
    return view if isinstance(view.obj, bytes) else bytes(view)


def new_room(Py_ssize_t size):
    """Return a new `bytes` object of *size*, and a view to fill it with before any other use.

    A `bytearray` would be filled with zeros first, and copied later.
    """
    cdef bytes room = PyBytes_FromStringAndSize(NULL, size)
    return room, PyMemoryView_FromMemory(PyBytes_AS_STRING(room), size, PyBUF_WRITE)


cdef class OwnerBase:
    """What a stream reads of its session in each request."""

    def __cinit__(self):
        self.in_batch = False


add_members(OwnerBase, "loop", "engine", "in_batch")


cdef class ExchangeBase:
    """The attributes of every exchange, over any protocol; see `base.pyi`."""

    def __cinit__(self):
        # all others are None
        self._watched = False
        self.error_seen = False
        self.end_after_headers = False
        self.headers_sent = False
        self._head_request = False
        self._code = NO_ERROR
        self._sent = NOTHING_SENT

    def run_listener(self, coroutine, emitter, event, args):
        """Run a listener as a task: like `EventEmitter.run_listener`, but faster."""
        try:
            task = run(coroutine, self._session.loop)
        except (Exception, CancelledError) as error:
            if self._tasks is None:
                self._tasks = NO_TASKS
            report_error(error, emitter, event, args)
            return
        if task is not None:
            self._keep_task(task, coroutine, emitter, event, args)
            return
        if self._tasks is None:
            self._tasks = NO_TASKS
        if self.headers_sent is False:
            # it may have to be answered
            emitter.listener_ended(coroutine, event, args)

    def _work_ended(self, work, emitter, event, args):
        """Handle the end of *work*, a listener of *emitter* that was a task of this exchange."""
        if self.headers_sent is False:
            # it may have to be answered
            emitter.listener_ended(work, event, args)


add_members(
    ExchangeBase,
    "_listeners", "_tasks", "_watched",
    "life", "_error", "error_seen", "_receiver", "_whole", "_drainers",
    "_id", "end_after_headers", "_headers_sent", "_session", "_code", "_head_request", "_request",
    "_sent", "_timer",
    readable={"id": "_id", "headers_sent": "_headers_sent"},
    docs={
        "id": "The stream identifier; None until the connection is established.",
        "end_after_headers": (
            "Whether the received headers carried END_STREAM: there is no body to read."),
        "headers_sent": "Whether the response headers have been sent; True for a request.",
    },
)


cdef int receive_body(ExchangeBase stream, bytes data, bint end) except -1:
    """Keep received bytes of the body for the reader of *stream*; *end* marks the last of them.

    Returns 0 if the stream is destroyed, and keeps nothing, else 1.
    """
    cdef Life life
    if stream._timer is not None:
        stream._timer.touch()
    life = <Life?>stream.life
    if life.destroyed is True:
        return 0
    if stream._receiver is not None:
        receive(<ReceiverBase?>stream._receiver, stream, data, end)
        return 1
    if data:
        if end and isinstance(stream, ServerStreamBase):
            stream._whole = data
        else:
            stream._receiver = Receiver(data)
    if end:
        stream.life = life.on_peer_end
    return 1


cdef class Http2StreamBase(ExchangeBase):
    """What streams of both roles do in each request."""

    def write(self, data: Chunk, encoding: str = "utf-8") -> bool:
        """Send *data*, a buffer or a `str`; after False, wait for `drain` before the next call.

        Nothing is copied when *data* is `bytes`. Raises ERR_STREAM_WRITE_AFTER_END,
        ERR_HTTP2_INVALID_STREAM, ERR_INVALID_ARG_TYPE; ERR_HTTP_CONTENT_LENGTH_MISMATCH for
        more data than the headers' ``content-length``, which resets the stream.
        """
        cdef Life life = <Life?>self.life
        if life.writable is not True:
            if not self._head_request or life.closed:
                self._check_writable()
            if not self.headers_sent:
                self._proceed()
            return True
        body = as_buffer(data, encoding)
        if self.headers_sent is not True:
            self._proceed()
        return self._submit(body, False)

    def end(self, data: Chunk | None = None, encoding: str = "utf-8") -> None:
        """End the writing side, after *data* if there is any; ending twice does nothing.

        A response to HEAD has no body: *data* is dropped. Raises like `write` if *data* cannot be
        sent, or if the body is shorter than its ``content-length``.
        """
        cdef Life life = <Life?>self.life
        cdef OwnerBase session
        if life.writable is not True:
            if data is not None and (life.closed or not self._head_request):
                self._check_writable()
            if not (self.headers_sent or life.closed):
                # a stream pushed for HEAD never has a body
                self._proceed()
            return
        body = data if data is None or type(data) is bytes else as_buffer(data, encoding)
        if self.headers_sent is not True:
            self._proceed()
            life = <Life?>self.life
            if life.writable_ended:
                return
        self.life = life.on_end
        session = <OwnerBase?>self._session
        if self.id is None or session.engine is None or self._watched is not False:
            self._submit(body, True)
            return
        try:
            (<Connection?>session.engine).write(self.id, body, True)
        except Http2Error as error:
            self._refused_by_engine(error)
            raise
        if session.in_batch is not True:
            session.wake()

    def _submit(self, data, end):
        """Queue *data*, and the end of the body; return whether more may be written."""
        cdef OwnerBase session = <OwnerBase?>self._session
        cdef Py_ssize_t pending
        try:
            pending = (<Connection?>session.engine).write(self.id, data, end)
        except Http2Error as error:
            self._refused_by_engine(error)
            raise
        if self._timer is not None:
            self._timer.touch()
        if session.in_batch is not True:
            session.wake()
        if pending >= HIGH_WATER:
            if self._drainers is None:
                self._drainers = []
            self._watched = True
            return False
        return True

    def receive_data(self, bytes data not None, bint end):
        """Handle received bytes of the body; *end* marks the last of them."""
        cdef OwnerBase session
        if not receive_body(self, data, end) and data:
            session = <OwnerBase?>self._session
            if session.engine is not None and self.id is not None:
                (<Connection?>session.engine).consume(self.id, len(data))

    def consumed(self, size):
        """Handle *size* bytes that the program has read: the peer may send as many again."""
        cdef OwnerBase session
        if (<Life?>self.life).on_wire is True:
            session = <OwnerBase?>self._session
            if session.engine is not None:
                (<Connection?>session.engine).consume(self.id, size)
                if session.in_batch is not True:
                    session.wake()

    def over(self, code, unsent):
        """Handle the end of the stream: END_STREAM of both sides, or RST_STREAM with *code*.

        *unsent*: the number of queued bytes that will not be sent; None if there were none.
        """
        end_over(self, code, unsent)


cdef int end_over(Http2StreamBase stream, object code, object unsent) except -1:
    """Handle the end of *stream*, like its method `over`."""
    cdef Life life = <Life?>stream.life
    if (
        unsent is None
        and life.both_ended is True
        and stream._watched is False
        and code == NO_ERROR
        and stream._whole is None
        and (stream._receiver is None or not (<ReceiverBase?>stream._receiver).size)
    ):
        # there are no listeners or waiters
        stream.life = life.on_done
    else:
        stream._end_over(code, unsent is not None)
    return 0


cdef class ServerStreamBase(Http2StreamBase):
    """What a server's stream does in each request."""

    def __init__(self, session, stream_id, request, flags=0):
        begin(self, session, stream_id, request, flags)

    def respond(
        self,
        headers: OutgoingHeaders | None = None,
        *,
        end_stream: bool = False,
        wait_for_trailers: bool = False,
        send_date: bool = True,
    ) -> None:
        """Begin the response with *headers*.

        ``:status`` is 200 and, with *send_date*, ``date`` is the current time unless
        *headers* says otherwise. With *end_stream*, and for the statuses 204, 205 and 304
        and for HEAD, there is no body. With *wait_for_trailers*, ``want_trailers`` is
        emitted when the body has been sent, and the stream stays open until
        `send_trailers` or `close`.

        Raises ERR_HTTP2_HEADERS_SENT, ERR_HTTP2_INVALID_STREAM,
        ERR_HTTP2_STATUS_INVALID, ERR_INVALID_ARG_TYPE, and the errors of the header
        rules, before anything is sent.
        """
        cdef Life life = <Life?>self.life
        cdef OwnerBase session
        cdef tuple result
        if life.closed:
            raise self.closed_error()
        if self.headers_sent:
            raise new_error("ERR_HTTP2_HEADERS_SENT")
        if end_stream is not False:
            check_bool("end_stream", end_stream)
        if wait_for_trailers is not False:
            check_bool("wait_for_trailers", wait_for_trailers)
        if send_date is not True:
            check_bool("send_date", send_date)
        # an open stream's session has an engine
        session = <OwnerBase?>self._session
        result = (<Connection?>session.engine).submit_response(
            self.id, headers, end_stream, wait_for_trailers, self._head_request, send_date)
        self._sent = result[1]
        self.headers_sent = True
        if result[0]:
            self.life = life.on_end
            if not life.read_ended and not wait_for_trailers:
                # no event reports END_STREAM on a response's own headers
                session.loop.call_soon(self._headers_were_all)
        if self._watched is not False and self._timer is not None:
            self._timer.touch()
        if session.in_batch is not True:
            session.wake()


add_members(ServerStreamBase, "is_waiting")


cdef int begin(
    ServerStreamBase stream, object session, object stream_id, object request, int flags
) except -1:
    """Set the attributes of a new *stream*."""
    cdef PyObject *method
    stream._session = session
    stream.id = stream_id
    stream._request = request
    stream.is_waiting = False
    method = PyDict_GetItem(request, ":method")
    stream._head_request = method is not NULL and <object>method == "HEAD"
    if flags & END_STREAM:
        stream.life = REQUESTED
        stream.end_after_headers = True
    else:
        stream.life = LIVE
    return 0


cdef ServerStreamBase new_server_stream(
    object kind, OwnerBase session, object stream_id, object request, int flags
):
    """Return a new stream of the class *kind*, as a call of the class would, but faster."""
    cdef ServerStreamBase stream
    stream = <ServerStreamBase?>(<PyTypeObject *>kind).tp_new(
        <PyTypeObject *>kind, NO_ARGUMENTS, NULL)
    begin(stream, session, stream_id, request, flags)
    return stream
