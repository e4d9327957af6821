"""Transition tables: which state may follow which, said once for each kind of record."""

from collections.abc import Mapping, Sequence

from crm.errors import InvalidTransition

__all__ = ["check_transition"]


def check_transition(table: Mapping[str, Sequence[str]], current: str, wanted: str) -> None:
    """Raise InvalidTransition unless the table lets `wanted` follow `current`."""
    allowed = table.get(current, ())
    if wanted not in allowed:
        raise InvalidTransition(current, wanted, allowed)
