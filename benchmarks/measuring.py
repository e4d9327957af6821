"""The quick look: CPU in process of the hot calls, beside the last figures that were committed.

Milliseconds of two machines, or of two hours, do not compare. So each round also does a fixed piece of work, plain
Python and a question to PostgreSQL, and what is kept and compared is how many of those a call costs. Measures the web
process only: what PostgreSQL and Redis spend is theirs.
"""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg

from benchmarks.data import KITH, connect
from benchmarks.house import open_house
from benchmarks.report import commit, machine

__all__ = ["KEPT", "Act", "measure", "reference", "regressions"]

KEPT = Path(__file__).parent / "results" / "quick.json"
# Many short rounds: the least of them is a moment in which nobody else was in the way.
ROUNDS, CALLS, REFERENCES = 20, 20, 10
# A call that costs so many times the committed figure has become slow.
REGRESSION = 1.15
REFERENCE_ROWS = 150
Act = Callable[[], object]


def main() -> int:
    """Measure, print each figure beside the committed one, and return 1 where a call has become slow."""
    parser = ArgumentParser(prog="python -m benchmarks quick")
    parser.add_argument("--write", action="store_true", help="keep what was found as what later runs compare with")
    write = parser.parse_args().write
    kept: dict[str, Any] = {} if write or not KEPT.exists() else orjson.loads(KEPT.read_bytes())
    found = {name: measure(act) for name, act in calls().items()}
    before = kept.get("calls", {})
    print(f"{'':<32}{'ms':>8}{'references':>12}{'committed':>11}{'times':>8}")
    for name, one in found.items():
        old = before.get(name, {}).get("references")
        compared = f"{old:11.2f}{one['references'] / old:8.2f}" if old else ""
        print(f"{name:<32}{one['ms']:8.2f}{one['references']:12.2f}{compared}")
    if write:
        KEPT.parent.mkdir(exist_ok=True)
        result = {"commit": commit(), "machine": machine(), "calls": found}
        KEPT.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    slow = regressions(before, found)
    for sentence in slow:
        print(sentence, file=sys.stderr)
    return 1 if slow else 0


def regressions(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each call that costs over 15 % more than before."""
    times = {name: now[name]["references"] / before[name]["references"] for name in now if name in before}
    return [
        f"{name} costs {(times - 1) * 100:.0f} % more CPU than committed: find out why, or keep it with --write."
        for name, times in times.items()
        if times > REGRESSION
    ]


def calls() -> dict[str, Act]:
    """Return the calls, on the demo's data."""
    call = open_house()
    client = orjson.loads(call("GET", "/v1/clients?limit=1"))["data"][0]["id"]
    invoice = orjson.loads(call("GET", "/v1/invoices?limit=1"))["data"][0]["id"]
    body = orjson.dumps({"name": "Ada Lovelace", "email": "ada@example.com", "tags": ["new"]})
    return {
        "GET /clients/{id}": lambda: call("GET", f"/v1/clients/{client}"),
        "GET /clients, 20 and count": lambda: call("GET", "/v1/clients?limit=20"),
        "GET /clients, 100 and count": lambda: call("GET", "/v1/clients?limit=100"),
        "GET /clients, filter and sort": lambda: call("GET", "/v1/clients?status=active&sort=name&offset=40"),
        "GET /clients, search": lambda: call("GET", "/v1/clients?search=gar"),
        "GET /invoices/{id}, client": lambda: call("GET", f"/v1/invoices/{invoice}?include=client"),
        "GET /invoices, 20 with lines": lambda: call("GET", "/v1/invoices?limit=20"),
        "POST /clients": lambda: call("POST", "/v1/clients", body),
    }


def measure(act: Act) -> dict[str, float]:
    """Return what a call costs: the least of its rounds in ms, and in references, measured in between."""
    for _ in range(10):
        act()
    spent, references = [], []
    with closing(connect(KITH)) as connection:
        for _ in range(ROUNDS):
            references.append(cpu(lambda: reference(connection), REFERENCES))
            spent.append(cpu(act, CALLS))
    return {"ms": round(min(spent) * 1000, 3), "references": round(min(spent) / min(references), 3)}


def cpu(act: Act, count: int) -> float:
    """Return the CPU seconds of one call."""
    started = time.process_time()
    for _ in range(count):
        act()
    return (time.process_time() - started) / count


def reference(connection: psycopg.Connection) -> None:
    """Do about a millisecond of what a web process does: dictionaries, texts, objects, and a question to PostgreSQL."""
    for number in range(REFERENCE_ROWS):
        one = UUID(int=number << 64 | number)
        row = {"id": str(one), "name": f"Client {number}", "tags": ["a", "b"], "total": number / 7}
        "&".join(f"{key}={value}" for key, value in sorted(row.items())).encode()
    connection.execute("SELECT 1").fetchone()


if __name__ == "__main__":
    sys.exit(main())
