"""``http2 serve DIRECTORY``: which files are served, in which form, and which are not."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from ..asgi.servers.uvicorns import Process
from .serving import get, serving

pytestmark = pytest.mark.interop

SECRET = "of nobody's business"
SCRIPT = "answer = 42;\n" * 100


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with all kinds of files, and a secret file beside it."""
    outside = tmp_path_factory.mktemp("site")
    (outside / "secret.txt").write_text(SECRET)
    (outside / "site-too").mkdir()
    (outside / "site-too" / "secret.txt").write_text(SECRET)
    root = outside / "site"
    for folder in ("docs", "empty", ".git", ".well-known", "a & <b>"):
        (root / folder).mkdir(parents=True)
    (root / "numbers.txt").write_text("0123456789")
    (root / "docs" / "index.html").write_text("<p>the index</p>")
    (root / "docs" / "page.html").write_text("<p>a page</p>")
    (root / "a & <b>" / "100% 'ü' ?#.txt").write_text("escaped")
    (root / "app.js").write_text(SCRIPT)
    (root / "app.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (root / "app.js.br").write_bytes(b"as brotli has it")
    (root / "app.js.zst").write_bytes(b"as zstandard has it")
    (root / "data.tar.gz").write_bytes(gzip.compress(b"a file that is compressed"))
    (root / "404.html").write_text("<p>not here</p>")
    # files that must not be served
    (root / ".env").write_text(SECRET)
    (root / ".git" / "config").write_text(SECRET)
    (root / ".well-known" / "security.txt").write_text("mailto:")
    (root / "out.txt").symlink_to(outside / "secret.txt")
    (root / "out").symlink_to(outside)
    (root / "too").symlink_to(outside / "site-too")
    (root / "hidden.txt").symlink_to(".env")
    (root / "numbers.txt.gz").symlink_to(outside / "secret.txt")
    (root / "loop").symlink_to("loop")
    (root / "inside.txt").symlink_to("numbers.txt")
    os.mkfifo(root / "pipe")
    return root


@pytest.fixture(scope="module")
def server(site: Path) -> Iterator[Process]:
    """Serve it in the clear."""
    with serving(site) as process:
        yield process


@pytest.mark.row("beyond.serve_directory")
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_a_file(server: Process, version: str) -> None:
    answer = get(server, "/numbers.txt", version=version)
    assert (answer.status, answer.body) == (200, b"0123456789")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-length"] == "10"
    assert get(server, "/inside.txt", version=version).body == b"0123456789"
    for path, status in (("/numbers.txt", 200), ("/", 200), ("/docs", 307), ("/gone", 404)):
        head = get(server, path, "--head", version=version)
        length = get(server, path, version=version).headers["content-length"]
        assert (head.status, head.headers["content-length"]) == (status, length)
        assert head.body == b""
    # without a body: curl 7.88 reports a failure if a body that it did not expect is reset
    refused = get(server, "/numbers.txt", "-X", "POST", version=version)
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("wanted", "status", "told", "body"),
    [
        ("0-3", 206, "bytes 0-3/10", b"0123"),
        ("-2", 206, "bytes 8-9/10", b"89"),
        ("7-", 206, "bytes 7-9/10", b"789"),
        ("20-", 416, "bytes */10", b""),
    ],
)
def test_ranges(server: Process, wanted: str, status: int, told: str, body: bytes) -> None:
    answer = get(server, "/numbers.txt", "--range", wanted)
    assert (answer.status, answer.headers["content-range"]) == (status, told)
    assert answer.body == body


def test_conditional_requests(server: Process) -> None:
    first = get(server, "/numbers.txt").headers
    for field, value, status in [
        ("if-none-match", first["etag"], 304),
        ("if-none-match", '"other"', 200),
        ("if-modified-since", first["last-modified"], 304),
        ("if-modified-since", "Mon, 01 Jan 2001 00:00:00 GMT", 200),
    ]:
        answer = get(server, "/numbers.txt", "-H", f"{field}: {value}")
        assert answer.status == status
        assert answer.headers["etag"] == first["etag"]
        assert answer.body == (b"0123456789" if status == 200 else b"")
    etag = get(server, "/gone").headers["etag"]
    assert get(server, "/gone", "-H", f"if-none-match: {etag}").status == 404
    for tag, status in ((first["etag"], 206), ('"other"', 200)):
        answer = get(server, "/numbers.txt", "-H", f"if-range: {tag}", "--range", "0-1")
        assert answer.status == status


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, zstd", "zstd"),
        ("gzip", "gzip"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0, zstd;q=0, *", "gzip"),
        ("identity, gzip;q=0.5", None),
        ("deflate", None),
        ("br;q=nonsense", None),
        ("", None),
    ],
)
def test_compressed_files_beside_it(server: Process, accepted: str, coding: str | None) -> None:
    answer = get(server, "/app.js", "-H", f"accept-encoding: {accepted}")
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["vary"] == "accept-encoding"
    bodies = {"br": b"as brotli has it", "zstd": b"as zstandard has it", None: SCRIPT.encode()}
    body = gzip.decompress(answer.body) if coding == "gzip" else answer.body
    assert body == bodies.get(coding, SCRIPT.encode())
    # each form has its own ETag, and `vary` names the field that selects it
    etag = answer.headers["etag"]
    again = get(
        server, "/app.js", "-H", f"accept-encoding: {accepted}", "-H", f"if-none-match: {etag}"
    )
    assert (again.status, again.headers["vary"]) == (304, "accept-encoding")
    other = "gzip" if coding != "gzip" else "identity"
    options = ["-H", f"accept-encoding: {other}", "-H", f"if-none-match: {etag}"]
    assert get(server, "/app.js", *options).status == 200


def test_a_compressed_file_itself(server: Process) -> None:
    answer = get(server, "/data.tar.gz", "-H", "accept-encoding: gzip")
    assert answer.headers["content-type"] == "application/gzip"
    assert "content-encoding" not in answer.headers
    assert gzip.decompress(answer.body) == b"a file that is compressed"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/docs/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2E%2E%2Fsecret.txt",
        "/docs/%2e%2e/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/%252e%252e/secret.txt",
        "//../secret.txt",
        "/..",
        "/../site-too/secret.txt",
        "/out.txt",
        "/out/secret.txt",
        "/out/",
        "/too/secret.txt",
        "/out/site/numbers.txt/../../../secret.txt",
        "/.env",
        "/%2eenv",
        "/docs/../.env",
        "/.git/config",
        "/.git/",
        "/.git",
        "/.well-known/../.env",
        "/hidden.txt",
        "/loop",
        "/pipe",
        "/numbers.txt/more",
        "/nul%00.txt",
        "/%ff",
        "/" + "long" * 100,
        "/nothing",
    ],
)
def test_what_is_not_served(server: Process, site: Path, path: str) -> None:
    absolute = get(server, f"/{site.parent}/secret.txt")
    for answer in (get(server, path), get(server, path, version="1.1"), absolute):
        assert answer.status == 404
        assert answer.body == b"<p>not here</p>"
    for accepted in ("gzip", "br"):
        beside = get(server, "/numbers.txt", "-H", f"accept-encoding: {accepted}")
        assert beside.body == b"0123456789"


def test_well_known(server: Process) -> None:
    """RFC 8615: `/.well-known/` is public although its name begins with a dot."""
    assert get(server, "/.well-known/security.txt").body == b"mailto:"


def test_directories(server: Process) -> None:
    assert get(server, "/docs/").body == b"<p>the index</p>"
    for path, location in [
        ("/docs", "./docs/"),
        ("/docs?a=1&b", "./docs/?a=1&b"),
        ("//docs", "./docs/"),
        ("/a%20&%20%3Cb%3E", "./a%20%26%20%3Cb%3E/"),
    ]:
        answer = get(server, path)
        assert (answer.status, answer.headers["location"]) == (307, location)
        followed = urlsplit(urljoin(server.url + path, location)).path
        assert get(server, followed).status == 200


def test_the_index_page(server: Process) -> None:
    answer = get(server, "/")
    page = answer.body.decode()
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<meta name="viewport" content="width=device-width' in page
    assert "color-scheme: light dark" in page
    links = re.findall(r'<li[^>]*><a href="([^"]*)"', page)
    assert links == [
        "./a%20%26%20%3Cb%3E/", "./docs/", "./empty/", "./404.html", "./app.js", "./app.js.br",
        "./app.js.gz", "./app.js.zst", "./data.tar.gz", "./inside.txt", "./numbers.txt",
    ]  # fmt: skip
    assert "a &amp; &lt;b&gt;/" in page
    assert "This directory is empty." in get(server, "/empty/").body.decode()
    page = get(server, "/a%20&%20%3Cb%3E/").body.decode()
    link = "./100%25%20%27%C3%BC%27%20%3F%23.txt"
    assert f'href="{link}"' in page
    assert "<b>100% &#x27;ü&#x27; ?#.txt</b>" in page
    assert get(server, "/a%20&%20%3Cb%3E/" + link[2:]).body == b"escaped"


def test_a_single_page_application(site: Path, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>the application</p>")
    (tmp_path / "app.js").write_text(SCRIPT)
    (tmp_path / ".env").write_text(SECRET)
    (tmp_path / "images").mkdir()
    (tmp_path / "out").symlink_to(site.parent)
    with serving(tmp_path, "--spa") as process:
        for path in ("/", "/users/7", "/users/7/", "/images", "/images/", "/out/secret"):
            answer = get(process, path)
            assert (answer.status, answer.body) == (200, b"<p>the application</p>"), path
        assert get(process, "/app.js").body == SCRIPT.encode()
        for path in ("/gone.js", "/.env", "/.git/config", "/../users", "/out/secret.txt"):
            assert get(process, path).status == 404, path
        page = ["-H", "accept: text/html,*/*;q=0.8"]
        assert get(process, "/users/a.b", *page).body == b"<p>the application</p>"
        assert get(process, "/.env", *page).status == 404
