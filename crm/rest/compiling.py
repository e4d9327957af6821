"""From a serializer, the one declaration, to the plan that reads its shape."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import orjson
from django.core.exceptions import ImproperlyConfigured
from rest_framework import serializers

from crm.rest import fields as own
from crm.rest.reading import EMBEDDED_LIMIT, Column, Conversion, Ids, Many, Part, Plan
from crm.rest.serializers import Shape
from tenants.ids import encoder

__all__ = ["compile_plan"]


def compile_plan(kind: type[serializers.Serializer[Any]]) -> Plan:
    """Return the plan of a serializer class; raise ImproperlyConfigured for a field that cannot be compiled."""
    columns: list[Column] = []
    parts: list[Part] = []
    for name, field in kind().fields.items():
        if field.write_only:
            continue
        if isinstance(field, serializers.ListSerializer) and not isinstance(field.child, Shape):
            parts.append(rows_inside(name, field))
        elif isinstance(field, own.ReferencesField):
            parts.append(ids_inside(name, field))
        else:
            columns.append(Column(name, str(field.source), conversion(field)))
    return Plan(tuple(columns), tuple(parts))


def rows_inside(name: str, field: Any) -> Many:
    """Return the part for a nested list of rows, like an invoice's lines."""
    child, parent = field.child, field.parent.Meta.model
    relation = parent._meta.get_field(field.source)
    model = relation.related_model
    order, limit = tuple(model._meta.ordering), field.max_length or EMBEDDED_LIMIT
    return Many(name, model, relation.remote_field.name, field.source, order, compile_child(child), limit=limit)


def ids_inside(name: str, field: own.ReferencesField) -> Ids:
    """Return the part for a list of references, which rows of an inner table hold."""
    relation = cast(Any, field.parent).Meta.model._meta.get_field(field.rows)
    model, key = relation.related_model, Column(name, f"{field.key}_id", identifier(field))
    order, limit = tuple(model._meta.ordering), field.max_length or EMBEDDED_LIMIT
    return Ids(name, model, relation.remote_field.name, field.rows, order, Plan((key,)), field.key, limit)


def compile_child(child: Any) -> Plan:
    columns = [
        Column(name, field.source, conversion(field)) for name, field in child.fields.items() if not field.write_only
    ]
    return Plan(tuple(columns))


def conversion(field: Any) -> Conversion:
    """Return how a field is compiled, by its class."""
    if hasattr(field, "conversion"):
        return field.conversion()  # type: ignore[no-any-return]
    for kind in type(field).__mro__:
        if kind in COMPILED:
            return COMPILED[kind](field)
    where = f"{type(field.parent).__name__}.{field.field_name}"
    raise ImproperlyConfigured(
        f"{where}: {type(field).__name__} cannot be compiled; add it to COMPILED in crm/rest/compiling.py."
    )


def plain(field: Any) -> Conversion:
    return Conversion()


def identifier(field: Any) -> Conversion:
    to_id = encoder(field.prefix)
    return Conversion(to_id, to_id, to_id)


def decimal(field: Any) -> Conversion:
    return Conversion(decimal_text, decimal_text, None, as_text=True)


def decimal_text(value: Decimal) -> str:
    return format(value, "f")


def moment(field: Any) -> Conversion:
    return Conversion(stored=datetime.fromisoformat, nested=datetime.fromisoformat)


def document(field: Any) -> Conversion:
    # The text that PostgreSQL sends goes into the answer as it is: nobody in between needs to know what it holds.
    return Conversion(stored=orjson.Fragment)


def shape(field: Any) -> Conversion:
    show = field.to_representation

    def stored(text: str) -> Any:
        # Most lists are empty, and need no look at their shape.
        return [] if text == "[]" else show(orjson.loads(text))

    return Conversion(show, stored, show)


COMPILED: dict[type, Callable[[Any], Conversion]] = {
    own.IdField: identifier,
    own.ReferenceField: identifier,
    own.DecimalField: decimal,
    Shape: shape,
    serializers.ListSerializer: shape,
    serializers.JSONField: document,
    serializers.ListField: document,
    serializers.DateTimeField: moment,
    serializers.DateField: plain,
    serializers.CharField: plain,
    serializers.ChoiceField: plain,
    serializers.BooleanField: plain,
    serializers.IntegerField: plain,
    serializers.IPAddressField: plain,
}
