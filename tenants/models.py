"""Plans, tenants, members, and the base of every table that belongs to a tenant."""

from functools import lru_cache
from typing import Any, Self, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import connections, models
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Lower, Now
from django.utils import timezone

from tenants import ids, scope
from tenants.routing import alias
from tenants.statements import fetch

__all__ = ["Environment", "Member", "Plan", "Tenant", "TenantManager", "TenantModel", "TenantQuerySet", "TenantRow"]

SLUG = r"^[a-z][a-z0-9-]{1,38}[a-z0-9]$"
# Names that an installation needs for hosts and paths of its own.
RESERVED_SLUGS = frozenset(
    "admin api app assets auth billing blog cdn dashboard dev docs ftp health help internal kith login mail media "
    "metrics ns1 ns2 public root sandbox security smtp staging static status support system test www".split()
)
M = TypeVar("M", bound=models.Model)


class Environment(models.TextChoices):
    """The two sides of a tenant; isolation between them is the isolation between tenants."""

    LIVE = "live"
    TEST = "test"


class Plan(models.Model):
    """What a tenant may use: requests per window; an empty window has no limit."""

    code = models.SlugField(primary_key=True, max_length=20)
    name = models.CharField(max_length=50)
    per_minute = models.PositiveIntegerField(null=True, blank=True)
    per_day = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["per_minute"]

    def __str__(self) -> str:
        return self.name


class Tenant(models.Model):
    """One side, live or sandbox, of a customer of this installation; the slug never changes."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    slug = models.CharField(max_length=40, validators=[RegexValidator(SLUG)], help_text="Stable for life.")
    environment = models.CharField(max_length=4, choices=Environment, default=Environment.LIVE)
    live = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="sandbox",
        help_text="Empty on the live side.",
    )
    name = models.CharField(max_length=200)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, default="standard")
    country = models.CharField(
        max_length=2, default="US", help_text="ISO 3166-1; decides how local phone numbers are read."
    )
    currency = models.CharField(max_length=3, default="USD", help_text="ISO 4217; the default of new records.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug", "environment"]
        constraints = [
            models.UniqueConstraint(fields=["slug", "environment"], name="tenant_slug"),
            models.CheckConstraint(condition=models.Q(slug__regex=SLUG), name="tenant_slug_shape"),
            models.CheckConstraint(
                condition=models.Q(environment="live", live=None) | models.Q(environment="test", live__isnull=False),
                name="tenant_sides",
            ),
        ]

    def __str__(self) -> str:
        return self.name if self.environment == Environment.LIVE else f"{self.name} (test)"

    @property
    def public_id(self) -> str:
        """The id that programs use for both sides: the live side's."""
        return ids.encode("org", self.live_id or self.id)

    def answers_to(self, name: str) -> bool:
        """Tell whether `name`, an id or a slug, stands for this tenant (either side)."""
        if name == self.slug:
            return True
        try:
            return ids.decode("org", name) in (self.id, self.live_id)
        except ids.InvalidId:
            return False


class TenantQuerySet(models.QuerySet[M]):
    """Rows of tenant tables; `of` is how every query begins."""

    def of(self, tenant: Any) -> Self:
        """Return the rows of `tenant` (a Tenant, its id, or a parameter of a compiled read)."""
        return self.filter(tenant=tenant)


class TenantManager(models.Manager.from_queryset(TenantQuerySet)):  # type: ignore[misc]
    """The default manager of tenant tables: outside a tenant's scope it raises rather than return no or all rows."""

    def get_queryset(self) -> TenantQuerySet[Any]:
        scope.current()
        return TenantQuerySet(self.model, using=self._db)


@lru_cache(maxsize=256)
def insert_statement(model: type[models.Model], columns: tuple[str, ...]) -> str:
    """Return the statement that writes a row."""
    names, places = ", ".join(columns), ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {model._meta.db_table} ({names}) VALUES ({places})"  # noqa: S608  names of ours


class TenantRow(models.Model):
    """A row that belongs to a tenant."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+", editable=False)

    tenant_id: UUID

    objects = TenantManager()
    # For the admin and for commands only: rows of every tenant, as far as the database role may see them.
    every_tenant = models.Manager()

    class Meta:
        abstract = True

    def _do_insert(self, manager: Any, using: str, fields: Any, returning_fields: Any, raw: bool) -> Any:
        """Send a statement that is planned: Django's own is compiled anew each time.

        What PostgreSQL generates is read when it is asked for.
        """
        connection = connections[using]
        values = [field.get_db_prep_save(field.pre_save(self, add=True), connection) for field in fields]
        plain = not any(hasattr(value, "as_sql") for value in values)
        if using != alias() or not plain or not all(field.generated for field in returning_fields):
            return super()._do_insert(manager, using, fields, returning_fields, raw)  # type: ignore[misc]
        fetch(insert_statement(type(self), tuple(field.column for field in fields)), values)
        return []

    def _do_update(self, base_qs: Any, using: Any, pk_val: Any, values: Any, *rest: Any) -> Any:
        """Name the tenant in the condition instead of setting it anew: a row never moves to another tenant."""
        kept = [value for value in values if value[0].attname != "tenant_id"]
        return super()._do_update(base_qs.filter(tenant=self.tenant_id), using, pk_val, kept, *rest)


class TenantModel(TenantRow):
    """A record of a tenant; `version` rises by one with every change and is the record's ETag."""

    version = models.PositiveIntegerField(default=1, editable=False)
    # Not auto_now: crm.rest.writes moves it, and only when something has changed.
    created_at = models.DateTimeField(default=timezone.now, editable=False, help_text="When the record was made.")
    updated_at = models.DateTimeField(default=timezone.now, editable=False, help_text="When the record last changed.")

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the record; a new one was last changed when it was made."""
        if self._state.adding:
            self.updated_at = self.created_at
        super().save(*args, **kwargs)


class Member(TenantModel):
    """A person's seat in a tenant; the role decides what they may do there, as long as it is active.

    Whoever is invited has a seat before an account: it is linked by the e-mail address when there is one.
    """

    class Role(models.TextChoices):
        OWNER = "owner"
        ADMIN = "admin"
        STAFF = "staff"
        VIEWER = "viewer"

    # Not CASCADE: the ledger names people.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="memberships")
    name = models.CharField(max_length=200, help_text="How the person is called.")
    email = models.EmailField(null=True, help_text="In lower case; the account with this address gets the seat.")
    role = models.CharField(
        max_length=6, choices=Role, default=Role.STAFF, help_text="What the person may do; an admin key makes owners."
    )
    active = models.BooleanField(default=True, help_text="Whoever is switched off keeps the seat and may do nothing.")
    skills = models.JSONField(default=list, help_text="What the person can do, in short words.")
    timezone = models.CharField(max_length=64, null=True, help_text="Where they work, like Europe/Vienna.")
    working_hours = models.JSONField(default=list, help_text="When they work, in the local time of {timezone}.")

    instead_of_deleting = 'Switch them off instead: PATCH {"{active}": false}.'

    class Meta:
        verbose_name_plural = "team"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="member_once"),
            models.UniqueConstraint(fields=["tenant", "email"], name="member_email"),
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="member_email_case"),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="member_latest"),
            models.Index(fields=["tenant", "name", "id"], name="member_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.role})"


class TransactionId(models.Func):
    """The number of the running PostgreSQL transaction, which orders commits for the event feed."""

    template = "pg_current_xact_id()::text::bigint"
    output_field = models.BigIntegerField()


class Event(models.Model):
    """One change: audit trail, a record's history, webhook outbox and public feed are readings of this table.

    Rows are appended and never changed: rights and a trigger see to it. `data` is the record as the canonical contract
    shows it after the change (before it, for a deletion); `changes` maps each field that moved to [before, after].
    """

    class Audience(models.TextChoices):
        PUBLIC = "public", "Feed and webhooks"
        AUDIT = "audit", "Staff only"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    type = models.CharField(max_length=80)
    resource = models.CharField(max_length=40)
    record_id = models.UUIDField()
    public_id = models.CharField(max_length=40, help_text="The record's id as the API shows it.")
    record_version = models.PositiveIntegerField()
    actor_kind = models.CharField(max_length=6)
    actor_id = models.CharField(max_length=40, blank=True)
    actor_label = models.CharField(max_length=200, blank=True)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    audience = models.CharField(max_length=6, choices=Audience, default=Audience.PUBLIC)
    data = models.JSONField()
    changes = models.JSONField(default=dict)
    occurred_at = models.DateTimeField(db_default=Now())
    txid = models.BigIntegerField(db_default=TransactionId())
    fanned_out_at = models.DateTimeField(null=True)
    # A column, not an index over the expression: row-level security keeps PostgreSQL from looking `->>` up in one.
    about = models.GeneratedField(
        expression=Coalesce(KT("data__client_id"), KT("data__record_id"), "public_id", output_field=models.TextField()),
        output_field=models.TextField(),
        db_persist=True,
        help_text="In whose story it belongs: the client of an invoice, the record of a file, else the record itself.",
    )

    tenant_id: UUID

    objects = TenantManager()
    every_tenant = models.Manager()

    class Meta:
        ordering = ["txid", "id"]
        indexes = [
            models.Index(fields=["tenant", "txid", "id"], name="event_feed"),
            models.Index(fields=["tenant", "record_id", "txid"], name="event_record"),
            models.Index(fields=["tenant", "about", "-occurred_at", "-id"], name="event_about"),
            models.Index(
                fields=["txid", "id"], condition=models.Q(fanned_out_at=None, audience="public"), name="event_outbox"
            ),
        ]

    def __str__(self) -> str:
        return self.type


class Seal(models.Model):
    """The link of one event in its tenant's hash chain; see tenants/audit.py."""

    event = models.OneToOneField(Event, on_delete=models.DO_NOTHING, primary_key=True, db_constraint=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    position = models.BigIntegerField()
    digest = models.BinaryField()
    sealed_at = models.DateTimeField(db_default=Now())

    tenant_id: UUID

    objects = TenantManager()
    every_tenant = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "position"], name="seal_position")]

    def __str__(self) -> str:
        return f"{self.position}"
