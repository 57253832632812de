"""No request is lost when instances are restarted in turn."""

from __future__ import annotations

import pytest

from ..support.running import Run
from ..support.self_signed import Certificate
from .rolling import WAYS, roll

pytestmark = pytest.mark.interop

# Restarts of each way: each of the two instances once.
FEW = 2


@pytest.mark.row("beyond.shutdown")
@pytest.mark.parametrize("way", WAYS)
def test_rolling_restarts(run_asyncio: Run, certificate: Certificate, way: str) -> None:
    async def main() -> None:
        report = await roll(way, FEW, certificate)
        assert not report.figures.failed
        assert not report.complaints
        assert report.restarts == FEW
        assert report.figures.requests > 50 * FEW

    run_asyncio(main())
