"""Endpoints and what is sent to them: deliveries, their attempts, and the jobs that send again."""

from uuid import UUID

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models.functions import Now

from tenants import ids
from tenants.models import Tenant, TenantManager, TenantModel, TenantRow

__all__ = ["Attempt", "Delivery", "Endpoint", "EndpointSecret", "Lane", "Replay"]

MOST_PATTERNS = 100


class Endpoint(TenantModel):
    """An address that is told what happens; what it may hear is what its maker may read."""

    class Signing(models.TextChoices):
        HMAC = "v1", "One shared secret (HMAC-SHA256)"
        ED25519 = "v1a", "A public key (ed25519)"

    url = models.CharField(max_length=2048, help_text="Where events are posted: https, reachable from the internet.")
    description = models.CharField(max_length=500, null=True, help_text="What it is for.")
    events = models.JSONField(
        default=list,
        validators=[MaxLengthValidator(MOST_PATTERNS)],
        help_text="Which events are sent: types like invoice.paid, all of a kind like invoice.*, or * for everything.",
    )
    active = models.BooleanField(default=True, help_text="Whether events are sent; what is switched off keeps its log.")
    headers_sealed = models.TextField(blank=True, editable=False)
    metadata = models.JSONField(default=dict, help_text="Anything of your own; it is kept and never sent.")
    ordered = models.BooleanField(
        default=False,
        help_text="Whether the events of one record wait for one another: in order, and slower where something fails.",
    )
    signing = models.CharField(
        max_length=3,
        choices=Signing,
        default=Signing.HMAC,
        help_text="v1 signs with a shared secret, v1a with a key whose public half is published.",
    )
    public_key = models.CharField(
        max_length=60, null=True, editable=False, help_text="What v1a signatures are verified with; null for v1."
    )
    contract = models.CharField(
        max_length=20, editable=False, help_text="In whose words events are said: those of the API that it was made on."
    )
    # Whose rights it has: fixed when it is made, until somebody else takes it over.
    maker_id = models.UUIDField(null=True, editable=False)
    maker_label = models.CharField(
        max_length=200, blank=True, editable=False, help_text="Whose rights it has: it hears what they may read."
    )
    scopes = models.JSONField(default=list, editable=False)
    disabled_reason = models.CharField(
        max_length=200, null=True, editable=False, help_text="Why Kith switched it off; null where it did not."
    )

    tenant_id: UUID

    instead_of_deleting = 'Switch it off instead: PATCH {"{active}": false}.'

    class Meta:
        verbose_name = "webhook"
        verbose_name_plural = "webhooks"
        indexes = [models.Index(fields=["tenant", "-created_at", "-id"], name="endpoint_latest")]

    def __str__(self) -> str:
        return self.url


class EndpointSecret(TenantRow):
    """A secret that signs, sealed; an old one signs along until it expires."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="secrets", db_constraint=False)
    kind = models.CharField(max_length=3, choices=Endpoint.Signing)
    sealed = models.TextField()
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["tenant", "endpoint"], name="secret_endpoint")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.endpoint_id}"


class Lane(TenantRow):
    """The hot state of one endpoint: when it is due, who works on it, and how it has answered."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    next_due_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    lease_owner = models.UUIDField(null=True)
    last_served_at = models.DateTimeField(db_default=Now())
    # The circuit: what happened in the running window, and since when and how often it is open.
    window_at = models.DateTimeField(db_default=Now())
    window_total = models.PositiveIntegerField(default=0)
    window_failed = models.PositiveIntegerField(default=0)
    opened = models.PositiveSmallIntegerField(default=0)
    open_until = models.DateTimeField(null=True)
    # Above zero while one of the last twenty answers took long: more than one in twenty is a slow p95.
    slow_marks = models.PositiveSmallIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    warned_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "endpoint"], name="lane_once")]
        indexes = [models.Index(fields=["next_due_at"], name="lane_due")]

    def __str__(self) -> str:
        return f"lane of {self.endpoint_id}"


class Delivery(models.Model):
    """One event on its way to one endpoint; a replay is a delivery of its own with the same webhook-id.

    The table is partitioned by the month of the event, and forgets by dropping partitions. It names events and
    endpoints without keys: the history of an endpoint outlives it.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        EXHAUSTED = "exhausted"
        POISONED = "poisoned"
        SKIPPED = "skipped"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+", editable=False)
    endpoint_id = models.UUIDField()
    event_id = models.UUIDField(help_text="It is the webhook-id of each attempt, and of each replay.")
    type = models.CharField(max_length=80)
    record_id = models.UUIDField()
    record_version = models.PositiveIntegerField()
    replay_no = models.PositiveIntegerField(default=0, help_text="0 for the first delivery of the event.")
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How many have ended, of ten.")
    # Also those whose worker was lost before they ended.
    starts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    status_code = models.PositiveSmallIntegerField(null=True, help_text="Of the last answer.")
    failure = models.CharField(max_length=200, blank=True, help_text="Of the last attempt.")

    tenant_id: UUID

    objects = TenantManager()
    every_tenant = models.Manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "endpoint_id", "event_id", "replay_no"], name="delivery_once")
        ]
        indexes = [
            models.Index(
                fields=["tenant", "endpoint_id", "due_at"],
                condition=models.Q(status="pending", replay_no=0),
                name="delivery_due",
            ),
            models.Index(
                fields=["tenant", "endpoint_id", "due_at"],
                condition=models.Q(status="pending", replay_no__gt=0),
                name="delivery_again",
            ),
            models.Index(
                fields=["tenant", "endpoint_id", "record_id", "record_version"],
                condition=models.Q(status="pending"),
                name="delivery_line",
            ),
            models.Index(fields=["tenant", "endpoint_id", "-created_at", "-id"], name="delivery_latest"),
            # Across tenants, for whoever watches over Kith as a whole.
            models.Index(
                fields=["finished_at"],
                condition=models.Q(status__in=["exhausted", "poisoned"]),
                name="delivery_given_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type}: {self.status}"


class Attempt(models.Model):
    """One POST: written down before it is sent, so that one whose worker is lost counts too."""

    class State(models.TextChoices):
        STARTED = "started"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        UNKNOWN = "unknown"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+", editable=False)
    endpoint_id = models.UUIDField()
    delivery_id = models.UUIDField()
    number = models.PositiveSmallIntegerField(help_text="1 for the first.")
    state = models.CharField(max_length=9, choices=State, default=State.STARTED)
    started_at = models.DateTimeField(db_default=Now())
    duration_ms = models.PositiveIntegerField(null=True)
    status_code = models.PositiveSmallIntegerField(null=True)
    failure = models.CharField(max_length=200, blank=True)
    answer_headers = models.JSONField(default=dict)
    answer = models.TextField(blank=True, help_text="At most 16 KiB of what the receiver said.")

    tenant_id: UUID

    objects = TenantManager()
    every_tenant = models.Manager()

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "delivery_id", "id"], name="attempt_delivery"),
            models.Index(fields=["tenant", "endpoint_id", "-started_at"], name="attempt_endpoint"),
            models.Index(fields=["tenant", "endpoint_id"], condition=models.Q(state="started"), name="attempt_started"),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.state}"


class Replay(TenantRow):
    """A job that sends events of a window again, some at a time; it can go on wherever it was interrupted."""

    class Status(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    since = models.DateTimeField()
    until = models.DateTimeField()
    only_failed = models.BooleanField(default=True)
    events = models.JSONField(default=list)
    status = models.CharField(max_length=9, choices=Status, default=Status.RUNNING)
    total = models.PositiveIntegerField(help_text="How many events it sends.")
    made = models.PositiveIntegerField(default=0, help_text="How many of them are on their way.")
    # The last event that was taken: the next comes behind it in commit order.
    after_txid = models.BigIntegerField(default=0)
    after_id = models.UUIDField(default=UUID(int=0))
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    actor_label = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "endpoint", "-created_at"], name="replay_endpoint"),
            models.Index(fields=["created_at"], condition=models.Q(status="running"), name="replay_running"),
        ]

    def __str__(self) -> str:
        return f"{self.made} of {self.total}"
