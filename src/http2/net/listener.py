"""Define `Listener`: the listening sockets of a server, and accepting connections from them.

`asyncio.loop.create_server` does not support a limit. Without free file descriptors, asyncio
writes thousands of log lines and keeps a core busy, and uvloop disconnects clients. Here both
cases cause a pause: clients wait in the kernel's queue, and are served when there is
room again.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..common.emitter import logger
from .socket import send_at_once

if TYPE_CHECKING:
    from .interfaces import Accepting

__all__ = ["Listener", "SocketFile", "has_file", "open_path", "open_port", "take_socket"]

# Connections that are accepted in one turn of the loop, so that other tasks can run.
MOST_AT_ONCE = 256
# Seconds until accepting is tried again after the system could not open another connection.
RETRY = 1.0
# Seconds in which each reason for a pause is logged once as a warning.
QUIET = 60.0

# Missing resources by error number; all but the first two concern the whole machine.
_LACKING = {
    errno.EMFILE: "too many open files",
    errno.ENFILE: "too many open files in the system",
    errno.ENOBUFS: "no buffer space",
    errno.ENOMEM: "no memory",
}
# The client has already left, or its network has failed: Linux reports such errors in accept().
_CLIENTS_OWN = frozenset(
    getattr(errno, name)
    for name in ("ECONNABORTED", "EPROTO", "EPERM", "ENETDOWN", "ENETUNREACH", "EHOSTDOWN",
                 "EHOSTUNREACH", "ENONET", "ENOPROTOOPT", "EOPNOTSUPP", "EINTR")
    if hasattr(errno, name)
)  # fmt: skip


class Listener:
    """Accepts connections for *server* from *sockets*, which belong to it from now on.

    *limit* is the maximum number of connections; when it is reached, accepting pauses until
    one ends. None for any number. *file* is the file of a Unix socket, removed at the end.
    """

    def __init__(
        self,
        server: Accepting,
        sockets: Iterable[socket.socket],
        backlog: int,
        limit: int | None,
        file: SocketFile | None = None,
    ) -> None:
        self.sockets = tuple(sockets)
        self._file = file
        self._server = server
        self._loop = server.loop
        self._limit = limit
        self._accepting = False
        self._closed = False
        self._retry: asyncio.TimerHandle | None = None
        # the times when each reason for a pause may be logged as a warning again
        self._quiet_until: dict[str, float] = {}
        try:
            for sock in self.sockets:
                sock.setblocking(False)
                send_at_once(sock)
                sock.listen(backlog)
        except BaseException:
            self.close()
            raise
        self._resume()

    def accept_waiting(self) -> None:
        """Accept waiting connections before the sockets are closed, unless accepting pauses.

        Their clients consider them established; the kernel would reset them.
        """
        # no further clients may connect
        self._remove_file()
        for sock in self.sockets:
            if self._accepting:
                self._accept(sock)

    def close(self) -> None:
        """Stop accepting and close the sockets. Accepted connections continue."""
        self._pause()
        self._closed = True
        # before closing the socket, because until then no other file can get this inode
        self._remove_file()
        for sock in self.sockets:
            sock.close()

    def _remove_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.remove()

    def room_again(self) -> None:
        """Resume accepting in the next turn of the loop, when a descriptor is free."""
        if not self._accepting and not self._closed:
            self._loop.call_soon(self._resume)

    # --- accepting --------------------------------------------------------------------------

    def _resume(self) -> None:
        if self._accepting or self._closed:
            return
        self._accepting = True
        self._cancel_retry()
        for sock in self.sockets:
            self._loop.add_reader(sock.fileno(), self._accept, sock)

    def _pause(self) -> None:
        self._cancel_retry()
        if self._accepting:
            self._accepting = False
            for sock in self.sockets:
                self._loop.remove_reader(sock.fileno())

    def _cancel_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _accept(self, sock: socket.socket) -> None:
        """Accept from *sock*, where at least one client waits."""
        server = self._server
        limit = self._limit
        for _ in range(MOST_AT_ONCE):
            if not self._accepting:
                return  # a listener of `connection` has closed the server
            if limit is not None and len(server.open_connections) >= limit:
                self._pause()
                self._tell(
                    "limit",
                    f"max_connections ({limit}) reached; accepting again when a connection closes",
                )
                return
            try:
                accepted, _ = sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _CLIENTS_OWN:
                    continue
                self._pause()
                self._retry = self._loop.call_later(RETRY, self._resume)
                name = errno.errorcode.get(error.errno or 0, "")
                reason = _LACKING.get(error.errno or 0) or f"accept failed: {error.strerror}"
                self._tell(
                    name,
                    f"{reason} ({name}); accepting again when a connection closes"
                    f" or in {RETRY:g} s",
                )
                return
            self._begin(accepted)

    def _begin(self, accepted: socket.socket) -> None:
        protocol = self._server.new_connection()
        # the created transport keeps the task alive
        task = self._loop.create_task(self._connect(protocol, accepted))
        if self._server.proxies is not None:
            self._server.await_header(task)

    async def _connect(self, protocol: asyncio.BufferedProtocol, accepted: socket.socket) -> None:
        try:
            if self._server.proxies is not None:
                await self._server.learn_client(protocol, accepted)
            await self._loop.connect_accepted_socket(lambda: protocol, accepted)
        except BaseException as error:
            # the transport or the loop no longer exists
            accepted.close()
            self._server.open_connections.never_begun(protocol)
            if not isinstance(error, OSError):
                raise
            logger.debug("%r: an accepted connection failed: %r", self._server, error)

    def _tell(self, kind: str, message: str) -> None:
        """Log the reason for a pause: at most once a minute as a warning, else at DEBUG."""
        now = self._loop.time()
        if now >= self._quiet_until.get(kind, 0.0):
            self._quiet_until[kind] = now + QUIET
            logger.warning("%r: %s", self._server, message)
        else:
            logger.debug("%r: %s", self._server, message)


# --- sockets --------------------------------------------------------------------------------


def take_socket(sock: socket.socket) -> socket.socket:
    """Check that connections can be accepted from *sock*, bound by the application; return it.

    Raises `TypeError` for an `ssl.SSLSocket`, `ValueError` for a socket without connections.
    """
    if hasattr(sock, "do_handshake"):
        raise TypeError(
            "the socket must not be an ssl.SSLSocket: the server performs the TLS handshake itself"
        )
    if sock.type != socket.SOCK_STREAM:
        raise ValueError(f"expected a stream socket, not {sock!r}")
    return sock


async def open_port(
    loop: asyncio.AbstractEventLoop, host: str | Iterable[str] | None, port: int, reuse_port: bool
) -> list[socket.socket]:
    """Return sockets bound to *port* of every address of *host*; None or empty: every address.

    If it raises `OSError`, no socket is left open.
    """
    if not host:
        return [_open_everywhere(port, reuse_port)]
    found: list[Any] = []
    for name in (host,) if isinstance(host, str) else host:
        found += await _resolve(loop, name, port)
    sockets: list[socket.socket] = []
    try:
        # a name may have the same address more than once
        for family, kind, protocol, _, address in dict.fromkeys(found):
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError as error:
                logger.debug("could not create a socket for %r: %r", family, error)
                continue  # such as IPv6, where the system has none
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
            if reuse_port:
                _reuse_port(sock)
            if family == socket.AF_INET6:
                # the IPv4 addresses have their own sockets
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, True)
            try:
                sock.bind(address)
            except OSError as error:
                text = f"could not bind to {address}: {(error.strerror or '').lower()}"
                raise OSError(error.errno, text) from None
        if not sockets:
            raise OSError(errno.EADDRNOTAVAIL, f"host {host!r} has no address to listen on")
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


async def _resolve(loop: asyncio.AbstractEventLoop, host: str, port: int) -> list[Any]:
    """Return the result of `socket.getaddrinfo`; literal addresses need no thread."""
    flags = socket.AI_PASSIVE
    try:
        return socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=flags | socket.AI_NUMERICHOST
        )
    except socket.gaierror:
        return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)


def _open_everywhere(port: int, reuse_port: bool) -> socket.socket:
    """Return one socket for every address (IPv6 including IPv4), so that port 0 is one port."""
    dual = socket.has_dualstack_ipv6()
    sock = socket.socket(socket.AF_INET6 if dual else socket.AF_INET)
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
        if reuse_port:
            _reuse_port(sock)
        if dual:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, False)
        sock.bind(("", port))
    except OSError as error:
        sock.close()
        text = f"could not bind to port {port}: {(error.strerror or '').lower()}"
        raise OSError(error.errno, text) from None
    return sock


def _reuse_port(sock: socket.socket) -> None:
    if not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("this system does not support reuse_port")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, True)


def has_file(path: str | os.PathLike[str] | bytes) -> bool:
    """Return whether *path* is in the file system, and not an abstract address."""
    path = os.fspath(path)
    return bool(path) and path[:1] not in ("\0", b"\0")


class SocketFile:
    """The file of a Unix socket that was bound to *path*."""

    def __init__(self, path: str | bytes) -> None:
        self._path = os.path.abspath(path)
        self._identity = self._look()

    def _look(self) -> tuple[int, int]:
        found = os.lstat(self._path)
        return found.st_dev, found.st_ino

    def remove(self) -> None:
        """Remove the file, unless another server has replaced it."""
        try:
            if self._look() == self._identity:
                os.remove(self._path)
        except FileNotFoundError:
            pass
        except OSError as error:
            logger.debug("could not remove the socket at %r: %r", self._path, error)


def open_path(
    path: str | os.PathLike[str] | bytes, mode: int | None = None
) -> tuple[socket.socket, SocketFile | None]:
    """Return a Unix socket bound to *path*, and its file; replace a leftover file.

    The file gets *mode* here: clients cannot connect before the socket listens. An abstract
    address has no file. Raises `OSError`.
    """
    path = os.fspath(path)
    if has_file(path):
        try:
            if stat.S_ISSOCK(os.stat(path).st_mode):
                os.remove(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            logger.debug("could not remove the socket at %r: %r", path, error)
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.bind(path)
    except OSError as error:
        sock.close()
        text = f"could not bind to {path!r}: {(error.strerror or '').lower()}"
        raise OSError(error.errno, text) from None
    if not has_file(path):
        return sock, None
    file = SocketFile(path)
    try:
        if mode is not None:
            os.chmod(path, mode)
    except OSError:
        file.remove()
        sock.close()
        raise
    return sock, file
