"""The clients that are measured, each against nghttpd."""

from benchmarks.bench import Bench
from benchmarks.peers import NODE_WARM_UP, PROGRAMS, Peer, python


def in_python(
    name: str, program: str, modules: tuple[str, ...], *options: str, ours: bool = False
) -> Peer:
    """Return a client that is a Python program."""

    def command(bench: Bench, port: int) -> list[str]:
        return python(f"benchmarks.programs.clients.{program}", *options)

    label = f"http2, {name.removeprefix('http2-')}" if ours else name
    return Peer(name, label, command, modules=modules, ours=ours)


def ours(program: str, *options: str) -> tuple[Peer, ...]:
    """Return this library's client ``program`` on each of the event loops."""
    return tuple(
        in_python(f"http2-{loop}", program, modules, "--variant", loop, *options, ours=True)
        for loop, modules in (("asyncio", ("http2",)), ("uvloop", ("http2", "uvloop")))
    )


def node(program: str, *options: str) -> Peer:
    """Return Node's client ``program``."""

    def command(bench: Bench, port: int) -> list[str]:
        return ["node", f"{PROGRAMS}/node/{program}.js", *options]

    return Peer("node", "Node", command, executables=("node",), warm_up=NODE_WARM_UP)


HELLO: tuple[Peer, ...] = (
    *ours("ours"),
    node("client"),
    in_python("pycurl", "with_pycurl", ("pycurl",)),
    in_python("httpx", "with_httpx", ("httpx", "h2"), "--variant", "httpx"),
    in_python("httpx2", "with_httpx", ("httpx2", "h2"), "--variant", "httpx2"),
    in_python("niquests", "with_niquests", ("niquests",)),
    Peer("h2load", "h2load (C++)", lambda bench, port: ["h2load"], executables=("h2load",)),
)
DOWNLOADS: tuple[Peer, ...] = (*ours("bodies"), node("client_bodies"))
UPLOADS: tuple[Peer, ...] = (*ours("bodies", "--upload"), node("client_bodies", "--upload"))
