"""Deadlines end connections that do nothing; until then they cost little."""

from __future__ import annotations

import pytest

from ..support.self_signed import Certificate
from .attacks import ATTACKS, of_family
from .bounds import broken
from .families import slow  # noqa: F401 - enters the attacks
from .ground import take_place

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", [attack.name for attack in of_family("slow")])
def test_slow(name: str, certificate: Certificate) -> None:
    outcome = take_place(ATTACKS[name], certificate)
    assert broken(outcome) == [], (outcome.ended, outcome.log[:5])
