"""Each awaitable of a server, cancelled at every point: see `cutting`."""

from __future__ import annotations

from typing import Any

import pytest

from ..support.running import Run
from ..support.self_signed import Certificate
from .cutting import cut_everywhere, world_of
from .server_scenarios import COMPAT, CORE, ONE_PUSH, keep

pytestmark = pytest.mark.slow


@pytest.mark.row("habit.cancelled_anywhere")
@pytest.mark.parametrize("secure", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize(
    "function", dict.fromkeys(CORE.values()), ids=lambda function: function.__name__
)
def test_cancelled(run: Run, certificate: Certificate, secure: bool, function: Any) -> None:
    async def main() -> None:
        async with world_of(certificate if secure else None, client=ONE_PUSH) as world:
            await cut_everywhere(function, world)

    run(main())


@pytest.mark.row("habit.cancelled_anywhere")
@pytest.mark.parametrize("secure", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("protocol", ["h2", "http1"])
@pytest.mark.parametrize(
    "function", dict.fromkeys(COMPAT.values()), ids=lambda function: function.__name__
)
def test_cancelled_in_a_handler(
    run: Run, certificate: Certificate, secure: bool, protocol: str, function: Any
) -> None:
    async def main() -> None:
        async with world_of(
            certificate if secure else None, keep, client=ONE_PUSH, allow_http1=True
        ) as world:
            await cut_everywhere(lambda world: function(world, protocol), world)

    run(main())
