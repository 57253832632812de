class Life:
    name: tuple[str, str, str, str]
    """The states of sending, of receiving, of the whole, and of the report of its end."""

    idle: bool
    """The stream waits for the connection."""
    on_wire: bool
    """The connection processes the stream."""
    closed: bool
    """Only data that was ended before can still be sent."""
    whole: bool
    """The stream has ended normally, and waits for its reader."""
    destroyed: bool
    """The stream can no longer be used."""
    telling: bool
    """``close`` is being emitted."""
    told: bool
    """``close`` was emitted, or is being emitted."""

    writable: bool
    """The application may write."""
    writable_ended: bool
    """The application may no longer write: it has ended the body, or the stream was closed."""
    writable_finished: bool
    """Everything, including the end, was passed to the transport."""
    trailers_ready: bool
    """Handle a sent body: the trailers may follow."""
    aborted: bool
    """The stream was closed before the application had ended its body."""

    read_ended: bool
    """The peer has sent its last byte."""
    readable_ended: bool
    """The reader has read everything, including the end."""
    both_ended: bool
    """The stream is not closed, and each side has ended its half."""
    complete: bool
    """Both sides have sent everything."""

    on_begin: Life
    on_unsent: Life
    on_end: Life
    on_end_refused: Life
    on_want_trailers: Life
    on_sent: Life
    on_peer_end: Life
    on_read: Life
    on_close: Life
    on_over: Life
    on_broken: Life
    on_lost: Life
    on_finish: Life
    on_fail: Life
    on_tell: Life
    on_told: Life
    on_done: Life
    on_handed_over: Life

    def __init__(self, name: tuple[str, str, str, str]) -> None: ...
