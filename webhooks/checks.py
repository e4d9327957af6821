"""System checks of webhooks: no key is missing, and no network is open that leads to the machine itself."""

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from webhooks.resealing import keys_in_use
from webhooks.secrets import key_ids

__all__ = ["allowed_nets", "missing_keys"]

DANGEROUS = {
    "0.0.0.0/8": "this machine",
    "127.0.0.0/8": "this machine",
    "::/127": "this machine",
    "169.254.0.0/16": "link-local services, like the metadata of a cloud",
    "fe80::/10": "link-local services",
}


@register(Tags.security, deploy=True)
def allowed_nets(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse WEBHOOK_ALLOWED_NETS that reach the machine itself: good for trying out, never for serving."""
    return [
        Error(
            f"WEBHOOK_ALLOWED_NETS contains {net}, so that a tenant's webhooks may be sent to {what} ({dangerous}).",
            hint=f"Take {net} out, or narrow it to the networks that your receivers are in, like 10.20.0.0/16.",
            id="webhooks.E002",
        )
        for net in settings.WEBHOOK_ALLOWED_NETS
        for dangerous, what in DANGEROUS.items()
        if overlap(net, dangerous)
    ]


def overlap(net: str, dangerous: str) -> bool:
    """Tell whether two networks have an address in common."""
    one, other = ip_network(net, strict=False), ip_network(dangerous)
    return one.version == other.version and one.overlaps(other)


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
