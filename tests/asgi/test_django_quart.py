"""Django and Quart on `Handler` and on uvicorn with `Http2Protocol`, over both versions of HTTP."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import http2

from ..support.running import Run
from ..support.self_signed import Certificate
from .sites import FEW, Process, await_background, hear_events, joining, serving, talk, visit

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module", params=["django", "quart"])
def framework(request: pytest.FixtureRequest) -> str:
    """The framework."""
    name: str = request.param
    return name


@pytest.fixture(scope="module", params=FEW)
def site(
    request: pytest.FixtureRequest, framework: str, certificate: Certificate
) -> Iterator[Process]:
    """The framework's site, on each server."""
    app = f"tests.asgi.programs.{framework}_site:app"
    with serving(app, request.param, certificate) as process:
        yield process


@pytest.fixture(params=["2", "1.1"])
def http(request: pytest.FixtureRequest) -> str:
    """The client's version of HTTP."""
    version: str = request.param
    return version


def test_requests(run_asyncio: Run, site: Process, framework: str, http: str) -> None:
    """Queries, cookies, middleware, views in threads, views behind a prefix, views that fail."""

    async def main() -> None:
        answer = await visit(site, http, "/hello?name=%C3%BC", "-b", "a=b; c=d")
        assert answer.json() == {"name": "ü", "cookie": "b", "secure": False}
        cookies = [value for name, value in answer.raw if name == "set-cookie"]
        assert [value.partition(";")[0] for value in cookies] == ["a=1", "b=2"]
        assert answer.headers["x-tag"] == "/hello"
        if framework == "quart":
            # around the application, and in its lifespan
            assert answer.headers["x-raw"] == "http"
            assert "begun" in (await visit(site, http, "/log")).json()
        assert (await visit(site, http, "/blocking")).body == b"from a thread"
        inner = await visit(site, http, "/mounted/inner")
        assert inner.body.decode() == f"/mounted/inner {site.url}/mounted/inner"
        assert (await visit(site, http, "/nowhere")).status == 404
        assert (await visit(site, http, "/broken")).status == 500
        head = await visit(site, http, "/blocking", "--head")
        assert (head.status, head.body) == (200, b"")

    run_asyncio(main())


def test_uploads(run_asyncio: Run, site: Process, http: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000
    path = tmp_path / "content"
    path.write_bytes(content)

    async def main() -> None:
        form = ["-F", f"file=@{path};filename=a.bin", "-F", "title=a title"]
        answer = await visit(site, http, "/upload", *form)
        assert answer.json() == {
            "title": "a title", "name": "a.bin", "size": len(content),
            "sha": hashlib.sha256(content).hexdigest(),
        }  # fmt: skip
        consumed = await visit(site, http, "/consume", "-T", str(path))
        assert consumed.json() == {"size": len(content)}

    run_asyncio(main())


def test_streams_and_background_work(run_asyncio: Run, site: Process, http: str) -> None:
    async def main() -> None:
        streamed = await visit(site, http, "/stream")
        assert streamed.body == b"".join(b"%03d," % number for number in range(100))
        assert "content-length" not in streamed.headers
        await hear_events(site, http, "/events", log="/log")
        await await_background(site, http, "/background", log="/log")

    run_asyncio(main())


def test_websockets(run_asyncio: Run, site: Process, framework: str, http: str) -> None:
    """A chat on Quart; Django, which does not support WebSockets, refuses."""

    async def main() -> None:
        if framework == "quart":
            await talk(site, http, "/chat")
            return
        with pytest.raises(Exception, match="500"):
            async with joining(site, http, "/chat"):
                pass

    run_asyncio(main())


def test_many_at_once(run_asyncio: Run, site: Process) -> None:
    """100 requests on one connection."""

    async def main() -> None:
        async with http2.connect(site.url) as session:
            texts = [session.request({":path": f"/hello?name={n}"}).text() for n in range(50)]
            assert all(f'"{n}"' in text for n, text in enumerate(await asyncio.gather(*texts)))

    run_asyncio(main())
