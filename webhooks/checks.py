"""System check of the key ring: a key that is missing stops the start, not the deliveries of tomorrow."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from webhooks.resealing import keys_in_use
from webhooks.secrets import key_ids

__all__ = ["missing_keys"]


@register(Tags.database)
def missing_keys(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to start while the database holds a text under a key that the ring has not."""
    if "default" not in (databases or ()):
        return []
    hint = "Put it back, after the first key; see Keys at rest in docs/operations.md."
    return [
        Error(f"ENCRYPTION_KEYS lacks the key {name}, which seals {count} secrets.", hint=hint, id="webhooks.E001")
        for name, count in sorted(keys_in_use().items())
        if name not in key_ids()
    ]
