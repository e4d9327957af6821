"""Loads the Celery app together with Django, so that every task finds it."""

from django.apps import AppConfig

from config.celery import app


class ConfigConfig(AppConfig):
    """The configuration room."""

    name = "config"
    verbose_name = "Configuration"
    celery = app
