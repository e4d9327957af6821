"""The five documents, one file of tests each; `docs/documents.md` says which test holds which of their sentences.

    @holds("S0-24", "S0-26")
    def test_it_allows_100_a_minute(acme: Caller) -> None: ...

After a change of the marks, `pytest tests/documents/test_table.py --write-table` writes the table's last column anew.
"""

import pytest

__all__ = ["holds"]

# Says which numbers of docs/documents.md a test holds. A number may stand at several tests, a test may hold several.
holds = pytest.mark.holds
