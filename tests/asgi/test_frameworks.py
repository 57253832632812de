"""FastAPI and Starlette on `Handler` and on uvicorn with `Http2Protocol`, over HTTP/2 and HTTP/1.1.

The two newest versions of uvicorn, each loop, in the clear and over TLS.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..support.running import Run, execute
from ..support.self_signed import Certificate
from .sites import WAYS, Process, await_background, hear_events, serving, talk, visit

pytestmark = pytest.mark.interop

APP = "tests.asgi.programs.site:app"


@pytest.fixture(scope="module", params=WAYS)
def site(request: pytest.FixtureRequest, certificate: Certificate) -> Iterator[Process]:
    """The site of the frameworks, on each server, loop and transport."""
    with serving(APP, request.param, certificate) as process:
        yield process


@pytest.fixture(params=["2", "1.1"])
def http(request: pytest.FixtureRequest) -> str:
    """The client's version of HTTP."""
    version: str = request.param
    return version


def test_json(run_asyncio: Run, site: Process, http: str) -> None:
    async def main() -> None:
        answer = await visit(site, http, "/items/7?q=%C3%BC")
        assert answer.json() == {"number": 7, "q": "ü", "db": "open"}
        assert answer.headers["x-path"] == "/items/7"
        assert answer.headers.get("server") == ("uvicorn" if site.by_uvicorn else None)
        assert [name for name, _ in answer.raw].count("date") == 1
        posted = await visit(site, http, "/items", "--json", '{"name": "tea", "price": 2}')
        assert (posted.status, posted.json()) == (201, {"name": "tea", "price": 2.0})
        wrong = await visit(site, http, "/items", "--json", '{"name": "tea"}')
        assert wrong.status == 422
        missing = await visit(site, http, "/items/404")
        assert (missing.status, missing.json()) == (404, {"detail": "no such item"})
        assert (await visit(site, http, "/blocking")).json() == "from a thread"
        empty = await visit(site, http, "/empty")
        assert (empty.status, empty.body) == (204, b"")
        assert (await visit(site, http, "/items/7", "--head")).status == 405

    run_asyncio(main())


def test_uploads(run_asyncio: Run, site: Process, http: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000
    path = tmp_path / "content"
    path.write_bytes(content)

    async def main() -> None:
        form = ["-F", f"file=@{path};filename=ü.bin", "-F", "title=a title"]
        answer = await visit(site, http, "/upload", *form)
        assert answer.json() == {
            "title": "a title", "name": "ü.bin", "size": len(content),
            "sha": hashlib.sha256(content).hexdigest(),
        }  # fmt: skip
        streamed = await visit(site, http, "/stream", "-T", str(path))
        assert streamed.json()["size"] == len(content)
        assert streamed.json()["pieces"] > 1

    run_asyncio(main())


def test_streams_and_files(run_asyncio: Run, site: Process, http: str) -> None:
    async def main() -> None:
        answer = await visit(site, http, "/s/stream")
        assert answer.body == b"".join(b"%03d," % number for number in range(100))
        assert answer.headers["x-tag"] == "starlette"
        content = bytes(range(256)) * 1000
        whole = await visit(site, http, "/files/file.txt")
        assert whole.body == content
        part = await visit(site, http, "/files/file.txt", "-H", "range: bytes=10-19")
        assert (part.status, part.body) == (206, content[10:20])
        etag = whole.headers["etag"]
        again = await visit(site, http, "/files/file.txt", "-H", f"if-none-match: {etag}")
        assert (again.status, again.body) == (304, b"")
        zipped = await visit(site, http, "/files/file.txt", "--compressed")
        assert zipped.body == content
        # Starlette does not compress what the server sends as a file
        encoding = zipped.headers.get("content-encoding")
        assert encoding == ("gzip" if http == "1.1" and site.by_uvicorn else None)

    run_asyncio(main())


def test_mounts_cookies_and_errors(run_asyncio: Run, site: Process, http: str) -> None:
    async def main() -> None:
        answer = await visit(site, http, "/s/inner/hello", "-H", "cookie: a=1; b=2")
        url = f"{site.url}/s/inner/hello"
        assert answer.body.decode() == f"{url} /s/inner {{'a': '1', 'b': '2'}}"
        elsewhere = await visit(site, http, "/s/cookies")
        assert elsewhere.status == 303
        set_cookies = [value for name, value in elsewhere.raw if name == "set-cookie"]
        assert [value.partition(";")[0] for value in set_cookies] == ["a=1", "b=2"]
        assert (await visit(site, http, "/broken")).status == 500
        # the end of one connection has no effect
        assert (await visit(site, http, "/s/early")).body == b"page"

    run_asyncio(main())


def test_events_and_background_work(run_asyncio: Run, site: Process, http: str) -> None:
    """Server-sent events arrive as they are created, and end with their client."""

    async def main() -> None:
        await hear_events(site, http, "/s/events", log="/log")
        await await_background(site, http, "/background", log="/log")

    run_asyncio(main())


@pytest.mark.parametrize("path", ["/chat", "/s/chat"], ids=["fastapi", "starlette"])
def test_a_chat(run_asyncio: Run, site: Process, http: str, path: str) -> None:
    run_asyncio(talk(site, http, path))


def test_many_at_once(run_asyncio: Run, site: Process) -> None:
    """100 requests on one connection of another client."""

    async def main() -> None:
        out = await execute("nghttp", "-nv", "-m", "100", f"{site.url}/items/3", timeout=30)
        text = out.decode()
        assert text.count(":status: 200") == 100
        assert "GOAWAY" not in text.partition("send GOAWAY")[0]

    run_asyncio(main())
