"""The examples that serve every version of HTTP, with curl, Node and nghttp as clients.

The same request gets the same body over HTTP/2, HTTP/1.1 and HTTP/1.0.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..support.running import Run, execute, node
from .programs import ON_UVLOOP, Loop, Program, Start, starting

pytestmark = pytest.mark.interop

VERSIONS = {"--http2": "2.0", "--http1.1": "1.1", "--http1.0": "1.0"}

# 8 MiB and one byte: larger than any buffer
UPLOAD = b"upload" * 1_398_102

EARLY_HINTS = {":status": 103, "link": "</style.css>; rel=preload; as=style"}


@pytest.fixture(params=["asyncio", "uvloop"])
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    """Start examples on one kind of loop or the other; those that still run are killed."""
    loop: Loop = [] if request.param == "asyncio" else ["-c", ON_UVLOOP]
    with starting(loop) as start:
        yield start


async def curl(version: str, *arguments: str, stdin: bytes | None = None) -> tuple[str, bytes]:
    """Return what curl gets over *version*: the statuses, such as ``'103 200'``, and the body."""
    if any(argument.startswith("http://") for argument in arguments):
        version = version.replace("--http2", "--http2-prior-knowledge")
    command = ["curl", "-skS", "--max-time", "25", "-D", "-", version, *arguments]
    text = await execute(*command, stdin=stdin)
    statuses = []
    while text.startswith(b"HTTP/"):
        head, _, text = text.partition(b"\r\n\r\n")
        shown, status, *_ = head.decode().split("\r\n")[0].split()
        # a server names its own version to clients of 1.0 (RFC 9110 section 6.2)
        assert shown == ("HTTP/2" if version.startswith("--http2") else "HTTP/1.1")
        statuses.append(status)
    return " ".join(statuses), text


async def nghttp(url: str, *arguments: str) -> bytes:
    """Return the body that nghttp gets."""
    return await execute("nghttp", "--no-verify-peer", "-t", "20", *arguments, url)


@pytest.mark.row("secure_server.option.allow_http1", "secure_server.alpn", "request.http_version")
def test_mixed(start: Start, run_asyncio: Run) -> None:
    """One port and one handler; each client gets the name of its version."""
    server = start("mixed_server.py", "--port", "0")
    url = server.url()

    def told(text: str | bytes) -> tuple[str, str]:
        value = json.loads(text)
        assert list(value) == ["alpn_protocol", "http_version"]
        return value["alpn_protocol"], value["http_version"]

    async def main() -> None:
        for option, version in VERSIONS.items():
            status, text = await curl(option, url)
            assert status == "200"
            assert told(text) == ("h2" if version == "2.0" else f"http/{version}", version)
        assert told(await nghttp(url)) == ("h2", "2.0")
        got = await node("client/example_clients.js", url)
        assert told(got["http2"]["body"]) == ("h2", "2.0")
        # its https client, without ALPN
        assert told(got["http1"]["body"]) == (None, "1.1")
        assert got["http1"]["version"] == "1.1"

    run_asyncio(main())
    server.stop()


@pytest.mark.row("server.option.allow_http1", "request.json")
def test_json_api(start: Start, run_asyncio: Run) -> None:
    """Clients of every version work on the same notes."""
    server = start("json_api.py", "--port", "0")
    url = server.url()

    async def ask(version: str, path: str, *arguments: str, **options: Any) -> tuple[str, Any]:
        status, text = await curl(version, *arguments, url + path, **options)
        return status, json.loads(text)

    async def main() -> None:
        for number, version in enumerate(VERSIONS, 1):
            note = {str(number): version}
            made = await ask(version, "notes", "-d", json.dumps({"text": version}))
            assert made == ("201", note)
            for other in VERSIONS:
                assert await ask(other, f"notes/{number}") == ("200", note)
        everything = {str(number): version for number, version in enumerate(VERSIONS, 1)}
        for version in VERSIONS:
            assert await ask(version, "notes") == ("200", everything)
            assert await curl(version, "-I", "-o", "/dev/null", url + "notes") == ("200", b"")

        put = ["-X", "PUT", "-d", '{"text": "bread"}']
        for number, version in enumerate(VERSIONS, 1):
            changed = {str(number): "bread"}
            assert await ask(version, f"notes/{number}", *put) == ("200", changed)
            assert await ask(version, f"notes/{number}", "-X", "DELETE") == ("200", changed)
            assert (await ask(version, f"notes/{number}"))[0] == "404"
            assert (await ask(version, "notes", "-d", "no JSON"))[0] == "400"
            assert (await ask(version, "notes", "-d", '{"text": 1}'))[0] == "400"
            assert (await ask(version, "elsewhere", "-d", '{"text": ""}'))[0] == "404"
            too_much = ["-H", "expect:", "--data-binary", "@-"]
            status, told = await ask(version, "notes", *too_much, stdin=bytes(1_000_000))
            assert (status, told) == ("413", {"error": "a note has at most 100000 bytes"})
        request = {"method": "POST", "text": '{"text": "Node"}', "headers": {"content-length": 16}}
        got = await node("client/example_clients.js", url + "notes", json.dumps(request))
        assert json.loads(got["http2"]["body"]) == {"4": "Node"}
        assert json.loads(got["http1"]["body"]) == {"5": "Node"}
        assert json.loads(await nghttp(url + "notes/5")) == {"5": "Node"}

    run_asyncio(main())
    server.stop()


@pytest.mark.parametrize("version", VERSIONS)
def test_upload(start: Start, run_asyncio: Run, tmp_path: Path, version: str) -> None:
    server = start("upload_server.py", "--port", "0")
    url = server.url()
    file = tmp_path / "upload"
    file.write_bytes(UPLOAD)
    right = {"size": len(UPLOAD), "sha256": hashlib.sha256(UPLOAD).hexdigest()}
    # with a field whose bytes are also the beginning of a boundary
    tricky = tmp_path / "tricky"
    tricky.write_bytes(b"\r\n--" * 100_000)

    async def main() -> None:
        silent = "-H", "expect:"
        assert json.loads((await curl(version, *silent, "-T", str(file), url))[1]) == right
        asked, text = await curl(version, "-T", str(file), url)
        assert json.loads(text) == right
        # curl sends "expect" over HTTP/1.1 only
        assert asked == ("100 200" if version == "--http1.1" else "200")
        for name, content in (("upload", UPLOAD), ("tricky", b"\r\n--" * 100_000)):
            form = "-F", f"file=@{tmp_path / name}", "-F", "more=of it"
            _, text = await curl(version, *silent, *form, url)
            digest = hashlib.sha256(content).hexdigest()
            assert json.loads(text) == {"size": len(content), "sha256": digest}
        if version != "--http1.0":
            # of unknown length: in chunks, over HTTP/1.1
            _, text = await curl(version, *silent, "-T", "-", url, stdin=UPLOAD)
            assert json.loads(text) == right
        assert (await curl(version, url))[0] == "405"

        limit = 16 << 20
        for size, status in ((limit, "200"), (limit + 1, "413")):
            with file.open("wb") as sparse:
                sparse.truncate(size)
            got = await curl(version, *silent, "-T", str(file), url)
            assert got[0] == status
        assert got[1] == b"too much\n"

    run_asyncio(main())
    server.stop()


@pytest.mark.row("request.iteration")
def test_upload_by_node_and_nghttp(start: Start, run_asyncio: Run, tmp_path: Path) -> None:
    server = start("upload_server.py", "--port", "0")
    url = server.url()
    file = tmp_path / "upload"
    file.write_bytes(UPLOAD)
    right = {"size": len(UPLOAD), "sha256": hashlib.sha256(UPLOAD).hexdigest()}

    async def main() -> None:
        request = {"method": "PUT", "size": len(UPLOAD)}
        got = await node("client/example_clients.js", url, json.dumps(request))
        assert json.loads(got["http2"]["body"]) == right
        assert json.loads(got["http1"]["body"]) == right
        assert json.loads(await nghttp(url, "-d", str(file))) == right

    run_asyncio(main())
    server.stop()


def report(rows: int) -> bytes:
    """Return the report of download_server.py."""
    lines = [f"<tr><td>{n}<td>{n * n}\n" for n in range(rows)]
    head = '<!doctype html><link rel="stylesheet" href="/style.css"><table>\n'
    return f"{head}{''.join(lines)}</table>\n".encode()


@pytest.mark.row("response.write_early_hints")
def test_download(start: Start, run_asyncio: Run) -> None:
    server = start("download_server.py", "--port", "0")
    url = server.url()

    async def main() -> None:
        for version in VERSIONS:
            status, text = await curl(version, f"{url}?rows=100000")
            # HTTP/1.0 has no informational responses (RFC 9110 section 15.2)
            assert status == ("200" if version == "--http1.0" else "103 200")
            assert text == report(100_000)
            status, text = await curl(version, f"{url}style.css")
            assert (status, text[:6]) == ("200", b"table ")
            assert (await curl(version, f"{url}nowhere"))[0] == "404"
            assert (await curl(version, f"{url}?rows=many"))[0] == "400"
        assert await nghttp(f"{url}?rows=100000") == report(100_000)
        got = await node("client/example_clients.js", f"{url}?rows=100000")
        for seen in got.values():
            assert seen["status"] == 200
            assert seen["sha256"] == hashlib.sha256(report(100_000)).hexdigest()
            (hints,) = seen["informational"]
            assert {name: hints[name] for name in EARLY_HINTS} == EARLY_HINTS

    run_asyncio(main())
    assert server.stop() == "made 100000 of 100000 rows\n" * 6


@pytest.mark.row("response.drain")
@pytest.mark.parametrize("version", VERSIONS)
def test_download_that_nobody_takes(start: Start, run_asyncio: Run, version: str) -> None:
    """A report is generated as fast as its client reads, and no further after it disconnects."""
    server = start("download_server.py", "--port", "0")
    url = server.url()
    rows = 20_000_000

    async def main() -> None:
        process = await asyncio.create_subprocess_exec(
            "curl", "-skSN", "--max-time", "25", version, f"{url}?rows={rows}",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        await process.stdout.readexactly(100_000)
        process.kill()
        await process.communicate()
        line = await asyncio.to_thread(server.line)
        found = re.fullmatch(rf"made (\d+) of {rows} rows\n", line)
        assert found, line
        # 100 MB of 600 MB at most: its windows and the buffers in between
        assert 1_000 < int(found[1]) < rows / 6
        assert (await curl(version, f"{url}?rows=10"))[1] == report(10)

    run_asyncio(main())
    end(server)


def end(server: Program) -> None:
    """Stop a server that may have logged a disconnected client."""
    server.process.terminate()
    server.process.communicate(timeout=15)


def test_page(start: Start, run_asyncio: Run) -> None:
    """The page and its resources; the browser's part is in test_page.py."""
    server = start("page_server.py", "--port", "0")
    url = server.url()

    async def main() -> None:
        pages = set()
        for version in VERSIONS:
            status, page = await curl(version, url)
            assert status == ("200" if version == "--http1.0" else "103 200")
            pages.add(page)
            for path in ("style.css", "script.js", "ff8000.png"):
                pages.add(await curl(version, url + path))
            assert (await curl(version, url + "nowhere"))[0] == "404"
            status, text = await curl(version, "-F", "file=content", url + "upload")
            assert (status, json.loads(text)["size"]) == ("200", 7)
        # each is the same over every version
        assert len(pages) == 4
        # nghttp requests the page's resources, as a browser does
        seen = (await nghttp(url, "--get-assets", "--stat", "--null-out")).decode()
        requested = re.findall(r"200 +\d+\w* (/\S*)", seen)
        wanted = {"/", "/style.css", "/script.js"} | {f"/{name}.png" for name in colours}
        assert set(requested) == wanted
        got = await node("client/example_clients.js", url)
        assert got["http2"]["sha256"] == got["http1"]["sha256"]
        assert [seen["informational"][0]["link"] for seen in got.values()] == [
            EARLY_HINTS["link"]
        ] * 2

    colours = ("ff0000", "ff8000", "ffff00", "00ff00", "00ffff", "0000ff", "8000ff", "ff00ff")
    run_asyncio(main())
    server.stop()
