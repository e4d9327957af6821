"""The soak: a receiver of 1,000 events a minute, for ten minutes, on Kith as `manage.py up` runs it.

Each minute shows what should not grow: the memory of web and worker (each process's, added up), PostgreSQL's
connections, and the rows that are dead and not yet swept by autovacuum. Memory settles in the first minutes; a worker's
process is replaced after so many tasks. `left` is how many events have not come yet.
"""

import time
from argparse import ArgumentParser
from collections.abc import Iterator

from benchmarks.living import Living, living
from benchmarks.sql import as_owner
from benchmarks.trees import memory_of

PER_MINUTE = 1000
TABLES = {
    "event": "tenants_event",
    "delivery": "webhooks_delivery_%",
    "attempt": "webhooks_attempt_%",
    "lane": "webhooks_lane",
}
DEAD = """
SELECT coalesce(sum(n_dead_tup), 0), coalesce(sum(autovacuum_count), 0) FROM pg_stat_user_tables WHERE relname LIKE %s
"""
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"


def main() -> None:
    """Soak, printing a line a minute."""
    parser = ArgumentParser(prog="python -m benchmarks soak")
    parser.add_argument("--minutes", type=int, default=10)
    minutes = parser.parse_args().minutes
    with living() as kith:
        dead = "".join(f"{f'dead {name} (swept)':>22}" for name in TABLES)
        print(f"{'minute':>6}{'sent':>8}{'left':>6}{'web MiB':>9}{'worker MiB':>12}{'connections':>13}{dead}")
        print(line(kith, 0, 0), flush=True)
        for minute in range(1, minutes + 1):
            change(kith, 60)
            print(line(kith, minute, minute * PER_MINUTE), flush=True)
        kith.receiver.wait(minutes * PER_MINUTE, 60)
        got = [one.id for one in kith.receiver.got]
        print(f"{len(set(got))} of {minutes * PER_MINUTE} events came, {len(got) - len(set(got))} of them twice")


def change(kith: Living, seconds: float) -> None:
    """Make changes at an even pace; a slow machine catches up."""
    start, count = time.monotonic(), round(PER_MINUTE * seconds / 60)
    for number in range(count):
        kith.call("POST", "/clients", {"name": f"Client {number}"})
        time.sleep(max(0.0, start + (number + 1) * seconds / count - time.monotonic()))


def line(kith: Living, minute: int, sent: int) -> str:
    """Return a minute's figures."""
    memory = memory_of(kith.part("granian")), memory_of(kith.part("worker"))
    [[connections]] = as_owner(CONNECTIONS)
    return (
        f"{minute:6}{sent:8}{sent - kith.receiver.count:6}{memory[0]:9.1f}{memory[1]:12.1f}{connections:13}"
        f"{''.join(dead_rows())}"
    )


def dead_rows() -> Iterator[str]:
    """Yield, for each table, how many rows are dead, and how often autovacuum has come."""
    for table in TABLES.values():
        [[dead, swept]] = as_owner(DEAD, table)
        yield f"{f'{dead} ({swept})':>22}"


if __name__ == "__main__":
    main()
