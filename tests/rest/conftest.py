"""Callers of contracts that only tests know."""

import pytest

from tests.conftest import Caller


@pytest.fixture
def kunde(acme: Caller) -> Caller:
    """Return Acme as a caller of the made-up contract."""
    return Caller(acme.tenant, acme.key, "/kunde/v9")
