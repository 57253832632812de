"""The servers of ASGI applications: this library's two ways, and other servers.

One process each, one core, uvloop, no access log, no lifespan where it can be said.
"""

from benchmarks.bench import Bench
from benchmarks.peers import Peer, identity, ours, python

APPLICATIONS = "benchmarks.programs.applications"


def handler(app: str, secure: bool = False, *options: str) -> Peer:
    """Return `http2.asgi.Handler` on this library's own server."""
    return ours(
        "asgi_handler",
        "uvloop",
        secure,
        f"--app={APPLICATIONS}.{app}",
        *options,
        name="http2-handler",
        label="http2.asgi.Handler",
        modules=("http2.asgi", *of(app)),
    )


def uvicorn(
    app: str, secure: bool = False, *, http: str, name: str, label: str, ours: bool = False
) -> Peer:
    """Return uvicorn with the HTTP implementation ``http`` and WebSockets by ``websockets``."""

    def command(bench: Bench, port: int) -> list[str]:
        options = ["--http", http, "--loop", "uvloop", "--lifespan", "off", "--no-access-log"]
        options += ["--log-level", "warning", "--port", str(port)]
        options += ["--http2"] if http == "zttp" else []
        if pair := identity(bench, secure):
            options += ["--ssl-certfile", pair[0], "--ssl-keyfile", pair[1]]
        return python("uvicorn", *options, f"{APPLICATIONS}.{app}")

    modules = {"zttp": ("zttp",), "httptools": ("httptools",)}.get(http, ("http2.uvicorn",))
    return Peer(
        name,
        label,
        command,
        modules=("uvicorn", "uvloop", *modules, *of(app)),
        ours=ours,
        secure=secure,
    )


def uvicorn_http2(app: str, secure: bool = False) -> Peer:
    """Return uvicorn with this library's protocol."""
    return uvicorn(
        app,
        secure,
        http="http2.uvicorn:Http2Protocol",
        name="http2-uvicorn",
        label="uvicorn + http2",
        ours=True,
    )


def uvicorn_zttp(app: str, secure: bool = False) -> Peer:
    """Return uvicorn with zttp, its own way to HTTP/2."""
    return uvicorn(app, secure, http="zttp", name="uvicorn-zttp", label="uvicorn + zttp (Zig)")


def uvicorn_httptools(app: str, label: str = "uvicorn + httptools") -> Peer:
    """Return uvicorn as it serves HTTP/1.1, and WebSockets by ``websockets``."""
    return uvicorn(app, http="httptools", name="uvicorn", label=label)


def granian(app: str, secure: bool = False, *, http: str = "2", interface: str = "asgi") -> Peer:
    """Return Granian, one worker with one thread, with an ASGI or RSGI application."""

    def command(bench: Bench, port: int) -> list[str]:
        options = ["--http", http, "--loop", "uvloop", "--log-level", "warning"]
        options += ["--interface", "asginl" if interface == "asgi" else interface]
        options += [] if app.endswith(":websocket") else ["--no-ws"]
        if pair := identity(bench, secure):
            options += ["--ssl-certificate", pair[0], "--ssl-keyfile", pair[1]]
        return python("granian", *options, "--port", str(port), f"{APPLICATIONS}.{app}")

    return Peer(
        f"granian-{interface}",
        f"Granian {interface.upper()} (Rust)",
        command,
        modules=("granian", "uvloop", *of(app)),
        secure=secure,
    )


def hypercorn(app: str, secure: bool = False) -> Peer:
    """Return Hypercorn on uvloop."""

    def command(bench: Bench, port: int) -> list[str]:
        options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "uvloop"]
        if pair := identity(bench, secure):
            options += ["--certfile", pair[0], "--keyfile", pair[1]]
        return python("hypercorn", *options, "--log-level", "warning", f"{APPLICATIONS}.{app}")

    modules = ("hypercorn", "uvloop", *of(app))
    return Peer("hypercorn", "Hypercorn (h2)", command, modules=modules, secure=secure)


def gunicorn(app: str, secure: bool = False) -> Peer:
    """Return Gunicorn with one of its own workers for ASGI, on uvloop."""

    def command(bench: Bench, port: int) -> list[str]:
        options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "asgi", "--workers", "1"]
        options += ["--asgi-loop", "uvloop", "--asgi-lifespan", "off", "--no-control-socket"]
        options += ["--http-protocols", "h2,h1", "--log-level", "warning"]
        if pair := identity(bench, secure):
            options += ["--certfile", pair[0], "--keyfile", pair[1]]
        else:
            options += ["--http2-cleartext", "prior-knowledge"]
        return python("gunicorn", *options, f"{APPLICATIONS}.{app}")

    modules = ("gunicorn", "uvloop", "h2", *of(app))
    return Peer("gunicorn", "Gunicorn asgi (h2)", command, modules=modules, secure=secure)


def everybody(app: str, secure: bool = False) -> tuple[Peer, ...]:
    """Return all servers of this kind that support HTTP/2, this library's first."""
    return (
        uvicorn_http2(app, secure),
        handler(app, secure),
        granian(app, secure),
        uvicorn_zttp(app, secure),
        hypercorn(app, secure),
        gunicorn(app, secure),
    )


def of(app: str) -> tuple[str, ...]:
    """Return the packages that an application needs."""
    return ("fastapi",) if app.startswith("framework:") else ()
