"""Certificates of the tests, as files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for localhost and 127.0.0.1, as files."""

    cert: str
    key: str
