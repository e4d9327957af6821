"""One cell: wrk loads a server for some seconds, and the trees of processes say what it cost."""

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import psutil

from benchmarks.matrix import BODY, Call
from benchmarks.trees import cpu_of

__all__ = ["CONNECTIONS", "MISSING", "Cell", "Void", "find_wrk", "load"]

CONNECTIONS = 16
MISSING = "The benchmark needs wrk, which is not here: install it with `sudo apt install wrk`, then run this again."
SCRIPT = str(Path(__file__).with_name("load.lua"))


class Void(Exception):
    """A cell that does not count, and why."""


@dataclass(frozen=True)
class Cell:
    """What one server did for one call in one round: requests a second, CPU and waiting in ms a request."""

    rate: float
    cpu: float
    postgres: float
    redis: float
    p50: float
    p99: float

    @property
    def both(self) -> float:
        """The CPU of the server and of what it leans on."""
        return self.cpu + self.postgres + self.redis


def find_wrk() -> str | None:
    """Return the path of wrk; None where it is not installed."""
    return shutil.which("wrk")


def load(
    url: str, call: Call, key: str, paths: Iterable[str], *, seconds: float, trees: dict[str, psutil.Process]
) -> Cell:
    """Load one server; raise Void where a single answer was not 2xx or did not come.

    `trees` are the processes of the server, of PostgreSQL and of Redis, under these names.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        found = list(paths)
        file.write("\n".join(found))
        file.flush()
        before = {name: cpu_of(tree) for name, tree in trees.items()}
        done = run(url, environment(call, key, file.name, found[0]), seconds)
        spent = {name: cpu_of(tree) - before[name] for name, tree in trees.items()}
    if done["refused"] or done["broken"] or not done["requests"]:
        raise Void(f"{done['refused']} answers were no success, {done['broken']} did not come")
    each = {name: used / done["requests"] * 1000 for name, used in spent.items()}
    return Cell(
        rate=done["requests"] / done["microseconds"] * 1e6,
        cpu=each["server"],
        postgres=each["postgres"],
        redis=each["redis"],
        p50=done["p50"] / 1000,
        p99=done["p99"] / 1000,
    )


def environment(call: Call, key: str, paths: str, first: str) -> dict[str, str]:
    own = {"METHOD": call.method, "KEY": key, "PATHS": paths, "FIRST": first, "SEED": str(random.randrange(2**31))}  # noqa: S311
    own["BODY"] = BODY.decode()
    if call.idempotent:
        own["ONCE"] = f"{uuid4()}-"
    return {**os.environ, **{f"BENCH_{name}": value for name, value in own.items()}}


def run(url: str, environ: dict[str, str], seconds: float) -> dict[str, Any]:
    program = find_wrk()
    assert program, MISSING
    line = [program, "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--timeout", "10s", "-s", SCRIPT, url]
    done = subprocess.run(line, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Void(f"wrk failed: {done.stderr.strip()[:200]}")
    found: dict[str, Any] = orjson.loads(done.stdout.strip().rpartition("\n")[2])
    return found
