"""The targets of the fuzzer, each for a few fixed inputs.

``make fuzz`` does the search. These tests check that the targets still match the code that they
call, and that the seeds have the intended meaning.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from random import Random

import pytest
from fuzz.__main__ import plan
from fuzz.seeds import SEEDS
from fuzz.targets import TARGETS

# Number of inputs besides the seeds: each target has about two seconds on a slow machine.
INPUTS = {
    "server": 300, "client": 300, "pair": 250, "http1": 60, "http1_receiver": 300,
    "client_hello": 300, "websocket": 300,
}  # fmt: skip


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """The fuzzer sends invalid requests: none of them is logged."""
    yield
    logging.disable(logging.NOTSET)


def inputs(name: str) -> list[bytes]:
    """Return seeds, seeds with some changed bytes, and random bytes."""
    random = Random(name)
    seeds = SEEDS[name]()
    made = list(seeds)
    for _ in range(INPUTS[name]):
        if random.random() < 0.3:
            made.append(random.randbytes(random.randrange(200)))
            continue
        changed = bytearray(random.choice(seeds))
        for _ in range(random.randrange(8)):
            changed[random.randrange(len(changed))] = random.randrange(256)
        made.append(bytes(changed))
    return [data[: TARGETS[name].longest] for data in made]


@pytest.mark.parametrize("name", TARGETS)
def test_target(name: str) -> None:
    for data in inputs(name):
        try:
            TARGETS[name].function(data)
        except Exception as error:
            raise AssertionError(f"{name} fails for {data.hex()}") from error


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_plan(workers: int) -> None:
    """No target may take all of the time, and no processor may be idle for most of it."""
    shares = plan(60, {name: target.weight for name, target in TARGETS.items()}, workers)
    assert shares.keys() == TARGETS.keys()
    assert max(shares.values()) <= 60
    assert sum(shares.values()) <= 60 * workers + 1e-6
    assert sum(shares.values()) >= 60 * min(workers, 3) * 0.8
