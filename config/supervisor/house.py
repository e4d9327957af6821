"""The processes of one start: started one by one, watched together, stopped in the reverse order."""

import tempfile
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
STOP_ORDER = ((("prepare", "web", "beat", "worker"), 6.0), (("redis", "postgres"), 9.0))


# A process may fall this often within so many seconds; the first pause before it is started again is twice PAUSE.
MOST_FALLS, MEMORY, PAUSE = 5, 120.0, 0.1


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
        self.falls: dict[str, list[float]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def children(self) -> list[Child]:
        """All processes, the first started first."""
        return [*(self.embedded.children if self.embedded else ()), *self.started]

    def start_servers(self, *, postgres: bool, redis: bool) -> None:
        """Start the servers nobody has given an address for, and wait until they answer."""
        pause = self.signals.pause
        self.embedded = Embedded(self.home, self.console, postgres=postgres, redis=redis, pause=pause)
        try:
            self.embedded.launch()
        finally:
            leftovers.write(self.home, self.children)
        self.embedded.wait()

    def start(self, program: Program) -> None:
        """Start one process."""
        self.started.append(Child(program, self.console.open(program.name)))
        leftovers.write(self.home, self.children)

    def ask(self, program: Program) -> str | None:
        """Run a process to its end and return what it answered; None when it failed, and said why."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as answer:
            child = Child(program, self.console.open_terminal(), answer=answer.fileno())
            self.started.append(child)
            leftovers.write(self.home, self.children)
            while not child.ended:
                self.signals.pause(0.02)
            self.started.remove(child)
            answer.seek(0)
            return None if child.process.returncode else answer.read()

    def rest(self, seconds: float) -> None:
        """Wait for a moment. Raises Ended when a process is over, and Stop when a signal came."""
        self.signals.pause(seconds)
        for child in self.children:
            if child.ended:
                tail = self.console.tail(child.name)
                raise Ended(f"{child.name} ended {child.reason}, so Kith stops. Its last lines:\n{tail}")

    def watch(self) -> None:
        """Stay until a signal comes; a process that ends is started again. Raises Ended for one that keeps ending."""
        while True:
            self.signals.pause(0.2)
            for child in self.children:
                if child.ended:
                    self.revive(child)

    def revive(self, child: Child) -> None:
        """Start a process again in the place of one that is over, after a pause that grows with every fall."""
        now = time.monotonic()
        falls = self.falls[child.name] = [fall for fall in self.falls.get(child.name, ()) if now - fall < MEMORY] + [
            now
        ]
        if len(falls) > MOST_FALLS:
            tail = self.console.tail(child.name)
            raise Ended(f"{child.name} ended {child.reason} again and again, so Kith stops. Its last lines:\n{tail}")
        self.console.say(f"{child.name} ended {child.reason}; starting it again")
        # What it started itself goes first: a new one would find ports and locks taken.
        child.stop(now)
        self.signals.pause(PAUSE * 2 ** len(falls))
        if self.embedded and child in self.embedded.children:
            self.embedded.revive(child)
        else:
            self.started[self.started.index(child)] = Child(child.program, self.console.open(child.name))
        leftovers.write(self.home, self.children)

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
