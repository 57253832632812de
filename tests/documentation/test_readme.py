"""README.md: its server and its client are complete programs."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..support.paths import ROOT
from ..support.peers import Start, start_nghttpd, wait_for_port
from ..support.running import free_port
from .snippets import snippets

README = ROOT / "README.md"
ADDRESS = "http://localhost:8000"


def programs() -> tuple[str, str]:
    """Return the two blocks of Python: the server, the client."""
    server, client = (snippet.text for snippet in snippets(README))
    return server, client


def run_client(program: str, folder: Path) -> str:
    """Run a client in *folder*, where it stores its download; return its output."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_server_and_client(background: Start, tmp_path: Path) -> None:
    server, client = programs()
    port = free_port()
    assert "8000" in server
    assert ADDRESS in client
    process = background(sys.executable, "-W", "error", "-c", server.replace("8000", str(port)))
    wait_for_port(process, port)
    out = run_client(client.replace("8000", str(port)), tmp_path)
    assert re.fullmatch(r"200 \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\n", out)
    assert (tmp_path / "download").read_text() == "Hello, /world!\n"
    assert process.poll() is None


@pytest.mark.interop
def test_client_downloads_64_mib_from_nghttpd(background: Start, tmp_path: Path) -> None:
    _, client = programs()
    body = hashlib.shake_128(b"README").digest(64 << 20)
    root = tmp_path / "root"
    root.mkdir()
    (root / "world").write_bytes(body)
    peer = start_nghttpd(background, root)
    out = run_client(client.replace(ADDRESS, peer.origin), tmp_path)
    assert out.startswith("200 ")
    got = hashlib.sha256((tmp_path / "download").read_bytes()).hexdigest()
    assert got == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / name).read_text())
    # written by `make bench`
    missing = [link for link in links if not (ROOT / link).exists()]
    assert missing in ([], ["docs/benchmarks.md"])


def test_benchmark_markers() -> None:
    text = README.read_text()
    assert text.count("<!-- benchmark:begin -->") == text.count("<!-- benchmark:end -->") == 1
    assert text.index("<!-- benchmark:begin -->") < text.index("<!-- benchmark:end -->")
