from http2.engine.http1.fields import Http1Fields

class Http1Output:
    """The sending half of an HTTP/1 server connection: what is to be written next."""

    size: int
    """Bytes that wait to be written."""

    def __init__(self, status_lines: dict[int, bytes], lasting: bytes) -> None:
        """Create the output of one connection.

        *status_lines* has the first lines of responses by status, as far as they are known;
        *lasting* is the fields of a response after which the connection stays open.
        """

    def write(self, data: bytes) -> int:
        """Queue *data*; return `size`."""

    def respond(self, fields: Http1Fields, body: bytes) -> int:
        """Queue a whole response, after which the connection stays open; return `size`.

        Without effect, return 0 if it can't be common: the first line of its status is not known,
        it has no body, or *fields* have a ``connection``, a ``keep-alive`` or another
        ``content-length``.
        """

    def send(self, fd: int) -> list[bytes | memoryview] | None:
        """Write the waiting data to the non-blocking socket *fd*; return what it did not take.

        None if nothing waits. Raises `OSError` when the connection is broken.
        """

    def data_to_send(self) -> list[bytes | memoryview]:
        """Return the waiting data; the caller writes it."""
