"""Charts of the admin: what unfold's component draws, and the numbers as a table for those who do not see it."""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

__all__ = ["ACCENT", "BAD", "SOFT", "WARN", "Chart", "Line", "bars", "options", "share"]

ACCENT, SOFT, WARN, BAD = "var(--color-primary-600)", "var(--color-primary-300)", "var(--kith-warn)", "var(--kith-bad)"
Line = Sequence[Any]


class Chart(NamedTuple):
    """What unfold's chart component draws, with its numbers as a table; without `data` there is nothing to draw."""

    title: str
    data: str
    options: str
    head: Sequence[str]
    rows: Sequence[Line]
    note: str
    icon: str
    empty: str


def options(*, sideways: bool = False, skip: bool = False, legend: bool = False) -> str:
    """Return how Chart.js draws bars; sideways they have room for names, of which it may `skip` some where not."""
    grey, level = "#9ca3af", {"autoSkip": skip, "maxTicksLimit": 6, "maxRotation": 0}
    names = {"stacked": True, "grid": {"display": False}, "ticks": {"color": grey} | ({} if sideways else level)}
    numbers = {"stacked": True, "beginAtZero": True, "ticks": {"color": grey, "precision": 0, "maxTicksLimit": 5}}
    x, y = (numbers, names) if sideways else (names, numbers)
    return json.dumps(
        {
            "animation": False,
            "maintainAspectRatio": False,
            "indexAxis": "y" if sideways else "x",
            "plugins": {"legend": {"display": sideways or legend, "labels": {"color": grey, "boxWidth": 12}}},
            "scales": {"x": x, "y": y},
        }
    )


def share(part: int, whole: int) -> str:
    """Return a part in per cent of the whole."""
    return f"{round(100 * part / whole)} %" if whole else "-"


def bars(names: Sequence[str], series: Iterable[tuple[str, Sequence[Any], Sequence[str]]]) -> str:
    """Return what Chart.js draws; amounts go as texts, exact as they are."""
    datasets = [
        {
            "label": label,
            "data": [str(value) if isinstance(value, Decimal) else value for value in values],
            "backgroundColor": list(colours),
            "maxBarThickness": 44,
        }
        for label, values, colours in series
    ]
    return json.dumps({"labels": list(names), "datasets": datasets})
