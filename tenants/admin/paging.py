"""Pages of long lists: counted up to a bound, since nobody reads page 400 of a log."""

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

__all__ = ["BoundedPaginator"]

MOST = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Django's paginator, except that it stops counting at MOST rows: a count must not read a whole ledger."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, at most MOST."""
        rows: Any = self.object_list
        return int(rows.order_by()[:MOST].count())
