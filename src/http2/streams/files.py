"""Send files as responses, from a descriptor or a path, without blocking the event loop.

Every call that may wait for a disk (open, fstat, pread, close) runs in a thread of the
loop's default executor (see `asyncio.loop.set_default_executor`). Only what is in the system's
cache is read at once, where the system can tell. A
transfer holds one chunk of 64 KiB: the next one is read when the stream's queue is short
again, so a client that does not read costs only this memory, and no thread.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import stat as stat_module
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from ..common.checks import check_bool, check_integer
from ..common.emitter import arity_of, call_handler
from ..constants import NGHTTP2_INTERNAL_ERROR
from ..engine.events import HIGH_WATER
from ..errors import new_error, stream_error
from ..headers import OutgoingHeaders, kept_headers
from .compiled.base import new_room

if TYPE_CHECKING:
    from .interfaces import FileSink
    from .keywords import Descriptor, FilePath

Result = TypeVar("Result")

__all__ = ["FileRange", "FileTransfer", "StatCheck", "read_cached"]

CHUNK = HIGH_WATER

# open() of a FIFO without a writer would block its thread, and the exit of the process.
OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)

# The flag of preadv() for data that is in the system's cache, and needs no disk; 0: unsupported.
NO_WAIT: int = getattr(os, "RWF_NOWAIT", 0)

NO_BODY = (204, 205, 304)


class FileRange:
    """The part of a file to send; ``stat_check`` may change it, by attribute or by key."""

    __slots__ = ("length", "offset")

    offset: int
    """The number of bytes to skip at the beginning."""
    length: int
    """Bytes to send; -1 for all bytes up to the end."""

    def __init__(self, offset: int | None, length: int | None) -> None:
        self.offset = 0 if offset is None else offset
        self.length = -1 if length is None else length

    def __repr__(self) -> str:
        return f"<FileRange offset={self.offset} length={self.length}>"

    def __getitem__(self, name: str) -> int:
        if name not in self.__slots__:
            raise KeyError(name)
        value: int = getattr(self, name)
        return value

    def __setitem__(self, name: str, value: int) -> None:
        if name not in self.__slots__:
            raise KeyError(name)
        setattr(self, name, value)


def _check_part(part: FileRange) -> None:
    """Raise ERR_INVALID_ARG_VALUE or ERR_OUT_OF_RANGE for impossible values."""
    for name, least in (("offset", 0), ("length", -1)):
        value = getattr(part, name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise new_error("ERR_INVALID_ARG_VALUE", name, value)
        if not least <= value < 2**63:
            raise new_error("ERR_OUT_OF_RANGE", name, f">= {least} and < 2**63", value)


StatCheck: TypeAlias = (
    Callable[[os.stat_result, Any, FileRange], object]
    | Callable[[os.stat_result, Any], object]
    | Callable[[os.stat_result], object]
    | Callable[[], object]
)
"""A ``stat_check`` function: takes the file's stat, the headers and the part, or fewer of them."""


def _open(path: FilePath, part: FileRange | None) -> tuple[int, os.stat_result, bytes | None]:
    """Open *path* (in a thread); return its descriptor (-1 if closed), its stat, its first chunk.

    The first chunk of *part* is read at once, so that a small file needs one call in a
    thread. Without *part*, the caller needs the stat first.
    """
    fd = os.open(path, OPEN_FLAGS)
    try:
        stat = os.fstat(fd)
        data = None
        if part is not None and stat_module.S_ISREG(stat.st_mode) and part.offset <= stat.st_size:
            size = stat.st_size - part.offset
            if 0 <= part.length < size:
                size = part.length
            data = os.pread(fd, min(size, CHUNK), part.offset)
            if len(data) == size:
                os.close(fd)
                return -1, stat, data
    except BaseException:
        os.close(fd)
        raise
    return fd, stat, data


def read_cached(fd: int, size: int, offset: int) -> bytes:
    """Read up to *size* bytes without waiting for a disk.

    Raises `BlockingIOError` if that takes one, and other kinds of `OSError` if the system cannot
    tell, or for an error of the file.
    """
    data, room = new_room(size)
    read = os.preadv(fd, (room,), offset, NO_WAIT)
    return data if read == size else data[:read]


def _is_content_length(name: object) -> bool:
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    return isinstance(name, str) and name.lower() == "content-length"


def _set_content_length(headers: Any, size: int) -> None:
    """Set the ``content-length`` of *headers* to *size*."""
    if isinstance(headers, dict):
        for name in [name for name in headers if _is_content_length(name)]:
            del headers[name]
        headers["content-length"] = size
    else:
        headers[:] = [entry for entry in headers if not _is_content_length(entry[0])]
        headers.append(("content-length", size))


def _content_length(headers: Any) -> int | None:
    """Return the ``content-length`` of *headers*, or None."""
    for name, value in headers.items() if isinstance(headers, dict) else headers:
        if _is_content_length(name):
            try:
                return int(value)
            except (TypeError, ValueError):
                return None
    return None


class FileTransfer:
    """The transfer of one file to one client."""

    __slots__ = (
        "_cached",
        "_check",
        "_fd",
        "_keep",
        "_left",
        "_loop",
        "_on_error",
        "_over",
        "_owns",
        "_part",
        "_promised",
        "_reading",
        "_stream",
        "_trailers",
        "headers",
    )

    def __init__(
        self,
        stream: FileSink,
        loop: asyncio.AbstractEventLoop,
        headers: OutgoingHeaders | None,
        stat_check: Callable[..., object] | None,
        on_error: Callable[..., object] | None,
        wait_for_trailers: bool,
        offset: int | None,
        length: int | None,
    ) -> None:
        self._part = FileRange(offset, length)
        _check_part(self._part)
        for name, function in (("stat_check", stat_check), ("on_error", on_error)):
            if function is not None and not callable(function):
                raise new_error("ERR_INVALID_ARG_VALUE", name, function)
        check_bool("wait_for_trailers", wait_for_trailers)
        if inspect.iscoroutinefunction(stat_check):
            # the answer is needed at once
            raise new_error("ERR_INVALID_ARG_VALUE", "stat_check", stat_check)
        # a dict or a list of pairs that ``stat_check`` may change
        self.headers: Any = {} if headers is None else kept_headers(headers)
        self._stream = stream
        self._loop = loop
        self._check = stat_check
        self._on_error = on_error
        self._trailers = wait_for_trailers
        self._fd = -1
        self._owns = False
        self._keep: object = None
        self._left = -1
        self._promised: int | None = None
        self._reading = False
        self._over = False
        # whether the file may be read without a thread as far as it is in the cache
        self._cached = bool(NO_WAIT)

    # --- the two ways to begin ----------------------------------------------------------

    def send_fd(self, fd: Descriptor) -> None:
        """Send the contents of *fd*, an int or an object with ``fileno()``; it is not closed."""
        self._keep = fd  # a garbage-collected file object would close its descriptor
        if not isinstance(fd, int) and hasattr(fd, "fileno"):
            try:
                fd = fd.fileno()
            except (OSError, ValueError):
                raise new_error("ERR_INVALID_ARG_VALUE", "fd", self._keep) from None
        if not isinstance(fd, int):
            raise new_error(
                "ERR_INVALID_ARG_TYPE", "fd", "an integer or an object with fileno()", fd
            )
        check_integer("fd", fd, 0, 2**31 - 1)
        self._fd = fd
        if self._check is None:
            self._respond()
            self._pump()
        else:
            self._stream.transfer = self
            self._in_thread(self._have_stat, os.fstat, fd)

    def send_file(self, path: FilePath) -> None:
        """Open *path* and send it."""
        try:
            path = os.fspath(path)
        except TypeError:
            raise new_error(
                "ERR_INVALID_ARG_TYPE", "path", "str, bytes or os.PathLike", path
            ) from None
        if 0 in path if isinstance(path, bytes) else "\0" in path:
            raise new_error("ERR_INVALID_ARG_VALUE", "path", path)
        self._owns = True
        self._stream.transfer = self
        self._in_thread(self._have_file, _open, path, self._part if self._check is None else None)

    def _in_thread(
        self,
        then: Callable[[asyncio.Future[Result]], None],
        function: Callable[..., Result],
        *args: object,
    ) -> None:
        self._reading = True
        try:
            future = self._loop.run_in_executor(None, function, *args)
        except RuntimeError as error:
            # the application has shut down its executor
            self._reading = False
            self._fail(error)
        else:
            future.add_done_callback(then)

    # --- before the response --------------------------------------------------------------

    def _have_stat(self, future: asyncio.Future[os.stat_result]) -> None:
        self._reading = False
        error = future.exception()
        if error is not None:
            self._fail(error)
        elif self._ask(future.result()):
            try:
                _check_part(self._part)
                self._respond()
            except Exception as refused:
                self._fail(refused)
            else:
                self._pump()

    def _have_file(self, future: asyncio.Future[tuple[int, os.stat_result, bytes | None]]) -> None:
        self._reading = False
        error = future.exception()
        if error is not None:
            self._fail(error)
            return
        self._fd, stat, data = future.result()
        if not stat_module.S_ISREG(stat.st_mode):
            directory = stat_module.S_ISDIR(stat.st_mode)
            code = "ERR_HTTP2_SEND_FILE" if directory else "ERR_HTTP2_SEND_FILE_NOSEEK"
            self._fail(new_error(code))
            return
        if not self._ask(stat):
            return
        part = self._part
        try:
            _check_part(part)
            if part.offset > stat.st_size:
                raise new_error("ERR_OUT_OF_RANGE", "offset", f"<= {stat.st_size}", part.offset)
            rest = stat.st_size - part.offset
            part.length = rest if part.length < 0 else min(rest, part.length)
            _set_content_length(self.headers, part.length)
            self._respond()
        except Exception as refused:
            self._fail(refused)
            return
        if data is None or self._send(data):
            self._pump()

    def _ask(self, stat: os.stat_result) -> bool:
        """Call ``stat_check``; return whether to send the file."""
        stream = self._stream
        check = self._check
        if not self._over and check is not None and not stream.headers_sent:
            # it may answer in another way, for example with another file
            stream.transfer = None
            args = (stat, self.headers, self._part)
            arity = arity_of(check)
            try:
                verdict = check(*args) if arity < 0 else check(*args[:arity])
            except Exception as error:
                self.stop()
                stream.handler_failed(error, "stat_check")
                return False
            if verdict is False or stream.transfer is not None:
                self._release()
                return False
            stream.transfer = self
        if self._over or stream.headers_sent or stream.life.closed:
            self._release()
            return False
        return True

    def _respond(self) -> None:
        self._stream.respond_with_body_of(self, self.headers, self._trailers)
        part = self._part
        self._left = part.length
        self._promised = _content_length(self.headers)
        if self._promised is not None and not 0 <= self._left <= self._promised:
            # the file may have grown: send only the announced length
            self._left = self._promised

    def _fail(self, error: BaseException) -> None:
        """Handle an error before or during the transfer."""
        stream = self._stream
        before = not stream.headers_sent
        gone = self._over or stream.life.closed
        self._release()
        if gone:
            return
        on_error = self._on_error
        if before and on_error is not None:
            call_handler(stream, on_error, "on_error", error)
        else:
            stream.destroy(error)

    # --- the body -----------------------------------------------------------------------

    def _pump(self) -> None:
        """Read and send the next chunks, or end."""
        more = True
        while more:
            life = self._stream.life
            if life.writable_finished or not life.on_wire:
                self._release()
                return
            size = CHUNK if self._left < 0 else min(CHUNK, self._left)
            data = self._read_now(size) if size else b""
            if data is None:
                self._in_thread(self._have_chunk, os.pread, self._fd, size, self._part.offset)
                return
            more = self._send(data)

    def _read_now(self, size: int) -> bytes | None:
        """Read up to *size* bytes, or return None if that takes a thread."""
        if self._cached:
            try:
                return read_cached(self._fd, size, self._part.offset)
            except BlockingIOError:
                # Not in the cache. The next chunk may be: the system reads ahead.
                pass
            except OSError:
                # No such file system, or an error that the thread will report.
                self._cached = False
        return None

    def _have_chunk(self, future: asyncio.Future[bytes]) -> None:
        self._reading = False
        error = future.exception()
        if error is not None:
            self._fail(error)
        elif self._send(future.result()):
            self._pump()

    def _send(self, data: bytes) -> bool:
        """Send *data*, the end if it is empty; return whether the next chunk can be read now."""
        stream = self._stream
        if self._over or not stream.life.on_wire:
            self._release()
            return False
        size = len(data)
        self._part.offset += size
        if self._promised is not None:
            self._promised -= size
        if self._left >= 0:
            self._left -= size
        last = not size or self._left == 0
        if last and self._promised:
            self._fail(
                stream_error(
                    NGHTTP2_INTERNAL_ERROR,
                    stream.id,
                    message=f"the file is shorter than its content-length: {self._promised}"
                    " bytes missing",
                )
            )
            return False
        more = stream.write_piece(data, last)
        if last:
            self._release()
        return more and not last

    def resume(self) -> None:
        """Continue: the stream's queue is short again."""
        if not self._reading and self._fd >= 0 and self._left:
            self._pump()

    def stop(self) -> None:
        """Stop: the stream has ended."""
        self._over = True
        if not self._reading:
            self._release()

    def _release(self) -> None:
        """Release the resources; the application's own descriptor stays open."""
        self._over = True
        if self._stream.transfer is self:
            self._stream.transfer = None
        fd, self._fd = self._fd, -1
        self._keep = None
        if self._owns and fd >= 0:
            try:
                self._loop.run_in_executor(None, os.close, fd)
            except RuntimeError:
                os.close(fd)
