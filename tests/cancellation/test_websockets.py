"""Each awaitable of a WebSocket, cancelled at every point: see `cutting`."""

from __future__ import annotations

from typing import Any

import pytest

from ..support.running import Run
from ..support.self_signed import Certificate
from .cutting import cut_everywhere, world_of
from .websocket_scenarios import WEBSOCKETS

pytestmark = pytest.mark.slow


@pytest.mark.row("habit.cancelled_anywhere")
@pytest.mark.parametrize("secure", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize(
    "function", dict.fromkeys(WEBSOCKETS.values()), ids=lambda function: function.__name__
)
def test_cancelled(run: Run, certificate: Certificate, secure: bool, function: Any) -> None:
    async def main() -> None:
        settings = {"enable_connect_protocol": True}
        async with world_of(certificate if secure else None, settings=settings) as world:
            await cut_everywhere(function, world)

    run(main())
