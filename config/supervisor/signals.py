"""Turns SIGINT and SIGTERM into one exception, raised where the supervisor waits and nowhere else.

An exception out of the handler itself could hit any line, also one that swallows it or that must not be torn apart.
"""

import signal
import time
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop(Exception):
    """Somebody wants Kith to stop."""


class Signals:
    """The handlers of one start. They are installed by hand, since a shell's `&` makes children ignore SIGINT."""

    def __init__(self) -> None:
        self.wanted = False

    def install(self) -> None:
        """Listen from here on."""
        for number in STOPPING:
            signal.signal(number, self.receive)

    def receive(self, _: int, __: FrameType | None) -> None:
        """Remember it; further signals change nothing."""
        self.wanted = True

    def pause(self, seconds: float) -> None:
        """Sleep for a moment. Raises Stop when a signal came."""
        if not self.wanted:
            time.sleep(seconds)
        if self.wanted:
            raise Stop
