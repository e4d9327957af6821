"""Many callers at the same moment, each in a thread with a database connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connections

__all__ = ["at_once"]

T = TypeVar("T")


def at_once(count: int, act: Callable[[int], T]) -> list[T]:
    """Run `act(0)` to `act(count - 1)` together, none before all are ready, and return what they returned."""
    gate = Barrier(count)

    def run(index: int) -> T:
        gate.wait()
        try:
            return act(index)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
