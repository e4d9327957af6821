"""How endpoints and deliveries look on a page: their words in the colours of what they mean."""

from django.utils.html import format_html

from tenants.admin import show
from webhooks.health import FAILING, HEALTHY, OFF, OPEN, Health
from webhooks.models import Delivery

__all__ = ["STATE_TONES", "health_badge", "status_badge", "word_badge"]

TONES = {HEALTHY: "good", FAILING: "bad", OPEN: "bad", OFF: "plain"}
STATUS_TONES = {"delivered": "good", "pending": "info", "exhausted": "bad", "poisoned": "bad", "skipped": "plain"}
STATE_TONES = {"succeeded": "good", "failed": "bad", "unknown": "warn", "started": "info"}


def health_badge(health: Health) -> str:
    """Return the word in its colour, with what goes with it."""
    badge, more = word_badge(health), health.more
    return format_html('{} <span class="kith-faint">{}</span>', badge, more) if more else badge


def word_badge(health: Health) -> str:
    """Return the word alone."""
    return show.badge(health.word, "bad" if health.bad else TONES.get(health.word, "plain"))


def status_badge(delivery: Delivery) -> str:
    """Return the status of a delivery; one that has failed and is tried again in the colour of a warning."""
    retried = delivery.status == Delivery.Status.PENDING and delivery.attempts
    return show.badge(delivery.status, "warn" if retried else STATUS_TONES[delivery.status])
