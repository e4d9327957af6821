"""The servers of one module of faults, Kith for each fault, and a mail server."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults.fixtures import django_db_setup, kith, servers, target  # noqa: F401  pytest finds them here
from tests.mailing import receiving


@pytest.fixture
def smtp() -> Iterator[Any]:
    """Run a mail server that keeps what it gets."""
    with receiving(SimpleNamespace()) as found:
        yield found
