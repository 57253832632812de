"""The report: lines for the terminal, ``results.json`` and ``docs/benchmarks.md``."""

from typing import Any

from benchmarks.results import Outcome, Row, Spread, Table

INTRODUCTION = """\
# Benchmarks

`make bench` writes this page. The numbers are those of one run on one machine, which is described
below. On another machine the absolute numbers will differ; the ratios should be similar.

![Bars: each competitor as a ratio, in some of the scenarios](benchmarks.svg)

## How it is measured

- Everything runs on one machine over the loopback interface.
- {pinning}
- Each competitor runs as a fresh process in each of {rounds} rounds; every round measures every
  competitor once, in rotating order, so that other work of the machine affects all of them equally.
- Each measurement is {duration:g} s long, after {warm_up:g} s of warm-up under the same load; Node
  gets a second at least, because its compiler works while it runs.
- The number shown is the median over the rounds. A ratio is taken within each round, and its
  median, lowest and highest are shown.
- Before the load, one response of each server is checked: HTTP/2, status 200, the right body.
  Requests that fail under load are not counted in the rate; the table lists their number.
- *Core busy* is the part of the time that the server's core worked for the server. Well below
  100 %, the server was not the limit: the load generator was, or (uploads) the wait for the
  server's small receive windows to open again.
- WebSocket messages, and requests at a fixed rate, come from the programs in
  `benchmarks/programs/load`, because no load generator at hand makes them. They are written in
  Python, run on their own core, and are the same for every competitor; *core busy* shows whether
  they were the limit.
- The programs are in `benchmarks/programs`: a few lines each, as a user would write them. All
  settings are defaults, with these exceptions: access logs are off, WebSocket is off where it is
  not measured, and the other servers run on uvloop if they can.
- nghttpd and h2load are nghttp2's own server and client, in C++: they show what the protocol
  library itself allows.

## How to run it

```console
$ make bench
```

`h2load`, `nghttpd` (on Debian: `nghttp2-client`, `nghttp2-server`), `wrk`, `nginx`, `node`, `curl`
and `openssl` must be installed; competitors whose programs are missing are left out, and the page
says so. `make bench ARGS=--help` lists the options: a longer `--duration`, more `--rounds`,
`--only` some competitors, some `--group`s or some `--scenario`s, and `--against` an older commit.
Use an idle machine with at least two cores.
"""


def summary(tables: list[Table]) -> str:
    """Return the results for the terminal."""
    lines = []
    for table in tables:
        lines += ["", f"{table.scenario.title} ({table.scenario.unit})"]
        for row in table.rows.values():
            lines.append(f"  {row.label:24} {terminal_cells(table, row)}")
        for above, below, ratio in table.pairs():
            lines.append(f"  {above} ÷ {below}: {times(ratio)}")
    return "\n".join(lines)


def targets_summary(tables: list[Table]) -> str:
    """Return for the terminal which targets are reached, and which are not."""
    outcomes = [outcome for table in tables for outcome in table.targets()]
    if not outcomes:
        return ""
    lines = ["", "Targets"]
    for outcome in outcomes:
        measured = "not measured"
        if outcome.measured:
            ratio = bool(outcome.target.below)
            measured = times(outcome.measured) if ratio else number(outcome.measured.median)
        scenario = outcome.table.scenario
        lines.append(
            f"  {VERDICTS[outcome.reached]:12}{scenario.name:24}{outcome.what}: "
            f"{measured}, wanted {wanted(outcome)}"
        )
    return "\n".join(lines)


VERDICTS = {True: "reached", False: "not reached", None: "unknown"}


def wanted(outcome: Outcome) -> str:
    """Return the description of a target."""
    word = "at least" if outcome.table.scenario.more_is_better else "at most"
    return f"{word} {outcome.target.value:g}"


def targets_table(tables: list[Table]) -> list[str]:
    """Return the section about the targets: those reached, and those missed."""
    outcomes = [outcome for table in tables for outcome in table.targets()]
    reached = sum(outcome.reached is True for outcome in outcomes)
    lines = [
        "## Targets",
        "",
        f"{reached} of {len(outcomes)} are reached by the median of this run.",
        "",
        "| scenario | what | measured | lowest – highest | wanted | |",
        "|---|---|---:|---:|---:|---|",
    ]
    for outcome in outcomes:
        measured = outcome.measured
        cells = [outcome.table.scenario.title, outcome.what]
        cells += (
            [f"{measured.median:.2f}", f"{measured.low:.2f} – {measured.high:.2f}"]
            if measured
            else ["", ""]
        )
        verdict = VERDICTS[outcome.reached]
        cells += [wanted(outcome), verdict if outcome.reached else f"**{verdict}**"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def terminal_cells(table: Table, row: Row) -> str:
    """Return one row's numbers for the terminal."""
    if row.value is None:
        return f"not measured: {row.reason}"
    ratio = table.ratio(row.name)
    cells = [f"{number(row.value.median):>10}", f"{times(ratio) if ratio else '':22}"]
    if row.busy is not None:
        cells.append(f"core busy {row.busy:.0%}")
    for index, head in enumerate(table.scenario.columns):
        cells.append(f"{head} {number(row.more(index))}")
    if remark := remarks(row):
        cells.append(remark)
    return "  ".join(cells).rstrip()


def as_json(tables: list[Table], machine: dict[str, str], run: dict[str, Any]) -> dict[str, Any]:
    """Return the content of ``results.json``."""
    return {"machine": machine, "run": run, "scenarios": [table.as_json() for table in tables]}


def markdown(tables: list[Table], machine: dict[str, str], run: dict[str, Any]) -> str:
    """Return the content of ``docs/benchmarks.md``."""
    pinning = (
        "The server is pinned to one core, the load generator or the client to another."
        if run["pinned"]
        else "Server and load could not be pinned to two different cores on this machine: expect\n"
        "  lower and less stable numbers."
    )
    lines = [INTRODUCTION.format(**{**run, "pinning": pinning}), *targets_table(tables)]
    lines += ["", "## Results"]
    for table in tables:
        lines += ["", *markdown_table(table)]
    lines += ["", "## The machine", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in machine.items()]
    return "\n".join(lines) + "\n"


def readme_table(tables: list[Table]) -> str:
    """Return the tables of the README: a line per headline, rates with their multiples."""
    headlines = [table for table in tables if table.scenario.headline]
    lines = [
        "| what is measured | http2, asyncio | http2, uvloop | Node | other Python, the best "
        "| nghttp2's own, C++ |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for table in headlines:
        ours = [readme_cell(table, name) for name in ("http2-asyncio", "http2-uvloop")]
        if any(ours):
            limit = readme_cell(table, "nghttpd") or readme_cell(table, "h2load")
            node = readme_cell(table, table.scenario.reference)
            lines.append(f"| {' | '.join([heading(table), *ours, node, best(table), limit])} |")
    lines += [
        "",
        "| ASGI applications, WebSocket | uvicorn + http2 | http2's own server | the best other |",
        "|---|---:|---:|---:|",
    ]
    for table in headlines:
        own = readme_cell(table, "http2-websocket") or readme_cell(table, "http2-handler")
        if own:
            cells = [heading(table), readme_cell(table, "http2-uvicorn"), own, best(table)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def heading(table: Table) -> str:
    """Return the measured quantity, with its unit."""
    return f"{table.scenario.title} ({table.scenario.unit})"


def best(table: Table) -> str:
    """Return the best of the others for Python, with its rate."""
    native = ("node", "nghttpd", "nginx", "h2load")
    others = [
        row
        for row in table.rows.values()
        if row.value and not row.ours and not row.name.startswith(native)
    ]
    others.sort(key=lambda row: row.value.median if row.value else 0)
    if not others:
        return ""
    found = others[-1 if table.scenario.more_is_better else 0]
    return f"{found.label}: {readme_cell(table, found.name)}"


def readme_cell(table: Table, name: str) -> str:
    """Return one competitor's rate and its multiple of the reference."""
    row = table.rows.get(name)
    if row is None or row.value is None:
        return ""
    ratio = table.ratio(name)
    if ratio is None or name == table.scenario.reference:
        return number(row.value.median)
    return f"{number(row.value.median)} ({ratio.median:.1f}×)"


def markdown_table(table: Table) -> list[str]:
    """Return one scenario's section."""
    scenario = table.scenario
    reference = table.rows[scenario.reference].label
    loaded = any(row.busy is not None for row in table.rows.values())
    heads = ["", f"{scenario.unit}", f"÷ {reference}", "lowest – highest ratio"]
    heads += [*scenario.columns, *(["core busy"] if loaded else [])]
    lines = [f"### {scenario.title}", "", scenario.explanation, ""]
    lines += [f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(heads) - 1)]
    notes = []
    for row in table.rows.values():
        if row.value is None:
            notes.append(f"{row.label}: not measured, because {row.reason}.")
            continue
        ratio = table.ratio(row.name)
        cells = [f"**{row.label}**" if row.ours else row.label, number(row.value.median)]
        cells += (
            [f"{ratio.median:.2f}", f"{ratio.low:.2f} – {ratio.high:.2f}"] if ratio else ["", ""]
        )
        cells += [number(row.more(index)) for index in range(len(scenario.columns))]
        if loaded:
            cells.append("" if row.busy is None else f"{row.busy:.0%}")
        lines.append(f"| {' | '.join(cells)} |")
        if remark := remarks(row):
            notes.append(f"{row.label}: {remark}.")
    notes += [f"{above} ÷ {below}: {times(ratio)}." for above, below, ratio in table.pairs()]
    return [*lines, *([""] if notes else []), *(f"- {note}" for note in notes)]


def remarks(row: Row) -> str:
    """Return the remarks about a measured row."""
    found = []
    if row.failed:
        total = row.failed + row.succeeded
        found.append(
            f"{row.failed:,} of {total:,} requests failed (connections ended by the server "
            "included); the rate counts those that succeeded"
        )
    if row.reason:
        found.append(f"not in every round, because {row.reason}")
    return "; ".join(found)


def number(value: float) -> str:
    """Return ``value`` with three significant digits or all those before the point."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def times(ratio: Spread) -> str:
    """Return a ratio with its spread."""
    return f"{ratio.median:.2f}× ({ratio.low:.2f}–{ratio.high:.2f})"
