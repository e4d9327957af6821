"""CPU milliseconds in process of the hot calls, the least of five rounds of a hundred.

Measures the web process only: PostgreSQL's and Redis's own time is theirs. Compare figures of one run, never of two.
"""

import time
from collections.abc import Callable

import orjson

from benchmarks.house import open_house

ROUNDS, CALLS = 5, 100


def measure() -> None:
    """Measure each call and print its figure."""
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
    measure()
