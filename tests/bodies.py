"""Bodies for any resource, made from its serializer: each field is filled by its type."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from rest_framework import serializers

from crm import standards
from crm.records import RecordField
from crm.resources.appointments.api import AppointmentSerializer
from crm.resources.keys import fields as keys
from crm.resources.webhooks import fields as webhooks
from crm.rest import fields as own
from crm.uploads import FileNameField, UploadField

__all__ = ["Path", "make_body", "placed", "references", "writable"]

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Maker:
    """Fills fields: other records' ids come from `ids` by model, texts begin with `mark`, `full` adds optional ones."""

    ids: Mapping[Any, str]
    full: bool
    mark: str

    def body(self, serializer: Any) -> dict[str, Any]:
        """Return a body of this shape."""
        fields = {name: field for name, field in serializer.fields.items() if not field.read_only}
        also = {*getattr(serializer, "any_of", ())[:1]} | {
            name for kind in type(serializer).__mro__ for name in ALSO.get(kind, ())
        }
        return {
            name: self.value(field)
            for name, field in fields.items()
            if field.required or self.full or (field.source or name) in also
        }

    def value(self, field: Any) -> Any:
        """Return a valid value of one field, by its class."""
        for kind in type(field).__mro__:
            if kind in VALUES:
                return VALUES[kind](self, field)
        raise LookupError(
            f"{type(field).__name__} of {field.field_name}: say in tests/bodies.py what a value of it looks like."
        )

    def text(self, field: Any) -> str:
        """Return a text that no other record has."""
        return f"{self.mark}{uuid4().hex[:8]}"[: getattr(field, "max_length", None)]

    def children(self, field: Any) -> list[Any]:
        """Return a list of one structure, whole even where it stands in for a required one."""
        return [Maker(self.ids, True, self.mark).body(field.child)]

    def hour(self, field: Any) -> str:
        """Return the next full hour: what ends comes after what starts, and no two meet."""
        return f"{datetime(2026, 1, 31, tzinfo=UTC) + timedelta(hours=next(HOURS)):%Y-%m-%dT%H:%M:%SZ}"


HOURS = count()
# What a rule asks for where no field by itself is required.
ALSO: dict[type, tuple[str, ...]] = {AppointmentSerializer: ("ends_at",)}
# Far enough ahead for every test.
AHEAD = "2099-01-31T12:00:00Z"
VALUES: dict[type, Callable[[Maker, Any], Any]] = {
    own.ReferenceField: lambda maker, field: maker.ids[field.model],
    RecordField: lambda maker, field: maker.ids[field.kinds[0].model],
    UploadField: lambda maker, field: maker.text(field),
    FileNameField: lambda maker, field: f"{maker.text(field)}.txt",
    standards.EmailField: lambda maker, field: f"{maker.text(field)}@example.com",
    standards.PhoneField: lambda maker, field: "+14155552671",
    standards.UrlField: lambda maker, field: f"https://example.com/{maker.text(field)}",
    standards.CurrencyField: lambda maker, field: "EUR",
    standards.CountryField: lambda maker, field: "AT",
    standards.LanguageField: lambda maker, field: "de",
    # What must be above zero is money that moves: in coins, so that one bill takes many of them.
    own.DecimalField: lambda maker, field: "0.01" if field.low and field.low > 0 else "2.50",
    standards.TimezoneField: lambda maker, field: "Europe/Vienna",
    standards.ClockField: lambda maker, field: "08:30",
    standards.LocalMomentField: Maker.hour,
    own.StrictInteger: lambda maker, field: field.min_value or 1,
    own.StrictBoolean: lambda maker, field: True,
    keys.ScopesField: lambda maker, field: ["read"],
    keys.NetworksField: lambda maker, field: ["203.0.113.0/24"],
    keys.EndField: lambda maker, field: AHEAD,
    webhooks.AddressField: lambda maker, field: f"https://example.com/{maker.text(field)}",
    webhooks.EventsField: lambda maker, field: ["*"],
    webhooks.HeadersField: lambda maker, field: {"X-Text": maker.text(field)},
    own.TagsField: lambda maker, field: [maker.text(field.child)],
    own.ReferencesField: lambda maker, field: [maker.ids[field.model]],
    serializers.ListField: lambda maker, field: [maker.value(field.child)],
    # The last choice: a kind of record that has fields of its own comes after the plain one.
    serializers.ChoiceField: lambda maker, field: field.accepts[-1],
    serializers.CharField: Maker.text,
    serializers.DateTimeField: lambda maker, field: "2026-01-31T12:00:00Z",
    serializers.DateField: lambda maker, field: "2026-01-31",
    serializers.JSONField: lambda maker, field: {maker.mark: [1, "two", None, {"three": 3.5}]},
    serializers.ListSerializer: Maker.children,
    serializers.Serializer: Maker.body,
}


def make_body(shape: Any, ids: Mapping[Any, str], *, full: bool = False, mark: str = "text") -> dict[str, Any]:
    """Return a valid body for `shape`, a bound view or serializer: what is required, or with `full` everything."""
    return Maker(ids, full, mark).body(getattr(shape, "serializer_class", shape)())


def writable(shape: Any) -> Iterator[tuple[Path, Any]]:
    """Yield the path and the field of everything that a body for `shape` can hold, at any depth."""
    yield from walk(getattr(shape, "serializer_class", shape)(), ())


def walk(serializer: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    for name, field in serializer.fields.items():
        if field.read_only:
            continue
        yield (*path, name), field
        if isinstance(field, serializers.ListSerializer):
            yield from walk(field.child, (*path, name, 0))
        elif isinstance(field, serializers.ListField):
            yield (*path, name, 0), field.child
        elif isinstance(field, serializers.Serializer):
            yield from walk(field, (*path, name))


def references(shape: Any, *, one: bool = False) -> Iterator[tuple[Path, Any]]:
    """Yield the path and the model of every id of another record that a body for `shape` can hold.

    Where it can be of several kinds, all of them; with `one` only the one that make_body() takes.
    """
    for path, field in writable(shape):
        if isinstance(field, own.ReferenceField):
            yield path, field.model
        elif isinstance(field, RecordField):
            yield from ((path, kind.model) for kind in (field.kinds[:1] if one else field.kinds))


def placed(body: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """Return a copy of `body` with `value` at `path`."""
    whole: Any = copy.deepcopy(body)
    at = whole
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return whole  # type: ignore[no-any-return]
