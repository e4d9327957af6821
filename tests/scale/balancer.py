"""A load balancer as simple as one can be: it asks who is ready, sends requests in turn, and repeats none."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from types import TracebackType
from typing import Self

import requests

__all__ = ["Balancer"]

# How often it asks each server; a server that says it is not ready gets nothing from then on.
EVERY_SECONDS = 0.25
Ask = Callable[[requests.Session, str], int]


class Balancer:
    """Clients that ask without a pause, each over kept-alive connections, those servers that are ready."""

    def __init__(self, servers: Sequence[str], ask: Ask, *, clients: int) -> None:
        self.servers, self.ask = servers, ask
        self.ready: tuple[str, ...] = tuple(servers)
        self.statuses: Counter[int] = Counter()
        self.served: Counter[str] = Counter()
        self.failures: list[str] = []
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.turns = count()
        self.threads = [threading.Thread(target=target) for target in (self.watch, *[self.work] * clients)]

    @property
    def asked(self) -> int:
        return self.statuses.total() + len(self.failures)

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def watch(self) -> None:
        """Keep knowing who is ready."""
        while not self.over.wait(EVERY_SECONDS):
            self.ready = tuple(server for server in self.servers if is_ready(server))

    def work(self) -> None:
        """Ask, one request after the other."""
        with requests.Session() as session:
            while not self.over.is_set():
                ready = self.ready
                if not ready:
                    time.sleep(0.05)
                    continue
                self.send(session, ready[next(self.turns) % len(ready)])

    def send(self, session: requests.Session, server: str) -> None:
        try:
            status = self.ask(session, server)
        except requests.RequestException as error:
            with self.lock:
                self.failures.append(f"{server}: {error}")
            return
        with self.lock:
            self.statuses[status] += 1
            self.served[server] += 1


def is_ready(server: str) -> bool:
    try:
        return requests.get(f"{server}/readyz", timeout=2).ok
    except requests.RequestException:
        return False
