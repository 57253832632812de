"""The properties of requests, and reading their bodies, compared with Node."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

import http2

from ..support import raw
from ..support.filing import pattern
from ..support.raw import RawPeer
from ..support.running import Run, execute
from ..support.self_signed import Certificate
from ..support.serving import Events, listening
from .scenarios import Note, Scenarios, attempt, differences, of_node, ours

Request = http2.Http2ServerRequest
Response = http2.Http2ServerResponse

scenario = Scenarios()


@scenario("/known?a=b")
def _(request: Request, response: Response, note: Note) -> None:
    note(request.http_version, request.http_version_major, request.http_version_minor)
    note(request.method, request.url, request.scheme)
    headers = {name: value for name, value in request.headers.items() if name != ":authority"}
    note(headers, request.headers[":authority"] == request.authority)
    texts = [text for pair in request.raw_headers for text in pair]
    note([text for text in texts if not text.startswith("127.0.0.1")])
    note(request.complete, request.aborted, request.destroyed, request.readable)
    note("x-none" not in request.headers, request.headers["Cookie"])
    response.end()


@scenario("/host")
def _(request: Request, response: Response, note: Note) -> None:
    note(request.authority, ":authority" not in request.headers)
    response.end()


@scenario("/set")
def _(request: Request, response: Response, note: Note) -> None:
    for method in (5, None, "", "  ", "PUT"):
        note(attempt(setattr, request, "method", method), request.method)
    request.url = "/other"
    note(request.url, request.headers[":path"], request.headers[":method"])
    response.end()


@scenario("/data")
def _(request: Request, response: Response, note: Note) -> None:
    parts: list[Any] = []
    request.set_encoding("utf-8")
    request.on("data", parts.append)

    @request.on("end")
    def end() -> None:
        note("".join(parts), request.complete, request.readable_ended, request.readable)
        response.end("".join(parts))

    note(request.complete, request.readable_ended, request.readable)


@scenario("/no-body")
def _(request: Request, response: Response, note: Note) -> None:
    request.on("data", lambda _: note("data"))

    @request.on("end")
    def end() -> None:
        note("end", request.complete)
        response.end()


@scenario("/iterated")
async def _(request: Request, response: Response, note: Note) -> None:
    body = b""
    async for chunk in request:
        body += chunk
    note(body.decode(), request.complete)
    response.end()


@scenario("/paused")
def _(request: Request, response: Response, note: Note) -> None:
    request.on("data", lambda chunk: note("data", chunk.decode()))
    request.on("end", response.end)
    request.pause()

    def resume() -> None:
        note("resumed")
        request.resume()

    asyncio.get_running_loop().call_later(0.03, resume)


@scenario("/unread")
def _(request: Request, response: Response, note: Note) -> None:
    response.end("not read")
    response.on("finish", lambda: note("finish"))
    request.on("close", lambda: note("close", request.complete))


@scenario("/dumped")
def _(request: Request, response: Response, note: Note) -> None:
    request.resume()

    @request.on("end")
    def end() -> None:
        note("end")
        response.end("dumped")


REQUESTS: dict[str, Any] = {
    "/known?a=b": {
        "headers": {
            "X-One": "1",
            "x-list": ["a", "b"],
            "cookie": ["c=1", "d=2"],
            "user-agent": "tests",
        }
    },
    "/host": {"headers": {"host": "example.org"}},
    "/data": {"method": "POST", "body": ["é", "€", ["x", 100_000]]},
    "/iterated": {"method": "PUT", "body": ["one ", "two"]},
    "/paused": {"method": "POST", "body": ["body"]},
    "/unread": {"method": "POST", "body": ["body"]},
    "/dumped": {"method": "POST", "body": [["x", 200_000]]},
}
WANTED = [{"path": path, **REQUESTS.get(path, {})} for path in scenario]

# Intended differences from Node, and their reasons.
DIFFERENT: dict[str, Any] = {
    # Node emits both when the stream is closed; here `finish` follows the last byte
    "/unread": {"said": [["finish"], ["close", True]]},
}


@pytest.fixture(scope="module")
def theirs() -> Any:
    """Node's results."""
    return of_node("requests", WANTED)


@pytest.mark.interop
@pytest.mark.row(
    "request.authority",
    "request.complete",
    "request.event.close",
    "request.event.data",
    "request.event.end",
    "request.headers",
    "request.http_version",
    "request.http_version_major",
    "request.http_version_minor",
    "request.iteration",
    "request.method",
    "request.pause",
    "request.raw_headers",
    "request.readable",
    "request.readable_ended",
    "request.resume",
    "request.scheme",
    "request.set_encoding",
    "request.url",
)
def test_beside_node(run: Run, theirs: Any) -> None:
    async def main() -> None:
        seen = await ours(scenario, WANTED)
        assert differences(seen, theirs, DIFFERENT) == {}

    run(main())


# --- reading ------------------------------------------------------------------------------


@pytest.mark.row("request.read", "request.readexactly", "request.readable_ended", "request.stream")
def test_reading_piece_by_piece(run: Run) -> None:
    async def main() -> None:
        events = Events()

        async def handler(request: Request, response: Response) -> None:
            assert isinstance(request.stream, http2.ServerHttp2Stream)
            assert await request.readexactly(3) == b"one"
            events.add("some")
            assert await request.read(100) == b" two"
            events.add("more")
            with pytest.raises(asyncio.IncompleteReadError) as caught:
                await request.readexactly(100)
            assert caught.value.partial == b" three"
            assert await request.read() == await request.read(5) == b""
            assert request.readable_ended
            assert request.complete
            response.end()

        async with (
            listening(http2.create_server(handler)) as port,
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.post(), raw.data(1, b"one two"))
            await events.expect("more")
            peer.send(raw.data(1, b" three", end_stream=True))
            assert (await peer.until(raw.HEADERS, 1)).status == 200

    run(main())


@pytest.mark.interop
@pytest.mark.row("request.read", "response.write")
def test_an_upload_comes_back(run: Run) -> None:
    """3 MiB from curl, echoed as they arrive, with back-pressure in both directions."""

    async def main() -> None:
        async def handler(request: Request, response: Response) -> None:
            response.write_head(200, {"x-type": request.headers["content-type"]})
            async for chunk in request:
                if not response.write(chunk):
                    await response.drain()
            response.end()

        body = pattern(3 << 20)
        async with listening(http2.create_server(handler)) as port:
            curl = ["curl", "-sS", "--http2-prior-knowledge", "--max-time", "25"]
            url = f"http://127.0.0.1:{port}/"
            assert await execute(*curl, "--data-binary", "@-", url, stdin=body) == body

    run(main())


async def posted(handler: Callable[..., Any], body: bytes, **headers: str) -> tuple[int, bytes]:
    """Return the status and the body of this library's client for its *body*."""
    async with (
        listening(http2.create_server(handler)) as port,
        http2.connect(f"http://127.0.0.1:{port}") as session,
    ):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        stream = session.request({":method": "POST", **fields})
        stream.end(body)
        status = (await stream.response())[":status"]
        return status, await stream.read()


@pytest.mark.row("request.text")
@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("text/plain", "utf-8"),
        ("text/plain; charset=utf-16-le", "utf-16-le"),
        ('text/plain; format=flowed; Charset="ISO-8859-1"', "latin-1"),
        ("not a type", "utf-8"),
        ("", "utf-8"),
    ],
)
def test_text(run: Run, content_type: str, encoding: str) -> None:
    async def handler(request: Request, response: Response) -> None:
        response.end(await request.text())

    body = "äöü"
    got = run(posted(handler, body.encode(encoding), content_type=content_type))
    assert got == (200, body.encode())


@pytest.mark.row("request.text")
def test_text_in_an_encoding_of_ones_own(run: Run) -> None:
    async def handler(request: Request, response: Response) -> None:
        response.end(await request.text("latin-1"))

    got = run(posted(handler, b"\xe4", content_type="text/plain; charset=utf-8"))
    assert got == (200, "ä".encode())


@pytest.mark.row("request.text")
@pytest.mark.parametrize(
    ("content_type", "error"),
    [
        ("text/plain", UnicodeDecodeError),
        ("text/plain; charset=utf-16", UnicodeDecodeError),
        ("text/plain; charset=no-such", LookupError),
        ("text/plain; charset=rot13", LookupError),
        ("text/plain; charset=hex", LookupError),
    ],
)
def test_text_that_is_none(run: Run, content_type: str, error: type[Exception]) -> None:
    async def handler(request: Request, response: Response) -> None:
        with pytest.raises(error):
            await request.text()
        response.write_head(415).end()

    assert run(posted(handler, b"\xff", content_type=content_type)) == (415, b"")


@pytest.mark.row("request.json")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_json(run: Run, encoding: str) -> None:
    value = {"list": [1, 2.5, None, "ä€"]}

    async def handler(request: Request, response: Response) -> None:
        assert await request.json() == value
        response.end()

    assert run(posted(handler, json.dumps(value).encode(encoding))) == (200, b"")


@pytest.mark.row("request.json")
@pytest.mark.parametrize("body", [b"", b"{", b"[1,]", b"\xff", b'"\x80"', b"1 2"])
def test_json_that_is_none(run: Run, body: bytes) -> None:
    async def handler(request: Request, response: Response) -> None:
        try:
            await request.json()
        except ValueError as error:
            response.write_head(400).end(type(error).__name__)

    status, name = run(posted(handler, body))
    assert status == 400
    assert name in (b"JSONDecodeError", b"UnicodeDecodeError")


@pytest.mark.row("request.read", "request.text", "request.json", "request.readexactly")
@pytest.mark.parametrize("way", ["read", "text", "json", "readexactly", "iterate"])
def test_a_body_that_is_cut_off_is_never_taken_for_whole(run: Run, way: str) -> None:
    async def main() -> None:
        told: asyncio.Queue[Any] = asyncio.Queue()

        async def iterate(request: Request) -> None:
            async for _ in request:
                told.put_nowait("chunk")

        async def reading(request: Request) -> None:
            ways: dict[str, Any] = {
                "iterate": iterate,
                "readexactly": lambda request: request.readexactly(100),
            }
            under_way = ways[way](request) if way in ways else getattr(request, way)()
            with pytest.raises(http2.StreamError, match="CANCEL"):
                await under_way
            assert request.aborted
            assert request.complete
            assert request.destroyed
            assert not request.readable
            told.put_nowait("told")

        tasks = []

        def handler(request: Request, response: Response) -> None:
            tasks.append(asyncio.get_running_loop().create_task(reading(request)))

        async with (
            listening(http2.create_server(handler)) as port,
            await RawPeer.connect(port) as peer,
        ):
            peer.send(raw.post(), raw.data(1, b'"whole?"'))
            await peer.answered()
            peer.send(raw.rst_stream(1))
            async with asyncio.timeout(raw.PATIENCE):
                while await told.get() != "told":
                    assert way == "iterate"
                await tasks[0]

    run(main())


@pytest.mark.row("request.pause")
def test_a_paused_request_holds_its_client_back(run: Run) -> None:
    async def main() -> None:
        sizes: list[int] = []
        requests: asyncio.Queue[Request] = asyncio.Queue()

        def handler(request: Request, response: Response) -> None:
            request.on("data", lambda chunk: sizes.append(len(chunk)))
            request.on("end", response.end)
            request.pause()
            requests.put_nowait(request)

        async with (
            listening(http2.create_server(handler)) as port,
            http2.connect(f"http://127.0.0.1:{port}") as session,
        ):
            stream = session.request({":method": "POST"})
            stream.end(bytes(500_000))
            request = await requests.get()
            for _ in range(5):
                await session.ping()
            assert not sizes
            # everything except what the windows allow is still in the client
            assert stream.writable_length > 300_000
            request.resume()
            assert (await stream.response())[":status"] == 200
            assert sum(sizes) == 500_000

    run(main())


# --- who it is ----------------------------------------------------------------------------


@pytest.mark.interop
@pytest.mark.row("request.scheme", "request.authority")
def test_over_tls(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        def handler(request: Request, response: Response) -> None:
            response.end(f"{request.scheme} {request.authority} {request.http_version}")

        server = http2.create_secure_server(handler, cert=certificate.cert, key=certificate.key)
        async with listening(server) as port:
            curl = ["curl", "-sS", "--http2", "--max-time", "20", "--cacert", certificate.cert]
            url = f"https://localhost:{port}/"
            got = await execute(*curl, "--connect-to", "::127.0.0.1:", url)
            assert got == f"https localhost:{port} 2.0".encode()

    run(main())


@pytest.mark.interop
@pytest.mark.row(
    "module.Http2ServerRequest",
    "module.Http2ServerResponse",
    "server.option.http2_server_request_class",
    "server.option.http2_server_response_class",
)
def test_classes_of_ones_own(run: Run) -> None:
    class OwnRequest(http2.Http2ServerRequest):
        @property
        def words(self) -> list[str]:
            return self.url.strip("/").split("/")

    class OwnResponse(http2.Http2ServerResponse):
        def send_words(self, words: list[str]) -> None:
            self.set_header("x-words", len(words))
            self.end(" ".join(words))

    async def main() -> None:
        def handler(request: OwnRequest, response: OwnResponse) -> None:
            assert type(request) is OwnRequest
            assert type(response) is OwnResponse
            response.send_words(request.words)

        classes: Any = {
            "http2_server_request_class": OwnRequest,
            "http2_server_response_class": OwnResponse,
        }
        async with listening(http2.create_server(handler, **classes)) as port:
            curl = ["curl", "-sS", "--http2-prior-knowledge", "--max-time", "20", "-w",
                    " %header{x-words}"]  # fmt: skip
            assert await execute(*curl, f"http://127.0.0.1:{port}/one/two") == b"one two 2"

    run(main())


@pytest.mark.row("server.option.http2_server_request_class")
@pytest.mark.parametrize("option", ["http2_server_request_class", "http2_server_response_class"])
@pytest.mark.parametrize("wrong", [None, 5, dict, http2.Http2Stream])
def test_classes_that_do_not_fit(option: str, wrong: Any) -> None:
    with pytest.raises(http2.Http2TypeError) as caught:
        http2.create_server(**{option: wrong})
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"
    assert option in str(caught.value)
