"""From the rounds to the result: ratios taken in each round, their median with the least and the most, and targets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.data import KITH, LIMIT, STOCK
from benchmarks.matrix import Row
from benchmarks.wrk import Cell

__all__ = ["Round", "Spread", "line_of", "median_cell", "ratios", "spread"]

# The cells of one round by peer and call; a void one is left out.
Round = Mapping[tuple[str, str], Cell]
Measure = Callable[[Cell], float]
MEASURES = ("rate", "cpu", "postgres", "redis", "both", "p50", "p99")


@dataclass(frozen=True)
class Spread:
    """How many times better Kith was: in the middle, at least and at most, over so many rounds."""

    median: float
    least: float
    most: float
    rounds: int

    def as_dict(self, target: float | None = None) -> dict[str, Any]:
        """Return it for the JSON file, with its target."""
        found: dict[str, Any] = {"median": round(self.median, 2), "min": round(self.least, 2)}
        found |= {"max": round(self.most, 2), "rounds": self.rounds}
        return found if target is None else {**found, "target": target, "met": self.median >= target}


def spread(found: Sequence[float]) -> Spread | None:
    """Return the spread of ratios; None where no round counts."""
    return Spread(median(found), min(found), max(found), len(found)) if found else None


def ratios(
    rounds: Sequence[Round], ours: tuple[str, str], theirs: tuple[str, str], measure: Measure, *, less: bool
) -> list[float]:
    """Return how many times better our cell was in each round that has both; `less` says that less is better."""
    pairs = [(measure(one[ours]), measure(one[theirs])) for one in rounds if ours in one and theirs in one]
    # Of what cost less than a tick of the clock nothing can be said.
    return [b / a if less else a / b for a, b in pairs if a and b]


def line_of(row: Row, rounds: Sequence[Round]) -> dict[str, Any]:
    """Return a row of the result."""
    ours, stock, limit = (KITH, row.call), (STOCK, row.stock), (LIMIT, row.limit)
    columns: dict[str, tuple[tuple[str, str], Measure, bool, float | None]] = {
        "throughput": (stock, lambda cell: cell.rate, False, row.throughput),
        "cpu": (stock, lambda cell: cell.cpu, True, row.cpu),
        "cpu_and_database": (stock, lambda cell: cell.both, True, None),
        "limit_throughput": (limit, lambda cell: cell.rate, False, row.against_limit),
        "limit_cpu": (limit, lambda cell: cell.cpu, True, None),
    }
    line: dict[str, Any] = {"call": row.title}
    for name, (theirs, measure, less, target) in columns.items():
        found = spread(ratios(rounds, ours, theirs, measure, less=less))
        line[name] = found.as_dict(target) if found else None
    theirs_over_limit = spread(ratios(rounds, limit, (STOCK, row.stock), lambda cell: cell.rate, less=False))
    line["limit_over_stock"] = theirs_over_limit.as_dict() if theirs_over_limit else None
    return line


def median_cell(rounds: Sequence[Round], peer: str, call: str) -> dict[str, float] | None:
    """Return the median of each figure of a cell; None where every round was void."""
    cells = [one[peer, call] for one in rounds if (peer, call) in one]
    return {name: round(median(getattr(cell, name) for cell in cells), 3) for name in MEASURES} if cells else None
