"""h2load and wrk with `create_server(on_request)`: every request is answered, none fails.

The number of answers is tested; the benchmarks measure the speed.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import http2

from ...support.running import Run, execute
from ...support.self_signed import Certificate
from ...support.serving import listening

REQUESTS = 500
CONNECTIONS = 8

# Ten requests at once on each connection, each with a body, in chunks that the client chooses.
PIPELINED = """
local body = string.rep("x", 1000)
init = function(args)
  local all = {}
  for i = 1, 10 do
    all[i] = wrk.format("POST", "/", {["transfer-encoding"] = "chunked"},
                        "3e8\\r\\n" .. body .. "\\r\\n0\\r\\n\\r\\n")
    all[i] = string.gsub(all[i], "Content%-Length: %d+\\r\\n", "")
  end
  requests = table.concat(all)
end
request = function() return requests end
"""


class Application:
    """A handler that counts its requests by the version of HTTP."""

    def __init__(self, *, waits: bool) -> None:
        self.seen: Counter[str] = Counter()
        self.on_request = self.answer_later if waits else self.answer

    def answer(self, request: Any, response: Any) -> None:
        """Answer at once."""
        self.seen[request.http_version] += 1
        response.write_head(200, {"content-type": "text/plain"})
        response.end("Hello World!\n")

    async def answer_later(self, request: Any, response: Any) -> None:
        """Answer when the request has been read, after another wait."""
        body = await request.read()
        await asyncio.sleep(0)
        self.seen[request.http_version] += 1
        response.set_header("x-size", len(body))
        response.write("Hello ")
        response.end("World!\n")


async def h2load(url: str, *arguments: str) -> None:
    """Make `REQUESTS` requests; each must succeed."""
    out = await execute(
        "timeout", "50", "h2load", "-n", str(REQUESTS), "-c", str(CONNECTIONS), *arguments, url,
        timeout=60,
    )  # fmt: skip
    text = out.decode()
    assert f"{REQUESTS} succeeded, 0 failed, 0 errored, 0 timeout" in text, text
    assert f"{REQUESTS} 2xx, 0 3xx, 0 4xx, 0 5xx" in text, text


async def wrk(url: str, *arguments: str) -> int:
    """Make requests for a second; return the number of answers. None may fail."""
    out = await execute(
        "timeout", "50", "wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", "1s",
        "--timeout", "40s", *arguments, url,
        timeout=60,
    )  # fmt: skip
    text = out.decode()
    # it prints failures only if there are any
    assert "Socket errors" not in text, text
    assert "Non-2xx" not in text, text
    found = re.search(r"(\d+) requests in ", text)
    assert found, text
    return int(found[1])


@pytest.mark.row("server.option.allow_http1")
@pytest.mark.parametrize("waits", [False, True])
def test_one_port_in_the_clear(run: Run, waits: bool) -> None:
    """Clients of both protocols at once."""

    async def main() -> None:
        application = Application(waits=waits)
        server = http2.create_server(application.on_request, allow_http1=True)
        async with listening(server) as port:
            url = f"http://127.0.0.1:{port}/"
            answered, *_ = await asyncio.gather(wrk(url), h2load(url, "-m", "20"))
            assert application.seen["2.0"] == REQUESTS
            # each connection is cut off during a request
            assert 0 < answered <= application.seen["1.1"] <= answered + CONNECTIONS
            await h2load(url, "--h1")
            assert application.seen["1.1"] >= answered + REQUESTS

    run(main())


@pytest.mark.row("secure_server.option.allow_http1")
def test_one_port_of_tls(run: Run, certificate: Certificate) -> None:
    async def main() -> None:
        application = Application(waits=True)
        server = http2.create_secure_server(
            application.on_request, allow_http1=True, cert=certificate.cert, key=certificate.key
        )
        async with listening(server) as port:
            url = f"https://127.0.0.1:{port}/"
            answered, *_ = await asyncio.gather(wrk(url), h2load(url, "-m", "20"))
            assert application.seen["2.0"] == REQUESTS
            assert 0 < answered <= application.seen["1.1"] <= answered + CONNECTIONS
            await h2load(url, "--h1")

    run(main())


def test_uploads(run: Run, tmp_path: Path) -> None:
    """Requests with bodies, over both protocols."""
    body = tmp_path / "body"
    body.write_bytes(bytes(20_000))

    async def main() -> None:
        application = Application(waits=True)
        server = http2.create_server(application.on_request, allow_http1=True)
        async with listening(server) as port:
            url = f"http://127.0.0.1:{port}/"
            await asyncio.gather(
                h2load(url, "-m", "20", "-d", str(body)), h2load(url, "--h1", "-d", str(body))
            )
            assert application.seen == {"2.0": REQUESTS, "1.1": REQUESTS}

    run(main())


@pytest.mark.parametrize("waits", [False, True])
def test_pipelined_uploads_in_chunks(run: Run, tmp_path: Path, waits: bool) -> None:
    script = tmp_path / "pipelined.lua"
    script.write_text(PIPELINED)

    async def main() -> None:
        application = Application(waits=waits)
        server = http2.create_server(application.on_request, allow_http1=True)
        async with listening(server) as port:
            answered = await wrk(f"http://127.0.0.1:{port}/", "-s", str(script))
            assert 0 < answered <= application.seen["1.1"] <= answered + 10 * CONNECTIONS

    run(main())
