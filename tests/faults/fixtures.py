"""The servers that a module of tests has for itself, and Kith on them: for all who stop, kill or starve its parts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.embedded import Embedded
from tests.faults.harness import Kith, Target, start_servers
from tests.webhooks.receiving import serving

__all__ = ["django_db_setup", "kith", "servers", "target"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> None:
    """Leave the servers of the run as they are: these tests have their own."""
    django_db_blocker.unblock()


@pytest.fixture(scope="module")
def servers(request: pytest.FixtureRequest, tmp_path_factory: Any, django_db_setup: None) -> Iterator[Embedded]:
    """Run a PostgreSQL and a Redis, migrated; those that a crash must not harm are run as in earnest."""
    home: Path = tmp_path_factory.mktemp("kith")
    with start_servers(home, fast=not getattr(request.module, "IN_EARNEST", False)) as found:
        yield found


@pytest.fixture
def target() -> Iterator[Target]:
    """Run a receiver of webhooks."""
    with serving(Target()) as found:
        yield found


@pytest.fixture
def kith(servers: Embedded, target: Target) -> Iterator[Kith]:
    """Return Kith, none of whose processes runs yet."""
    found = Kith(servers, target)
    yield found
    found.end()
