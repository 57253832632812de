"""Read the files of examples/deploy, with only ports, paths and names changed."""

from __future__ import annotations

import asyncio
import csv
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..support.paths import EXAMPLES
from ..support.running import free_port
from ..support.self_signed import Certificate

DEPLOY = EXAMPLES / "deploy"
# An address without a server, for parts of a file that a test does not use.
NOTHING = "127.0.0.1:1"


def adapted(name: str, changes: Mapping[str, str]) -> str:
    """Return the text of a file with *changes*, each of which must match."""
    text = (DEPLOY / name).read_text()
    for old, new in changes.items():
        assert old in text, (name, old)
        text = text.replace(old, new)
    return text


def program(name: str) -> str:
    """Return the path of a program: Debian has some in /usr/sbin, which PATH may lack."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    assert found, f"{name} is not installed: tools/bootstrap test does it"
    return found


@dataclass
class Place:
    """The files and ports of a proxy, and the instances behind it."""

    folder: Path
    certificate: Certificate
    # the ports of two instances, and whether they use TLS
    instances: tuple[int, int]
    tls: bool = False
    # the port of the server that gets PROXY headers
    told: int = 1

    def __post_init__(self) -> None:
        self.front = free_port()
        self.passed_on = free_port()


def haproxy(place: Place, *, clear: bool = False) -> list[str]:
    """Return the command that starts HAProxy; *clear*: only HTTP/2 in the clear for clients."""
    folder, certificate = place.folder, place.certificate
    pem = folder / "app.pem"
    pem.write_text(Path(certificate.cert).read_text() + Path(certificate.key).read_text())
    one, two = (f"127.0.0.1:{port}" for port in place.instances)
    ports = ("127.0.0.1:8000", "127.0.0.1:8001"), ("127.0.0.1:9000", "127.0.0.1:9001")
    used, unused = reversed(ports) if place.tls else ports
    bind = f"bind 127.0.0.1:{place.front}"
    changes = {
        "\nglobal\n": f"\nglobal\n    stats socket {folder}/socket\n",
        "default_backend app\n": f"default_backend {backend(place)}\n",
        "/etc/haproxy/ca.pem": certificate.cert,
        used[0]: one,
        used[1]: two,
        unused[0]: NOTHING,
        unused[1]: NOTHING,
        "bind :8443": f"bind 127.0.0.1:{place.passed_on}",
        "127.0.0.1:8444": f"127.0.0.1:{place.told}",
    }
    if clear:
        changes["bind :443 ssl crt /etc/haproxy/app.pem alpn h2,http/1.1"] = f"{bind} proto h2"
    else:
        changes["bind :443"] = bind
        changes["/etc/haproxy/app.pem"] = str(pem)
    path = folder / "haproxy.cfg"
    path.write_text(adapted("haproxy.cfg", changes))
    return [program("haproxy"), "-db", "-f", str(path)]


def backend(place: Place) -> str:
    """Return the name of the backend with the instances."""
    return "app_tls" if place.tls else "app"


async def haproxy_sees_both(place: Place) -> None:
    """Wait until the checks of the HAProxy at *place* have found both instances."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_unix_connection(place.folder / "socket")
            writer.write(b"show stat\n")
            rows = csv.DictReader((await reader.read()).decode().splitlines())
            writer.close()
            await writer.wait_closed()
            states = {(row["# pxname"], row["svname"]): row["status"] for row in rows}
            if all(states[backend(place), name] == "UP" for name in ("one", "two")):
                return
        await asyncio.sleep(0.05)


def nginx(place: Place, *, clear: bool = False, all_grpc: bool = False) -> list[str]:
    """Return the command that starts nginx; *clear*: only HTTP/2 in the clear for clients.

    *all_grpc*: every request is passed on with `grpc_pass`.
    """
    folder, certificate = place.folder, place.certificate
    one, two = (f"127.0.0.1:{port}" for port in place.instances)
    kept = "".join(
        f"    {name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    listen = f"listen 127.0.0.1:{place.front}"
    text = adapted(
        "nginx.conf",
        {
            "events {": f"pid {folder}/pid;\nevents {{",
            "http {": f"http {{\n    access_log {folder}/access;\n{kept}",
            "listen 443 ssl http2;": f"{listen} http2;" if clear else f"{listen} ssl http2;",
            "/etc/nginx/app.pem": certificate.cert,
            "/etc/nginx/app.key": certificate.key,
            "127.0.0.1:8000": one,
            "127.0.0.1:8001": two,
            "listen 8443": f"listen 127.0.0.1:{place.passed_on}",
            "127.0.0.1:8444": f"127.0.0.1:{place.told}",
            **({"location /example.Echo/": "location ~ ^/"} if all_grpc else {}),
        },
    )
    path = folder / "nginx.conf"
    path.write_text(text)
    alone = "daemon off; master_process off; error_log stderr warn;"
    return [program("nginx"), "-e", "stderr", "-c", str(path), "-g", alone]
