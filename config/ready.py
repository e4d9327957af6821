"""How processes say whether they are ready: the worker and the clock by a file, the web server on /readyz."""

from pathlib import Path

# What the web server puts into a request's environment once it has been asked to end.
DRAINING = "kith.draining"


def ready_file(home: Path, name: str) -> Path:
    """Return where the sign of one process lies."""
    return home / f"{name}.ready"
