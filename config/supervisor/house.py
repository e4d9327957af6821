"""The processes of one start: started one by one, watched together, stopped in the reverse order."""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from config.child import Child, Program
from config.embedded import Embedded
from config.supervisor import leftovers, ready
from config.supervisor.console import Console
from config.supervisor.signals import Signals

# Who stops together, and the second at which those still there are ended by force.
STOP_ORDER = ((("web", "beat", "worker"), 7.0), (("redis", "postgres"), 9.5))


class Ended(Exception):
    """A process that should run is over. The text says which, and shows its last lines."""


class House:
    """Everything that runs."""

    def __init__(self, home: Path, console: Console, signals: Signals) -> None:
        self.home = home
        self.console = console
        self.signals = signals
        self.embedded: Embedded | None = None
        self.started: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.signals.wanted = True
        self.stop()

    @property
    def children(self) -> list[Child]:
        """All processes, the first started first."""
        return [*(self.embedded.children if self.embedded else ()), *self.started]

    def launch_servers(self, *, postgres: bool, redis: bool) -> None:
        """Start the servers nobody has given an address for, without waiting for them."""
        with self.signals.hold():
            self.embedded = Embedded(self.home, self.console, postgres=postgres, redis=redis)
            try:
                self.embedded.launch()
            finally:
                leftovers.write(self.home, self.children)

    def wait_servers(self) -> None:
        """Wait until our own servers answer."""
        if self.embedded:
            self.embedded.wait()

    def start(self, program: Program) -> None:
        """Start one process."""
        with self.signals.hold():
            self.started.append(Child(program, self.console))
            leftovers.write(self.home, self.children)

    def check(self) -> None:
        """Raise Ended when a process is over."""
        for child in self.children:
            if child.ended:
                tail = self.console.tail(child.name)
                raise Ended(f"{child.name} ended {child.reason}, so Kith stops. Its last lines:\n{tail}")

    def watch(self) -> None:
        """Stay until a process ends or a signal comes."""
        while True:
            self.check()
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop every process, those that use others first."""
        if self.children:
            self.console.say("Stopping")
        started = time.monotonic()
        for names, seconds in STOP_ORDER:
            group = [child for child in self.children if child.name in names]
            for child in group:
                child.ask()
            for child in group:
                child.stop(started + seconds)
        ready.forget(self.home)
        leftovers.write(self.home, [])
