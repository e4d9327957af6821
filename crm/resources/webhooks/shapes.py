"""What commands of webhooks take, and what their answers hold that is no record."""

from typing import Any

from rest_framework import serializers

from crm.resources.webhooks.fields import EventsField
from crm.rest.fields import DecimalField, StrictBoolean, StrictChar, StrictChoice, StrictInteger
from crm.rest.serializers import Shape
from webhooks.endpoints import GRACE, GRACE_LIMIT
from webhooks.history import NEVER_SENT
from webhooks.models import Delivery

__all__ = ["EnableSerializer", "GapSerializer", "PreviewSerializer", "ReplaySerializer", "RotateSerializer",
           "StatsSerializer"]  # fmt: skip

Moment = serializers.DateTimeField
SENT = [status for status in Delivery.Status.values if status != Delivery.Status.DELIVERED]


class EnableSerializer(Shape):
    """How a webhook goes on."""

    pending = StrictChoice(
        ["send", "skip"], default="send", help_text="What becomes of the deliveries that waited: sent, or given up."
    )


class RotateSerializer(Shape):
    """How long the old secret is good for."""

    grace_seconds = StrictInteger(
        min_value=0,
        max_value=int(GRACE_LIMIT.total_seconds()),
        default=int(GRACE.total_seconds()),
        help_text="How long deliveries are signed with the old secret too; 0 ends it at once.",
    )


class ReplaySerializer(Shape):
    """Which events to send again."""

    since = Moment(required=False, allow_null=True, help_text="From when on, at most 14 days ago; a day unless told.")
    until = Moment(required=False, allow_null=True, help_text="Until when; now unless told.")
    only_failed = StrictBoolean(default=True, help_text="Whether to leave out what was acknowledged.")
    events = EventsField(required=False, help_text="Only these, as a {webhook} asks for {events}; all unless told.")
    dry_run = StrictBoolean(default=False, help_text="Whether only to tell how many and which.")


class ChosenSerializer(Shape):
    """An event that a replay would send."""

    id = StrictChar(help_text="The event's id.")
    type = StrictChar(help_text="Like invoice.sent.")
    occurred_at = Moment(help_text="When it happened.")


class PreviewSerializer(Shape):
    """What a replay would send."""

    example = {
        "total": 1,
        "events": [
            {
                "id": "evt_01kb1z5dphf8fst3ka5pe7tkh1",
                "type": "invoice.sent",
                "occurred_at": "2026-01-31T12:00:00Z",
            }
        ],
    }

    total = StrictInteger(help_text="How many events.")
    events = ChosenSerializer(many=True, help_text="The first 100 of them.")


class StatsSerializer(Shape):
    """How a webhook was answered in the last 24 hours, and how it stands."""

    example = {
        "attempts": 1250, "succeeded": 1248, "failed": 2, "success_rate": "0.9984", "p50_ms": 38, "p95_ms": 140,
        "backlog": 0, "failures": 0, "last_success_at": "2026-01-31T12:00:00Z",
    }  # fmt: skip

    attempts = StrictInteger(help_text="Attempts that ended.")
    succeeded = StrictInteger(help_text="Those that were answered with a 2xx.")
    failed = StrictInteger(help_text="All others.")
    success_rate: Any = DecimalField(allow_null=True, help_text="The share that succeeded, 0 to 1; null without any.")
    p50_ms = StrictInteger(allow_null=True, help_text="Half of the attempts took at most so many milliseconds.")
    p95_ms = StrictInteger(allow_null=True, help_text="95 in 100 took at most so many.")
    backlog = StrictInteger(help_text="Deliveries that wait for their next attempt.")
    oldest_due_at = Moment(allow_null=True, help_text="When the first of them is or was due.")
    circuit = StrictChoice(
        ["closed", "open", "half_open"],
        help_text="open while it rests after many failures, half_open while it is tried again.",
    )
    failing_since = Moment(allow_null=True, help_text="Since when it has failed without a success.")
    failures = StrictInteger(help_text="Failed attempts in a row.")
    last_success_at = Moment(allow_null=True, help_text="When it was last answered with a 2xx.")


class GapSerializer(Shape):
    """An event that a webhook has not acknowledged."""

    example = {"id": "evt_01kb1z5dphf8fst3ka5pe7tkh1", "type": "invoice.sent"}

    id = StrictChar(help_text="The event's id: GET /events has the event.")
    type = StrictChar(help_text="Like invoice.sent.")
    occurred_at = Moment(help_text="When it happened.")
    state = StrictChoice([NEVER_SENT, *SENT], help_text="What became of its latest delivery.")
