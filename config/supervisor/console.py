"""One log for all processes: every line whole, with the coloured name of its process in front."""

import json
import os
import selectors
import sys
from collections import defaultdict, deque
from contextlib import suppress
from threading import Lock, Thread
from types import TracebackType
from typing import Self

COLOURS = {"kith": 35, "postgres": 34, "redis": 31, "web": 32, "worker": 33, "beat": 36}
KEPT_LINES = 12
LONGEST_LINE = 64 * 1024


class Console:
    """Reads what the processes write and prints it; remembers the last lines of each."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.lines: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=KEPT_LINES))
        self.partial: dict[int, bytes] = {}
        self.printing = Lock()
        self.pipes = selectors.DefaultSelector()
        self.wake, self.woken = os.pipe()
        self.reader = Thread(target=self.read, name="console", daemon=True)

    def __enter__(self) -> Self:
        self.pipes.register(self.wake, selectors.EVENT_READ, "")
        self.reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.woken)
        self.reader.join(timeout=2)

    def open(self, name: str) -> int:
        """Return a file descriptor for one process to write to; the caller closes it."""
        reading, writing = os.pipe()
        self.partial[reading] = b""
        self.pipes.register(reading, selectors.EVENT_READ, name)
        return writing

    def open_terminal(self) -> int:
        """Return a file descriptor for progress bars: the terminal itself; without one the log, under our own name."""
        return os.dup(sys.stderr.fileno()) if self.colour and sys.stderr.isatty() else self.open("kith")

    def tail(self, name: str) -> str:
        """Return the last lines of a process."""
        return "\n".join(f"  {line}" for line in self.lines[name]) or "  it said nothing"

    def read(self) -> None:
        """Read until every process is gone and the console closes."""
        while self.pipes.get_map():
            for key, _ in self.pipes.select():
                data = os.read(key.fd, 64 * 1024)
                if data and key.data:
                    self.take(key.fd, key.data, data)
                elif not data:
                    self.pipes.unregister(key.fd)
                    self.take(key.fd, key.data, b"\n" if self.partial.get(key.fd) else b"")
                    os.close(key.fd)

    def take(self, pipe: int, name: str, data: bytes) -> None:
        """Print the whole lines of what came in, keep the rest; an endless line is cut."""
        *whole, rest = (self.partial.get(pipe, b"") + data).split(b"\n")
        if len(rest) > LONGEST_LINE:
            whole, rest = [*whole, rest], b""
        self.partial[pipe] = rest
        for line in filter(bytes.strip, whole):
            self.say(line.decode("utf-8", "replace").rstrip("\r"), name)

    def say(self, text: str, name: str = "kith") -> None:
        """Print a line under a name; for a machine that reads JSON, one that is not JSON becomes it."""
        self.lines[name].append(text)
        if self.as_json:
            self.show(text if text.startswith("{") else json.dumps({"process": name, "event": text}))
            return
        label = f"{name:<8} |"
        label = f"\x1b[{COLOURS.get(name, 37)}m{label}\x1b[0m" if self.colour else label
        self.show(f"{label} {text}")

    def show(self, text: str) -> None:
        """Print a line as it is. Whoever closes our output wants no more lines, but the work goes on."""
        with self.printing, suppress(BrokenPipeError, ValueError):
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
