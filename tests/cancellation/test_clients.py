"""Each awaitable of a client, cancelled at every point: see `cutting`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..support.running import Run
from ..support.self_signed import Certificate
from .client_scenarios import JSON, SCENARIOS, TEXT
from .cutting import cut_everywhere, world_of


@pytest.mark.slow
@pytest.mark.row("habit.cancelled_anywhere")
@pytest.mark.parametrize("secure", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize(
    "function", dict.fromkeys(SCENARIOS.values()), ids=lambda function: function.__name__
)
def test_cancelled(run: Run, certificate: Certificate, secure: bool, function: Any) -> None:
    async def main() -> None:
        async with world_of(certificate if secure else None) as world:
            await cut_everywhere(function, world)

    run(main())


def test_the_json_of_the_scenarios() -> None:
    assert json.loads(TEXT) == JSON
