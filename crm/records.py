"""Any record by its id: the column, the field and the filter of an id whose prefix tells the kind of record."""

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Value
from django.db.models.lookups import In
from rest_framework import serializers

from crm.rest.reading import Conversion
from tenants import ids

__all__ = ["Kind", "RecordColumn", "RecordField", "RecordFilter", "keep_kind", "kinds_of"]


class Kind(NamedTuple):
    """A kind of record: its resource's name, its model, and the prefix of its ids."""

    resource: str
    model: Any
    prefix: str


# Filled by the router at start-up, by the resource's name.
_kinds: dict[str, Kind] = {}


def keep_kind(kind: Kind) -> None:
    """Let ids of this kind be read."""
    _kinds[kind.resource] = kind


def kinds_of(resources: Iterable[str]) -> tuple[Kind, ...]:
    """Return the kinds with these names, as far as there are such resources; without names all that have versions."""
    if wanted := tuple(resources):
        return tuple(_kinds[name] for name in wanted if name in _kinds)
    return tuple(kind for kind in _kinds.values() if hasattr(kind.model, "version"))


def decode(kinds: Iterable[Kind], text: str) -> tuple[Kind | None, UUID]:
    """Return the kind and UUID of an id, no kind for a bare UUID; raise InvalidId for what is neither."""
    known = {kind.prefix: kind for kind in kinds}
    head = text.rpartition("_")[0]
    if head in known:
        return known[head], ids.decode(head, text)
    try:
        # None of the prefixes: only a bare UUID is left to be read.
        return None, ids.decode(next(iter(known)), text)
    except ids.InvalidId:
        prefixes = ", ".join(f"{prefix}_" for prefix in known)
        raise ids.InvalidId(f"Not an id of these kinds: {prefixes} each with 26 characters, or a UUID.") from None


class RecordColumn(models.CharField[Any, Any]):
    """The id of a record of any kind, as the API shows it. It stays when the record is deleted: it is history."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 40, **kwargs})


@RecordColumn.register_lookup
class Among(In):
    """`column__among=ids`, or a list of such lists: one id can be spelled in several ways."""

    lookup_name = "among"

    def get_prep_lookup(self) -> Any:
        """Return the ids of all lists in one."""
        self.rhs = [text for item in self.rhs for text in ([item] if isinstance(item, str) else item)]
        return super().get_prep_lookup()


class RecordField(serializers.Field[str, Any, str, Any]):
    """The id of another record of the same tenant, of one of the named resources, or of any where none is named."""

    default_error_messages = {"invalid": "{reason}", "missing": "No such {noun}."}

    def __init__(self, *resources: str, **kwargs: Any) -> None:
        self.resources = resources
        super().__init__(**kwargs)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of records that it can name."""
        return kinds_of(self.resources)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid", reason="Must be a string.")
        try:
            kind, value = decode(self.kinds, data)
        except ids.InvalidId as error:
            self.fail("invalid", reason=str(error))
        kind = kind or self.kind_of(value)
        if kind is None or self.context["references"].refuses(kind.model, value):
            self.fail("missing", noun=self.context["contract"].word(kind.resource) if kind else "record")
        return ids.encode(kind.prefix, value)

    def kind_of(self, value: UUID) -> Kind | None:
        """Return the kind of the tenant's record with this UUID, asking for all kinds at once."""
        named = [
            kind.model.objects.of(self.context["tenant"]).filter(pk=value).order_by().values_list(Value(kind.resource))
            for kind in self.kinds
        ]
        found = list(named[0].union(*named[1:], all=True)) if len(named) > 1 else list(named[0])
        return _kinds[found[0][0]] if found else None

    def to_representation(self, value: str) -> str:
        return value

    def conversion(self) -> Conversion:
        """Return how it is read: it is stored as it is shown."""
        return Conversion()


class AnyIdField(forms.CharField):
    """A form field that reads an id of some kinds as all that it can stand for: a bare UUID tells no kind."""

    resources: tuple[str, ...] = ()

    def clean(self, value: Any) -> Any:
        kinds = kinds_of(self.resources)
        try:
            kind, key = decode(kinds, str(super().clean(value)))
        except ids.InvalidId as error:
            raise ValidationError(str(error)) from error
        return [ids.encode(kind.prefix, key) for kind in ([kind] if kind else kinds)]


class RecordFilter(django_filters.Filter):
    """Filter by the id of a record of one of the named resources; an id of another tenant matches nothing."""

    field_class = AnyIdField
    operators = {"eq": "among", "ne": "among", "in": "among", "nin": "among", "null": "isnull"}

    def __init__(self, *resources: str, **kwargs: Any) -> None:
        self.resources = resources
        super().__init__(**kwargs)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of records whose ids it takes."""
        return kinds_of(self.resources)

    @property
    def field(self) -> Any:
        """The form field that reads the value."""
        field: Any = super().field
        field.resources = self.resources
        return field
