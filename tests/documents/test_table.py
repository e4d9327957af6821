"""The table of docs/documents.md: every number is there once, with the tests that hold it or why it comes later."""

import pytest

from tests.documents.table import EVERY, LATER, held, read, written


@pytest.fixture(autouse=True)
def renewed(pytestconfig: pytest.Config) -> None:
    """Write the table anew first, when asked to."""
    if pytestconfig.getoption("write_table"):
        written(held())


def test_it_lists_every_number_once_and_in_order() -> None:
    every = [f"{document}-{number}" for document, last in EVERY.items() for number in range(1, last + 1)]
    assert [number for number, _ in read()] == every
    assert set(held()) <= set(every)


def test_it_names_the_tests_that_hold_a_number_or_why_it_comes_later() -> None:
    tests = {number: ", ".join(names) for number, names in held().items()}
    wrong = [
        (number, held_by)
        for number, held_by in read()
        if held_by != tests.get(number) and (number in tests or not held_by.startswith(LATER))
    ]
    assert not wrong, "Mark a test with @holds, or say why it comes later; then run with --write-table."
