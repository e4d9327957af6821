"""The last look before a process may serve: Django's checks, ours among them, with the database in front of them."""

from django.core.checks import CheckMessage, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from tenants.routing import STAFF

__all__ = ["refuse_unsafe"]


def refuse_unsafe() -> None:
    """Raise ImproperlyConfigured when a check finds an error: an unguarded table, an unbound relation, a wrong role."""
    errors = [message for message in run_checks(databases=["default"]) if message.is_serious()]
    # A check looked through it; whoever serves the API alone needs no second connection.
    connections[STAFF].close()
    if errors:
        raise ImproperlyConfigured("Kith refuses to start: " + " ".join(map(sentence, errors)))


def sentence(message: CheckMessage) -> str:
    hint = f" {message.hint}" if message.hint else ""
    return f"{message.msg}{hint} ({message.id})"
