"""A server that sends GOAWAY repeatedly, and a client that repeats retryable requests."""

from __future__ import annotations

import asyncio
import json

import http2

from ...support.peers import start_node, starting
from ...support.proxies import proxied
from ...support.running import Run

REQUESTS = 5000
EVERY = 100
AT_A_TIME = 60
# so that there are always requests in progress that cross the GOAWAY
DELAY = 0.005


class Client:
    """Makes requests on a session that accepts them, and connects if there is none."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._session: http2.ClientHttp2Session | None = None
        self.sessions: list[http2.ClientHttp2Session] = []
        self.retries = 0

    def session(self) -> http2.ClientHttp2Session:
        """Return a session that has not received GOAWAY."""
        if self._session is None or self._session.closed or self._session.destroyed:
            self._session = http2.connect(self._origin)
            self.sessions.append(self._session)
        return self._session

    async def get(self, path: str) -> bytes:
        """Return the answer to *path*; retryable requests are repeated."""
        while True:
            try:
                stream = self.session().request({":path": path})
                await stream.response()
                return await stream.read()
            except http2.Http2Error as error:
                if not error.retryable:
                    raise
                self.retries += 1


def test_every_request_is_executed_exactly_once(run: Run) -> None:
    """5,000 requests, GOAWAY after every 100: none is lost, and none is processed twice."""
    with starting() as start:
        peer = start_node(start, "server/goaway.js", every=EVERY)

        async def storm(port: int) -> None:
            client = Client(f"http://127.0.0.1:{port}")
            paths = iter([f"/{number}" for number in range(REQUESTS)])

            async def work() -> None:
                for path in paths:
                    assert await client.get(path) == path.encode()

            await asyncio.gather(*(work() for _ in range(AT_A_TIME)))
            report = json.loads(await client.get("/report"))
            assert report["times"] == {"1": REQUESTS}
            assert report["ids"] == REQUESTS
            # there were many sessions, and requests that crossed a GOAWAY, which
            # are fewer on a busy machine
            assert report["sessions"] == len(client.sessions) > 10
            assert client.retries > 0
            for session in client.sessions:
                await session.close()

        async def main() -> None:
            async with proxied(peer.port, DELAY) as proxy:
                await storm(proxy.port)

        run(main())
