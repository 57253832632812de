"""HTTP/1.1: endless and ambiguous messages."""

from __future__ import annotations

import pytest

from ..support.self_signed import Certificate
from .attacks import ATTACKS, of_family
from .bounds import broken
from .families import http1  # noqa: F401 - enters the attacks
from .ground import take_place

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", [attack.name for attack in of_family("http1")])
def test_http1(name: str, certificate: Certificate) -> None:
    outcome = take_place(ATTACKS[name], certificate)
    assert broken(outcome) == [], (outcome.ended, outcome.log[:5])
