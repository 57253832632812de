"""Create the sockets of a server, and the addresses that are printed."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from dataclasses import dataclass, field
from ipaddress import ip_address

import click

# Addresses for documentation (RFC 5737): only the route is looked up, nothing is sent.
FAR_AWAY = "192.0.2.1"
# Errors of bind() for an address family that the machine does not have, usually IPv6.
NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


@dataclass(frozen=True)
class Addresses:
    """The addresses of a server."""

    hosts: list[str] = field(default_factory=list)
    port: int = 0
    uds: str | None = None
    name: str | None = None
    """The name of the host, if it was not an address."""

    def urls(self, scheme: str) -> list[str]:
        """Return its URLs, for a browser."""
        if self.uds is not None:
            return [f"{scheme}://localhost/"]
        hosts = self.hosts if self.name is None else [self.name]
        return [f"{scheme}://{_bracketed(host)}:{self.port}/" for host in hosts]


def listen(
    host: str, port: int, backlog: int, *, uds: str | None, fd: int | None
) -> tuple[list[socket.socket], Addresses]:
    """Listen on all addresses of *host*, on the Unix socket *uds*, or on the socket *fd*."""
    if fd is not None:
        sock = _inherited(fd)
        if sock.family == socket.AF_UNIX:
            return [sock], Addresses(uds=sock.getsockname())
        bound, port = sock.getsockname()[:2]
        return [sock], Addresses(_reachable(bound), port)
    if uds is not None:
        return [_unix(uds, backlog)], Addresses(uds=uds)
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in dict.fromkeys(found):
            # port 0 means any free one: the port of the first address is then used for all
            try:
                sockets.append(_tcp(family, (address[0], port, *address[2:]), backlog))
            except OSError as error:
                # a name may have an IPv6 address although the machine has none
                if error.errno not in NO_SUCH_ADDRESS:
                    raise
                missing = error
            else:
                port = sockets[0].getsockname()[1]
        if not sockets and missing is not None:
            raise missing
    except (OSError, OverflowError) as error:
        for sock in sockets:
            sock.close()
        raise click.ClickException(
            f"cannot listen on {host} port {port}: {_reason(error)}"
        ) from None
    hosts = [shown for sock in sockets for shown in _reachable(sock.getsockname()[0])]
    name = host if host and not _is_address(host) else None
    return sockets, Addresses(list(dict.fromkeys(hosts)), port, name=name)


def _tcp(family: int, address: tuple[object, ...], backlog: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # IPv4 has a separate socket, if the host has an IPv4 address
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        # at once: without it another program could still take the port
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def _unix(path: str, backlog: int) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mode = 0o666
    with contextlib.suppress(OSError):
        found = os.stat(path).st_mode
        if stat.S_ISSOCK(found):
            # the file of an earlier server, as in uvicorn: keep its mode
            mode = stat.S_IMODE(found)
            os.unlink(path)
    try:
        sock.bind(path)
        os.chmod(path, mode)
        sock.listen(backlog)
    except OSError as error:
        sock.close()
        raise click.ClickException(f"cannot listen on {path}: {_reason(error)}") from None
    return sock


def _inherited(fd: int) -> socket.socket:
    try:
        return socket.socket(fileno=os.dup(fd))
    except OSError as error:
        raise click.ClickException(f"--fd {fd} is not a socket: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _reachable(host: str) -> list[str]:
    """Return the hosts that a client uses for *host*."""
    if host not in ("0.0.0.0", "::"):
        return [host]
    if host == "::":
        return ["::1"]
    hosts = ["127.0.0.1"]
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
    ):
        sock.connect((FAR_AWAY, 9))
        hosts.append(sock.getsockname()[0])
    return hosts


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
