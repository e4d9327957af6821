"""What OPTIONS says: the resource's fields, relations and methods, and what the caller may do (document 003)."""

from typing import Any

from rest_framework import serializers

from apikeys.limits import windows_of
from apikeys.scopes import allows
from crm import standards
from crm.rest import fields as own
from crm.rest.lists import offered

__all__ = ["describe"]

TYPES: tuple[tuple[type, str], ...] = (
    (own.DecimalField, "decimal"),
    (standards.EmailField, "email"),
    (serializers.URLField, "url"),
    (serializers.ChoiceField, "enum"),
    (serializers.BooleanField, "boolean"),
    (serializers.IntegerField, "integer"),
    (serializers.DateTimeField, "datetime"),
    (serializers.DateField, "date"),
    (serializers.ListSerializer, "array"),
    (serializers.ListField, "array"),
    (serializers.Serializer, "object"),
    (serializers.JSONField, "object"),
)
# The standard action that stands for each verb.
VERBS = {"read": "list", "write": "create", "delete": "destroy"}
LETTERS = {"minute": "1m", "hour": "1h", "day": "1d"}


def describe(view: Any) -> dict[str, Any]:
    """Return the description of a bound view for its caller."""
    contract, granted = view.contract, view.credential.scopes
    headline = windows_of(view.credential, contract.windows, contract.limits)[:1]
    limit = (
        {"limit": headline[0].limit, "window": LETTERS[headline[0].name]}
        if headline
        else {"limit": None, "window": None}
    )
    return {
        "entity": contract.word(view.plural),
        "methods": methods(view),
        "schema": {name: shape(field) for name, field in view.serializer_class().fields.items()},
        "relations": relations(view),
        "permissions": {verb: allows(granted, view.required_scopes[name]) for verb, name in VERBS.items()},
        contract.wire("rate_limit"): limit,
    }


def methods(view: Any) -> list[str]:
    """Return the methods that the resource offers, on its list and its records."""
    verbs = {
        "list": ("get",),
        "retrieve": ("get",),
        "create": ("post",),
        "update": view.contract.update_methods,
        "destroy": ("delete",),
    }
    offered = dict.fromkeys(verb.upper() for name, group in verbs.items() if name in view.methods for verb in group)
    return [*offered, "OPTIONS"]


def shape(field: Any) -> dict[str, Any]:
    """Return one field's type and rules."""
    kind = next((name for cls, name in TYPES if isinstance(field, cls)), "string")
    described: dict[str, Any] = {"type": kind, "required": bool(field.required)}
    if field.read_only:
        described["generated"] = True
    if getattr(field, "max_length", None):
        described["maxLength"] = field.max_length
    if kind == "enum":
        described["values"] = list(field.choices)
    if field.default is not serializers.empty and not callable(field.default):
        described["default"] = field.default
    if field.help_text:
        described["description"] = str(field.help_text)
    return described


def relations(view: Any) -> dict[str, Any]:
    """Return what `include` can put inside a record, as document 003 prints it."""
    contract = view.contract
    found = {}
    for name, include in offered(view).items():
        many = not include.relation
        key = include.back if many else include.relation
        found[name] = {
            "type": "hasMany" if many else "belongsTo",
            "entity": contract.word(include.resource),
            contract.wire("foreign_key"): contract.wire(f"{key}_id"),
        }
    return found
