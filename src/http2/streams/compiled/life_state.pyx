# cython: language_level=3
"""One state of a stream. `http2.streams.life` has the table of all of them."""

from http2.common.members import add_members

cdef frozenset ON_THE_WIRE = frozenset({"LIVE", "CLOSING"})
cdef frozenset CLOSED = frozenset({"CLOSING", "WHOLE", "BROKEN", "FINISHED", "FAILED"})
cdef frozenset DESTROYED = frozenset({"FINISHED", "FAILED"})


cdef class Life:
    """One state of a stream: its properties, and the next state for each event."""

    def __init__(self, tuple name not None):
        self.name = sending, receiving, whole, news = name
        self.idle = whole == "IDLE"
        self.on_wire = whole in ON_THE_WIRE
        self.closed = whole in CLOSED
        self.whole = whole == "WHOLE"
        self.destroyed = whole in DESTROYED
        self.telling = news == "TELLING"
        self.told = news != "UNTOLD"
        self.writable = sending == "OPEN"
        self.writable_ended = sending != "OPEN"
        self.writable_finished = sending == "FINISHED"
        self.trailers_ready = sending == "TRAILERS"
        self.aborted = sending == "CUT"
        self.read_ended = receiving != "OPEN"
        self.readable_ended = receiving == "READ"
        self.both_ended = whole == "LIVE" and self.writable_ended and self.read_ended
        self.complete = self.writable_finished and self.read_ended

    def __repr__(self):
        sending, receiving, whole, news = self.name
        return f"<Life {whole} {news}, sending {sending}, receiving {receiving}>"


add_members(
    Life,
    "name", "idle", "on_wire", "closed", "whole", "destroyed", "telling", "told", "writable",
    "writable_ended", "writable_finished", "trailers_ready", "aborted", "read_ended",
    "readable_ended", "both_ended", "complete", "on_begin", "on_unsent", "on_end",
    "on_end_refused", "on_want_trailers", "on_sent", "on_peer_end", "on_read", "on_close",
    "on_over", "on_broken", "on_lost", "on_finish", "on_fail", "on_tell", "on_told", "on_done",
    "on_handed_over",
)
