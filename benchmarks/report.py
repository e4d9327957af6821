"""The result on the screen and on disk: a table, a JSON file, and a picture beside it."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from benchmarks.data import Size
from benchmarks.figures import Round, line_of, median_cell
from benchmarks.matrix import CALLS, ROWS
from benchmarks.peers import PEERS, WORKERS
from benchmarks.picture import draw
from benchmarks.sql import as_owner
from benchmarks.wrk import CONNECTIONS
from config.env import BASE

__all__ = ["RESULTS", "commit", "keep", "machine", "result_of", "show"]

RESULTS = BASE / "benchmarks" / "results"
COLUMNS = (("throughput", "throughput"), ("cpu", "server CPU"), ("cpu_and_database", "all CPU"))


def commit() -> str:
    """Return the short name of the commit that is measured, with a + where files differ from it."""
    found = [
        subprocess.run(("git", *line.split()), cwd=BASE, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S607
        for line in ("rev-parse --short HEAD", "status --porcelain --untracked-files=no")
    ]
    return f"{found[0] or 'unknown'}{'+' if found[1] else ''}"


def machine() -> dict[str, Any]:
    """Return what it was measured on."""
    [[version]] = as_owner("SHOW server_version")
    return {
        "cores": os.cpu_count(),
        "system": platform.platform(terse=True),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "postgresql": version,
    }


def result_of(
    rounds: Sequence[Round], *, size: Size, load: float, options: Mapping[str, Any], memory: Any, voids: Sequence[str]
) -> dict[str, Any]:
    """Return everything that is kept of a run."""
    return {
        "commit": commit(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "load": round(load, 2),
        **options,
        "connections": CONNECTIONS,
        "workers": WORKERS,
        "data": {"tenants": size.tenants, "clients": size.clients, "largest": size.largest, "invoices": size.clients},
        "rows": [line_of(row, rounds) for row in ROWS],
        "cells": {peer: {call: median_cell(rounds, peer, call) for call in CALLS} for peer in PEERS},
        "memory_mib": memory,
        "void": list(voids),
    }


def show(result: Mapping[str, Any]) -> None:
    """Print the tables."""
    print("\nHow many times better than the stock peer (least to most), and the target:")
    print(f"{'':<26}{''.join(f'{title:>28}' for _, title in COLUMNS)}{'throughput of the limit':>30}")
    for row in result["rows"]:
        cells = [cell(row[name], 1) for name, _ in COLUMNS]
        print(f"{row['call']:<26}{''.join(f'{one:>28}' for one in cells)}{cell(row['limit_throughput'], 2):>30}")
    print("\nRequests a second; ms of CPU a request, the server's + PostgreSQL's and Redis's; p50 and p99 in ms:")
    print(f"{'':<24}{''.join(f'{name:>40}' for name in PEERS)}")
    for call, one in CALLS.items():
        figures = [absolute(result["cells"][name][call]) for name in PEERS]
        print(f"{one.title:<24}{''.join(f'{text:>40}' for text in figures)}")
    memory = ", ".join(f"{name} {used['tree']} ({used['worker']})" for name, used in result["memory_mib"].items())
    print(f"\nMiB of memory, all processes (a worker): {memory}")
    for line in result["void"]:
        print(f"Void: {line}")
    forced = ", forced" if result["forced"] else ""
    print(f"Commit {result['commit']}, load {result['load']} at the start{forced}, {result['machine']}")


def cell(found: Mapping[str, Any] | None, digits: int) -> str:
    """Return a ratio with its range, its target and whether it is met."""
    if found is None:
        return "-"
    text = f"{found['median']:.{digits}f} ({found['min']:.{digits}f}-{found['max']:.{digits}f})"
    return f"{text} {'≥' if found['met'] else '<'} {found['target']:g}" if "target" in found else text


def absolute(found: Mapping[str, float] | None) -> str:
    if found is None:
        return "-"
    database = found["postgres"] + found["redis"]
    return f"{found['rate']:.0f}/s {found['cpu']:.2f} + {database:.2f} ms {found['p50']:.1f} {found['p99']:.1f}"


def keep(result: Mapping[str, Any], folder: Path) -> Path:
    """Write the JSON file and the picture, and return the path of the former."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result['at'][:10]}-{result['commit'].rstrip('+')}.json"
    path.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    path.with_suffix(".svg").write_text(draw(result), encoding="utf-8")
    return path
