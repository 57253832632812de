"""The picture: one panel per scenario, one horizontal bar per competitor, as ratios."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from benchmarks.report import number
from benchmarks.results import Row, Table

WIDTH = 1080
MARGIN = 28
COLUMN = (WIDTH - 3 * MARGIN) / 2
LABEL = 168
FIGURES = 122
BAR = COLUMN - LABEL - FIGURES
ROW = 24
HEAD = 46
GAP = 30
TOP = 84
STYLE = """
  text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial,
    sans-serif; fill: #24292f; font-size: 13px; }
  .page { fill: #ffffff; }
  .title { font-size: 22px; font-weight: 600; }
  .panel { font-size: 15px; font-weight: 600; }
  .small { fill: #6e7781; font-size: 12px; }
  .our { font-weight: 600; }
  .bar { fill: #b6bec8; } .bar.our { fill: #2f6fde; } .bar.node { fill: #5f9d5a; }
  .one { stroke: #8c959f; stroke-dasharray: 3 3; }
  .spread { stroke: #24292f; stroke-opacity: 0.55; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .page { fill: #0d1117; } .small { fill: #9198a1; }
    .bar { fill: #4b535d; } .bar.our { fill: #4c8dff; } .bar.node { fill: #57a04f; }
    .spread { stroke: #e6edf3; }
  }"""


def svg(tables: list[Table]) -> str:
    """Return the picture of all scenarios that have a ratio to show."""
    bottoms = [TOP, TOP]
    panels: list[str] = []
    for table in tables:
        rows = [row for row in table.rows.values() if table.ratio(row.name)]
        if not rows or not table.scenario.headline:
            continue
        column = 0 if bottoms[0] <= bottoms[1] else 1
        left = MARGIN + column * (COLUMN + MARGIN)
        panels.append(f'<g transform="translate({left:g} {bottoms[column]:g})">')
        panels += panel(table, rows)
        panels.append("</g>")
        bottoms[column] += HEAD + len(rows) * ROW + GAP
    height = max(bottoms)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" '
            f'width="{WIDTH}" height="{height:g}" role="img" aria-labelledby="title">',
            '<title id="title">http2 and its peers, as ratios</title>',
            f"<style>{STYLE}\n</style>",
            f'<rect class="page" width="{WIDTH}" height="{height:g}" rx="8"/>',
            f'<text class="title" x="{MARGIN}" y="40">http2 and its peers</text>',
            f'<text class="small" x="{MARGIN}" y="61">Median over the rounds of one run; the thin '
            "line is the lowest to the highest round; the dashed line is what is divided by.",
            "</text>",
            *panels,
            "</svg>",
            "",
        ]
    )


def panel(table: Table, rows: list[Row]) -> Iterator[str]:
    """Yield one scenario's elements, with its left upper corner at (0, 0)."""
    ratios = {row.name: ratio for row in rows if (ratio := table.ratio(row.name))}
    scale = BAR / max(1.0, *(ratio.high for ratio in ratios.values()))
    better = "more is better" if table.scenario.more_is_better else "less is better"
    yield f'<text class="panel" x="0" y="14">{escape(table.scenario.title)}</text>'
    what = f"{table.scenario.unit}, {better}; ÷ {table.rows[table.scenario.reference].label}"
    yield f'<text class="small" x="0" y="32">{escape(what)}</text>'
    one = LABEL + scale
    bottom = HEAD + len(rows) * ROW
    yield f'<line class="one" x1="{one:.1f}" x2="{one:.1f}" y1="{HEAD - 2}" y2="{bottom + 2}"/>'
    for index, row in enumerate(rows):
        ratio = ratios[row.name]
        y = HEAD + index * ROW
        middle = y + ROW / 2
        kind = " our" if row.ours else " node" if row.name.startswith("node") else ""
        width = max(1.0, ratio.median * scale)
        low, high = LABEL + ratio.low * scale, LABEL + ratio.high * scale
        value = number(row.value.median) if row.value else ""
        yield (
            f'<text class="{kind.strip()}" x="{LABEL - 8}" y="{middle + 4.5:g}" '
            f'text-anchor="end">{escape(row.label)}</text>'
        )
        yield (
            f'<rect class="bar{kind}" x="{LABEL}" y="{y + 3:g}" width="{width:.1f}" '
            f'height="{ROW - 6}" rx="2"/>'
        )
        if ratio.high > ratio.low:
            yield (
                f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" '
                f'y1="{middle:g}" y2="{middle:g}"/>'
            )
        figures = max(LABEL + width, high) + 7
        if figures - 4 < one < figures + 48:  # the dashed line would cross the figures
            figures = one + 7
        yield (
            f'<text class="{kind.strip()}" x="{figures:.1f}" y="{middle + 4.5:g}">'
            f'{ratio.median:.2f}×<tspan class="small" dx="7">{value}</tspan></text>'
        )
