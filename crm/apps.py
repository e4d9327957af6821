"""The crm room as Django sees it."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    """Names the room, and wakes it when Django is ready."""

    name = "crm"
    verbose_name = "CRM"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from crm.registry import start

        start()
