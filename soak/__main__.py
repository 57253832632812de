"""The command line: ``python -m soak --seconds 60``."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from .conductor import Options, conduct
from .faults import FAULTS


def main() -> int:
    """Parse the command line and run; return 0 if all conditions hold."""
    default = Options()
    parser = argparse.ArgumentParser(
        prog="soak", description="Mixed traffic; see docs/endurance.md."
    )
    loops = ("asyncio", "uvloop")
    faults = "; ".join(f"{name}: {what}" for name, what in FAULTS.items())

    def add(name: str, what: str, **more: Any) -> None:
        value = getattr(default, name[2:].replace("-", "_"))
        if isinstance(value, bool):
            more["action"] = "store_true"
        elif isinstance(value, list):
            more["action"] = "append"
        else:
            more["type"] = type(value)
        parser.add_argument(name, help=what, default=value, **more)

    add("--seconds", "how long (%(default)s)")
    add("--rate", "transfers a second of the client, others in proportion (%(default)s)")
    add("--at-a-time", "transfers at once (%(default)s)")
    add("--limit", "seconds after which a transfer hangs, an error (%(default)s)")
    add("--growth", "percent by which memory may grow after the first tenth (%(default)s)")
    add("--patience", "seconds in which nothing may be left at the end (%(default)s)")
    add("--every", "seconds between rows (%(default)s)")
    add("--server-loop", "of the server (%(default)s)", choices=loops)
    add("--client-loop", "of the client (%(default)s)", choices=loops)
    add("--alone", "without clients and servers of others")
    add("--only", "a scene of the client's; no others are played")
    add("--without", "a scene that is not played")
    add("--fault", f"a fault to plant, which has to be noticed: {faults}", choices=sorted(FAULTS))
    options = Options(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        try:
            return 0 if asyncio.run(conduct(options, Path(folder))) else 1
        except KeyboardInterrupt:
            return 130


if __name__ == "__main__":
    sys.exit(main())
