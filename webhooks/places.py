"""How many drains run on this machine: half of the worker's places, so that other tasks have theirs.

A place is a lock on a file, which the operating system gives back whatever becomes of the process.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

__all__ = ["place"]


@contextmanager
def place() -> Iterator[bool]:
    """Take a place for the block, if there is one; tell whether there was."""
    for number in range(max(1, settings.ENV.number("WORKER_CONCURRENCY") // 2)):
        with (settings.KITH_HOME / f"deliver-{number}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield True
            return
    yield False
