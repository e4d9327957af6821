"""The failures of the domain, as exceptions; crm/rest/problems.py alone turns them into answers.

Field names in Invalid and Conflict are canonical (`line_items.0.rate`), and so are names in {braces} in their
sentences; the contract of the answer words both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Conflict", "InUse", "Invalid", "InvalidTransition", "Problem", "Refusal", "Retryable", "Unreadable"]


@dataclass(frozen=True)
class Problem:
    """What went wrong: status, canonical code, sentence, messages by field, and more for the details."""

    status: int
    code: str
    message: str
    fields: Mapping[str, list[str]] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """A failure that already knows its problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class InUse(Exception):
    """A record that others refer to: `counts` says how many of what."""

    def __init__(self, record: Any, counts: Mapping[str, int]) -> None:
        super().__init__(f"{record} is in use")
        self.record, self.counts = record, counts


class InvalidTransition(Exception):
    """A state that may not follow the current one; `allowed` lists those that may."""

    def __init__(self, current: str, wanted: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{current} -> {wanted}")
        self.current, self.wanted, self.allowed = current, wanted, allowed


class Retryable(Exception):
    """The transaction failed in a way that one more try may heal."""


class Invalid(Refusal):
    """A 400: the request is understood and does not fit; `fields` says which of the record's fields."""

    def __init__(self, message: str, *fields: str) -> None:
        super().__init__(Problem(400, "VALIDATION_ERROR", message, {name: [message] for name in fields}))


class Unreadable(Refusal):
    """A body that cannot be taken in."""

    def __init__(self, status: int, message: str, *, code: str = "VALIDATION_ERROR") -> None:
        super().__init__(Problem(status, code, message))


class Conflict(Refusal):
    """A 409 (or 412): the request is fine, and the record's state stands against it, or against some of its fields."""

    def __init__(self, message: str, *fields: str, status: int = 409, code: str = "CONFLICT", **details: Any) -> None:
        super().__init__(Problem(status, code, message, {name: [message] for name in fields}, details))
