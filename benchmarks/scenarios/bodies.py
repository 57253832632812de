"""Large bodies, both ways."""

from dataclasses import replace

from benchmarks import peers
from benchmarks.bench import FILES, MEBIBYTE
from benchmarks.load import Request
from benchmarks.peers import Peer, on_both_loops
from benchmarks.scenarios.hello import NODE
from benchmarks.scenarios.measures import gigabytes_per_second
from benchmarks.scenarios.scenario import Scenario, Target, over_tls

LOAD = "h2load with 4 connections of 8 concurrent streams each"
PAIRS = (("http2-uvloop", "nghttpd"), ("http2-asyncio", "nghttpd"))
SIZE = len(MEBIBYTE)
FILE = FILES["10MiB"]
GET = Request(MEBIBYTE)
POST = Request(str(SIZE).encode(), body="1MiB")
ECHO = Request(MEBIBYTE, body="1MiB")


def servers(program: str, secure: bool) -> tuple[Peer, ...]:
    """Return the servers that take part in downloads (``body``) or uploads (``upload``)."""
    found = [*on_both_loops(program, secure), peers.node(program, "node", NODE, secure)]
    if program == "upload":
        label = "Node, 16 MiB windows"
        found.append(peers.node("upload", "node-wide", label, secure, "--wide"))
    return (*found, peers.nghttpd(program == "body", secure))


def echoes(secure: bool) -> tuple[Peer, ...]:
    """Return the servers that echo bodies."""
    return (*on_both_loops("echo", secure), peers.node("echo", "node", NODE, secure))


def files(secure: bool) -> tuple[Peer, ...]:
    """Return the servers of a file of 10 MiB."""
    option = "--file={files}/10MiB"
    return (
        *on_both_loops("file", secure, option),
        peers.node("file", "node", NODE, secure, option),
        peers.nginx("10MiB", secure),
    )


DOWNLOAD = Scenario(
    name="server-body-1mib-h2c",
    group="bodies",
    title="Server: responses of 1 MiB in the clear",
    unit="GB/s",
    explanation=f"1 MiB from memory (nghttpd: from a file), {LOAD} and large windows.",
    measure=gigabytes_per_second(4, 8, GET, SIZE),
    competitors=servers("body", secure=False),
    pairs=PAIRS,
    targets=(Target("http2-uvloop", "node", 1.05), Target("http2-asyncio", "node", 1.05)),
    headline=True,
    request=GET,
)
AT_LEAST = (Target("http2-uvloop", "node", 1.3), Target("http2-asyncio", "http2-uvloop", 0.85))

UPLOAD = replace(
    DOWNLOAD,
    name="server-upload-1mib-h2c",
    title="Server: uploads of 1 MiB in the clear",
    explanation=(
        f"1 MiB is posted, read piece by piece and discarded, {LOAD}. Every server has its "
        "default receive windows, except for one Node that announces large ones."
    ),
    measure=gigabytes_per_second(4, 8, POST, SIZE),
    competitors=servers("upload", secure=False),
    targets=AT_LEAST,
    request=POST,
)

ECHOES = replace(
    DOWNLOAD,
    name="server-echo-1mib-h2c",
    title="Server: echo of 1 MiB in the clear",
    explanation=(
        "1 MiB is posted and sent back as it arrives, with back-pressure in both directions, "
        f"{LOAD}. Only the bytes of one direction count."
    ),
    measure=gigabytes_per_second(4, 8, ECHO, SIZE),
    competitors=echoes(secure=False),
    pairs=(),
    targets=AT_LEAST,
    headline=False,
    request=ECHO,
)

FILES_OF_10_MIB = replace(
    DOWNLOAD,
    name="file-10mib-h2c",
    title="Server: files of 10 MiB in the clear",
    explanation=(
        "`respond_with_file`, `respondWithFile` and nginx with `sendfile`; "
        "h2load with 4 connections of 2 concurrent streams each."
    ),
    measure=gigabytes_per_second(4, 2, Request(FILE), len(FILE)),
    competitors=files(secure=False),
    pairs=(("http2-uvloop", "node"), ("http2-asyncio", "node")),
    reference="nginx",
    targets=(Target("http2-uvloop", "nginx", 1),),
    headline=False,
    request=Request(FILE),
)

SCENARIOS: tuple[Scenario, ...] = (
    DOWNLOAD,
    over_tls(DOWNLOAD, servers("body", secure=True), targets=AT_LEAST),
    UPLOAD,
    over_tls(UPLOAD, servers("upload", secure=True), headline=False),
    ECHOES,
    FILES_OF_10_MIB,
    over_tls(FILES_OF_10_MIB, files(secure=True)),
)
