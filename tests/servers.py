"""A pytest plugin that gives every test run its own PostgreSQL and Redis, in a folder that is deleted at the end."""

import os
import shutil
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from config.embedded import Embedded
from config.env import DATABASE_URLS

# The first seals; the others are there for the tests of rotation, so that no other process ever misses them.
RING = tuple(urlsafe_b64encode(text.ljust(32).encode()).decode() for text in ("for tests only", "old", "older"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Start the servers before anybody reads Django's settings. Workers of xdist inherit their addresses."""
    if "DATABASE_URL" not in os.environ and not early_config.known_args_namespace.help:
        start(early_config)
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        move_to(f"kith_{worker}")
    return (yield)


def move_to(name: str) -> None:
    """Work in a database of one's own: what crosses tenants by design would do the other worker's work."""
    with psycopg.connect(os.environ["DATABASE_MIGRATION_URL"], autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    for setting in DATABASE_URLS:
        os.environ[setting] = f"{os.environ[setting].rpartition('/')[0]}/{name}"


def start(config: pytest.Config) -> None:
    """Start the servers, and put their addresses where the settings look for them."""
    home = Path(tempfile.mkdtemp(prefix="kith-test-"))
    home.chmod(0o755)
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    servers = Embedded(home, fast=True)
    config.add_cleanup(servers.stop)
    servers.start()
    os.environ.update(servers.urls)
    os.environ.update(KITH_HOME=str(home), SECRET_KEY="a key for tests only", LOG_FORMAT="json")
    os.environ.update(ENCRYPTION_KEYS=",".join(RING))
