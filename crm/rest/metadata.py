"""What OPTIONS and the documents say of a resource: fields, relations, methods, and what the caller may do."""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from rest_framework import serializers

from apikeys.limits import windows_of
from apikeys.scopes import allows
from crm import standards
from crm.rest import fields as own
from crm.rest.lists import offered

__all__ = ["column_of", "default_of", "describe", "is_needed", "telling"]

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
        "permissions": {verb: allows(granted, view.scope(verb)) for verb in ("read", "write", "delete")},
        contract.wire("rate_limit"): limit,
    }


def methods(view: Any) -> list[str]:
    """Return the methods that the resource offers, on its list and its records."""
    verbs = {
        "list": ("get",),
        "retrieve": ("get",),
        "create": ("post",),
        "upsert": ("put",),
        "update": view.contract.update_methods,
        "destroy": ("delete",),
    }
    known = {*view.methods, *view.operations()}
    offered = dict.fromkeys(verb.upper() for name, group in verbs.items() if name in known for verb in group)
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
    default = default_of(field)
    if default is not serializers.empty and not field.read_only:
        # As document 003 prints it: what has a default is not asked for.
        del described["required"]
        described["default"] = default
    if field.help_text:
        described["description"] = str(field.help_text)
    return described


def default_of(field: Any) -> Any:
    """Return what a field becomes that is not sent; `empty` where nobody can say beforehand."""
    column = column_of(field)
    default = field.default
    if default is serializers.empty and column is not None and not field.required:
        default = column.default if column.has_default() else serializers.empty
    if default is serializers.empty or callable(default):
        return serializers.empty
    return f"{Decimal(default):f}" if isinstance(field, own.DecimalField) else field.to_representation(default)


def column_of(field: Any) -> Any:
    """Return the model's column behind a field, None where there is none."""
    try:
        column = field.parent.Meta.model._meta.get_field(field.source)
    except (AttributeError, FieldDoesNotExist):
        return None
    return column if column.concrete else None


def relations(view: Any) -> dict[str, Any]:
    """Return what `include` can put inside a record, as document 003 prints it."""
    contract = view.contract
    found = {}
    for name, include in offered(view).items():
        many = not include.relation
        key = include.through or f"{include.back if many else include.relation}_id"
        found[name] = {
            "type": "hasMany" if many else "belongsTo",
            "entity": contract.word(include.resource),
            contract.wire("foreign_key"): contract.wire(key),
        }
    return found


@lru_cache(maxsize=1024)
def is_needed(kind: Any) -> bool:
    """Tell whether a body of this shape must hold something."""
    needed = (field.required and not field.read_only for field in kind().fields.values())
    return bool(getattr(kind, "any_of", ())) or any(needed)


def telling(**facts: Any) -> Callable[[Any], Any]:
    """Write on an action what the documents cannot derive.

    `takes` and `media` say what its body is, `sends` of which types an answer is that is no JSON, `entry` what a feed
    shows (`counted`: all of it), `asks` what its query holds besides, `gives` what its answers hold by status: a shape,
    or a resource's record by plural name. `also` is a scope that it needs besides, `right` the verb of its own where
    that is none of the usual, `fails` how else it may fail, `follows` by which parameters a list is followed as a feed.
    """

    def decorate(handler: Any) -> Any:
        vars(handler).update(facts)
        return handler

    return decorate
