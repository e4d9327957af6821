"""The apikeys room as Django sees it."""

from django.apps import AppConfig


class ApikeysConfig(AppConfig):
    """Names the room."""

    name = "apikeys"
    verbose_name = "API keys"
    default_auto_field = "django.db.models.BigAutoField"
