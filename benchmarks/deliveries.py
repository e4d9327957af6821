"""Deliveries: Kith's drain against one Celery task per delivery, side by side, with real workers of two processes each.

How to read the table. Each round sends the same number of deliveries in each way, one way after the other, in an order
that is shuffled; all workers are up all the time, and all rows are in the same tables. `per task` is what a tutorial
shows, and `kept` the same with a setting that few know: Celery then keeps its connections to PostgreSQL.
`deliveries/s` counts from the start until everything is written back; `CPU` is the user and system time of a worker's
whole tree, in seconds per 1,000 deliveries, and `PostgreSQL` that of its server's tree, so that work moved into the
database does not look free. Behind each figure stands how many times better Kith was: taken in each round, the median,
the least and the most. A round in which anything was lost, failed or sent twice is void. Compare ratios, and never
figures of two runs.
"""

import os
import random
import time
from argparse import ArgumentParser
from dataclasses import dataclass
from statistics import median

import psutil

from benchmarks.house import migrated
from benchmarks.receiver import Receiver
from benchmarks.sql import as_owner
from benchmarks.trees import cpu_of, postgres
from benchmarks.ways import ENDPOINTS, KITH, PATHS, TENANTS, WAYS, Place, check, ready, workers

CONCURRENCY = 2
PATIENCE = 300
FIGURES = (
    ("deliveries/s", "rate", 0),
    ("CPU s per 1,000", "cpu", 2),
    ("PostgreSQL's s per 1,000", "postgres", 2),
    ("both", "both", 2),
)
LOAD = 1.5
STILL = "SELECT 1 FROM webhooks_delivery WHERE id = ANY(%s) AND status = 'pending' LIMIT 1"


@dataclass(frozen=True)
class Figures:
    """What one way did in one round: deliveries per second, and CPU seconds per 1,000."""

    rate: float
    cpu: float
    postgres: float

    @property
    def both(self) -> float:
        return self.cpu + self.postgres


@dataclass(frozen=True)
class Trial:
    """Both workers, whom they send to, and the receiver that counts."""

    receiver: Receiver
    place: Place
    workers: dict[str, psutil.Process]

    def rounds(self, path: str, count: int, number: int) -> list[dict[str, Figures]]:
        """Return the figures of those rounds that count."""
        found = []
        for _ in range(number):
            try:
                ways = random.sample(list(self.workers), len(self.workers))
                found.append({way: self.sent(way, path, count) for way in ways})
            except AssertionError as error:
                print(f"A round is void: {error}")
        return found

    def sent(self, way: str, path: str, count: int) -> Figures:
        """Send `count` deliveries one way; raise AssertionError unless each came once and is written down."""
        made = self.place.deliveries(path, count)
        self.receiver.clear()
        start = ready(way, self.place.endpoints[path], made)
        trees = self.workers[way], postgres()
        before, began = [cpu_of(tree) for tree in trees], time.perf_counter()
        start()
        self.receiver.wait(count, PATIENCE)
        while as_owner(STILL, [delivery for delivery, _ in made]):
            assert time.perf_counter() < began + PATIENCE, "some were not written back"
        took = time.perf_counter() - began
        after = [cpu_of(tree) for tree in trees]
        check(self.receiver, made)
        return Figures(count / took, *((b - a) / count * 1000 for a, b in zip(before, after, strict=True)))


def main() -> None:
    """Measure and print the table."""
    parser = ArgumentParser(prog="python -m benchmarks deliveries")
    parser.add_argument("--deliveries", type=int, default=960, help="of each way in each round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if (load := os.getloadavg()[0]) > LOAD:
        print(f"This machine is busy (load {load:.1f}): take what follows with care.")
    migrated()
    with Receiver() as receiver, workers(CONCURRENCY) as running:
        trial = Trial(receiver, Place(receiver), running)
        print(
            f"{options.deliveries} deliveries each way a round, to {TENANTS * ENDPOINTS} endpoints of {TENANTS} "
            f"tenants; {options.rounds} rounds; {CONCURRENCY} processes a worker"
        )
        print(f"{'receiver answers':<17}{'':<26}{KITH:>6}{''.join(f'{way:>28}' for way in WAYS if way != KITH)}")
        for path in PATHS:
            # Both warm up; an endpoint that has never answered is sent one at a time.
            trial.rounds(path, 2 * TENANTS * ENDPOINTS, 1)
            report(path, trial.rounds(path, options.deliveries, options.rounds))


def report(path: str, found: list[dict[str, Figures]]) -> None:
    """Print a receiver's lines."""
    if not found:
        print(f"{path:<17}every round was void")
        return
    for title, name, digits in FIGURES:
        figures = {way: [getattr(one[way], name) for one in found] for way in WAYS}
        ours = figures.pop(KITH)
        shown = f"{path:<17}{title:<26}{median(ours):6.{digits}f}"
        for theirs in figures.values():
            ratios = [a / b if name == "rate" else b / a for a, b in zip(ours, theirs, strict=True)]
            times = f"{median(ratios):.1f}x ({min(ratios):.1f}-{max(ratios):.1f})"
            shown += f"{median(theirs):10.{digits}f}{times:>18}"
        print(shown, flush=True)


if __name__ == "__main__":
    main()
