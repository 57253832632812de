"""The client process: workers that play one scene after the other from a shuffled list."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from .aborts import ABORTS, LIVES
from .pace import Pace
from .payload import path_of
from .rough import ROUGH
from .scenes import SCENES, Scene
from .station import Station, run
from .targets import Target

__all__: list[str] = []

SEED = 20


class Client:
    """The workers of one process, and their targets."""

    def __init__(self, station: Station, options: dict[str, Any]) -> None:
        self._ledger = station.ledger
        self._limit: float = options["limit"]
        self._pace = Pace(options["rate"])
        self._choice = random.Random(SEED)
        self._faults: list[str] = options["faults"]
        self._pack: list[tuple[Target, Scene, str]] = []
        self._left: list[tuple[Target, Scene, str]] = []
        self._workers: list[asyncio.Task[None]] = []
        only, without = options["only"], options["without"]

        def chosen(name: str) -> bool:
            return (name in only or not only) and name not in without

        self._targets = [
            Target(name, port, options["cert"], self._ledger)
            for name, port in options["ports"].items()
        ]
        for target in self._targets:
            for part, group in (
                ("transfer", SCENES.get(target.kind, {})),
                ("abort", ABORTS.get(target.kind, {})),
                ("connection", LIVES.get(target.kind, {})),
                ("rough", ROUGH.get(target.name, {})),
            ):
                for scene, times in group.items():
                    if chosen(scene.__name__):
                        self._pack += [(target, scene, part)] * times
        station.commands |= {
            "warm_up": self.warm_up,
            "start": self.start, "rest": self._rest, "resume": self._resume,
            "stop": self.stop, "windows": self.windows, "close": self.close,
        }  # fmt: skip
        self._at_a_time: int = options["at_a_time"]
        self._warm_ups: int = options["warm_ups"]

    async def warm_up(self) -> None:
        """Play the whole list at full speed, as often as the options say."""
        for _ in range(self._warm_ups):
            self._shuffle()
            await asyncio.gather(*(self._warm(number) for number in range(self._at_a_time)))

    async def _warm(self, number: int) -> None:
        choice = random.Random(SEED - 1 - number)
        while self._left:
            await self._play(*self._left.pop(), choice)

    async def start(self) -> None:
        """Begin the traffic."""
        self._workers = [asyncio.create_task(self._work(n)) for n in range(self._at_a_time)]

    async def _rest(self) -> None:
        await self._pace.rest()

    async def _resume(self) -> None:
        self._pace.resume()

    async def stop(self) -> None:
        """End the traffic after the running transfers."""
        await self._pace.rest()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers.clear()

    async def windows(self) -> None:
        """Check that the windows are complete."""
        for target in self._targets:
            target.look()

    async def close(self) -> None:
        """Close the long-lived sessions."""
        await asyncio.gather(*(self._close(target) for target in self._targets))

    async def _close(self, target: Target) -> None:
        try:
            async with asyncio.timeout(self._limit):
                await target.close()
        except TimeoutError:
            self._ledger.problem("hung", f"close() of the session with {target.name}")

    def _deal(self) -> tuple[Target, Scene, str]:
        """Return the next scene of the list, which is shuffled again when it is used up."""
        if not self._left:
            self._shuffle()
        return self._left.pop()

    def _shuffle(self) -> None:
        self._left = self._pack.copy()
        self._choice.shuffle(self._left)

    async def _work(self, number: int) -> None:
        choice = random.Random(SEED + number)
        while True:
            await self._pace.begin()
            try:
                await self._play(*self._deal(), choice)
            finally:
                self._pace.end()

    async def _play(self, target: Target, scene: Scene, part: str, choice: random.Random) -> None:
        what = f"{scene.__name__} with {target.name}"
        begin = time.monotonic()
        try:
            async with asyncio.timeout(self._limit) as limit:
                session = await target.session()
                if "leak-window" in self._faults and target.kind == "core":
                    session.request({":path": path_of("/bytes", 0, 200_000)})
                size = await scene(target, session, choice)
        except Exception as error:
            took = f"after {time.monotonic() - begin:.3f} s"
            if limit.expired():
                self._ledger.problem("hung", f"{what}: not done {took}")
            else:
                self._ledger.problem("transfer", f"{what}: {error!r} {took}")
        else:
            self._ledger.well(part, size)


async def main(options: dict[str, Any]) -> None:
    """Run the commands of the conductor."""
    station = Station("client")
    Client(station, options)
    await station.obey()


if __name__ == "__main__":
    run(main)
