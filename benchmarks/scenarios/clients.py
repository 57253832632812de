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
    replace(
        HELLO,
        name="client-upload-1mib",
        title="Client: uploads of 1 MiB",
        unit="GB/s",
        explanation=(
            f"{CLIENT_BODIES} concurrent requests on one connection to nghttpd, in the clear, each "
            "with a body of 1 MiB from memory."
        ),
        measure=client_bodies(upload=True),
        competitors=client_programs.UPLOADS,
        pairs=(),
        targets=TARGETS,
        headline=False,
    ),
)
