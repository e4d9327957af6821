"""The ledger on the wire: a feed in commit order, of what the caller may read."""

from functools import lru_cache
from typing import Any, ClassVar

import django_filters
import orjson
from django.core.exceptions import ImproperlyConfigured
from django.db.models import BigIntegerField, Func, Q
from rest_framework import serializers

from crm.resources.events.reach import reach_of
from crm.rest.fields import IdField, StrictChar
from crm.rest.filters import IdFilter, ResourceFilterSet, WordFilter
from crm.rest.reading import Conversion
from crm.rest.serializers import ResourceSerializer, reworded, words_of
from crm.rest.viewset import ResourceViewSet
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
    """Every change, in commit order, for reading with `cursor`: none is missed and none comes twice.

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
    # What never changes has no history.
    events: Any = None

    def base_rows(self) -> Any:
        return super().base_rows().filter(audience=Event.Audience.PUBLIC, txid__lt=Settled())

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

    def own_conditions(self) -> tuple[Q, ...]:
        """Leave out what the key may not read where it lives."""
        assert self.credential is not None
        return (reach_of(self.siblings.values(), self.credential.scopes).condition(), *super().own_conditions())
