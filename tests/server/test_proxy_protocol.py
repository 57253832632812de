"""The PROXY protocol on this library's servers: hand-written headers, and real proxies."""

from __future__ import annotations

import asyncio
import ipaddress
import shutil
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

import http2
from http2.net.proxy_protocol import Malformed, parse

from ..restarts.rolling import reachable
from ..support import http1
from ..support.running import Run, free_port
from ..support.self_signed import Certificate
from ..support.serving import listening

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
TRUSTED = ["127.0.0.0/8"]


def v2(kind: int, body: bytes, command: int = 0x21) -> bytes:
    """Return a header of version 2."""
    return SIGNATURE + bytes([command, kind]) + struct.pack(">H", len(body)) + body


def of_addresses(source: str, target: str) -> bytes:
    return ipaddress.ip_address(source).packed + ipaddress.ip_address(target).packed


PORTS = struct.pack(">HH", 4711, 443)
IPV4 = of_addresses("203.0.113.7", "192.0.2.1") + PORTS
IPV6 = of_addresses("2001:db8::7", "2001:db8::1") + PORTS
TLV = b"\x02\x00\x03a.b" + b"\x04\x00\x00"

HEADERS: dict[str, tuple[bytes, Any]] = {
    "v1 TCP4": (b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n", ("203.0.113.7", 4711)),
    "v1 TCP6": (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", ("2001:db8::7", 4711, 0, 0)),
    "v1 UNKNOWN": (b"PROXY UNKNOWN\r\n", None),
    "v1 UNKNOWN and more": (b"PROXY UNKNOWN " + b"f" * 91 + b"\r\n", None),
    "v2 TCP4": (v2(0x11, IPV4), ("203.0.113.7", 4711)),
    "v2 TCP6": (v2(0x21, IPV6), ("2001:db8::7", 4711, 0, 0)),
    "v2 TLVs": (v2(0x11, IPV4 + TLV), ("203.0.113.7", 4711)),
    "v2 long TLV": (v2(0x11, IPV4 + b"\x04\x40\x00" + bytes(0x4000)), ("203.0.113.7", 4711)),
    "v2 UNIX": (v2(0x31, b"/run/x".ljust(108, b"\0") * 2), "/run/x"),
    "v2 UNSPEC": (v2(0x00, b"what there is"), None),
    "v2 LOCAL": (v2(0x00, b"", 0x20), None),
    "v2 LOCAL with addresses": (v2(0x11, IPV4, 0x20), None),
}

WRONG: dict[str, bytes] = {
    "HTTP/1": b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00",
    "lower case": b"proxy TCP4 203.0.113.7 192.0.2.1 4711 443\r\n",
    "no LF": b"PROXY TCP4 " + b"1" * 97,
    "108 bytes": b"PROXY UNKNOWN " + b"f" * 92 + b"\r\n",
    "LF alone": b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\n",
    "two spaces": b"PROXY TCP4  203.0.113.7 192.0.2.1 4711 443\r\n",
    "a space at the end": b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443 \r\n",
    "zeros in front": b"PROXY TCP4 203.0.113.7 192.0.2.1 04711 443\r\n",
    "a port too large": b"PROXY TCP4 203.0.113.7 192.0.2.1 65536 443\r\n",
    "IPv6 as TCP4": b"PROXY TCP4 2001:db8::7 192.0.2.1 4711 443\r\n",
    "IPv4 as TCP6": b"PROXY TCP6 203.0.113.7 192.0.2.1 4711 443\r\n",
    "octets with zeros": b"PROXY TCP4 203.0.113.007 192.0.2.1 4711 443\r\n",
    "a scope": b"PROXY TCP6 fe80::1%eth0 2001:db8::1 4711 443\r\n",
    "a name": b"PROXY TCP4 localhost 192.0.2.1 4711 443\r\n",
    "UDP4": b"PROXY UDP4 203.0.113.7 192.0.2.1 4711 443\r\n",
    "UNKNOWNS": b"PROXY UNKNOWNS\r\n",
    "version 3": v2(0x11, IPV4, 0x31),
    "version 1 in binary": v2(0x11, IPV4, 0x11),
    "command 2": v2(0x11, IPV4, 0x22),
    "datagrams": v2(0x12, IPV4),
    "family 4": v2(0x41, IPV4),
    "protocol 3": v2(0x13, IPV4),
    "no protocol": v2(0x10, IPV4),
    "too short for IPv4": v2(0x11, IPV4[:-1]),
    "too short for IPv6": v2(0x21, IPV4),
    "too short for UNIX": v2(0x31, bytes(215)),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_is_taken_when_it_is_whole(name: str) -> None:
    data, peer = HEADERS[name]
    ends = range(1, len(data)) if len(data) < 1000 else (1, 15, 16, 17, 1000, len(data) - 1)
    for end in ends:
        assert parse(data[:end]) == (0, None)
    for more in (b"", b"PRI * HTTP/2.0", b"\r\n", b"PROXY "):
        size, addresses = parse(data + more)
        assert size == len(data)
        assert (addresses or {}).get("peername") == peer


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_header(name: str) -> None:
    with pytest.raises(Malformed):
        parse(WRONG[name])


def shows(request: Any, response: Any) -> None:
    socket = request.socket
    name = socket.get_extra_info("peername")
    response.end(repr((socket.remote_address, socket.remote_port, name)))


def shown(peer: Any) -> str:
    if isinstance(peer, str):
        return repr((peer, None, peer))
    return repr((peer[0], peer[1], peer))


async def in_pieces(port: int, *pieces: bytes) -> socket.socket:
    """A connection that sends *pieces*, each in its own packet."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    await loop.sock_connect(sock, ("127.0.0.1", port))
    for piece in pieces:
        await loop.sock_sendall(sock, piece)
        await asyncio.sleep(0.002)
    return sock


async def rest(sock: socket.socket) -> bytes:
    """Return all data until the other end is closed; nothing if it was reset."""
    loop = asyncio.get_running_loop()
    found = b""
    with closing(sock):
        async with asyncio.timeout(30):
            try:
                while data := await loop.sock_recv(sock, 65536):
                    found += data
            except ConnectionResetError:
                pass
    return found


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("cut", [0, 1, 5, 12, 14, 20, -1])
@pytest.mark.row("server.option.proxy_protocol")
def test_the_client_of_an_http1_connection(run: Run, name: str, cut: int) -> None:
    header, peer = HEADERS[name]

    async def main() -> None:
        server = http2.create_server(shows, allow_http1=True, proxy_protocol=TRUSTED)
        get = http1.request("GET", connection="close").encode()
        async with listening(server) as port:
            said = header + get
            sock = await in_pieces(port, *(p for p in (said[:cut], said[cut:]) if p))
            own = sock.getsockname()
            body = (await rest(sock)).partition(b"\r\n\r\n")[2].decode()
            assert body == shown(own if peer is None else peer)

    run(main())


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("name", ["v1 TCP4", "v2 TCP6", "v2 LOCAL"])
def test_the_client_of_a_session(
    run: Run, certificate: Certificate, name: str, secure: bool
) -> None:
    header, peer = HEADERS[name]

    async def main() -> None:
        options: dict[str, Any] = {"proxy_protocol": TRUSTED}
        if secure:
            options |= {"cert": certificate.cert, "key": certificate.key}
        make: Any = http2.create_secure_server if secure else http2.create_server
        server = make(shows, **options)
        logged: list[Any] = []
        server.on("session", lambda session: logged.append(session.socket.remote_address))
        async with listening(server) as port:
            sock = await in_pieces(port, header[:7], header[7:])
            own = sock.getsockname()
            scheme = "https" if secure else "http"
            carrier: Any = sock
            if secure:
                context = ssl.create_default_context(cafile=certificate.cert)
                context.set_alpn_protocols(["h2"])
                carrier = await asyncio.open_connection(
                    sock=sock, ssl=context, server_hostname="localhost"
                )
            async with http2.connect(
                f"{scheme}://localhost:{port}", create_connection=lambda *_: carrier
            ) as session:
                text = await session.request().text()
            assert text == shown(own if peer is None else peer)
            assert logged == [(own if peer is None else peer)[0]]

    run(main())


@pytest.mark.parametrize("name", WRONG)
def test_a_connection_without_a_header_is_closed(
    run: Run, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        server = http2.create_server(shows, allow_http1=True, proxy_protocol=TRUSTED)
        async with listening(server) as port:
            assert await rest(await in_pieces(port, WRONG[name])) == b""
            assert server.connections == 0

    run(main())


@pytest.mark.parametrize("networks", [[], ["10.0.0.0/8", "::/0"]])
def test_who_is_not_trusted(run: Run, networks: list[str]) -> None:
    async def main() -> None:
        server = http2.create_server(shows, allow_http1=True, proxy_protocol=networks)
        get = http1.request("GET", connection="close").encode()
        async with listening(server) as port:
            for header in (HEADERS["v1 TCP4"][0], HEADERS["v2 LOCAL"][0], b""):
                assert await rest(await in_pieces(port, header + get)) == b""

    run(main())


@pytest.mark.parametrize("said", [b"", b"PROXY TCP4 203.0", SIGNATURE])
def test_a_header_that_does_not_come(run: Run, said: bytes) -> None:
    async def main() -> None:
        server = http2.create_server(shows, proxy_protocol=TRUSTED, handshake_timeout=0.2)
        async with listening(server) as port:
            assert await rest(await in_pieces(port, said)) == b""

    run(main())


def test_the_end_of_a_server_whose_proxies_say_nothing(run: Run) -> None:
    async def main() -> None:
        server = http2.create_server(shows, proxy_protocol=TRUSTED)
        async with listening(server) as port:
            sock = await in_pieces(port, b"PROXY")
            async with asyncio.timeout(30):
                await server.close(timeout=0.1)
            assert await rest(sock) == b""

    run(main())


def test_a_proxy_on_a_unix_socket(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        server = http2.create_server(shows, allow_http1=True, proxy_protocol=[])
        path = str(tmp_path / "socket")
        async with server:
            await server.listen(path=path)
            reader, writer = await asyncio.open_unix_connection(path)
            get = http1.request("GET", connection="close").encode()
            writer.write(HEADERS["v2 TCP4"][0] + get)
            body = (await reader.read()).partition(b"\r\n\r\n")[2].decode()
            writer.close()
            assert body == shown(("203.0.113.7", 4711))

    run(main())


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("127.0.0.1", "ERR_INVALID_ARG_TYPE"),
        (True, "ERR_INVALID_ARG_TYPE"),
        (["localhost"], "ERR_INVALID_ARG_VALUE"),
        (["10.0.0.1/8"], "ERR_INVALID_ARG_VALUE"),
        ([None], "ERR_INVALID_ARG_VALUE"),
    ],
)
def test_what_are_no_networks(wrong: Any, code: str) -> None:
    with pytest.raises(http2.Http2Error) as caught:
        http2.create_server(proxy_protocol=wrong)
    assert caught.value.code == code


HAPROXY = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend front
    bind 127.0.0.1:{front}
    default_backend app
backend app
    server one 127.0.0.1:{back} {send}
"""

# Debian's modules, which include `stream`; nginx sends only version 1.
NGINX = """
include /etc/nginx/modules-enabled/*.conf;
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr crit;
events {{}}
stream {{
    server {{
        listen 127.0.0.1:{front};
        proxy_pass 127.0.0.1:{back};
        proxy_protocol on;
    }}
}}
"""


def command_of(proxy: str, folder: Path, front: int, back: int) -> list[str]:
    """Return the command of a proxy that forwards the port *front* to *back*."""
    config = folder / "config"
    if proxy == "nginx":
        config.write_text(NGINX.format(folder=folder, front=front, back=back))
        return ["nginx", "-e", "stderr", "-c", str(config)]
    config.write_text(HAPROXY.format(front=front, back=back, send=proxy))
    return ["haproxy", "-db", "-f", str(config)]


@asynccontextmanager
async def behind(proxy: str, folder: Path, back: int) -> AsyncIterator[int]:
    """The port of a real proxy in front of the server at *back*."""
    front = free_port()
    name, *options = command_of(proxy, folder, front, back)
    program = shutil.which(name) or f"/usr/sbin/{name}"
    process = await asyncio.create_subprocess_exec(program, *options)
    try:
        async with asyncio.timeout(30):
            await reachable(front)
        yield front
    finally:
        process.terminate()
        await process.wait()


PROXIES = ["send-proxy", "send-proxy-v2", "nginx"]


@pytest.mark.interop
@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.row("server.option.proxy_protocol")
def test_a_real_proxy(run: Run, tmp_path: Path, proxy: str) -> None:
    """HAProxy, both versions, and nginx's `stream`: the client's address, over both protocols."""

    async def main() -> None:
        server = http2.create_server(shows, allow_http1=True, proxy_protocol=TRUSTED)
        async with listening(server) as back, behind(proxy, tmp_path, back) as front:
            sock = await in_pieces(front, http1.request("GET", connection="close").encode())
            own = sock.getsockname()
            text = (await rest(sock)).partition(b"\r\n\r\n")[2].decode()
            assert text == shown(own)
            async with http2.connect(f"http://127.0.0.1:{front}") as session:
                local = ("127.0.0.1", session.socket.local_port)
                assert await session.request().text() == shown(local)

    run(main())


@pytest.mark.interop
@pytest.mark.parametrize("proxy", PROXIES)
def test_tls_through_a_real_proxy(
    run: Run, tmp_path: Path, certificate: Certificate, proxy: str
) -> None:
    """The header precedes the handshake, and the proxy cannot read the connection."""

    async def main() -> None:
        server = http2.create_secure_server(
            shows, cert=certificate.cert, key=certificate.key, proxy_protocol=TRUSTED
        )
        async with (
            listening(server) as back,
            behind(proxy, tmp_path, back) as front,
            http2.connect(f"https://localhost:{front}", ca=certificate.cert) as session,
        ):
            local = ("127.0.0.1", session.socket.local_port)
            assert await session.request().text() == shown(local)

    run(main())


def test_a_peer_that_has_reset_the_connection(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """A proxy's health check resets it, perhaps before it is accepted: that is not logged."""

    async def main() -> None:
        server = http2.create_server(shows, allow_http1=True, proxy_protocol=TRUSTED)
        async with listening(server) as port:
            for accepted in (False, True):
                # without a turn of the loop in between, the server accepts a
                # connection that was reset
                sock = socket.create_connection(("127.0.0.1", port))
                sock.sendall(HEADERS["v2 LOCAL"][0][:5])
                if accepted:
                    await asyncio.sleep(0.02)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.close()
            asked = http1.request("GET", connection="close").encode()
            answer = await rest(await in_pieces(port, HEADERS["v2 LOCAL"][0], asked))
            assert b" 200 OK" in answer

    run(main())
    assert not caplog.records
