"""RFC 7540 priorities of other clients, as the server applies them."""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import Any

import pytest

import http2

from ...support.nghttp2_versions import KNOWS_RFC_7540
from ...support.running import Run, execute, node
from ...support.serving import serving

SIZE = 300_000


class Answers:
    """A handler that holds every request back until ``/go`` arrives, or *count* are waiting."""

    def __init__(self, count: int = 0) -> None:
        self._count = count
        self.held: dict[str, http2.ServerHttp2Stream] = {}

    def state(self) -> dict[str, list[int]]:
        """Return the weight of each waiting stream, and the sum of its dependents' weights."""
        return {
            path: [stream.state.weight, stream.state.sum_dependency_weight]
            for path, stream in self.held.items()
        }

    def __call__(self, stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
        path = headers[":path"]
        if path == "/state":
            stream.end(json.dumps(self.state()))
            return
        if path == "/go":
            stream.end()
        else:
            self.held[path] = stream
        if path == "/go" or len(self.held) == self._count:
            for each in self.held.values():
                each.respond()
            for each in self.held.values():
                each.end(bytes(SIZE))


@pytest.mark.row("stream.state.weight", "stream.state.sum_dependency_weight")
def test_node_prioritizes(run: Run) -> None:
    """With its requests and with PRIORITY; the order of the bytes follows it."""

    async def main() -> None:
        async with serving(Answers()) as (_, port):
            seen: Any = await node("client/priority.js", str(port))
        if not KNOWS_RFC_7540:
            states = [*seen["first"].values(), *seen["second"].values()]
            assert states == [[16, 0]] * 10
            return
        assert seen["first"] == {
            "/light": [1, 0],
            "/heavy": [256, 50],
            "/child": [20, 0],
            "/other": [30, 0],
            "/late": [16, 0],
        }
        assert seen["second"] == {
            "/light": [1, 40],
            "/heavy": [256, 50],
            # silent: no frame is sent
            "/child": [20, 0],
            "/other": [40, 0],
            # exclusive: between /heavy and its child
            "/late": [50, 20],
        }
        order: list[str] = seen["order"]
        last = {path: len(order) - order[::-1].index(path) for path in order}
        first = {path: order.index(path) for path in order}
        # a dependent stream waits until its parent has nothing to send
        assert last["/heavy"] <= first["/late"]
        assert last["/late"] <= first["/child"]
        assert last["/light"] <= first["/other"]
        # of 257 parts of what is sent, the light stream has one
        assert order[: last["/heavy"]].count("/light") <= 2

    run(main())


@pytest.mark.row("stream.state.weight")
def test_nghttp_prioritizes(run: Run) -> None:
    """By the weights of its streams, which depend on one that is never opened."""

    async def main() -> None:
        answers = Answers(2)
        states: list[dict[str, list[int]]] = []

        def answer(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
            answers(stream, headers)
            states.append(answers.state())

        async with serving(answer) as (_, port):
            origin = f"http://127.0.0.1:{port}"
            out = (
                await execute(
                    "nghttp", "-nv", "--no-push", "-w24", "-W24", "-p2", "-p250",
                    f"{origin}/light", f"{origin}/heavy",
                )
            ).decode()  # fmt: skip
        # the streams that only group others are prioritized before they exist
        assert re.search(r"send PRIORITY frame <length=5, flags=0x00, stream_id=3>", out)
        weights = {path: weight for path, (weight, _) in states[-1].items()}
        if not KNOWS_RFC_7540:
            assert weights == {"/light": 16, "/heavy": 16}
            return
        assert weights == {"/light": 2, "/heavy": 250}
        ids = re.findall(r"recv DATA frame <length=[1-9]\d*, .*stream_id=(\d+)>", out)
        light, heavy = sorted(set(ids), key=int)
        last_heavy = len(ids) - ids[::-1].index(heavy)
        assert ids[:last_heavy].count(light) <= 2
        assert [key for key, _ in groupby(ids)][-1] == light

    run(main())
