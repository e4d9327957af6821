"""The servers of one module of faults, and Kith for each fault."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.embedded import Embedded
from tests.faults.harness import Kith, Target, start_servers
from tests.mailing import receiving
from tests.webhooks.receiving import serving


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> None:
    """Leave the servers of the run as they are: faults have their own."""
    django_db_blocker.unblock()


@pytest.fixture(scope="module")
def servers(request: pytest.FixtureRequest, tmp_path_factory: Any, django_db_setup: None) -> Iterator[Embedded]:
    """Run servers of the module's own; those that a crash must not harm are run as in earnest."""
    home: Path = tmp_path_factory.mktemp("kith")
    with start_servers(home, fast=not getattr(request.module, "IN_EARNEST", False)) as found:
        yield found


@pytest.fixture
def kith(servers: Embedded) -> Iterator[Kith]:
    with serving(Target()) as target:
        found = Kith(servers, target)
        yield found
        found.end()


@pytest.fixture
def smtp() -> Iterator[Any]:
    """Run a mail server that keeps what it gets."""
    with receiving(SimpleNamespace()) as found:
        yield found
