"""The table of the documents' sentences in docs/documents.md, and the marks of the tests that hold them."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

__all__ = ["EVERY", "LATER", "held", "read", "written"]

TABLE = Path(__file__).parents[2] / "docs" / "documents.md"
# How many sentences each document has.
EVERY = {"S0": 81, "S1": 102, "S2": 27, "S3": 110, "S4": 38}
LATER = "later: "
# The number, the sentence (its bars are escaped) and what holds it.
ROW = re.compile(r"^\| (S\d-\d+) \| (.*) \| (.*?) ?\|$", re.MULTILINE)


def read() -> list[tuple[str, str]]:
    """Return the numbers in the table's order, each with its last column."""
    return [(number, held_by) for number, _, held_by in ROW.findall(TABLE.read_text())]


def held() -> dict[str, list[str]]:
    """Return the names of the tests that hold each number."""
    found: dict[str, list[str]] = {}
    for name, numbers in marks():
        for number in numbers:
            found.setdefault(number, []).append(name)
    return found


def marks() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every marked test of this folder with the numbers that it names."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for name, value in vars(import_module(f"tests.documents.{path.stem}")).items():
            for mark in getattr(value, "pytestmark", ()):
                if mark.name == "holds":
                    yield f"{path.stem}::{name}", mark.args


def written(tests: dict[str, list[str]]) -> None:
    """Write the last column anew: the tests that hold a number, or what stood there."""

    def row(found: re.Match[str]) -> str:
        number, sentence, before = found.groups()
        return f"| {number} | {sentence} | {', '.join(tests.get(number, [])) or left(before)} |"

    TABLE.write_text(ROW.sub(row, TABLE.read_text()))


def left(before: str) -> str:
    return before if before.startswith(LATER) else ""
