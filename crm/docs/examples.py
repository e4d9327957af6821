"""Examples for the document: a resource's own where it gives one, else values that fit each field."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from crm import standards
from crm.docs.fields import REQUEST, RESPONSE, is_nullable
from crm.records import RecordField
from crm.rest import fields as own
from crm.rest.metadata import default_of
from crm.rest.serializers import bind
from crm.uploads import UploadField
from tenants import ids

__all__ = ["KEY", "body_example", "create_example", "record_example", "update_example", "whole_example"]

MOMENT = "2026-01-31T12:00:00Z"
# A fixed one, so that the document is the same each time.
KEY = UUID("019ac3f2-b6d0-7a1f-9d0e-6a5b8c7d4e21")
VALUES: dict[type, Any] = {
    own.IdField: lambda field: ids.encode(field.prefix, KEY),
    own.ReferenceField: lambda field: ids.encode(field.prefix, KEY),
    RecordField: lambda field: ids.encode(field.kinds[0].prefix, KEY),
    UploadField: lambda field: "plan.pdf",
    standards.EmailField: lambda field: "ada@example.com",
    standards.PhoneField: lambda field: "+14155552671",
    standards.UrlField: lambda field: "https://example.com",
    standards.CurrencyField: lambda field: "EUR",
    standards.CountryField: lambda field: "AT",
    standards.LanguageField: lambda field: "de-AT",
    standards.TimezoneField: lambda field: "Europe/Vienna",
    standards.ClockField: lambda field: "08:30",
    own.MoneyField: lambda field: "100.00",
    own.DecimalField: lambda field: "1",
    own.TagsField: lambda field: ["vip"],
    own.ReferencesField: lambda field: [ids.encode(field.prefix, KEY)],
    serializers.ListField: lambda field: [value_example(field.child, REQUEST)],
    serializers.JSONField: lambda field: {},
    serializers.CharField: lambda field: field.field_name.replace("_", " ").capitalize(),
    serializers.ChoiceField: lambda field: next(iter(field.choices)),
    serializers.BooleanField: lambda field: True,
    serializers.IntegerField: lambda field: max(1, field.min_value or 1),
    serializers.DateTimeField: lambda field: MOMENT,
    serializers.DateField: lambda field: MOMENT[:10],
    serializers.UUIDField: lambda field: str(KEY),
    serializers.IPAddressField: lambda field: "203.0.113.7",
}


def create_example(view: Any) -> dict[str, Any]:
    """Return a body that creates a record: the resource's own, else one with what it must have."""
    takes = getattr(getattr(view, "create", None), "takes", None)
    return body_example((bind(takes, view.contract) if takes else view.serializer_class)(), view.example)


def update_example(view: Any) -> dict[str, Any]:
    """Return a body that changes a record: one plain field, if there is one."""
    fields = view.serializer_class(partial=True).fields
    body = {name: value for name, value in create_example(view).items() if name in fields}
    plain = (name for name, value in body.items() if isinstance(value, str) and name not in references(fields))
    name = next(plain, next(iter(body)))
    return {name: body[name]}


def references(fields: Any) -> set[str]:
    return {name for name, field in fields.items() if isinstance(field, own.ReferenceField | RecordField)}


def body_example(serializer: Any, given: Any = None) -> dict[str, Any]:
    """Return a body for a serializer: what is given and may be written, and what it must have.

    `given` has canonical names, the body the contract's; without it, something stands for every required field.
    """
    names = {serializer.naming.wire(name): value for name, value in (given or {}).items()}
    extras = getattr(serializer, "extras", "")
    writable = {name: field for name, field in serializer.fields.items() if not field.read_only and name != extras}
    chosen = [name for name, field in writable.items() if name in names or field.required] or list(writable)[:1]
    return {name: value_example(writable[name], REQUEST, names.get(name)) for name in chosen}


def record_example(view: Any) -> dict[str, Any]:
    """Return the record that the create example makes."""
    return whole_example(view.serializer_class(), view.example)


def whole_example(serializer: Any, given: Any = None) -> dict[str, Any]:
    """Return what an answer shows of a serializer's shape."""
    names = {serializer.naming.wire(name): value for name, value in (given or {}).items()}
    return {
        name: value_example(field, RESPONSE, names.get(name))
        for name, field in serializer.fields.items()
        if not field.write_only
    }


def value_example(field: Any, direction: str, given: Any = None) -> Any:
    """Return a value of the field: the one given, null or the default in an answer, or one that fits."""
    if isinstance(field, serializers.ListSerializer):
        return [value_example(field.child, direction, item) for item in given or ()]
    if isinstance(field, serializers.Serializer):
        return nested_example(field, direction, given)
    if given is not None:
        return given
    usual = answered_example(field) if direction == RESPONSE else serializers.empty
    if usual is not serializers.empty:
        return usual
    return next(VALUES[kind](field) for kind in type(field).__mro__ if kind in VALUES)


def nested_example(serializer: Any, direction: str, given: Any) -> Any:
    if direction == REQUEST:
        return body_example(serializer, given)
    return whole_example(serializer, given) if given else None


def answered_example(field: Any) -> Any:
    """Return what an answer shows for a field that nobody set; `empty` where it is the server's to say."""
    return None if is_nullable(field, RESPONSE) else default_of(field)
