"""Pokes: a task started early. Where one gets lost, the clock's sweep finds the work in the database."""

from functools import partial
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction

from tenants.routing import alias

__all__ = ["poke"]


def poke(task: str, *arguments: Any) -> None:
    """Start a task, by its name, once the running transaction has committed; a broker that is away harms nobody."""
    send = partial(current_app.send_task, task, args=arguments, retry=False, **settings.SWEEP)
    transaction.on_commit(send, using=alias(), robust=True)
