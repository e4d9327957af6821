"""The two guards between tenants, and each of them alone."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest

from tenants.models import TenantQuerySet
from tenants.routing import using
from tests.routes import routes

__all__ = ["GUARDS", "policies_alone", "querysets_alone"]

Guard = Callable[[], AbstractContextManager[None]]


def querysets_alone() -> AbstractContextManager[None]:
    """Work as the owner of the tables, who passes by row-level security."""
    return using("owner")


@contextmanager
def policies_alone() -> Iterator[None]:
    """Let every query start from all tenants' rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TenantQuerySet, "of", everything)
        forget_statements()
        try:
            yield
        finally:
            forget_statements()


def everything(rows: Any, tenant: Any) -> Any:
    return rows.all()


def forget_statements() -> None:
    """Drop what the views have compiled while the other guard was up."""
    for route in routes():
        for view in route.view.siblings.values():
            view.statements.clear()


GUARDS: dict[str, Guard] = {"both": nullcontext, "querysets": querysets_alone, "policies": policies_alone}
