"""The costs before the first request: memory and the time of an import."""

from benchmarks import peers
from benchmarks.peers import Peer, on_both_loops
from benchmarks.scenarios.measures import (
    IDLE_CONNECTIONS,
    OPEN_STREAMS,
    idle_memory,
    import_time,
    stream_memory,
)
from benchmarks.scenarios.scenario import Scenario, Target


def importing(module: str, label: str, ours: bool = False, name: str = "") -> Peer:
    """Return the program that imports ``module``, or ``name`` from it."""
    what = f"{module}:{name}" if name else module
    return Peer(
        what,
        label,
        lambda bench, port: peers.python("benchmarks.programs.load.importing", what),
        modules=(module,),
        ours=ours,
    )


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="memory-idle",
        group="costs",
        title="Memory of an idle connection",
        unit="KiB",
        explanation=(
            f"Growth of the server's resident memory with {IDLE_CONNECTIONS:,} connections that "
            "exchanged only SETTINGS, per connection; less is better."
        ),
        measure=idle_memory,
        competitors=(
            *on_both_loops("hello"),
            peers.node("hello", "node", "Node Core API"),
            peers.nghttpd(),
        ),
        targets=(Target("http2-uvloop", "node", 0.75),),
        more_is_better=False,
        headline=True,
    ),
    Scenario(
        name="memory-stream",
        group="costs",
        title="Memory of an open stream",
        unit="KiB",
        explanation=(
            f"Growth of the server's resident memory when {OPEN_STREAMS} requests are opened on "
            "each of 100 connections, each waiting for a body that never arrives (`async for`), "
            "per stream; less is better."
        ),
        measure=stream_memory,
        competitors=(
            *on_both_loops("upload"),
            peers.node("upload_async", "node", "Node Core API"),
        ),
        more_is_better=False,
    ),
    Scenario(
        name="import",
        group="costs",
        title="Time of an import",
        unit="ms",
        explanation=(
            "`import http2` in a new process that has imported `asyncio` and `ssl`, from compiled "
            "files; the others for comparison. A name of `http2` is loaded on first access: a "
            "client waits for `from http2 import connect`. Less is better."
        ),
        measure=import_time,
        competitors=(
            importing("http2", "http2", ours=True),
            importing("http2", "http2, connect", ours=True, name="connect"),
            importing("http2", "http2, create_server", ours=True, name="create_server"),
            importing("httpx", "httpx"),
            importing("hypercorn.asyncio", "hypercorn.asyncio"),
            importing("h2.connection", "h2.connection"),
        ),
        reference="httpx",
        targets=(Target("http2", "", 20),),
        more_is_better=False,
    ),
)
