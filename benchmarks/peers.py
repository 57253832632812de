"""Who is measured: how each server and client is started, and what it needs."""

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.processes import Child, Failure, free_port, running

PROGRAMS = "benchmarks/programs"


@dataclass(frozen=True)
class Peer:
    """A server or a client.

    Attributes:
        name: What ``--only`` calls it.
        label: What the report calls it.
        command: Makes the command line. A server's gets the bench and a port; a client's the
            bench and 0, and the URL and the times are added behind it.
        executables: Commands that must be installed.
        modules: Python packages that must be installed.
        ours: Whether it is this library.
        secure: Whether it is to speak TLS.
        finds_port: Whether it listens on a free port and prints which, instead of the one given.
    """

    name: str
    label: str
    command: Callable[[Bench, int], list[str]]
    executables: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    ours: bool = False
    secure: bool = False
    finds_port: bool = False

    def missing(self) -> str | None:
        """Return what keeps it from being measured here, or None."""
        for executable in self.executables:
            if not shutil.which(executable):
                return f"{executable} is not installed"
        for module in self.modules:
            if not is_installed(module):
                return f"the package {module} is not installed"
        return None


@contextmanager
def serving(peer: Peer, bench: Bench) -> Iterator[tuple[Child, int, str]]:
    """Run a server for as long as the block lasts.

    Yields:
        The process, its port and the URL to request.

    Raises:
        Failure: It does not start.
    """
    if reason := peer.missing():
        raise Failure(reason)
    if peer.secure and bench.identity is None:
        raise Failure("openssl, which makes the certificate, is not installed")
    port = 0 if peer.finds_port else free_port()
    with running(peer.command(bench, port), bench.log, bench.server_core) as child:
        if peer.finds_port:
            port = int(child.wait_for_line())
        child.wait_for_port(port)
        yield child, port, f"{'https' if peer.secure else 'http'}://127.0.0.1:{port}/"


def is_installed(module: str) -> bool:
    """Return whether ``module`` can be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs ``module`` with the Python that runs the benchmark."""
    return [sys.executable, "-m", module, *arguments]


def identity(bench: Bench, secure: bool) -> tuple[str, str] | None:
    """Return the paths of the certificate and the key for a server that speaks TLS."""
    if not secure or bench.identity is None:
        return None
    cert, key = bench.identity
    return str(cert), str(key)


# Servers


def ours(program: str, loop: str, secure: bool = False, *options: str) -> Peer:
    """Return this library's server ``program`` on the event loop ``loop``."""

    def command(bench: Bench, port: int) -> list[str]:
        pair = identity(bench, secure)
        files = ["--cert", pair[0], "--key", pair[1]] if pair else []
        return python(f"benchmarks.programs.{program}", "--loop", loop, *options, *files)

    return Peer(
        name=f"http2-{loop}",
        label=f"http2, {loop}",
        command=command,
        modules=("http2", "uvloop") if loop == "uvloop" else ("http2",),
        ours=True,
        secure=secure,
        finds_port=True,
    )


def node(program: str, name: str, label: str, secure: bool = False, option: str = "") -> Peer:
    """Return Node's server ``program``."""

    def command(bench: Bench, port: int) -> list[str]:
        options = [*(identity(bench, secure) or ()), *([option] if option else [])]
        return ["node", f"{PROGRAMS}/{program}.js", *options]

    return Peer(name, label, command, executables=("node",), secure=secure, finds_port=True)


def nghttpd(body: bool = False, secure: bool = False) -> Peer:
    """Return nghttp2's own server, which serves a file of the body wanted."""

    def command(bench: Bench, port: int) -> list[str]:
        root = bench.body_root if body else bench.hello_root
        options = ["--address=127.0.0.1", f"--htdocs={root}"]
        pair = identity(bench, secure)
        if pair is None:
            return ["nghttpd", "--no-tls", *options, str(port)]
        cert, key = pair
        return ["nghttpd", *options, str(port), key, cert]

    return Peer("nghttpd", "nghttpd (C++)", command, executables=("nghttpd",), secure=secure)


def granian(interface: str, secure: bool = False) -> Peer:
    """Return Granian, one worker with one thread, with an ASGI or RSGI application."""

    def command(bench: Bench, port: int) -> list[str]:
        options = ["--http", "2", "--no-ws", "--loop", "uvloop", "--log-level", "warning"]
        options += ["--interface", "asginl" if interface == "asgi" else interface]
        if pair := identity(bench, secure):
            options += ["--ssl-certificate", pair[0], "--ssl-keyfile", pair[1]]
        application = f"benchmarks.programs.applications:{interface}"
        return python("granian", *options, "--port", str(port), application)

    return Peer(
        f"granian-{interface}",
        f"Granian {interface.upper()} (Rust)",
        command,
        modules=("granian", "uvloop"),
        secure=secure,
    )


def ours_asgi() -> Peer:
    """Return this library's server for ASGI applications."""

    def command(bench: Bench, port: int) -> list[str]:
        application = "benchmarks.programs.applications:asgi"
        return python("http2", "serve", application, "--host", "127.0.0.1", "--port", str(port))

    return Peer("http2-asgi", "http2 ASGI", command, modules=("http2.asgi",), ours=True)


def uvicorn() -> Peer:
    """Return uvicorn with zttp, its only way to HTTP/2."""

    def command(bench: Bench, port: int) -> list[str]:
        options = ["--http", "zttp", "--http2", "--loop", "uvloop", "--lifespan", "off"]
        options += ["--no-access-log", "--log-level", "warning", "--port", str(port)]
        return python("uvicorn", *options, "benchmarks.programs.applications:asgi")

    modules = ("uvicorn", "zttp", "uvloop")
    return Peer("uvicorn-zttp", "uvicorn + zttp (Zig)", command, modules=modules)


def hypercorn() -> Peer:
    """Return Hypercorn on uvloop."""

    def command(bench: Bench, port: int) -> list[str]:
        options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "uvloop"]
        application = "benchmarks.programs.applications:asgi"
        return python("hypercorn", *options, "--log-level", "warning", application)

    return Peer("hypercorn", "Hypercorn (h2)", command, modules=("hypercorn", "uvloop"))


# Clients


def python_client(
    name: str, program: str, modules: tuple[str, ...], variant: str = "", ours: bool = False
) -> Peer:
    """Return a client that is a Python program."""

    def command(bench: Bench, port: int) -> list[str]:
        options = ["--variant", variant] if variant else []
        return python(f"benchmarks.programs.{program}", *options)

    label = f"http2, {variant}" if ours else name
    return Peer(name, label, command, modules=modules, ours=ours)


CLIENTS: tuple[Peer, ...] = (
    python_client("http2-asyncio", "client", ("http2",), "asyncio", ours=True),
    python_client("http2-uvloop", "client", ("http2", "uvloop"), "uvloop", ours=True),
    Peer(
        "node",
        "Node",
        lambda bench, port: ["node", f"{PROGRAMS}/node_client.js"],
        executables=("node",),
    ),
    python_client("pycurl", "client_pycurl", ("pycurl",)),
    python_client("httpx", "client_httpx", ("httpx", "h2"), "httpx"),
    python_client("httpx2", "client_httpx", ("httpx2", "h2"), "httpx2"),
    python_client("niquests", "client_niquests", ("niquests",)),
    Peer("h2load", "h2load (C++)", lambda bench, port: ["h2load"], executables=("h2load",)),
)
