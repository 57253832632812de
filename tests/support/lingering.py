"""Connections that wait for the end of their peer, for as long as a test may take."""

from __future__ import annotations

import pytest

from http2.net import lingering_close


def no_other_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep only the test's own deadline: a shorter one could not be distinguished from it."""
    for name in ("QUIET", "HURRY", "STUCK", "MOST"):
        monkeypatch.setattr(lingering_close, name, 60.0)
