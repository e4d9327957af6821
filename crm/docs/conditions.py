"""Filters of a list in the document: one parameter a field, and the JSON tree that holds them all."""

from typing import Any

import django_filters
from django.core.exceptions import FieldDoesNotExist

from crm.docs.fields import REQUEST, Schema, any_identifier, id_pattern
from crm.docs.shared import parameter
from crm.records import RecordFilter
from crm.rest.filters import MAX_TEXT, MAX_VALUES, IdFilter, MomentFilter, TruthFilter, WholeFilter, operators_of

__all__ = ["filter_parameters", "filter_tree"]

NUMBER = r"^-?[0-9]{1,20}(\.[0-9]{1,20})?$"
# What each kind of filter compares with, as text.
VALUES: dict[type, Any] = {
    IdFilter: lambda item: {"type": "string", "format": "typeid", "pattern": id_pattern(item.prefix, REQUEST)},
    RecordFilter: lambda item: any_identifier(item, REQUEST),
    MomentFilter: lambda item: {"type": "string", "format": "date-time"},
    TruthFilter: lambda item: {"type": "string", "enum": ["true", "false"]},
    WholeFilter: lambda item: {"type": "integer"},
    django_filters.DateFilter: lambda item: {"type": "string", "format": "date"},
    django_filters.NumberFilter: lambda item: {"type": "string", "format": "decimal", "pattern": NUMBER},
    django_filters.ChoiceFilter: lambda item: {"type": "string", "enum": [value for value, _ in item.extra["choices"]]},
    django_filters.CharFilter: lambda item: {"type": "string", "minLength": 1, "maxLength": MAX_TEXT},
}


def value_of(item: Any) -> Schema:
    """Return the schema of one value of a filter."""
    return next(VALUES[kind](item) for kind in type(item).__mro__ if kind in VALUES)


def filter_parameters(view: Any) -> list[Schema]:
    """Return a parameter for each filter, its operators in the description."""
    return [
        parameter(name, "query", value_of(item), told(view, name, item), value_of(item).get("enum", [None])[0])
        for name, item in view.filters.items()
    ]


def told(view: Any, name: str, item: Any) -> str:
    """Return what the filter looks at, and how else it can compare."""
    more = ", ".join(f"`{name}[{operator}]`" for operator in operators_of(item) if operator != "eq")
    return f"{help_of(view, item)} Also {more}.".strip()


def help_of(view: Any, item: Any) -> str:
    """Return the help text of the column behind the filter."""
    try:
        return str(view.contract.say(view.model._meta.get_field(item.field_name).help_text))
    except FieldDoesNotExist:
        return ""


def filter_tree(view: Any) -> Schema:
    """Return the `filter` parameter: a text, as every program can send one, whose JSON has this schema."""
    names = list(view.filters)
    tree = {
        "type": "object",
        "properties": {name: wanted(item) for name, item in view.filters.items()},
        "additionalProperties": False,
    }
    text = (
        "A JSON object of conditions, which must all hold: a field to a value, or to an object of operators, like "
        f'`{{"{names[0]}": {{"$in": [...]}}}}`. Fields: {", ".join(f"`{name}`" for name in names)}.'
    )
    schema = {"type": "string", "contentMediaType": "application/json", "contentSchema": tree}
    return parameter(view.contract.wire("filter"), "query", schema, text, shown(view))


def wanted(item: Any) -> Schema:
    """Return the schema of one field of the tree."""
    value, known = value_of(item), operators_of(item)
    several = {"type": "array", "items": value, "minItems": 1, "maxItems": MAX_VALUES}
    shapes = {"in": several, "nin": several, "null": {"type": "boolean"}}
    operators = {f"${name}": shapes.get(name, value) for name in known}
    return {"anyOf": [value, {"type": "object", "properties": operators, "additionalProperties": False}]}


def shown(view: Any) -> str:
    """Return an example of the tree: the first choice there is, else the newest records."""
    for name, item in view.filters.items():
        if "enum" in (schema := value_of(item)):
            return f'{{"{name}":"{schema["enum"][0]}"}}'
    return f'{{"{next(iter(view.filters))}":{{"$null":false}}}}'
