"""The webhooks room as Django sees it."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Names the room, and wakes it when Django is ready."""

    name = "webhooks"
    verbose_name = "Webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from webhooks import checks  # noqa: F401  registers the system checks
