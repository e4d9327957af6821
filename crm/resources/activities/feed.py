"""Everything that happened with a record, in one feed: what people logged on it, and what the ledger has of it."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import CharField, F, Func, Q, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, JSONObject
from django.http import Http404, HttpResponse
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from apikeys.errors import MissingScope
from apikeys.scopes import allows
from crm.resources.activities.models import Activity
from crm.rest.bodies import answer
from crm.rest.fields import StrictChar
from crm.rest.filters import refuse
from crm.rest.metadata import telling
from crm.rest.pages import Cursor, PageInvalid, Sort, limit_of
from crm.rest.query import single
from crm.rest.serializers import Shape, bind
from tenants import ids
from tenants.models import Event

__all__ = ["NEWEST", "EntrySerializer", "HasActivity", "entries"]

SCOPE = "activities:read"
PARAMETERS = ("limit", "cursor")
NEWEST = (Sort("occurred_at", descending=True), Sort("id", descending=True))
NAME = Coalesce(*(KT(f"data__{name}") for name in ("number", "name", "title")), Value(""), output_field=TextField())
MOVED = Func(
    "changes",
    template="ARRAY(SELECT jsonb_object_keys(%(expressions)s))",
    output_field=ArrayField(CharField()),
)
get: Callable[[Any], Any] = action(detail=True, methods=["get"])


class EntrySerializer(Shape):
    """One thing that happened: an activity that somebody logged, or a change of a record."""

    example = {
        "id": "act_01kb1z5dphf8fst3ka5pe7tkh1",
        "type": "call",
        "title": "Asked for a second bathroom",
        "actor": "Website",
        "record_id": "cli_01kb1z5dphf8fst3ka5pe7tkh1",
        "data": {},
    }

    id = StrictChar(help_text="The activity's id, or the event's.")
    type = StrictChar(help_text="The activity's kind, like note, or the event's type, like invoice.sent.")
    at = serializers.DateTimeField(help_text="When it happened.")
    title = StrictChar(help_text="What happened, in a line.")
    actor = StrictChar(help_text="Who logged or did it.")
    record_id = StrictChar(help_text="The record that it happened to.")
    data: Any = serializers.JSONField(
        help_text="An activity's {body}, {direction} and {duration_minutes}; of an event the names of what {changed}."
    )


class HasActivity:
    """What a viewset inherits whose records have a feed: `GET /<resource>/{id}/activity`."""

    @telling(entry=EntrySerializer, also=SCOPE)
    @get
    def activity(self: Any, request: Request, pk: str) -> HttpResponse:
        """List what happened with a record, newest first: what was logged on it, and each change of it and around it.

        It shows the events of resources that the key may read. A deleted record has no feed any more, but its
        activities and events stay in their own lists.
        """
        if not allows(self.credential.scopes, SCOPE):
            raise MissingScope(SCOPE)
        params = single(request._request.GET)
        if unknown := [name for name in params if name not in PARAMETERS]:
            raise refuse(unknown[0], f"Unknown parameter. Known: {', '.join(PARAMETERS)}.", code="VALIDATION_ERROR")
        key = self.key(pk)
        if not self.get_queryset().filter(pk=key).exists():
            raise Http404
        try:
            return page(self, ids.encode(self.prefix, key), limit_of(params), params.get("cursor"))
        except PageInvalid as error:
            raise refuse(error.name, str(error), code="VALIDATION_ERROR") from error


def page(view: Any, record_id: str, limit: int, cursor: str | None) -> HttpResponse:
    """Return the answer with one page of a record's feed."""
    readable = readable_by(view)
    places = Cursor(NEWEST, f"{view.tenant.id}:activity:{record_id}:{','.join(readable)}")
    after = places.decode(cursor) if cursor else None
    public = Q(audience=Event.Audience.PUBLIC, resource__in=readable)
    found = entries(view.tenant, [record_id], places.condition(after) if after else None, limit + 1, public)
    more, found = len(found) > limit, found[:limit]
    shape = bind(EntrySerializer, view.contract)()
    wire = view.contract.wire
    place = {"limit": limit, "has_more": more, "next_cursor": places.encode(found[-1][1:3][::-1]) if more else None}
    return answer(
        {
            "success": True,
            "data": [shape.to_representation(to_entry(row, view.contract)) for row in found],
            "pagination": {wire(name): value for name, value in place.items()},
        }
    )


def readable_by(view: Any) -> list[str]:
    """Return the resources whose events the caller may see; activities stand in the feed by themselves."""
    scopes, others = view.credential.scopes, view.siblings.values()
    return sorted(
        {
            other.event_resource()
            for other in others
            if other.model is not Activity and allows(scopes, other.scope("read"))
        }
    )


def entries(tenant: Any, records: Sequence[str], after: Any, count: int, events: Q | None = None) -> list[Any]:
    """Return up to `count` rows of both kinds about the records, newest first; `events` narrows those of the ledger.

    It is one statement, in which each kind of each record stops after `count`: no index has several records in order.
    """
    newest = [sort.ordering() for sort in NEWEST]
    told = JSONObject(body=F("body"), direction=F("direction"), duration_minutes=F("duration_minutes"))
    changed = JSONObject(
        changed=MOVED, amount=KT("data__amount"), currency=KT("data__currency"), refunded=F("changes__amount_refunded")
    )
    parts = []
    for record_id in records:
        logged = Activity.objects.of(tenant).filter(after or Q(), record_id=record_id)
        happened = Event.objects.of(tenant).filter(after or Q(), events or Q(), about=record_id)
        parts += [
            logged.order_by(*newest)[:count].values_list(
                Value("act"), "id", "occurred_at", F("kind"), F("subject"), F("author"), F("record_id"), told
            ),
            happened.order_by(*newest)[:count].values_list(
                Value("evt"), "id", "occurred_at", F("type"), NAME, Coalesce(F("actor_label"), F("actor_kind")),
                F("public_id"), changed,
            ),
        ]  # fmt: skip
    return list(parts[0].union(*parts[1:], all=True).order_by("-occurred_at", "-id")[:count])


def to_entry(row: Any, contract: Any) -> dict[str, Any]:
    """Return a row as an entry, in the contract's words."""
    prefix, key, at, kind, title, actor, record_id, data = row
    if prefix == "evt":
        kind = contract.event(kind)
        title = worded(kind, title)
        data = {"changed": sorted(contract.wire(name) for name in data["changed"])}
    return {
        "id": ids.encode(prefix, key),
        "type": kind,
        "at": at,
        "title": title,
        "actor": actor,
        "record_id": record_id,
        "data": {contract.wire(name): value for name, value in data.items()},
    }


def worded(type: str, name: str) -> str:
    """Return what an event tells, as a line: `invoice.sent` of INV-2026-00001 is "Invoice INV-2026-00001 sent"."""
    resource, _, verb = type.partition(".")
    return " ".join(filter(None, [resource.replace("_", " ").capitalize(), name, verb.replace("_", " ")]))
