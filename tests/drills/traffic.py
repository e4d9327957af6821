"""Programs that use the API without a pause while something else happens, and how they fared."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from config.embedded import Embedded
from tests.faults.harness import Kith, Side, Target

__all__ = ["Traffic", "serving", "traffic"]


class Traffic:
    """What was asked and how long each answer took, or what went wrong."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.wrong: list[str] = []
        self.over = threading.Event()

    @property
    def slowest(self) -> float:
        return max(self.seconds)

    def run(self, url: str, side: Side, number: int) -> None:
        """Make a client and read lists, again and again."""
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {side.key}"
        count = 0
        while not self.over.is_set():
            count += 1
            new = {"name": f"Client {number}-{count}"}
            self.ask(session, "POST", f"{url}/v1/clients", json=new, headers={"Idempotency-Key": f"{number}-{count}"})
            self.ask(session, "GET", f"{url}/v1/clients?limit=20")
            self.ask(session, "GET", f"{url}/v1/invoices?limit=20")

    def ask(self, session: requests.Session, method: str, url: str, **own: Any) -> None:
        started = time.monotonic()
        try:
            answer = session.request(method, url, timeout=30, **own)
            if not answer.ok:
                self.wrong.append(f"{answer.status_code} {answer.text[:200]}")
        except requests.RequestException as error:
            self.wrong.append(str(error))
        self.seconds.append(time.monotonic() - started)


@contextmanager
def traffic(url: str, *sides: Side) -> Iterator[Traffic]:
    """Run one program a tenant for as long as the block lasts."""
    found = Traffic()
    threads = [threading.Thread(target=found.run, args=[url, side, n], daemon=True) for n, side in enumerate(sides)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        found.over.set()
        for thread in threads:
            thread.join()


@contextmanager
def serving(servers: Embedded) -> Iterator[str]:
    """Run the web server on these servers; it refuses to start where a guard is missing."""
    kith = Kith(servers, Target())
    try:
        kith.start("web")
        yield kith.base
    finally:
        kith.end()
