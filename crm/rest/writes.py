"""Writes: each change of a record is one transaction, one new version and one event, whoever makes it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.db.models import CASCADE, PROTECT, prefetch_related_objects
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.decorators import action

from apikeys.claims import claimed
from crm.errors import Conflict, InUse
from crm.rest.reading import Plan
from crm.rest.serializers import bind
from tenants.actor import Actor
from tenants.ledger import record as record_event
from tenants.ledger import together
from tenants.models import Tenant, TenantModel, TenantRow
from tenants.replica import note_commit
from tenants.scope import tenant_scope, work

__all__ = [
    "Kept", "changing", "check_match", "command", "create", "create_many", "delete", "hold", "keep", "lock",
    "one_write", "record_created", "snapshot", "verbs_of",
]  # fmt: skip


class Kept(NamedTuple):
    """How the ledger shows records of a model: its resource's name, the canonical plan, and the verbs of its events."""

    resource: str
    plan: Plan
    verbs: Collection[str]


# Kept here by the router at start-up.
_kept: dict[type, Kept] = {}
# They move with every change and say nothing about it.
SILENT = frozenset({"updated_at"})


def keep(model: type, kept: Kept) -> None:
    """Let the ledger know how records of `model` are shown."""
    _kept[model] = kept


def verbs_of(model: Any) -> Collection[str]:
    """Return what can happen to records of `model`, by the verbs of their events."""
    return _kept[model].verbs


def snapshot(record: TenantModel) -> dict[str, Any]:
    """Return the record as the canonical contract shows it."""
    return _kept[type(record)].plan.of_instance(record)


def lock(record: TenantModel, *, actor: Actor) -> None:
    """Read the record anew and hold its row until the transaction ends; nothing to do where it holds it already."""
    held: Any = record
    if getattr(held, "_held_by", None) is work():
        return
    record.refresh_from_db(from_queryset=type(record).objects.of(actor.tenant).select_for_update())
    # Forgotten, then read again below the lock: what another transaction did to the rows inside counts too.
    held._prefetched_objects_cache = {}
    hold(held)


def know_rows(record: Any, **rows: Any) -> None:
    """Let the record know its inner rows, just written, without asking the database."""
    record._prefetched_objects_cache = rows


def hold(record: Any) -> None:
    """Remember that the running transaction has locked the record's row."""
    record._held_by = work()  # noqa: SLF001  our own mark


def create(record: TenantModel, *, actor: Actor) -> None:
    """Save a new record of the actor's tenant and its event."""
    with tenant_scope(actor.tenant.id):
        record.tenant = actor.tenant
        record.save(force_insert=True)
        record_created(record, actor=actor)


def create_many(records: Sequence[TenantModel], *, actor: Actor, rows: Sequence[TenantRow] = ()) -> None:
    """Save new records of one kind, the rows inside them and their events, by a statement each; all or none.

    The records must know their rows.
    """
    with tenant_scope(actor.tenant.id), together():
        for record in records:
            record.tenant, record.updated_at = actor.tenant, record.created_at
        # In one order: two that bring the same references wait, and do not lock one another out.
        ordered = sorted(records, key=lambda record: getattr(record, "external_ref", None) or "")
        for inserted in (ordered, rows):
            if inserted:
                type(inserted[0]).objects.bulk_create(inserted)
        for record in records:
            record_created(record, actor=actor)


def record_created(record: TenantModel, *, actor: Actor) -> None:
    """Write the event of a record that a rule has just saved, rows inside it and all."""
    note(record, actor=actor, verb="created", data=snapshot(record), changes={})


@contextmanager
def changing(record: TenantModel, *, actor: Actor, verb: str = "updated") -> Iterator[dict[str, Any]]:
    """Hold the record while the block changes it, then save it as its next version with one `<resource>.<verb>` event.

    A plain update that moves nothing leaves no version and no event. What the block puts into the dict that it gets,
    a name to [before, after], stands among the event's changes: what moved, and is no field of the record.
    """
    told: dict[str, Any] = {}
    with tenant_scope(actor.tenant.id):
        lock(record, actor=actor)
        prefetch_related_objects([record], *(part.accessor for part in _kept[type(record)].plan.parts))
        before = snapshot(record)
        yield told
        changes = moved(before, snapshot(record)) | told
        if not changes and verb == "updated":
            return
        record.version += 1
        record.updated_at = timezone.now()
        record.save()
        note(record, actor=actor, verb=verb, data=snapshot(record), changes=changes)


def delete(record: TenantModel, *, actor: Actor) -> None:
    """Delete the record for good; its last snapshot stays in the ledger. Raises InUse while others refer to it.

    Records that live inside it, like a task's comments, go before it, each with an event of its own.
    """
    with tenant_scope(actor.tenant.id):
        lock(record, actor=actor)
        if counts := references_to(record, actor.tenant):
            raise InUse(record, counts)
        for inner in records_inside(record, actor.tenant):
            delete(inner, actor=actor)
        data, public_id = snapshot(record), record.pk
        record.delete()
        record.pk = public_id
        record.version += 1
        note(record, actor=actor, verb="deleted", data=data, changes={})


def references_to(record: TenantModel, tenant: Tenant) -> dict[str, int]:
    """Return how many records of each kind keep this one from being deleted."""
    found = {}
    for relation in relations_to(record):
        if relation.on_delete is PROTECT:
            model: Any = relation.related_model
            rows = model.objects.of(tenant).filter(**{relation.field.name: record.pk})
            if count := rows.values(referring_record(model)).distinct().count():
                found[str(model._meta.verbose_name_plural)] = count
    return found


def relations_to(record: TenantModel) -> list[Any]:
    """Return the references to records of this kind, also those without a name on this side."""
    fields: list[Any] = record._meta.get_fields(include_hidden=True)
    return [field for field in fields if field.auto_created and not field.concrete and field.one_to_many]


def records_inside(record: TenantModel, tenant: Tenant) -> Iterator[TenantModel]:
    """Yield the records, with a history of their own, that are nothing without this one."""
    for relation in relations_to(record):
        model: Any = relation.related_model
        if relation.on_delete is CASCADE and model in _kept and _kept[model].verbs:
            yield from model.objects.of(tenant).filter(**{relation.field.name: record.pk}).order_by("id")


def referring_record(model: Any) -> str:
    """Return what to count: a row inside a record (a line) stands for that record."""
    return getattr(model, "inside", "pk")


def moved(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return [before, after] of every field that changed."""
    names = (name for name in after if name not in SILENT and before.get(name) != after[name])
    return {name: [before.get(name), after[name]] for name in names}


def note(record: TenantModel, *, actor: Actor, verb: str, data: dict[str, Any], changes: dict[str, Any]) -> None:
    resource, _, verbs = _kept[type(record)]
    if verb not in verbs:
        raise ImproperlyConfigured(f"Nobody can subscribe to {resource}.{verb}: add it to `emits` of its viewset.")
    record_event(
        actor=actor, type=f"{resource}.{verb}", resource=resource, record_id=record.pk, record_version=record.version,
        data=data, changes=changes,
    )  # fmt: skip


def one_write(handler: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark and wrap a view's action that changes something: its effects happen once for each Idempotency-Key."""

    @wraps(handler)
    def write(view: Any, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        credential = request.auth
        # Not all that a caller can see again leaves an event.
        note_commit(credential.tenant.id, work())
        return claimed(
            request._request,
            tenant=credential.tenant,
            content=view.content,
            owner=credential.subject,
            write=lambda: handler(view, request, *args, **kwargs),
        )

    write.one_write = True  # type: ignore[attr-defined]
    return write


def command(
    *, event: str | None, methods: tuple[Any, ...] = ("post",), path: str | None = None, takes: Any = None
) -> Callable[[Callable[..., Any]], Any]:
    """Make a verb of a resource, `POST /<resource>/{id}/<verb>`, out of a method that takes the locked record.

    `event` is the `<resource>.<event>` it may leave (None where its rule decides); `takes` is its body's serializer,
    whose validated fields become keyword arguments. Scope: `<resource>:write`. The answer is the record, unless the
    method returns one of its own.
    """

    def decorate(verb: Callable[..., Any]) -> Any:
        @one_write
        @wraps(verb)
        def run(view: Any, request: Any, pk: str) -> HttpResponse:
            record = view.get_locked(pk)
            done = verb(view, record, **view.read_body(takes and bind(takes, view.contract)))
            return done if isinstance(done, HttpResponse) else view.show(record)

        route: Any = action(detail=True, methods=list(methods), url_path=path or verb.__name__.replace("_", "-"))(run)
        route.event, route.takes = event, takes
        return route

    return decorate


def check_match(header: str | None, record: TenantModel) -> None:
    """Raise a 412 when If-Match names another version than the record's."""
    if header is None or header.strip() == "*":
        return
    if f'"{record.version}"' not in [etag.strip().removeprefix("W/") for etag in header.split(",")]:
        message = f'The record has changed: its version is "{record.version}". Read it again before you write.'
        raise Conflict(message, status=412, code="PRECONDITION_FAILED", version=record.version)
