"""The measurements that the other tests of attacks use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ..support import raw
from .attacks import Attack
from .bounds import broken
from .catalog import ATTACKS, FAMILIES
from .ground import Ground, take_place
from .wire import Blocks

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
UNLIMITED = {"max_session_memory": 4000, "settings": {"max_concurrent_streams": 2**32 - 1}}


def test_every_attack_is_in_a_family_and_says_what_stops_it() -> None:
    assert {attack.family for attack in ATTACKS.values()} == set(FAMILIES)
    assert [attack.name for attack in ATTACKS.values() if not attack.limit] == []


def test_memory_that_is_taken_is_seen() -> None:
    """Limits are options: without them the same attack has its original cost."""

    def ask(ground: Ground) -> None:
        peer = ground.connect(window=0)
        peer.send(Blocks().requests(100, "/large"))
        peer.hear(1)

    outcome = take_place(Attack(ask, "large responses", options=UNLIMITED, seconds=5))
    assert outcome.grown > 99 * MIB
    assert "memory grew by" in broken(outcome)[0]
    assert outcome.ended == "open"
    # with a high enough bound there is nothing to report. The delay of other clients is not checked
    # here, because 100 MiB of new memory take a busy machine a while
    allowed = replace(outcome, attack=replace(outcome.attack, memory=2**40))
    assert [said for said in broken(allowed) if "an honest request" not in said] == []


def test_a_victim_that_is_busy_is_seen() -> None:
    def ask(ground: Ground) -> None:
        peer = ground.connect()
        peer.send(Blocks().requests(1, "/busy"))
        peer.hear(1)

    outcome = take_place(Attack(ask, "a handler that takes its time", seconds=5))
    assert 0.3 < outcome.waited < outcome.slowest
    assert any("waited" in beyond for beyond in broken(outcome))
    assert outcome.cpu > 0.3


def test_lines_and_ends_are_seen() -> None:
    def ask(ground: Ground) -> None:
        for _ in range(2):
            peer = ground.connect()
            peer.send(raw.data(1, b"x"))
        peer.hear(1)

    outcome = take_place(Attack(ask, "broken and open", lines=0, ends=True, seconds=5))
    assert outcome.log
    assert outcome.ended.startswith("2 × GOAWAY PROTOCOL_ERROR")
    assert [beyond for beyond in broken(outcome) if "were logged" in beyond]

    def stay(ground: Ground) -> None:
        ground.connect().hear(0.2)

    outcome = take_place(Attack(stay, "open", ends=True))
    assert broken(outcome) == ["1 hostile connections were not ended"]
