"""Turns SIGINT and SIGTERM into one exception, raised between two steps and never twice."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop(BaseException):
    """Somebody wants Kith to stop. No `except Exception` on the way may swallow it."""


class Signals:
    """The handlers of one start. They are installed by hand, since a shell's `&` makes children ignore SIGINT."""

    def __init__(self) -> None:
        self.held = False
        self.wanted = False

    def install(self) -> None:
        """Listen from here on."""
        for number in STOPPING:
            signal.signal(number, self.receive)

    def receive(self, _: int, __: FrameType | None) -> None:
        """Stop now, or after the step that must not be torn apart. Further signals change nothing."""
        if self.wanted:
            return
        self.wanted = True
        if not self.held:
            raise Stop

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Let a step finish before a signal takes effect: a process that starts must be known to be stopped."""
        self.held = True
        try:
            yield
        finally:
            self.held = False
        if self.wanted:
            raise Stop
