"""A chart without scripts and styles, which these pages do not load: bars of an SVG, counted out here."""

from collections.abc import Sequence
from typing import NamedTuple

from webhooks.figures import OUTCOMES, Hour

__all__ = ["Drawing", "drawing"]

HEIGHT, WIDTH, GAP = 100, 24, 4


class Bar(NamedTuple):
    """A rectangle of one outcome in one hour."""

    outcome: str
    x: int
    y: float
    width: int
    height: float
    title: str


class Drawing(NamedTuple):
    """The rectangles, and the numbers as a table."""

    width: int
    height: int
    bars: Sequence[Bar]
    outcomes: Sequence[str]
    rows: Sequence[tuple[str, Sequence[int], str]]
    total: int
    most: int


def drawing(hours: Sequence[Hour]) -> Drawing:
    """Return the chart of what became of each hour's deliveries, from the bottom up."""
    most = max(sum(hour.counts.values()) for hour in hours)
    bars = []
    for place, hour in enumerate(hours):
        top = float(HEIGHT)
        for outcome in OUTCOMES:
            if count := hour.counts[outcome]:
                height = max(count / most * HEIGHT, 1)
                top -= height
                title = f"{hour.start:%H:%M}: {count:,} {outcome}"
                bars.append(Bar(outcome, place * (WIDTH + GAP), round(top, 2), WIDTH, round(height, 2), title))
    rows = [(f"{hour.start:%d %b %H:%M}", list(hour.counts.values()), slow(hour)) for hour in hours]
    total = sum(sum(hour.counts.values()) for hour in hours)
    return Drawing(len(hours) * (WIDTH + GAP) - GAP, HEIGHT, bars, list(OUTCOMES), rows, total, most)


def slow(hour: Hour) -> str:
    return "-" if hour.p95 is None else f"{hour.p95:,.0f} ms"
