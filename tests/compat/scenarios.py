"""The Compatibility API compared with Node: the same scenarios on both, for the same client.

A topic has its scenarios twice, by their paths: in ``tests/support/node/compat/<topic>.js``, and as
`Scenarios` in the test. Node's client (``compat/client.js``) makes the same requests to both
servers, and prints the responses and the records of each scenario; `differences` compares them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import http2

from ..support.peers import start_node, starting
from ..support.running import node
from ..support.serving import listening

Note = Callable[..., None]
Handler = Callable[[http2.Http2ServerRequest, http2.Http2ServerResponse, Note], Any]
Wanted = dict[str, Any]


class Scenarios(dict[str, Handler]):
    """Handlers by their paths; calling it with a path is a decorator that adds one."""

    def __call__(self, path: str) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            self[path] = handler
            return handler

        return add


def attempt(call: Callable[..., Any], *args: Any) -> Any:
    """Return the result of ``call(*args)``, or the code of its error."""
    try:
        result = call(*args)
    except http2.Http2Error as error:
        return error.code
    return "itself" if isinstance(result, http2.Http2ServerResponse) else result


def scenario_server(scenarios: Scenarios, listen: Sequence[str] = ()) -> http2.Http2Server:
    """Serve like ``tests/support/node/compat/server.js``."""
    logs: dict[str, list[Any]] = {}
    closed: dict[str, asyncio.Event] = {}

    async def report(response: http2.Http2ServerResponse, path: str) -> None:
        await closed[path].wait()
        response.end(json.dumps(logs[path]))

    def entry(
        request: http2.Http2ServerRequest, response: http2.Http2ServerResponse, event: str
    ) -> Any:
        path = request.url or "/connect"
        if path.startswith("/report?"):
            return report(response, path.removeprefix("/report?"))
        log = logs[path] = []
        ended = closed[path] = asyncio.Event()
        loop = asyncio.get_running_loop()
        request.stream.on("close", lambda: loop.call_later(0.02, ended.set))
        if event != "request":
            log.append([event])
        return scenarios[path](request, response, lambda *said: log.append(list(said)))

    server = http2.create_server(lambda request, response: entry(request, response, "request"))
    for event in listen:
        server.on(event, lambda request, response, event=event: entry(request, response, event))
    return server


async def ours(scenarios: Scenarios, wanted: list[Wanted], listen: Sequence[str] = ()) -> Any:
    """Return what Node's client has received from this library's server, by path."""
    async with listening(scenario_server(scenarios, listen)) as port:
        return await node("compat/client.js", str(port), json.dumps(wanted))


def of_node(topic: str, wanted: list[Wanted], listen: Sequence[str] = ()) -> Any:
    """Return what it has received from Node's server."""
    with starting() as start:
        peer = start_node(start, "compat/server.js", topic=topic, listen=list(listen))
        return asyncio.run(node("compat/client.js", str(peer.port), json.dumps(wanted)))


def differences(seen: Any, theirs: Any, known: Wanted | None = None) -> Wanted:
    """Return the differences between *seen* and *theirs*, by path and key: (ours, Node's).

    *known* has the intended differences: this library's values, by path and key.
    """
    found: Wanted = {}
    for path in theirs:
        our, their = tidy(seen[path]), tidy(theirs[path]) | (known or {}).get(path, {})
        for key in our.keys() | their.keys():
            if our.get(key) != their.get(key):
                found[f"{path} {key}"] = (our.get(key), their.get(key))
    return found


def tidy(seen: Any) -> Any:
    """Return *seen* without the values that differ between runs: the date."""
    if isinstance(seen, dict):
        return {
            key: "now" if key == "date" and not str(value).endswith("1970 00:00:00 GMT")
            else tidy(value)
            for key, value in seen.items()
        }  # fmt: skip
    return [tidy(value) for value in seen] if isinstance(seen, list) else seen
