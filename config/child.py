"""One process that Kith starts: in its own session, tied to its parent, stopped in order."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from config.identity import Identity, before_start

# How to wait for a moment; whoever is asked to stop meanwhile raises an exception there.
Pause = Callable[[float], None]


class Log(Protocol):
    """Where the lines of a process go."""

    def open(self, name: str) -> int:
        """Return a file descriptor to write to; the caller closes it."""
        ...

    def tail(self, name: str) -> str:
        """Return the last lines of a process."""
        ...


@dataclass(frozen=True, slots=True)
class Program:
    """What to start, as whom, and the signal that asks it to end in order."""

    name: str
    command: tuple[str, ...]
    signal: signal.Signals
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    identity: Identity | None = None


class Child:
    """A running program. Its own session keeps Ctrl-C from reaching it before its turn."""

    def __init__(self, program: Program, output: int, answer: int | None = None) -> None:
        """Start the program. `output` takes its lines, and is closed here; `answer` may take its standard output."""
        self.program = program
        try:
            self.process = subprocess.Popen(
                program.command,
                env=program.environ,
                cwd="/" if program.identity else None,
                stdin=subprocess.DEVNULL,
                stdout=output if answer is None else answer,
                stderr=output,
                start_new_session=True,
                # Safe beside the console's thread: it only makes system calls.
                preexec_fn=before_start(program.identity, program.signal),  # noqa: PLW1509
            )
        finally:
            os.close(output)

    @property
    def name(self) -> str:
        """The name of the program."""
        return self.program.name

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self.process.pid

    @property
    def ended(self) -> bool:
        """Whether the process is over."""
        return self.process.poll() is not None

    @property
    def reason(self) -> str:
        """How the process ended."""
        code = self.process.returncode
        return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"

    def ask(self) -> None:
        """Ask the process to end."""
        with suppress(ProcessLookupError):
            self.process.send_signal(self.program.signal)

    def stop(self, deadline: float) -> None:
        """Wait until a moment of the monotonic clock, then end the process and all that it started by force."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.1, deadline - time.monotonic()))
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
