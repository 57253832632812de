"""The command ``http2``, also ``python -m http2``. Nothing else imports it."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command; its exit status is not 0 if it failed."""
    try:
        from .command import http2
    except ModuleNotFoundError as error:
        sys.exit(
            f"http2: module {error.name!r} not found: install it with pip install 'http2[serve]'"
        )
    http2(prog_name="http2")
