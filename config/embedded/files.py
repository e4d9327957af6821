"""Keeps the lines of the servers in files, where nobody watches them on a console."""

import os
from pathlib import Path


class FileLog:
    """One file for each process, in the data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, name: str) -> int:
        """Return a file descriptor to write to; the caller closes it."""
        return os.open(self.folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def tail(self, name: str) -> str:
        """Return the last lines of a process."""
        lines = (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return " | ".join(lines[-3:]) or "it said nothing"
