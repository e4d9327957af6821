"""Transition tables: which state may follow which, said once for each kind of record."""

from collections.abc import Mapping, Sequence

__all__ = ["InvalidTransition", "check_transition"]


class InvalidTransition(Exception):
    """A state that may not follow the current one; `allowed` lists those that may."""

    def __init__(self, current: str, wanted: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{current} -> {wanted}")
        self.current, self.wanted, self.allowed = current, wanted, allowed


def check_transition(table: Mapping[str, Sequence[str]], current: str, wanted: str) -> None:
    """Raise InvalidTransition unless the table lets `wanted` follow `current`."""
    allowed = table.get(current, ())
    if wanted not in allowed:
        raise InvalidTransition(current, wanted, allowed)
