"""The facts that a reader needs to judge the numbers: the machine and the versions."""

import importlib.metadata
import os
import platform
import shutil
import ssl
import subprocess
from pathlib import Path

DISTRIBUTIONS = (
    "http2",
    "uvloop",
    "granian",
    "uvicorn",
    "zttp",
    "httptools",
    "hypercorn",
    "gunicorn",
    "h2",
    "fastapi",
    "websockets",
    "wsproto",
    "pycurl",
    "httpx",
    "httpx2",
    "niquests",
)
COMMANDS = {
    "Node": ["node", "--version"],
    "Node's nghttp2": ["node", "-p", "process.versions.nghttp2"],
    "Node's OpenSSL": ["node", "-p", "process.versions.openssl"],
    "h2load": ["h2load", "--version"],
    "nghttpd": ["nghttpd", "--version"],
    "nginx": ["nginx", "-v"],
}


def facts(load_before: float) -> dict[str, str]:
    """Return names and values, in the order in which to show them.

    Args:
        load_before: The load average of the minute before the run; 0 is an idle machine.
    """
    found = {
        "Processor": processor(),
        "Cores": str(os.cpu_count()),
        "Load before the run": f"{load_before:.2f} (average of one minute)",
        "System": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Python's OpenSSL": ssl.OPENSSL_VERSION,
    }
    for name, command in COMMANDS.items():
        found[name] = answer(command)
    for distribution in DISTRIBUTIONS:
        try:
            found[distribution] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            found[distribution] = "not installed"
    if linked := linked_nghttp2():
        found["http2's nghttp2"] = linked
    return found


def processor() -> str:
    """Return the processor's model name."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def answer(command: list[str]) -> str:
    """Return the last word that a command prints about its version."""
    if not shutil.which(command[0]):
        return "not installed"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    word = (done.stdout or done.stderr).split()[-1]
    return word.rpartition("/")[2].removeprefix("v")


def linked_nghttp2() -> str | None:
    """Return the version of nghttp2 that this library runs on."""
    try:
        import http2
    except ImportError:
        return None
    version = getattr(http2, "nghttp2_version", None)
    return str(version() if callable(version) else version) if version else None
