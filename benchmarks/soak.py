"""The soak: ten minutes at 70 % of what this machine can do, reads and writes with deliveries, and nothing may grow.

First the capacity is found, by the same calls as fast as they are answered. Then each minute shows what was asked, the
memory of web and worker (each process's, added up), PostgreSQL's connections, the rows that are dead, the events that
have not come yet, and what the jobs that delete have left of the rows made for them. The second half is judged by the
first. The end is 1 where something grew. Times count from the moment a call was due, so a stall counts in full.
"""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks import overdue
from benchmarks.living import Living, living
from benchmarks.load import Load, Seen, percentile
from benchmarks.sql import as_owner
from benchmarks.trees import memory_of

SHARE = 0.7
CAPACITY_SECONDS = 15
DUE_A_MINUTE = 2000
DRAIN_SECONDS = 120
CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND usename IS NOT NULL AND pid <> pg_backend_pid()
"""
DEAD = "SELECT coalesce(sum(n_dead_tup), 0)::int, coalesce(sum(n_live_tup), 0)::int FROM pg_stat_user_tables"
TABLES = """
SELECT relname, n_live_tup, n_dead_tup, autovacuum_count, pg_total_relation_size(relid) / 1048576.0
FROM pg_stat_user_tables ORDER BY pg_total_relation_size(relid) DESC LIMIT 10
"""


@dataclass(frozen=True)
class Minute:
    """The figures of one minute."""

    seen: Seen
    web: float
    worker: float
    connections: int
    dead: int
    live: int
    waiting: int
    overdue: int

    def __str__(self) -> str:
        p50, p99 = (percentile(self.seen.seconds, share) * 1000 for share in (0.5, 0.99))
        return (
            f"{len(self.seen.seconds):9}{len(self.seen.wrong):7}{p50:8.1f}{p99:9.1f}{self.web:9.1f}{self.worker:12.1f}"
            f"{self.connections:13}{self.dead:8}{self.dead / max(1, self.dead + self.live):7.1%}{self.waiting:9}"
            f"{self.overdue:9}"
        )


HEAD = (
    f"{'minute':>6}{'requests':>9}{'wrong':>7}{'p50 ms':>8}{'p99 ms':>9}{'web MiB':>9}{'worker MiB':>12}"
    f"{'connections':>13}{'dead':>8}{'':>7}{'waiting':>9}{'overdue':>9}"
)


def main() -> int:
    """Soak, printing a line a minute, and what it comes to."""
    parser = ArgumentParser(prog="python -m benchmarks soak")
    parser.add_argument("--minutes", type=int, default=10)
    minutes = max(2, parser.parse_args().minutes)
    with living() as kith:
        load = Load(kith.url, kith.key)
        writes = load.seed().writes
        fast = load.at_most(CAPACITY_SECONDS)
        assert not fast.wrong, fast.wrong[0]
        capacity = len(fast.seconds) / CAPACITY_SECONDS
        print(f"capacity {capacity:.0f} requests a second; {SHARE:.0%} of it for {minutes} minutes\n{HEAD}", flush=True)
        kith.receiver.wait(writes := writes + fast.writes, DRAIN_SECONDS)
        made, rows = 0, []
        for number in range(1, minutes + 1):
            made += overdue.make(kith.tenant.pk, DUE_A_MINUTE)
            overdue.start_jobs()
            if number == minutes // 2:
                overdue.make_month(kith.tenant.pk, DUE_A_MINUTE)
            seen = load.evenly(capacity * SHARE, 60)
            writes += seen.writes
            rows.append(minute(kith, seen, writes))
            print(f"{number:6}{rows[-1]}", flush=True)
        wait(kith, writes)
        return report(verdicts(rows, kith, writes, made))


def minute(kith: Living, seen: Seen, writes: int) -> Minute:
    """Return the figures of the minute that is over."""
    [[dead, live]] = as_owner(DEAD)
    memory = memory_of(kith.part("granian")), memory_of(kith.part("worker"))
    return Minute(seen, *memory, connections(), dead, live, writes - kith.receiver.count, overdue.left())


def connections() -> int:
    """Return how many stay: some are opened for a moment, to write counts or by a job of the owner's."""
    looks = []
    for _ in range(10):
        looks.append(int(as_owner(CONNECTIONS)[0][0]))
        time.sleep(0.2)
    return min(looks)


def wait(kith: Living, writes: int) -> None:
    """Let the worker finish."""
    end = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < end and (kith.receiver.count < writes or overdue.left() or not overdue.month_is_gone()):
        time.sleep(0.5)


def verdicts(rows: Sequence[Minute], kith: Living, writes: int, made: int) -> Iterator[tuple[bool, str]]:
    """Yield what holds, or does not, and the sentence for it."""
    halves = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    wrong = [text for row in rows for text in row.seen.wrong]
    total = sum(len(row.seen.seconds) for row in rows)
    yield not wrong, f"{len(wrong)} of {total} requests went wrong{': ' + wrong[0] if wrong else ''}"
    before, after = (percentile([one for row in half for one in row.seen.seconds], 0.99) * 1000 for half in halves)
    yield (
        after <= 1.5 * before,
        f"p99 {before:.1f} ms in the first half, {after:.1f} ms in the second (at most 1.5 times)",
    )
    for name in ("web", "worker"):
        before, after = (sum(getattr(row, name) for row in half) / len(half) for half in halves)
        yield after < 1.1 * before, f"memory of {name} {before:.1f} MiB, then {after:.1f} MiB (less than 10 % more)"
    most = [max(row.connections for row in half) for half in halves]
    yield most[1] <= most[0], f"at most {most[0]} connections, then {most[1]} (no more)"
    share = [max(row.dead / max(1, row.dead + row.live) for row in half) for half in halves]
    yield share[1] <= max(0.2, 1.5 * share[0]), f"at most {share[0]:.1%} of the rows dead, then {share[1]:.1%}"
    got = [one.id for one in kith.receiver.got]
    yield len(set(got)) == writes, f"{len(set(got))} of {writes} events came, {len(got) - len(set(got))} of them twice"
    left, gone = overdue.left(), overdue.month_is_gone()
    month = "a month of deliveries was dropped" if gone else "the old month of deliveries is still there"
    yield not left and gone, f"{made - left} of {made} overdue rows were deleted meanwhile, and {month}"


def report(found: Iterator[tuple[bool, str]]) -> int:
    """Print the largest tables and the verdicts; return 1 where one is bad."""
    print(f"\n{'table':<28}{'live':>9}{'dead':>8}{'vacuums':>9}{'MiB':>8}")
    for name, live, dead, vacuums, size in as_owner(TABLES):
        print(f"{name:<28}{live:>9}{dead:>8}{vacuums:>9}{size:>8.1f}")
    print()
    kept = True
    for holds, sentence in found:
        print(f"{'flat' if holds else 'NOT FLAT'}: {sentence}")
        kept = kept and holds
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
