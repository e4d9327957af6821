"""Runs the real `manage.py` in a data folder of its own, the way a person does."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from config.env import BASE, SETTINGS

PATIENCE_SECONDS = 60


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environ(home: Path, extra: Mapping[str, str] = {}) -> dict[str, str]:
    """Return our environment without the settings of the test run."""
    names = {setting.name for setting in SETTINGS}
    plain = {name: value for name, value in os.environ.items() if name not in names}
    return {**plain, "KITH_HOME": str(home), **extra}


def manage(home: Path, *args: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    command = (sys.executable, "manage.py", *args)
    environ = clean_environ(home, extra)
    return subprocess.run(
        command, cwd=BASE, env=environ, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )


class Trial:
    """One `manage.py up`, born deaf to SIGINT as behind a shell's `&`."""

    def __init__(self, home: Path, **extra: str) -> None:
        self.home = home
        self.output = home.parent / f"{home.name}.{time.monotonic_ns()}.out"
        self.port = free_port()
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                (sys.executable, "manage.py", "up", "--no-demo", "--port", str(self.port)),
                cwd=BASE,
                env=clean_environ(home, extra),
                stdout=file,
                stderr=subprocess.STDOUT,
                # Safe beside threads: it makes one system call.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509
            )

    @property
    def text(self) -> str:
        """What was printed so far."""
        return self.output.read_text(encoding="utf-8")

    def wait_ready(self) -> None:
        """Wait for the lines that say so."""
        self.wait_for("\nadmin: ")

    def wait_for(self, words: str) -> None:
        """Wait until something was printed."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while words not in self.text:
            assert self.process.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(0.05)

    def family(self) -> list[psutil.Process]:
        """Return every process that was started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, name: str) -> psutil.Process:
        """Return the first process with a word in its command line."""
        return next(child for child in self.family() if name in " ".join(child.cmdline()))

    def stop(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


def is_free(port: int) -> bool:
    """Say whether nobody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
