"""The one error that keeps Kith from starting."""

from django.core.exceptions import ImproperlyConfigured


class StartError(ImproperlyConfigured):
    """Kith cannot start. The text is one sentence for the person at the keyboard: the cause and the cure."""
