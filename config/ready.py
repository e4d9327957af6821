"""The sign by which the worker and the clock say that they are ready: a file in the data folder."""

from pathlib import Path


def ready_file(home: Path, name: str) -> Path:
    """Return where the sign of one process lies."""
    return home / f"{name}.ready"
