"""Deliveries, their attempts, and replays on the wire: the log of an endpoint, written by the engine alone."""

from typing import Any, ClassVar

from django.http import HttpResponse

from crm.resources.events.api import WordField
from crm.resources.webhooks import rules
from crm.resources.webhooks.fields import EventsField
from crm.rest.bodies import answer
from crm.rest.fields import IdField, StrictInteger
from crm.rest.filters import IdFilter, MomentFilter, ResourceFilterSet, WordFilter
from crm.rest.metadata import telling
from crm.rest.serializers import ResourceSerializer
from crm.rest.viewset import Include, ResourceViewSet
from crm.rest.writes import command
from webhooks import replay
from webhooks.models import Attempt, Delivery, Replay

__all__ = ["AttemptViewSet", "DeliveryViewSet", "ReplayViewSet"]


class SinceFilter(MomentFilter):
    """Filter by a time from which on."""

    operators = {"eq": "gte"}


class LogViewSet(ResourceViewSet):
    """What belongs to a webhook, whose scopes it takes; it has no versions, and no history of its own."""

    scope_name = "webhooks"
    versioned = False
    ordering_fields = ("created_at",)
    moments = ("created_at", "created_at")
    methods: ClassVar[tuple[str, ...]] = ("retrieve",)
    events: Any = None

    def show(self, record: Any, *, status: int = 200, **more: str) -> HttpResponse:
        """Return the record as it now is."""
        return answer(self.contract.envelope(data=self.plan.of_instance(record), **more), status=status)


class AttemptSerializer(ResourceSerializer):
    """One POST to a webhook."""

    id = IdField("att")

    class Meta:
        model = Attempt
        fields = [
            "id", "number", "state", "started_at", "duration_ms", "status_code", "failure", "answer_headers", "answer",
        ]  # fmt: skip
        read_only_fields = fields
        extra_kwargs = {
            "state": {"help_text": "started while it runs; unknown where its worker was lost."},
            "started_at": {"help_text": "When it began."},
            "duration_ms": {"help_text": "How long it took, in milliseconds."},
            "status_code": {"help_text": "Of the answer; null without one."},
            "failure": {"help_text": "Why it failed; empty where it did not."},
            "answer_headers": {"help_text": "A few of the answer's headers."},
        }


class AttemptFilter(ResourceFilterSet):
    """Attempts are read inside their delivery."""

    class Meta:
        model = Attempt
        fields = ["number"]


class AttemptViewSet(LogViewSet):
    """The attempts of a delivery."""

    resource, plural, prefix = "attempt", "attempts", "att"
    model = Attempt
    version_field = "number"
    serializer_class = AttemptSerializer
    filterset_class = AttemptFilter
    ordering_fields, ordering = ("number",), ("number",)
    moments = ("started_at", "started_at")
    methods = ()


class DeliverySerializer(ResourceSerializer):
    """One event on its way to one webhook."""

    id = IdField("dlv")
    webhook_id = IdField("whk", source="endpoint_id", help_text="The {webhook} that it goes to.")
    event_id = IdField("evt", help_text="The event, and the webhook-id of each attempt and of each replay.")
    type = WordField(read_only=True, help_text="Like invoice.sent; ping for a test.")
    attempt_count = StrictInteger(source="attempts", read_only=True, help_text="How many attempts have ended, of ten.")

    class Meta:
        model = Delivery
        fields = [
            "id", "webhook_id", "event_id", "type", "replay_no", "status", "attempt_count", "due_at", "status_code",
            "failure", "created_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields
        extra_kwargs = {
            "status": {"help_text": "pending while there will be an attempt; exhausted when there will be no more."},
            "due_at": {"help_text": "When the next attempt is due, while it is pending."},
            "created_at": {"help_text": "When it was made."},
            "finished_at": {"help_text": "When its last attempt ended, or it was skipped."},
        }


class DeliveryFilter(ResourceFilterSet):
    """What deliveries can be filtered by."""

    id = IdFilter(prefix="dlv")
    event_id = IdFilter(prefix="evt")
    type = WordFilter()
    event = WordFilter(field_name="type")
    since = SinceFilter(field_name="created_at")

    class Meta:
        model = Delivery
        fields = ["status", "replay_no", "status_code", "created_at"]


class DeliveryViewSet(LogViewSet):
    """What was sent to webhooks: one delivery for each event, with all attempts. They are kept for 90 days."""

    resource, plural, prefix = "delivery", "deliveries", "dlv"
    model = Delivery
    version_field = "replay_no"
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilter
    includes = {"attempts": Include("attempts", back="delivery_id")}
    always = ("attempts",)
    example = {"type": "invoice.sent", "status": "delivered", "attempt_count": 1, "status_code": 204, "failure": ""}

    @telling(gives={201: "deliveries"}, fails=(409,))
    @command(event=None)
    def replay(self, delivery: Delivery) -> HttpResponse:
        """Send a record's event again, at once.

        It is a new record with the same event, and so with the same webhook-id.
        """
        return self.show(rules.replay_delivery(delivery, actor=self.actor), status=201)


class ReplaySerializer(ResourceSerializer):
    """A job that sends the events of a window again."""

    id = IdField("rpl")
    webhook_id = IdField("whk", source="endpoint_id", help_text="The {webhook} that they go to.")
    events = EventsField(read_only=True, help_text="The only ones that are sent; none: all that it asks for.")

    class Meta:
        model = Replay
        fields = [
            "id", "webhook_id", "status", "total", "made", "since", "until", "only_failed", "events", "actor_label",
            "created_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields
        extra_kwargs = {
            "status": {"help_text": "running, done or cancelled."},
            "since": {"help_text": "From when on."},
            "until": {"help_text": "Until when."},
            "only_failed": {"help_text": "Whether what was acknowledged is left out."},
            "actor_label": {"help_text": "Who began it."},
            "created_at": {"help_text": "When it began."},
            "finished_at": {"help_text": "When it ended."},
        }


class ReplayFilter(ResourceFilterSet):
    """What replays can be filtered by."""

    id = IdFilter(prefix="rpl")

    class Meta:
        model = Replay
        fields = ["status", "created_at"]


class ReplayViewSet(LogViewSet):
    """Jobs that send the events of a window again, with their progress; at most 50 events a second."""

    resource, plural, prefix = "replay", "replays", "rpl"
    model = Replay
    version_field = "made"
    serializer_class = ReplaySerializer
    filterset_class = ReplayFilter
    example = {"status": "running", "total": 1250, "made": 500, "only_failed": True, "events": []}

    @command(event=None)
    def cancel(self, job: Replay) -> None:
        """Stop a record: what is on its way is sent, and nothing more. One that is over stays as it is."""
        replay.cancel(job, actor=self.actor)
