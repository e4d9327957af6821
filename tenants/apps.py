"""The tenants room as Django sees it."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Names the room, and wakes it when Django is ready."""

    name = "tenants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tenants import checks  # noqa: F401  registers the system checks
