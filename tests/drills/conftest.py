"""The servers that the drills run Kith on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.embedded import Embedded
from tests.faults.harness import start_servers


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> None:
    """Leave the servers of the run as they are: drills have their own."""
    django_db_blocker.unblock()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: Any, django_db_setup: None) -> Iterator[Embedded]:
    """Run a PostgreSQL and a Redis of the module's own, migrated; the connections of the tests lead to them."""
    home: Path = tmp_path_factory.mktemp("kith")
    with start_servers(home, fast=True) as found:
        yield found
