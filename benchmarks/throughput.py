"""The benchmark of calls: Kith with everything on beside a stock and a bare server, over the same rows, in one run."""

import os
import random
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.agreement import ask, difference, next_cursor
from benchmarks.data import Size, fill_kith, make_peers
from benchmarks.figures import Round
from benchmarks.house import make_key, migrated
from benchmarks.matrix import AVERAGE, CALLS, FIRST, LARGEST, WRITER, WRITES, Call, Callers, paths_of
from benchmarks.peers import Peer, make_stock_tables, serving
from benchmarks.report import RESULTS, keep, result_of, show
from benchmarks.resetting import forget_writes
from benchmarks.sql import as_owner
from benchmarks.trees import postgres, redis
from benchmarks.wrk import MISSING, Cell, Void, find_wrk, load
from tenants.models import Tenant
from tenants.provisioning import provision
from tenants.routing import using

__all__ = ["Trial", "make_house", "refusal"]

MOST_LOAD = 1.5
WARM_SECONDS = 1.0
# So many pages a cursor has gone on when it is measured, and so many records are asked for in turn.
PAGES, ASKED = 5, 500


def main() -> int:
    """Measure, print the tables and keep the result."""
    parser = ArgumentParser(prog="python -m benchmarks calls")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4, help="of each call in each round")
    parser.add_argument("--clients", type=int, default=Size.clients)
    parser.add_argument("--tenants", type=int, default=Size.tenants)
    parser.add_argument("--only", nargs="*", choices=CALLS, default=list(CALLS), help="measure these calls alone")
    parser.add_argument("--force", action="store_true", help="measure on a busy machine; the result will say so")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder that keeps the result")
    options = parser.parse_args()
    busy = os.getloadavg()[0]
    if sentence := refusal(busy, force=options.force):
        print(sentence, file=sys.stderr)
        return 2
    size = Size(options.tenants, options.clients)
    callers = make_house(size)
    with serving() as peers:
        trial = Trial(peers, callers, size)
        if sentences := trial.differences():
            print(f"Nothing is timed, as the servers do not answer alike. {' '.join(sentences)}", file=sys.stderr)
            return 1
        rounds = list(trial.rounds(options.only, options.rounds, options.seconds))
        memory = {name: peer.memory() for name, peer in peers.items()}
    said = {"rounds": options.rounds, "seconds": options.seconds, "forced": busy > MOST_LOAD}
    result = result_of(rounds, size=size, load=busy, options=said, memory=memory, voids=trial.voids)
    show(result)
    print(f"Kept as {keep(result, options.out)}")
    return 0


def refusal(busy: float, *, force: bool) -> str | None:
    """Return why nothing can be measured here and now, and what to do; None where it can."""
    if find_wrk() is None:
        return MISSING
    if busy > MOST_LOAD and not force:
        return (
            f"This machine is busy (load {busy:.1f}, at most {MOST_LOAD}), so the figures would mean nothing: wait "
            "until it is quiet, or try things out with --force."
        )
    return None


def make_house(size: Size) -> Callers:
    """Make the tenants, their keys and all rows, Kith's and the peers'."""
    migrated()
    with using("admin"):
        tenants: list[Tenant] = [provision(slug=f"bench-{number}") for number in range(size.tenants + 1)]
    largest, average, writer = tenants[0], tenants[1], tenants.pop()
    keys = {LARGEST: make_key(largest), AVERAGE: make_key(average), WRITER: make_key(writer)}
    filled = [tenant.pk for tenant in tenants]
    fill_kith(size, filled)
    owners = {keys[LARGEST]: largest.pk, keys[AVERAGE]: average.pk, keys[WRITER]: writer.pk}
    make_peers(size, filled, owners, make_stock_tables)
    sample = "SELECT id FROM crm_client WHERE tenant_id = %s ORDER BY id LIMIT %s"
    return Callers(keys, writer.pk, [row[0] for row in as_owner(sample, average.pk, ASKED)])


@dataclass
class Trial:
    """All three servers, and who calls them."""

    peers: dict[str, Peer]
    callers: Callers
    size: Size
    voids: list[str] = field(default_factory=list)

    @property
    def deep(self) -> int:
        """An offset near the end of the largest tenant's list."""
        return max(0, self.size.largest - 40)

    def differences(self) -> list[str]:
        """Ask everything once; return a sentence for each call that is not answered alike."""
        self.find_cursors()
        found = []
        for call in CALLS.values():
            seen = {}
            for name, peer in self.peers.items():
                seen[name], _ = ask(name, peer.url, call, self.callers.keys[call.caller], next(self.paths(call, name)))
            found.append(difference(call, seen))
        forget_writes(self.callers.writer)
        return [sentence for sentence in found if sentence]

    def find_cursors(self) -> None:
        """Go on for some pages at each peer: that is where the cursor is measured."""
        call = CALLS["cursor"]
        for name, peer in self.peers.items():
            path = FIRST[name]
            for _ in range(min(PAGES, self.size.largest // 20 - 1)):
                seen, body = ask(name, peer.url, call, self.callers.keys[call.caller], path)
                assert seen.status == 200, f"{name}: {body}"
                self.callers.cursors[name] = next_cursor(name, body)
                path = next(self.paths(call, name))

    def paths(self, call: Call, name: str) -> Iterator[str]:
        return paths_of(call, name, self.callers, self.deep)

    def rounds(self, wanted: list[str], count: int, seconds: float) -> Iterator[Round]:
        """Yield the rounds: each call of each server, in an order of its own, reads before writes."""
        self.round(wanted, min(WARM_SECONDS, seconds), "warming up")
        self.voids.clear()
        for number in range(1, count + 1):
            yield self.round(wanted, seconds, f"round {number} of {count}")

    def round(self, wanted: list[str], seconds: float, title: str) -> Round:
        order = sorted(random.sample(wanted, len(wanted)), key=WRITES.__contains__)
        cells: dict[tuple[str, str], Cell] = {}
        for call in order:
            print(f"{title}: {CALLS[call].title}", flush=True)
            for name in random.sample(list(self.peers), len(self.peers)):
                try:
                    cells[name, call] = self.cell(name, CALLS[call], seconds)
                except Void as error:
                    self.voids.append(f"{title}, {CALLS[call].title}, {name}: {error}.")
        if set(wanted) & set(WRITES):
            forget_writes(self.callers.writer)
        return cells

    def cell(self, name: str, call: Call, seconds: float) -> Cell:
        peer = self.peers[name]
        trees: dict[str, psutil.Process] = {"server": peer.root, "postgres": postgres(), "redis": redis()}
        key, paths = self.callers.keys[call.caller], self.paths(call, name)
        return load(peer.url, call, key, paths, seconds=seconds, trees=trees)


if __name__ == "__main__":
    sys.exit(main())
