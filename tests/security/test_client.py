"""A client among liars."""

from __future__ import annotations

import pytest

from ..conftest import Certificate
from . import client  # noqa: F401 - enters the attacks
from .attacks import ATTACKS, of_family
from .bounds import broken
from .ground import take_place


@pytest.mark.parametrize("name", [attack.name for attack in of_family("client")])
def test_client(name: str, certificate: Certificate) -> None:
    outcome = take_place(ATTACKS[name], certificate)
    assert broken(outcome) == [], (outcome.ended, outcome.log[:5])
