"""The result as a picture: a bar for each call, as long as Kith is ahead of the stock peer, with the target on it."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

__all__ = ["draw"]

WIDTH, LEFT, LINE, TOP = 860, 190, 44, 78
SCALE_END = 60
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
# Readable by day and by night.
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 11px; fill: #59636e }
.head { font-size: 15px; font-weight: 600 } .back { fill: #ffffff } .grid { stroke: #d1d9e0 }
.throughput { fill: #0969da } .cpu { fill: #1a7f37 } .limit { fill: #afb8c1 }
.target { stroke: #cf222e; stroke-width: 2 }
.range { stroke: #1f2328 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .small { fill: #9198a1 } .back { fill: #0d1117 } .grid { stroke: #3d444d }
  .throughput { fill: #4493f8 } .cpu { fill: #3fb950 } .limit { fill: #656c76 } .target { stroke: #f85149 }
  .range { stroke: #f0f6fc }
}
"""


def draw(result: Mapping[str, Any]) -> str:
    """Return the picture as SVG."""
    rows = result["rows"]
    height = TOP + LINE * len(rows) + 40
    most = max([1.0, *lengths(rows)])
    unit = (WIDTH - LEFT - SCALE_END) / most
    size, machine = result["data"], result["machine"]
    below = (
        f"Commit {result['commit']}, {result['at'][:10]}: {size['clients']:,} clients of {size['tenants']} tenants, "
        f"{result['rounds']} rounds of {result['seconds']:g} s, {machine['cores']} cores, "
        f"Python {machine['python']}, PostgreSQL {machine['postgresql']}"
    )
    parts = [
        SVG.format(width=WIDTH, height=height),
        "<title>Kith, everything on, against stock Django REST framework</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="back" width="{WIDTH}" height="{height}"/>',
        text(16, 26, "Times better than stock Django REST framework, with everything on", "head"),
        *legend(),
        *grid(most, unit, height),
    ]
    for number, row in enumerate(rows):
        parts += line(row, TOP + LINE * number, unit)
    return "\n".join([*parts, text(16, height - 12, below, "small"), "</svg>", ""])


def lengths(rows: list[dict[str, Any]]) -> Iterator[float]:
    for row in rows:
        for name in ("throughput", "cpu", "limit_over_stock"):
            if row[name]:
                yield max(row[name]["max"] if name != "limit_over_stock" else row[name]["median"], target(row[name]))


def target(found: Mapping[str, Any]) -> float:
    return float(found.get("target", 0))


def legend() -> Iterator[str]:
    names = (("throughput", "throughput"), ("cpu", "CPU of the server"), ("limit", "throughput of the limit"))
    for number, (kind, name) in enumerate(names):
        yield f'<rect class="{kind}" x="{16 + 170 * number}" y="42" width="12" height="12"/>'
        yield text(34 + 170 * number, 53, name, "small")
    yield '<line class="target" x1="536" x2="536" y1="40" y2="56"/>'
    yield text(544, 53, "target", "small")


def grid(most: float, unit: float, height: int) -> Iterator[str]:
    step = 1 if most < 12 else 2 if most < 24 else 5
    for value in range(0, int(most) + 1, step):
        x = LEFT + value * unit
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{height - 42}"/>'
        yield text(x - 3, height - 30, str(value), "small")


def line(row: Mapping[str, Any], y: int, unit: float) -> Iterator[str]:
    """Yield the bars of a call: throughput and CPU with their ranges and targets, and the limit's below."""
    yield text(LEFT - 8, y + 18, row["call"], end=True)
    for offset, name in ((0, "throughput"), (13, "cpu")):
        found = row[name]
        if not found:
            yield text(LEFT + 4, y + offset + 9, "void", "small")
            continue
        yield bar(name, y + offset, 11, found["median"] * unit)
        least, most, middle = (LEFT + found[key] * unit for key in ("min", "max", "median"))
        yield f'<line class="range" x1="{least:.1f}" x2="{most:.1f}" y1="{y + offset + 5.5}" y2="{y + offset + 5.5}"/>'
        yield text(max(most, middle) + 5, y + offset + 9, f"{found['median']:.1f}", "small")
        if target(found):
            x = LEFT + target(found) * unit
            yield f'<line class="target" x1="{x:.1f}" x2="{x:.1f}" y1="{y + offset - 1}" y2="{y + offset + 12}"/>'
    if found := row["limit_over_stock"]:
        yield bar("limit", y + 26, 5, found["median"] * unit)


def bar(kind: str, y: int, height: int, width: float) -> str:
    return f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{height}" rx="2"/>'


def text(x: float, y: float, content: str, kind: str = "", *, end: bool = False) -> str:
    side = ' text-anchor="end"' if end else ""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}"{side}>{escape(content, quote=False)}</text>'
