"""`make bench`: CPU milliseconds in process of the hot calls, the least of five rounds of a hundred.

Measures the web process only: PostgreSQL's and Redis's own time is theirs. Compare figures of one run, never of two.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from config.embedded import Embedded

ROUNDS, CALLS = 5, 100


def main() -> None:
    """Start servers of its own, load the demo, measure, and print a table."""
    home = Path(tempfile.mkdtemp(prefix="kith-bench-"))
    home.chmod(0o755)
    servers = Embedded(home, fast=True)
    try:
        servers.start()
        os.environ.update(servers.urls)
        os.environ.update(
            KITH_HOME=str(home), SECRET_KEY=str(home), LOG_LEVEL="ERROR", DJANGO_SETTINGS_MODULE="config.settings"
        )
        measure()
    finally:
        servers.stop()
        shutil.rmtree(home, ignore_errors=True)


def measure() -> None:
    """Measure each call and print its figure."""
    # Only now do the settings find the servers.
    from benchmarks.house import open_house  # noqa: PLC0415

    call = open_house()
    client = orjson.loads(call("GET", "/v1/clients?limit=1"))["data"][0]["id"]
    invoice = orjson.loads(call("GET", "/v1/invoices?limit=1"))["data"][0]["id"]
    body = orjson.dumps({"name": "Ada Lovelace", "email": "ada@example.com", "tags": ["new"]})
    calls: dict[str, Callable[[], bytes]] = {
        "GET /clients/{id}": lambda: call("GET", f"/v1/clients/{client}"),
        "GET /clients, 20 and count": lambda: call("GET", "/v1/clients?limit=20"),
        "GET /clients, 100 and count": lambda: call("GET", "/v1/clients?limit=100"),
        "GET /clients, filter and sort": lambda: call("GET", "/v1/clients?status=active&sort=name&offset=40"),
        "GET /clients, search": lambda: call("GET", "/v1/clients?search=gar"),
        "GET /invoices/{id}, client": lambda: call("GET", f"/v1/invoices/{invoice}?include=client"),
        "GET /invoices, 20 with lines": lambda: call("GET", "/v1/invoices?limit=20"),
        "POST /clients": lambda: call("POST", "/v1/clients", body),
    }
    for name, act in calls.items():
        print(f"{name:<32} {least(act) * 1000:6.2f} ms")


def least(act: Callable[[], bytes]) -> float:
    """Return the CPU seconds of one call: the least of the rounds, after warming up."""
    for _ in range(10):
        act()
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(CALLS):
            act()
        rounds.append((time.process_time() - started) / CALLS)
    return min(rounds)


if __name__ == "__main__":
    main()
