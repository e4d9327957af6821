"""A pytest plugin: every process of tests has its own PostgreSQL and Redis, in a folder that is deleted at the end.

One for each, as xdist's processes would meet in one: what crosses tenants by design would do the other's work, and as
PostgreSQL's snapshots know no databases, a transaction that the one keeps open would hold up the other's feed.
"""

import os
import shutil
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Generator
from pathlib import Path

import pytest

from config.embedded import Embedded

# The first seals; the others are there for the tests of rotation, so that no other process ever misses them.
RING = tuple(urlsafe_b64encode(text.ljust(32).encode()).decode() for text in ("for tests only", "old", "older"))
PREFIX = "kith-test-"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Start the servers before anybody reads Django's settings; addresses that were given are used as they are."""
    # Nobody chooses between the web servers of tests, unless a test does.
    os.environ.setdefault("DRAIN_SECONDS", "0")
    own = os.environ.get("KITH_HOME", "").rpartition("/")[2].startswith(PREFIX)
    if ("DATABASE_URL" not in os.environ or own) and not early_config.known_args_namespace.help:
        start(early_config)
    return (yield)


def start(config: pytest.Config) -> None:
    """Start the servers, and put their addresses where the settings look for them."""
    home = Path(tempfile.mkdtemp(prefix=PREFIX))
    home.chmod(0o755)
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    servers = Embedded(home, fast=True)
    config.add_cleanup(servers.stop)
    servers.start()
    os.environ.update(servers.urls)
    os.environ.update(KITH_HOME=str(home), SECRET_KEY="a key for tests only", LOG_FORMAT="json")
    os.environ.update(ENCRYPTION_KEYS=",".join(RING))
