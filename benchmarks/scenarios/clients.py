"""Clients, against nghttpd."""

from dataclasses import replace

from benchmarks import client_programs
from benchmarks.scenarios.measures import (
    CLIENT_BODIES,
    CLIENT_STREAMS,
    client_bodies,
    client_hello,
)
from benchmarks.scenarios.scenario import Scenario, Target

HELLO = Scenario(
    name="client-hello",
    group="client",
    title="Client: 100 streams on one connection",
    unit="requests/s",
    explanation=(
        f"{CLIENT_STREAMS} concurrent requests on one connection to nghttpd, in the clear; "
        "the next starts when one has been read to its end. h2load shows the limit of nghttpd."
    ),
    measure=client_hello,
    competitors=client_programs.HELLO,
    pairs=(("http2-uvloop", "pycurl"), ("http2-asyncio", "pycurl")),
    targets=(
        Target("http2-uvloop", "node", 6),
        Target("http2-uvloop", "pycurl", 2.5),
        Target("http2-asyncio", "http2-uvloop", 0.85),
    ),
    headline=True,
)
TARGETS = (Target("http2-uvloop", "node", 1.2), Target("http2-asyncio", "http2-uvloop", 0.85))

UPLOAD = replace(
    HELLO,
    name="client-upload-1mib",
    title="Client: uploads of 1 MiB",
    unit="GB/s",
    explanation=(
        f"{CLIENT_BODIES} concurrent requests on one connection to nghttpd, in the clear, each "
        "with a body of 1 MiB from memory. For every client, nghttpd has receive windows of "
        "16 MiB: with its default ones of 64 KiB, clients wait for it most of the time."
    ),
    measure=client_bodies(upload=True, wide=True),
    competitors=client_programs.UPLOADS,
    pairs=(),
    targets=TARGETS,
    headline=False,
)

SCENARIOS: tuple[Scenario, ...] = (
    HELLO,
    replace(
        HELLO,
        name="client-download-1mib",
        title="Client: downloads of 1 MiB",
        unit="GB/s",
        explanation=(
            f"{CLIENT_BODIES} concurrent requests on one connection to nghttpd, in the clear, each "
            "body read to its end; default windows."
        ),
        measure=client_bodies(upload=False),
        competitors=client_programs.DOWNLOADS,
        pairs=(),
        targets=TARGETS,
        headline=False,
    ),
    UPLOAD,
    replace(
        UPLOAD,
        name="client-upload-small-windows",
        title="Client: uploads of 1 MiB, windows of 64 KiB",
        explanation=(
            "The same, but nghttpd has its default receive windows. A client sends 32 KiB at a "
            "time, and waits for the next WINDOW_UPDATE: more than half of the time is nghttpd's "
            "and the system's."
        ),
        measure=client_bodies(upload=True),
    ),
)
