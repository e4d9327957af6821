"""The ledger on the wire: a feed in commit order, of what the caller may read."""

from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

import django_filters
import orjson
from django.core.exceptions import ImproperlyConfigured
from django.db.models import BigIntegerField, Func
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from crm.resources.events import feed
from crm.resources.events.reach import reach_of
from crm.rest.bodies import answer
from crm.rest.fields import IdField, StrictChar
from crm.rest.filters import IdFilter, ResourceFilterSet, WordFilter, refuse
from crm.rest.lists import read_page
from crm.rest.metadata import telling
from crm.rest.pages import Page, PageInvalid
from crm.rest.query import read_query, single
from crm.rest.reading import Conversion
from crm.rest.serializers import ResourceSerializer, reworded, words_of
from crm.rest.statements import Condition
from crm.rest.viewset import ResourceViewSet
from crm.wakeups import CAN_WAIT, WAITED, Wait
from tenants.models import Event

__all__ = ["EventViewSet"]


class Settled(Func):
    """The first transaction that may still commit: below it no event can appear any more, so no reader misses one."""

    template = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    output_field: ClassVar[Any] = BigIntegerField()


class WordField(StrictChar):
    """A resource's or event's name, in the contract's words."""

    def to_representation(self, value: str) -> str:
        parent: Any = self.parent
        return str(parent.naming.event(value))

    def conversion(self) -> Conversion:
        return Conversion(self.to_representation, self.to_representation, self.to_representation)


class EventSerializer(ResourceSerializer):
    """One change of one record."""

    id = IdField("evt")
    type = WordField(read_only=True, help_text="Like invoice.sent.")
    resource = WordField(read_only=True, help_text="Like invoice.")
    record_id = StrictChar(source="public_id", read_only=True, help_text="The record's id.")
    data: Any = serializers.JSONField(
        read_only=True, help_text="The record after the change (before it, for a deletion)."
    )
    changes = serializers.JSONField(read_only=True, help_text="What moved: field to [before, after].")

    class Meta:
        model = Event
        fields = [
            "id", "type", "resource", "record_id", "record_version", "actor_kind", "actor_id", "actor_label", "address",
            "request_id", "data", "changes", "occurred_at",
        ]  # fmt: skip
        read_only_fields = fields


class EventFilter(ResourceFilterSet):
    """What the feed can be filtered by."""

    id = IdFilter(prefix="evt")
    type, resource = WordFilter(), WordFilter()
    record_id = django_filters.CharFilter(field_name="public_id")

    class Meta:
        model = Event
        fields = ["actor_kind", "actor_id", "request_id", "occurred_at"]


def read(fragment: Any) -> Any:
    return orjson.loads(orjson.dumps(fragment))


@lru_cache(maxsize=16)
def record_words(feed: Any) -> dict[str, Any]:
    """Return the words of all fields that a bound feed tells of: a name holds the same in each resource."""
    found: dict[str, Any] = {}
    for view in (view for view in feed.siblings.values() if view.model is not Event):
        for name, said in words_of(view.serializer_class()).items():
            if found.setdefault(name, said) != said:
                raise ImproperlyConfigured(f"{view.plural}.{name} holds something else than another resource's {name}.")
    return found


class EventViewSet(ResourceViewSet):
    """Every change, in commit order: none is missed and none comes twice.

    A key sees the events of resources that it may read. An event shows up once all transactions that began before it
    have ended, usually within milliseconds.
    """

    resource, plural, prefix = "event", "events", "evt"
    model = Event
    serializer_class = EventSerializer
    filterset_class = EventFilter
    ordering_fields = ("occurred_at",)
    ordering = ("txid",)
    methods = ("list", "retrieve")
    version_field = "record_version"
    moments = ("occurred_at", "occurred_at")
    # Which transactions may still commit, the primary alone can say.
    at_primary = True
    # What never changes has no history.
    events: Any = None

    def base_rows(self) -> Any:
        return super().base_rows().filter(audience=Event.Audience.PUBLIC, txid__lt=Settled())

    @telling(follows=feed.PARAMETERS, fails=(410,))
    def list(self, request: Request) -> HttpResponse:
        """List events, a page at a time; with `after` or `wait` follow the feed.

        The feed never ends: send each answer's `{next_cursor}` as the next `after`, whether the page held events or
        not. It moves on past what the filters leave out. It is a place in the organization's ledger, which holds for
        each of its keys, whatever the filters are.
        """
        params = single(request._request.GET)
        if not feed.is_feed(params, self.contract):
            return super().list(request)
        try:
            return self.follow(params, request._request.META)
        except PageInvalid as error:
            raise refuse(error.name, str(error), code="VALIDATION_ERROR") from error

    def follow(self, params: dict[str, str], meta: dict[str, Any]) -> HttpResponse:
        """Return a page of the feed; an empty one that may wait says so to a server that can."""
        ledger = feed.Ledger.now()
        asked = meta[WAITED].place if WAITED in meta else feed.asked(params, self.contract, self.tenant, ledger)
        names = [self.contract.wire(name) for name in feed.PARAMETERS]
        query = read_query(self, {name: text for name, text in params.items() if name not in names})
        # What was settled at that look: the page's own statement, which comes later, may see more.
        known = (*query.conditions, asked.beyond, Condition.of("txid__lt", ledger.settled))
        listed = read_page(self, replace(query, conditions=known), Page(asked.limit, counted=False), None)
        place = feed.Place(*listed.last[:2]) if listed.more and listed.last else ledger.end
        printed = self.contract.paging.feed(asked.limit, more=listed.more, next_cursor=place.encode(self.tenant))
        data = [self.shown(row) for row in listed.rows]
        response: Any = answer(self.contract.envelope(data=data, pagination=printed))
        if asked.wait and not data and meta.get(CAN_WAIT):
            response.waits = Wait(self.tenant.id, asked.wait, ledger.coming, asked, self.usages)
        return response  # type: ignore[no-any-return]

    def shown(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the event with its record's fields in the contract's words; the ledger keeps the canonical ones."""
        if self.contract.is_plain:
            return row
        feed: Any = type(self)
        # In `changes` a field stands for [before, after]: each side is what the field holds.
        for name in map(self.contract.wire, ("data", "changes")):
            if name in row:
                row[name] = reworded(read(row[name]), record_words(feed))
        return row

    def own_conditions(self) -> tuple[Condition, ...]:
        """Leave out what the key may not read where it lives."""
        assert self.credential is not None
        return (reach_of(self.siblings.values(), self.credential.scopes).asked(), *super().own_conditions())
