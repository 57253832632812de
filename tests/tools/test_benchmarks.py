"""The benchmarks' programs answer correctly, and the report shows the measurements.

Nothing is timed: each program gets one request, or a very short load.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from benchmarks import against, chart, load, report
from benchmarks.bench import Bench, prepare
from benchmarks.peers import Peer, serving
from benchmarks.processes import Failure
from benchmarks.results import Table
from benchmarks.scenarios import GROUPS, SCENARIOS, Measurement, Scenario, Target

from ..support.paths import ROOT

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
OLD = against.Build("0123456789abcdef", Path("old-python"))


@contextlib.contextmanager
def moment() -> Iterator[Bench]:
    """A bench with very short measurements, on any core."""
    with prepare(duration=0.4, warm_up=0.1) as prepared:
        yield replace(prepared, server_core=None, load_core=None)


def programs() -> list[tuple[Scenario, Peer]]:
    """This library's servers on each loop, and Node's, each with one of its scenarios."""
    found: dict[object, tuple[Scenario, Peer]] = {}
    with moment() as bench:
        for scenario in SCENARIOS:
            for peer in scenario.competitors:
                if scenario.request is None or not (peer.ours or peer.name.startswith("node")):
                    continue
                words = tuple(word for word in peer.command(bench, 0) if word != "uvloop")
                version = scenario.request.version
                found.setdefault((*words, version, peer.secure), (scenario, peer))
    return list(found.values())


@pytest.mark.interop
@pytest.mark.parametrize("part", range(4))
def test_each_server_answers(part: int) -> None:
    asked = programs()[part::4]
    assert len(asked) > 10
    wrong = []
    with moment() as bench:
        for scenario, peer in asked:
            assert scenario.request is not None
            path = scenario.request.path.format(files=bench.directory)
            try:
                with serving(peer, bench) as (_, _, url):
                    load.check(bench, url, replace(scenario.request, path=path))
            except Failure as failure:
                wrong.append(f"{scenario.name}, {peer.name}: {failure}")
    assert wrong == []


@pytest.mark.interop
@pytest.mark.parametrize(
    ("name", "peer"),
    [
        ("websocket-h2", "http2-websocket"),
        ("websocket-h2", "http2-uvicorn"),
        ("websocket-h2", "http2-handler"),
        ("websocket-http1", "http2-websocket"),
        ("websocket-http1", "http2-handler"),
        ("latency", "http2-uvloop"),
        ("client-download-1mib", "http2-uvloop"),
        ("client-download-1mib", "node"),
        ("client-upload-1mib", "http2-uvloop"),
        ("client-upload-1mib", "node"),
        ("connections-tls", "http2-uvloop"),
        ("memory-stream", "http2-uvloop"),
    ],
)
def test_a_moment_of_load(name: str, peer: str) -> None:
    scenario = BY_NAME[name]
    (competitor,) = [each for each in scenario.competitors if each.name == peer]
    with moment() as bench:
        bench.found["capacity of Node"] = 500.0
        measured = scenario.measure(competitor, bench)
    assert measured.value > 0
    assert measured.succeeded > 0
    assert measured.failed == 0
    assert len(measured.more) == len(scenario.columns)


@pytest.mark.interop
def test_the_time_of_an_import() -> None:
    (ours, *_) = BY_NAME["import"].competitors
    often = replace(ours, command=lambda bench, port: [*ours.command(bench, port), "1"])
    with moment() as bench:
        assert 0 < BY_NAME["import"].measure(often, bench).value < 60_000


def test_names_and_references() -> None:
    assert len(BY_NAME) == len(SCENARIOS)
    assert {scenario.group for scenario in SCENARIOS} == set(GROUPS)
    for scenario in SCENARIOS:
        names = [peer.name for peer in scenario.competitors]
        assert len(set(names)) == len(names), scenario.name
        pairs = [*scenario.pairs, *((each.above, each.below) for each in scenario.targets)]
        for name in (scenario.reference, *(name for pair in pairs for name in pair if name)):
            assert name in names, (scenario.name, name)


def filled(scenario: Scenario, values: dict[str, list[float]]) -> Table:
    """Return a table with these values, by competitor, one for each round."""
    table = Table(scenario)
    for name, rounds in values.items():
        row = table.rows[name]
        row.rounds = {number: Measurement(value) for number, value in enumerate(rounds)}
    return table


def test_targets_are_held_against_the_median() -> None:
    scenario = BY_NAME["json-post"]
    values = {"http2-uvloop": [9.0, 26.0, 27.0], "http2-asyncio": [20.0] * 3, "node": [10.0] * 3}
    table = filled(scenario, values)
    table.rows["granian-asgi"].reason = "it is not installed"
    verdicts = {outcome.what: outcome.reached for outcome in table.targets()}
    assert verdicts == {"http2, uvloop ÷ Node": True, "http2, asyncio ÷ http2, uvloop": False}
    said = report.targets_summary([table])
    assert "  reached     json-post" in said
    assert "  not reached json-post" in said
    page = "\n".join(report.targets_table([table]))
    assert "1 of 2 are reached" in page
    assert "| 2.60 | 0.90 – 2.70 | at least 2.5 | reached |" in page
    assert "| at least 0.85 | **not reached** |" in page
    assert "it is not installed" in "\n".join(report.markdown_table(table))
    (first, _) = table.as_json()["targets"]
    assert first["reached"] is True
    assert first["at_least"] == 2.5


def test_less_is_better_in_some() -> None:
    table = filled(BY_NAME["memory-idle"], {"http2-uvloop": [7.0], "node": [10.0]})
    (outcome,) = table.targets()
    assert outcome.reached is True
    assert "at most 0.75" in report.targets_summary([table])
    assert Target("http2", "", 20).is_reached(21.0, False) is False


def test_what_could_not_be_measured_is_unknown() -> None:
    table = filled(BY_NAME["memory-idle"], {"node": [10.0]})
    (outcome,) = table.targets()
    assert outcome.reached is None
    assert "unknown" in report.targets_summary([table])


@pytest.mark.interop
def test_another_commit_takes_turns() -> None:
    table = against.table(BY_NAME["json-post"], None, OLD)
    names = ["http2-asyncio", "old-http2-asyncio", "http2-uvloop", "old-http2-uvloop"]
    assert [peer.name for peer in table.order(0, 3)] == names
    assert [peer.name for peer in table.order(1, 3)] == names[::-1]
    with moment() as bench:
        new, old = (table.peers[index].command(bench, 0) for index in (0, 1))
    assert (new[0], old[0], new[1:]) == (sys.executable, "old-python", old[1:])


def test_new_is_divided_by_old() -> None:
    table = against.table(BY_NAME["json-post"], {"http2-uvloop"}, OLD)
    for name, values in (("http2-uvloop", (90, 98)), ("old-http2-uvloop", (100, 100))):
        table.rows[name].rounds = {index: Measurement(value) for index, value in enumerate(values)}
    said = against.summary([table], OLD)
    assert "Now ÷ 0123456789ab" in said
    assert "0.94× (0.90–0.98)" in said
    assert "lost 6%" in said


def test_a_commit_that_does_not_exist() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--against", "no-such-commit"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "no-such-commit" in done.stderr
    assert "Traceback" not in done.stderr


def test_core_time_is_compared_too() -> None:
    table = against.table(BY_NAME["json-post"], {"http2-uvloop"}, OLD)
    table.rows["http2-uvloop"].rounds = {0: Measurement(100.0, busy=0.5)}
    table.rows["old-http2-uvloop"].rounds = {0: Measurement(100.0, busy=0.4)}
    assert "core time 1.25× (1.25–1.25)" in against.summary([table], OLD)


def test_everything_is_reported() -> None:
    tables = []
    for scenario in SCENARIOS:
        table = Table(scenario)
        for number, row in enumerate(table.rows.values()):
            if number % 5 == 4:
                row.reason = "it is not installed"
                continue
            more = tuple(float(1 + index) for index in range(len(scenario.columns)))
            row.rounds = {
                index: Measurement(100.0 * (1 + number + index), 0, 10, 0.5, more)
                for index in range(3)
            }
        tables.append(table)
    run = {"rounds": 3, "duration": 0.8, "warm_up": 0.5, "pinned": True}
    page = report.markdown(tables, {"Processor": "one"}, run)
    for scenario in SCENARIOS:
        assert f"### {scenario.title}\n" in page
    widths = [
        {line.count("|") for line in block.splitlines()}
        for block in page.split("\n\n")
        if block.startswith("|")
    ]
    assert len(widths) == len(SCENARIOS) + 2
    assert all(len(width) == 1 for width in widths)  # each row has as many cells as the head
    readme = report.readme_table(tables)
    assert "| Coroutine: JSON POST (requests/s) | 200 (0.5×) | 300 (0.8×) | 400 |" in readme
    assert "uvicorn + http2" in readme
    picture = ElementTree.fromstring(chart.svg(tables))
    shown = [text.text for text in picture.iter() if text.get("class") == "panel"]
    assert shown == [scenario.title for scenario in SCENARIOS if scenario.headline]
    content = json.loads(json.dumps(report.as_json(tables, {}, run)))
    assert [entry["name"] for entry in content["scenarios"]] == list(BY_NAME)
