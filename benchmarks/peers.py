"""The measured programs: how each server and client is started, and its requirements."""

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.processes import Child, Failure, free_port, running

PROGRAMS = "benchmarks/programs"
NODE_WARM_UP = 1.0  # its compiler works while it runs


@dataclass(frozen=True)
class Peer:
    """A server or a client.

    Attributes:
        name: Its name for ``--only``.
        label: Its name in the report.
        command: Makes the command line. A server's gets the bench and a port; a client's the
            bench and 0, and the URL and the times are added behind it.
        executables: Commands that must be installed.
        modules: Python packages that must be installed.
        ours: Whether it is this library.
        secure: Whether it must use TLS.
        finds_port: Whether it listens on a free port and prints which, instead of the one given.
        warm_up: Seconds of load that it needs at least before it is measured.
    """

    name: str
    label: str
    command: Callable[[Bench, int], list[str]]
    executables: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    ours: bool = False
    secure: bool = False
    finds_port: bool = False
    warm_up: float = 0.0

    def missing(self) -> str | None:
        """Return the reason why it cannot be measured here, or None."""
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
    """Return the paths of the certificate and the key for a server with TLS."""
    if not secure or bench.identity is None:
        return None
    cert, key = bench.identity
    return str(cert), str(key)


def ours(
    program: str,
    loop: str,
    secure: bool = False,
    *options: str,
    name: str | None = None,
    label: str | None = None,
    modules: tuple[str, ...] = (),
) -> Peer:
    """Return this library's server ``program`` on the event loop ``loop``.

    ``{files}`` in an option is the directory of the bench's files.
    """

    def command(bench: Bench, port: int) -> list[str]:
        pair = identity(bench, secure)
        given = [option.format(files=bench.directory) for option in options]
        files = ["--cert", pair[0], "--key", pair[1]] if pair else []
        return python(f"benchmarks.programs.servers.{program}", "--loop", loop, *given, *files)

    return Peer(
        name=name or f"http2-{loop}",
        label=label or f"http2, {loop}",
        command=command,
        modules=("http2", *modules, *(("uvloop",) if loop == "uvloop" else ())),
        ours=True,
        secure=secure,
        finds_port=True,
    )


def on_both_loops(program: str, secure: bool = False, *options: str) -> tuple[Peer, ...]:
    """Return this library's server ``program`` on each of the event loops."""
    return tuple(ours(program, loop, secure, *options) for loop in ("asyncio", "uvloop"))


def node(program: str, name: str, label: str, secure: bool = False, *options: str) -> Peer:
    """Return Node's server ``program``; ``{files}`` in an option as in `ours`."""

    def command(bench: Bench, port: int) -> list[str]:
        given = [option.format(files=bench.directory) for option in options]
        return ["node", f"{PROGRAMS}/node/{program}.js", *(identity(bench, secure) or ()), *given]

    return Peer(
        name,
        label,
        command,
        executables=("node",),
        secure=secure,
        finds_port=True,
        warm_up=NODE_WARM_UP,
    )


def nghttpd(body: bool = False, secure: bool = False, wide: bool = False) -> Peer:
    """Return nghttp2's own server, which serves a file of the body wanted.

    With ``wide``, it announces receive windows of 16 MiB instead of nghttp2's 64 KiB.
    """

    def command(bench: Bench, port: int) -> list[str]:
        root = bench.body_root if body else bench.hello_root
        options = ["--address=127.0.0.1", f"--htdocs={root}"]
        if wide:
            options += ["--window-bits=24", "--connection-window-bits=24"]
        pair = identity(bench, secure)
        if pair is None:
            return ["nghttpd", "--no-tls", *options, str(port)]
        cert, key = pair
        return ["nghttpd", *options, str(port), key, cert]

    return Peer("nghttpd", "nghttpd (C++)", command, executables=("nghttpd",), secure=secure)


NGINX = """\
daemon off;
master_process off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  default_type application/octet-stream;
  client_body_temp_path {directory}/nginx-client;
  proxy_temp_path {directory}/nginx-proxy;
  fastcgi_temp_path {directory}/nginx-fastcgi;
  uwsgi_temp_path {directory}/nginx-uwsgi;
  scgi_temp_path {directory}/nginx-scgi;
  server {{
    listen 127.0.0.1:{port} {options};
    {identity}
    location / {{ try_files /{file} =404; root {directory}; }}
  }}
}}
"""


def nginx(file: str, secure: bool = False) -> Peer:
    """Return nginx, one process, which answers every request with the bench's ``file``."""

    def command(bench: Bench, port: int) -> list[str]:
        pair = identity(bench, secure)
        files = f"ssl_certificate {pair[0]}; ssl_certificate_key {pair[1]};" if pair else ""
        text = NGINX.format(
            directory=bench.directory,
            port=port,
            options="ssl http2" if pair else "http2",
            identity=files,
            file=file,
        )
        bench.file("nginx.conf").write_text(text)
        # its messages from before it has read the file would go to a place of the system's
        return ["nginx", "-e", "stderr", "-c", str(bench.file("nginx.conf"))]

    return Peer("nginx", "nginx (C)", command, executables=("nginx",), secure=secure)
