"""The webhooks room as Django sees it."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Names the room, and lets it hear of every commit that left events."""

    name = "webhooks"
    verbose_name = "Webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tenants.ledger import announce_by
        from webhooks import checks  # noqa: F401  registers the system checks
        from webhooks.pokes import poke

        announce_by(poke)
