"""The bench: the data that all measurements of one run share."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HELLO = b"Hello World"
MEBIBYTE = b"x" * 2**20
ORDER = {
    "id": "b7e23ec2-9af1-4a3c-8d6e-5f1c0a2b3d4e",
    "customer": {"name": "Ada Lovelace", "email": "ada@example.org", "city": "London"},
    "note": "Leave it with the neighbours on the second floor, please; the bell does not ring.",
    "lines": [
        {"sku": f"AB-{1000 + number}", "title": f"Article number {number}", "price": 250 + number}
        | {"quantity": 1 + number % 3, "gift": number % 2 == 0}
        for number in range(7)
    ],
}
ANSWER = {
    "id": ORDER["id"],
    "lines": 7,
    "total": sum((250 + number) * (1 + number % 3) for number in range(7)),
}
# The files that are sent and served, by name.
FILES = {
    "order.json": json.dumps(ORDER).encode(),
    "4KiB": b"x" * 2**12,
    "64KiB": b"x" * 2**16,
    "1MiB": MEBIBYTE,
    "10MiB": b"x" * (10 * 2**20),
}


@dataclass(frozen=True)
class Bench:
    """Cores, times and files.

    Attributes:
        server_core: The core that servers are pinned to, or None for no pinning.
        load_core: The core that load generators and clients are pinned to, or None.
        warm_up: Seconds of load before each measurement.
        duration: Seconds of each measurement.
        directory: A temporary directory, gone when the run ends.
        identity: A certificate and its key (PEM files), or None without ``openssl``.
        found: Results of a measurement that later ones of the run need, by name.
    """

    server_core: int | None
    load_core: int | None
    warm_up: float
    duration: float
    directory: Path
    identity: tuple[Path, Path] | None
    found: dict[str, float] = field(default_factory=dict)

    @property
    def hello_root(self) -> Path:
        """A document root whose index is ``Hello World``."""
        return self.directory / "hello"

    @property
    def body_root(self) -> Path:
        """A document root whose index is 1 MiB."""
        return self.directory / "body"

    def file(self, name: str) -> Path:
        """Return the file called ``name`` (see `FILES`)."""
        return self.directory / name

    @property
    def log(self) -> Path:
        """The file for a server's output."""
        return self.directory / "server.log"

    @property
    def load_log(self) -> Path:
        """The file for a load generator's output."""
        return self.directory / "load.log"


@contextlib.contextmanager
def prepare(duration: float, warm_up: float) -> Iterator[Bench]:
    """Make the files, choose the cores, and clean up when the block ends."""
    server_core, load_core = choose_cores()
    with tempfile.TemporaryDirectory(prefix="http2-bench-") as name:
        directory = Path(name)
        bench = Bench(
            server_core, load_core, warm_up, duration, directory, make_identity(directory)
        )
        for root, content in ((bench.hello_root, HELLO), (bench.body_root, MEBIBYTE)):
            root.mkdir()
            (root / "index.html").write_bytes(content)
        for file, content in FILES.items():
            (directory / file).write_bytes(content)
        yield bench


def choose_cores() -> tuple[int | None, int | None]:
    """Return a core for servers and another for load; (None, None) if there are not two."""
    if not hasattr(os, "sched_getaffinity") or not shutil.which("taskset"):
        return None, None
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else (None, None)


def make_identity(directory: Path) -> tuple[Path, Path] | None:
    """Make a self-signed certificate for localhost with a P-256 key."""
    cert, key = directory / "cert.pem", directory / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(cert)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return cert, key
