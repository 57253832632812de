"""A server's certificate is replaced while it serves: no request is lost."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

import http2

from ..support import http1
from ..support.certificates import Issued, shown
from ..support.http1 import Http1Peer
from ..support.running import Run, execute
from ..support.serving import eventually, listening


@pytest.fixture(scope="module")
def issued() -> list[Issued]:
    """Create two certificates."""
    return [Issued.make(), Issued.make()]


@pytest.fixture
def files(tmp_path: Path, issued: list[Issued]) -> dict[str, Path]:
    """The server's files, with the first certificate at the beginning."""
    found = {"cert": tmp_path / "cert.pem", "key": tmp_path / "key.pem"}
    issued[0].write(**found)
    return found


async def echo(request: Any, response: Any) -> None:
    """Echo the request, slowly."""
    response.write_head(200)
    async for chunk in request:
        response.write(chunk)
    response.end()


async def check(port: int, issued: Issued) -> None:
    """Check that new connections over both protocols get *issued*."""
    async with http2.connect(f"https://localhost:{port}", ca=issued.ca) as session:
        assert await session.request({":path": "/new"}).read() == b""
        assert shown(session) == issued.der
    context = ssl.create_default_context(cadata=issued.ca.decode())
    context.set_alpn_protocols(["http/1.1"])
    async with await Http1Peer.dial(port, context) as peer:
        assert (await peer.ask(http1.get())).status == 200


class Asking:
    """A client that makes one request after the other on one connection."""

    def __init__(self, session: http2.ClientHttp2Session) -> None:
        self.session = session
        self.answers = 0
        self.end = False

    async def run(self) -> None:
        while not self.end:
            stream = self.session.request({":method": "POST"})
            stream.end(b"x" * 1000)
            assert await stream.read() == b"x" * 1000
            self.answers += 1


@pytest.mark.interop
@pytest.mark.row("secure_server.set_secure_context", "module.SecureContextOptions")
def test_a_certificate_is_replaced(
    run: Run, issued: list[Issued], files: dict[str, Path], tmp_path: Path
) -> None:
    """Repeatedly, during requests on old connections, and during one that takes all that time."""

    async def main() -> None:
        server = http2.create_secure_server(echo, allow_http1=True, **files)
        async with listening(server) as port:
            url = f"https://localhost:{port}"
            context = ssl.create_default_context(cadata=issued[0].ca.decode())
            async with (
                http2.connect(url, ca=issued[0].ca) as first,
                http2.connect(url, ca=issued[0].ca) as second,
                await Http1Peer.dial(port, context) as old,
                asyncio.TaskGroup() as tasks,
            ):
                clients = [Asking(first), Asking(second)]
                for client in clients:
                    tasks.create_task(client.run())
                upload = first.request({":method": "POST"})
                upload.write(b"0")
                for turn in range(1, 5):
                    now = issued[turn % 2]
                    now.write(**files)
                    server.set_secure_context()
                    await check(port, now)
                    upload.write(str(turn).encode())
                    assert (await old.ask(http1.get())).status == 200
                    counts = [client.answers for client in clients]
                    await eventually(
                        lambda before=counts: all(
                            client.answers > count
                            for client, count in zip(clients, before, strict=True)
                        )
                    )
                upload.end()
                assert await upload.read() == b"01234"
                for client in clients:
                    client.end = True
            authority = tmp_path / "ca.pem"
            authority.write_bytes(issued[0].ca)
            await execute("curl", "-sSf", "--cacert", str(authority), url)

    run(main())


def test_a_handshake_that_has_begun(run: Run, issued: list[Issued], files: dict[str, Path]) -> None:
    """It continues with the old certificate."""

    async def main() -> None:
        server = http2.create_secure_server(echo, allow_http1=True, **files)
        async with listening(server) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            context = ssl.create_default_context(cadata=issued[0].ca.decode())
            tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
            with pytest.raises(ssl.SSLWantReadError):
                tls.do_handshake()
            writer.write(outgoing.read())
            # the server has begun, too
            incoming.write(await reader.read(1))
            issued[1].write(**files)
            server.set_secure_context()
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    incoming.write(await reader.read(65536))
            tls.write(http1.get(connection="close").encode())
            writer.write(outgoing.read())
            incoming.write(await reader.read())
            assert tls.read().startswith(b"HTTP/1.1 200 ")
            writer.close()
            await writer.wait_closed()
            await check(port, issued[1])

    run(main())


def test_sessions_of_tls(run: Run, issued: list[Issued], files: dict[str, Path]) -> None:
    """A client cannot resume an old TLS session: it gets the new certificate."""

    async def dial(
        port: int, context: ssl.SSLContext, session: ssl.SSLSession | None
    ) -> tuple[ssl.SSLSession | None, bool | None]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost", session=session)
        answer = b""
        asked = False
        while not answer:
            try:
                tls.do_handshake()
                if not asked:
                    asked = bool(tls.write(http1.get(connection="close").encode()))
                answer = tls.read()
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await reader.read(65536))
        assert answer.startswith(b"HTTP/1.1 200 ")
        writer.close()
        await writer.wait_closed()
        return tls.session, tls.session_reused

    async def main() -> None:
        server = http2.create_secure_server(echo, allow_http1=True, **files)
        context = ssl.create_default_context(cadata=b"".join(i.ca for i in issued).decode())
        async with listening(server) as port:
            session, _ = await dial(port, context, None)
            session, reused = await dial(port, context, session)
            assert reused
            issued[1].write(**files)
            server.set_secure_context()
            _, reused = await dial(port, context, session)
            assert not reused

    run(main())


def test_what_cannot_be_used(run: Run, issued: list[Issued], files: dict[str, Path]) -> None:
    """The server keeps the old certificate."""

    async def main() -> None:
        server = http2.create_secure_server(echo, allow_http1=True, **files)
        old, new = issued
        async with listening(server) as port:
            files["cert"].write_bytes(new.cert)
            with pytest.raises(ssl.SSLError, match=r"KEY_VALUES_MISMATCH|key values mismatch"):
                server.set_secure_context()
            files["cert"].write_bytes(b"half a certif")
            with pytest.raises(ssl.SSLError):
                server.set_secure_context()
            files["cert"].unlink()
            with pytest.raises(FileNotFoundError):
                server.set_secure_context()
            with pytest.raises(TypeError, match=r"set_secure_context.*'certificate'"):
                server.set_secure_context(certificate=new.cert)  # type: ignore[call-arg]
            with pytest.raises(http2.Http2TypeError) as caught:
                server.set_secure_context(cert=1)  # type: ignore[typeddict-item]
            assert caught.value.code == "ERR_INVALID_ARG_TYPE"
            await check(port, old)
            # the failed attempt is forgotten
            new.write(**files)
            server.set_secure_context()
            await check(port, new)

    run(main())


def test_other_files_and_none(run: Run, issued: list[Issued], files: dict[str, Path]) -> None:
    """A certificate without a key is in the same PEM as its key."""

    async def main() -> None:
        server = http2.create_secure_server(echo, allow_http1=True, **files)
        old, new = issued
        async with listening(server) as port:
            server.set_secure_context(cert=new.key + new.cert)
            await check(port, new)
            server.set_secure_context()
            await check(port, new)
            server.set_secure_context(cert=old.cert, key=old.key)
            await check(port, old)

    run(main())


def test_what_is_not_given_stays(run: Run, issued: list[Issued], files: dict[str, Path]) -> None:
    """Clients without a certificate are still refused, until that option is changed."""

    async def main() -> None:
        old, new = issued
        server = http2.create_secure_server(echo, ca=old.ca, request_cert=True, **files)
        async with listening(server) as port:
            url = f"https://localhost:{port}"
            server.set_secure_context(cert=new.cert, key=new.key)
            known = {"ca": new.ca, "cert": old.cert, "key": old.key}
            async with http2.connect(url, **known) as session:
                assert await session.request().read() == b""
            with pytest.raises((http2.Http2Error, OSError)):
                async with http2.connect(url, ca=new.ca) as session:
                    await session.request().read()
            server.set_secure_context(request_cert=False)
            async with http2.connect(url, ca=new.ca) as session:
                assert await session.request().read() == b""

    run(main())


def test_a_context_of_the_programs_own(
    run: Run, issued: list[Issued], files: dict[str, Path]
) -> None:
    """The program itself reads it again."""

    def context_of() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.load_cert_chain(files["cert"], files["key"])
        return context

    async def main() -> None:
        old, new = issued
        own = context_of()
        server = http2.create_secure_server(echo, allow_http1=True, ssl_context=own)
        async with listening(server) as port:
            await check(port, old)
            new.write(**files)
            with pytest.raises(http2.Http2ValueError, match="load_cert_chain") as caught:
                server.set_secure_context()
            assert caught.value.code == "ERR_INVALID_ARG_VALUE"
            own.load_cert_chain(files["cert"], files["key"])
            await check(port, new)
            old.write(**files)
            server.set_secure_context(ssl_context=context_of())
            await check(port, old)
            server.set_secure_context(cert=new.cert, key=new.key)
            await check(port, new)

    run(main())
