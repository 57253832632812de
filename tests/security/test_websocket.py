"""WebSockets, over both protocols and in both roles."""

from __future__ import annotations

import pytest

from ..support.self_signed import Certificate
from .attacks import ATTACKS, of_family
from .bounds import broken
from .families import websocket  # noqa: F401 - enters the attacks
from .ground import take_place

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("name", [attack.name for attack in of_family("websocket")])
def test_websocket(name: str, certificate: Certificate) -> None:
    outcome = take_place(ATTACKS[name], certificate)
    assert broken(outcome) == [], (outcome.ended, outcome.log[:5])
