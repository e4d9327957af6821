"""Says at the end of a run how many cases the cross-tenant matrix has asked."""

import logging
from collections.abc import Iterator

import pytest

CASES = pytest.StashKey[dict[str, int]]()


@pytest.fixture
def tally(pytestconfig: pytest.Config) -> dict[str, int]:
    """Return the number of cases by guard."""
    return pytestconfig.stash.setdefault(CASES, {})


@pytest.fixture
def quiet() -> Iterator[None]:
    """Thousands of requests need no log lines."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for guard, cases in config.stash.get(CASES, {}).items():
        terminalreporter.write_line(f"cross-tenant matrix, {guard}: {cases} cases")
