"""Define the command ``http2`` with `serve`, which has uvicorn's flags."""

from __future__ import annotations

import os
from typing import Any

import click
from uvicorn.main import main as uvicorn

from .. import __version__, nghttp2_version
from .development import Certificate
from .directory import Directory
from .listening import Addresses, listen
from .running import Config, run

__all__ = ["http2"]

# uvicorn's parameters that are replaced: the protocol, the target and the version.
OURS = {"app", "http", "http2", "version"}
THEIRS = [parameter for parameter in uvicorn.params if parameter.name not in OURS]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message=f"http2 %(version)s, nghttp2 {nghttp2_version}")
def http2() -> None:
    """HTTP/2 from the command line."""


@http2.command(context_settings={"auto_envvar_prefix": "UVICORN"})
@click.argument("target")
@click.option(
    "--dev-tls",
    is_flag=True,
    help="Serve over TLS with a development certificate, made by trustme and gone at the end.",
)
@click.option(
    "--clear-port",
    type=int,
    help="Beside TLS, serve in the clear on this port of the same host, for clients that want to.",
)
@click.option(
    "--spa",
    is_flag=True,
    help="Answer paths that a directory does not have with its index.html, for a single-page app.",
)
def serve(
    target: str,
    dev_tls: bool,
    clear_port: int | None,
    spa: bool,
    app_dir: str,
    **options: Any,
) -> None:
    """Serve TARGET over HTTP/2 and HTTP/1.1: an ASGI application, module:app, or a directory.

    The options below are uvicorn's, but for --dev-tls, --clear-port and --spa.
    """
    app = application(target, spa=spa, reload=options["reload"])
    options["headers"] = [header_of(text) for text in options["headers"]]
    if options["log_config"] is None:
        # uvicorn's own
        del options["log_config"]
    if isinstance(app, Directory):
        options["lifespan"] = "off"
    certified = [name for name in ("ssl_certfile", "ssl_keyfile") if options[name]]
    if dev_tls and certified:
        flag = certified[0].replace("_", "-")
        raise click.UsageError(f"--dev-tls creates a certificate: remove --{flag}")
    config = Config(app, **options)
    config.check_tls()
    if clear_port is not None:
        check_clear_port(config, dev_tls=dev_tls)
    sockets, addresses = listen(
        config.host, config.port, config.backlog, uds=config.uds, fd=config.fd
    )
    if dev_tls:
        config.ssl_context_factory = Certificate.make(addresses)
    clear: Addresses | None = None
    if clear_port is not None:
        try:
            more, clear = listen(config.host, clear_port, config.backlog, uds=None, fd=None)
        except click.ClickException:
            for sock in sockets:
                sock.close()
            raise
        config.clear_port = clear.port
        sockets += more
    run(config, sockets, addresses, clear, name=describe(app), app_dir=app_dir)


serve.params += THEIRS


def check_clear_port(config: Config, *, dev_tls: bool) -> None:
    """Refuse `--clear-port` without TLS, without a port, or with more than one process."""
    if not (dev_tls or config.ssl_certfile):
        raise click.UsageError(
            "--clear-port needs TLS: without TLS, --port already serves in the clear"
        )
    if config.uds is not None or config.fd is not None:
        raise click.UsageError(
            "--clear-port works with --host and --port only: remove --uds and --fd"
        )
    if config.workers > 1:
        raise click.UsageError("--clear-port works with one process only: remove --workers")


def application(target: str, *, spa: bool, reload: bool) -> str | Directory:
    """Return the application for *target*: an import string, or one that serves a directory."""
    if os.path.isdir(target):
        if reload:
            raise click.UsageError(
                "--reload works with applications only: files are read at each request"
            )
        directory = Directory(target, spa=spa)
        if spa and not os.path.isfile(os.path.join(target, "index.html")):
            raise click.ClickException(f"--spa: no index.html in {target}")
        return directory
    module, colon, _ = target.partition(":")
    if not colon or not module or os.sep in module:
        raise click.ClickException(
            f"{target} is neither a directory nor an application (module:app)"
        )
    if spa:
        raise click.UsageError("--spa works with directories only")
    return target


def describe(app: str | Directory) -> str:
    """Return the description for the first line."""
    return f"the directory {app.directory}" if isinstance(app, Directory) else app


def header_of(text: str) -> tuple[str, str]:
    """Parse a field of ``--header``."""
    name, colon, value = text.partition(":")
    if not colon:
        raise click.UsageError(f"--header: {text!r} is not name:value")
    return name, value.strip()
