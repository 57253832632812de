"""Restart instances many times: ``python -m tests.restarts [COUNT] [WAY…]``."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile

from ..support.self_signed import Certificate
from .rolling import WAYS, roll


def main() -> int:
    """Print a line for each way; return 1 if a request has failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.restarts", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=20, help="restarts of each way")
    parser.add_argument("way", nargs="*", help=f"of {', '.join(WAYS)}; all of them by default")
    given = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        made = Certificate.make(folder)
        for way in given.way or WAYS:
            report = asyncio.run(roll(way, given.count, made))
            print(f"{way:19} {report}", flush=True)
            for line in [*report.figures.failed, *report.complaints]:
                failed = True
                print("            ", line)
    return failed


sys.exit(main())
