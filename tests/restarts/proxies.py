"""HAProxy and nginx in front of two instances, as their documentation and ours configure them."""

from __future__ import annotations

import asyncio
import csv
from contextlib import suppress
from pathlib import Path

from ..conftest import Certificate

HAPROXY = """
global
    maxconn 1000
    stats socket {folder}/socket
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    timeout check 5s
    retries 3
    option redispatch 1
frontend front
    bind 127.0.0.1:{front} proto h2
    default_backend back
backend back
    balance roundrobin
    option httpchk
    http-check send meth GET uri /health ver HTTP/2 hdr host localhost
    default-server check inter 3s fastinter 1s downinter 500ms rise 1 fall 2 {protocol}
    server first 127.0.0.1:{first}
    server second 127.0.0.1:{second}
"""
CLEAR = "proto h2 check-proto h2"
TLS = "ssl verify none alpn h2 check-ssl check-alpn h2"

NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/pid;
error_log stderr crit;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    client_max_body_size 10m;
    upstream back {{
        server 127.0.0.1:{first} max_fails=0;
        server 127.0.0.1:{second} max_fails=0;
        keepalive 16;
        keepalive_requests 1000000;
    }}
    server {{
        listen 127.0.0.1:{front} http2;
        location / {{
            proxy_pass http://back;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


def haproxy(
    folder: Path, front: int, first: int, second: int, certificate: Certificate | None
) -> list[str]:
    """The command that starts HAProxy on the port *front*; over TLS to the instances or not."""
    path = folder / "haproxy.cfg"
    protocol = CLEAR if certificate is None else TLS
    path.write_text(
        HAPROXY.format(front=front, first=first, second=second, protocol=protocol, folder=folder)
    )
    return ["haproxy", "-db", "-q", "-f", str(path)]


async def haproxy_sees_both(folder: Path) -> None:
    """Wait until the checks of the HAProxy that was started in *folder* find both instances."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_unix_connection(folder / "socket")
            writer.write(b"show stat\n")
            rows = csv.DictReader((await reader.read()).decode().splitlines())
            writer.close()
            await writer.wait_closed()
            states = {row["svname"]: row["status"] for row in rows}
            if states["first"] == states["second"] == "UP":
                return
        await asyncio.sleep(0.05)


def nginx(folder: Path, front: int, first: int, second: int, _: Certificate | None) -> list[str]:
    """The command that starts nginx, with kept HTTP/1.1 connections to the instances."""
    path = folder / "nginx.conf"
    path.write_text(NGINX.format(front=front, first=first, second=second, folder=folder))
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(path)]
