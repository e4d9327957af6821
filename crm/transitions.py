"""Transition tables: which state may follow which, said once for each kind of record."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from crm.errors import InvalidTransition

__all__ = ["check_transition", "note_completion"]


def check_transition(table: Mapping[str, Sequence[str]], current: str, wanted: str) -> None:
    """Raise InvalidTransition unless the table lets `wanted` follow `current`."""
    allowed = table.get(current, ())
    if wanted not in allowed:
        raise InvalidTransition(current, wanted, allowed)


def note_completion(record: Any) -> None:
    """Let `completed_at` say since when the record is completed, and nothing while it is not."""
    if record.status != "completed":
        record.completed_at = None
    elif record.completed_at is None:
        record.completed_at = timezone.now()
