"""Run attacks: start the victim, make honest requests meanwhile, and measure."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..support import raw
from ..support.paths import NODE, ROOT
from .attacks import Attack
from .wire import LARGEST, WINDOW, Ended, Peer

NODE_VICTIM = NODE / "server/victim.js"
ASKER = Path(__file__).with_name("asker.py")
# Seconds that a victim has to start, and to answer after the attack.
PATIENCE = 20.0
# Seconds after the attack, and after the end of the hostile connections, during which the
# victim is still measured.
AFTERWARDS = 0.2


class Identity(Protocol):
    """A certificate and its key, as paths."""

    @property
    def cert(self) -> str: ...

    @property
    def key(self) -> str: ...


@dataclass(frozen=True)
class Honest:
    """One honest request."""

    seconds: float
    """Seconds until its answer."""
    delayed: float
    """Seconds of these in which the victim or the client could run, but had no processor."""

    @property
    def waited(self) -> float:
        """Seconds that it waited because of the victim, without those that a busy machine adds."""
        return max(0.0, self.seconds - self.delayed)


@dataclass(frozen=True)
class Outcome:
    """The cost of an attack."""

    attack: Attack
    sent: int
    """Bytes that the hostile peers have sent."""
    grown: int
    """Bytes of resident memory at the peak, above those before the attack."""
    cpu: float
    """Seconds of CPU."""
    seconds: float
    """Seconds of its duration."""
    honest: list[Honest]
    """The honest requests meanwhile."""
    log: list[str]
    """The lines that the victim has logged."""
    ended: str
    """How the hostile connections, or their streams, have ended."""
    open: int
    """Hostile connections that were open at the end."""

    @property
    def median(self) -> float:
        """Seconds of a typical honest request."""
        return statistics.median(one.seconds for one in self.honest)

    @property
    def slowest(self) -> float:
        """Seconds of the slowest honest request."""
        return max(one.seconds for one in self.honest)

    @property
    def waited(self) -> float:
        """Seconds that the slowest honest request waited for the victim."""
        return max(one.waited for one in self.honest)


class Ground:
    """The victim's addresses, and the duration of the attack."""

    def __init__(
        self, attack: Attack, victim: Victim, ports: dict[str, int], identity: Identity | None
    ) -> None:
        self.attack = attack
        self.victim = victim
        self.peers: list[Peer] = []
        self.deadline = time.monotonic() + attack.time
        self._ports = ports
        self._identity = identity
        self._listener: socket.socket | None = None

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self.deadline

    def dial(
        self,
        *,
        frames: bool = True,
        secure: bool = False,
        handshake: bool = False,
        receive_buffer: int = 0,
        timeout: float = 5,
    ) -> Peer:
        """Connect to the victim without sending anything.

        *secure*: to its port for TLS, which expects a *handshake*.
        """
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(timeout)
        try:
            sock.connect(("127.0.0.1", self._ports["secure_port" if secure else "port"]))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if handshake:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                context.set_alpn_protocols(["h2"])
                sock = context.wrap_socket(sock, server_hostname="localhost")
        except OSError:
            sock.close()
            raise Ended from None
        return self._entered(sock, frames)

    def connect(
        self,
        *,
        window: int = 65535,
        all_of_it: bool = False,
        receive_buffer: int = 0,
        values: dict[int, int] | None = None,
    ) -> Peer:
        """Connect and begin HTTP/2; with *all_of_it* the connection's window is the largest.

        The victim's SETTINGS are never acknowledged, so its limits do not apply yet.
        """
        peer = self.dial(receive_buffer=receive_buffer)
        peer.send(raw.PREFACE, raw.settings({WINDOW: window, **(values or {})}))
        if all_of_it:
            peer.send(raw.window_update(0, LARGEST - 65535))
        return peer

    def asked(self, values: dict[int, int] | None = None) -> Peer:
        """Let the victim connect to this process; its preface and requests are on their way.

        *values* are the SETTINGS of this side.
        """
        listener = socket.create_server(("127.0.0.1", 0))
        with listener:
            scheme = "https" if self.attack.secure else "http"
            origin = f"{scheme}://localhost:{listener.getsockname()[1]}"
            self.victim.tell({"connect": origin, **self.attack.ask})
            listener.settimeout(PATIENCE)
            sock, _ = listener.accept()
        sock.settimeout(PATIENCE)
        if self.attack.secure:
            assert self._identity is not None
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._identity.cert, self._identity.key)
            context.set_alpn_protocols(["h2"])
            sock = context.wrap_socket(sock, server_side=True)
        magic = b""
        while len(magic) < len(raw.PREFACE):
            magic += sock.recv(len(raw.PREFACE) - len(magic))
        assert magic == raw.PREFACE
        # the attack's time begins now
        self.deadline = time.monotonic() + self.attack.time
        peer = self._entered(sock, True)
        peer.send(raw.settings(values), raw.settings(ack=True))
        while peer.seen[raw.HEADERS] < self.attack.ask.get("requests", 1):
            peer.hear(0.02)
            # a client may wait until our SETTINGS are complete
            while peer.pings:
                peer.send(raw.ping(peer.pings.pop(), ack=True))
        # the cost of its own requests is the program's
        self.victim.begin()
        return peer

    def _entered(self, sock: socket.socket, frames: bool) -> Peer:
        peer = Peer(sock, self.deadline, frames=frames)
        self.peers.append(peer)
        return peer

    def ended(self) -> str:
        """Return the most common ends of the connections."""
        ways = Counter(peer.ended for peer in self.peers)
        if len(self.peers) <= 1:
            return next(iter(ways), "")
        return "; ".join(f"{count} × {way}" for way, count in ways.most_common(3))


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


class Victim:
    """The process under attack."""

    def __init__(
        self, attack: Attack, identity: Identity | None, log: Any, *, node: bool, loop: str
    ) -> None:
        given: dict[str, Any] = {
            "api": attack.api, "role": attack.role, "options": attack.options, "loop": loop,
        }  # fmt: skip
        if identity is not None and attack.secure:
            given["certificate"] = [identity.cert, identity.key]
        command = (
            ["node", str(NODE_VICTIM)] if node else [sys.executable, "-m", "tests.security.victim"]
        )
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        self.process = subprocess.Popen(
            [*command, json.dumps(given)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment,
        )  # fmt: skip
        self.pid = self.process.pid
        self._log = log
        self._before = 0

    def started(self) -> dict[str, int]:
        """Its ports."""
        assert self.process.stdout is not None
        began = time.monotonic()
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
            self._log.seek(0)
            raise AssertionError(
                f"the victim did not start in {time.monotonic() - began:.1f} s, status "
                f"{self.process.poll()}: {self._log.read().decode(errors='replace')}"
            )
        ports: dict[str, int] = json.loads(line)
        return ports

    def tell(self, what: dict[str, Any]) -> None:
        """Send it a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        self.process.stdin.flush()

    def memory(self, name: str) -> int:
        """Return VmRSS or, for VmHWM, its peak, in bytes; 0 after the end of the process."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith(name + ":"):
                    return int(line.split()[1]) * 1024
        return 0

    def begin(self) -> None:
        """Measure `grown` from now on: reset the peak (proc(5), clear_refs)."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        self._before = self.memory("VmRSS")

    @property
    def grown(self) -> int:
        """Return the bytes of resident memory at the peak, above those at the beginning."""
        return self.memory("VmHWM") - self._before

    def cpu(self) -> float:
        """Return the seconds of CPU so far, of all threads; see clock_getcpuclockid(3)."""
        try:
            return time.clock_gettime(~self.pid << 3 | 2)
        except OSError:
            return 0.0

    def end(self) -> None:
        """Kill it."""
        end(self.process)


class Asker:
    """The honest client: a process that makes requests on its own connection, repeatedly."""

    def __init__(self, victim: Victim, port: int) -> None:
        self.asked: list[Honest] = []
        self.failure: str | None = None
        given = {
            "port": port,
            "victim": victim.pid,
            "preface": (raw.PREFACE + raw.settings() + raw.settings(ack=True)).hex(),
            "request": raw.get(1).hex(),
        }
        # isolated and without site-packages, so that it starts fast
        self._process = subprocess.Popen(
            [sys.executable, "-IS", str(ASKER), json.dumps(given)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def served(self) -> None:
        """Wait until it is served."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline(), "the honest client was not served"

    def start(self) -> None:
        """Make requests from now on."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """Stop, and learn of its requests."""
        said, _ = self._process.communicate(timeout=2 * PATIENCE)
        result = json.loads(said)
        self.asked = [Honest(*one) for one in result["asked"]]
        self.failure = result["failure"]

    def end(self) -> None:
        """Kill it, if it has not ended."""
        end(self._process)


@contextlib.contextmanager
def _asking(asker: Asker) -> Iterator[None]:
    asker.start()
    try:
        yield
    finally:
        asker.stop()


def take_place(
    attack: Attack,
    identity: Identity | None = None,
    *,
    node: bool = False,
    loop: str = "asyncio",
) -> Outcome:
    """Attack a new victim; return the cost. AssertionError if an honest client fails."""
    with tempfile.TemporaryFile() as log:
        victim = Victim(attack, identity, log, node=node, loop=loop)
        try:
            return _measured(attack, identity, victim, log)
        finally:
            victim.end()


def _measured(attack: Attack, identity: Identity | None, victim: Victim, log: Any) -> Outcome:
    ports = victim.started()
    asker = Asker(victim, ports["port"])
    try:
        asker.served()
        return _attacked(attack, identity, victim, asker, ports, log)
    finally:
        asker.end()


def _attacked(
    attack: Attack,
    identity: Identity | None,
    victim: Victim,
    asker: Asker,
    ports: dict[str, int],
    log: Any,
) -> Outcome:
    if attack.files:
        resource.prlimit(victim.pid, resource.RLIMIT_NOFILE, (attack.files, attack.files))
    victim.begin()
    cpu, began = victim.cpu(), time.monotonic()
    ground = Ground(attack, victim, ports, identity)
    try:
        with _asking(asker):
            with contextlib.suppress(Ended):
                attack.run(ground)
            for peer in ground.peers:
                peer.rest()
            time.sleep(AFTERWARDS)
            for peer in ground.peers:
                peer.rest()
            seconds, left = time.monotonic() - began, sum(not peer.closed for peer in ground.peers)
            # what is logged of them may come with their end, and so may what that costs
            for peer in ground.peers:
                peer.close()
            time.sleep(AFTERWARDS)
        assert asker.failure is None, asker.failure
        assert victim.process.poll() is None, "the victim has ended"
        log.seek(0)
        return Outcome(
            attack,
            sent=sum(peer.sent for peer in ground.peers),
            grown=victim.grown,
            cpu=victim.cpu() - cpu,
            seconds=seconds,
            honest=asker.asked,
            log=log.read().decode(errors="replace").splitlines(),
            ended=ground.ended(),
            open=left,
        )
    finally:
        for peer in ground.peers:
            peer.close()
