"""Statements of the owner of the tables."""

from typing import Any

from django.db import connections

__all__ = ["as_owner"]


def as_owner(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """Run a statement that row-level security does not bind; return its rows."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql, params or None)
        return cursor.fetchall() if cursor.description else []
