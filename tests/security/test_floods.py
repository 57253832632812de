"""Frames and connections without content are ended, with few lines in the log."""

from __future__ import annotations

import pytest

from ..support.self_signed import Certificate
from .attacks import ATTACKS, of_family
from .bounds import broken
from .families import floods  # noqa: F401 - enters the attacks
from .ground import take_place

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", [attack.name for attack in of_family("floods")])
def test_floods(name: str, certificate: Certificate) -> None:
    outcome = take_place(ATTACKS[name], certificate)
    assert broken(outcome) == [], (outcome.ended, outcome.log[:5])
