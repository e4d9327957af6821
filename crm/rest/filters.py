"""What lists can be filtered by: typed filters with their operators."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Any

import django_filters
import orjson
from django import forms
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import models
from django.db.models import Q

from crm.errors import Problem, Refusal
from crm.rest.statements import Condition, Param
from tenants import ids

__all__ = [
    "IdFilter", "MomentField", "ResourceFilterSet", "TagFilter", "WordFilter", "condition", "refuse",
]  # fmt: skip

MAX_VALUES, MAX_TEXT = 100, 500
CHOICE = {"eq": "exact", "ne": "exact", "in": "in", "nin": "in", "null": "isnull"}
TEXT = {**CHOICE, "contains": "icontains", "startsWith": "istartswith", "endsWith": "iendswith"}
ORDERED = {**CHOICE, "gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte"}
TAGS = {"eq": "contains", "ne": "contains", "null": "isnull"}
NEGATED = ("ne", "nin")
# What Django can compare with a Param; for others the value is a part of the statement.
EXPRESSIVE = {"exact", "in", "icontains", "istartswith", "iendswith", "gt", "gte", "lt", "lte", "contains"}


class IdField(forms.CharField):
    """A form field that reads an id of one kind."""

    prefix = ""

    def clean(self, value: Any) -> Any:
        try:
            return ids.decode(self.prefix, str(super().clean(value)))
        except ids.InvalidId as error:
            raise ValidationError(str(error)) from error


class IdFilter(django_filters.Filter):
    """Filter by an id, the record's own or a reference; an id of another tenant matches nothing."""

    field_class = IdField
    operators = CHOICE

    def __init__(self, *args: Any, prefix: str, **kwargs: Any) -> None:
        self.prefix = prefix
        super().__init__(*args, **kwargs)

    @property
    def field(self) -> Any:
        field: Any = super().field
        field.prefix = self.prefix
        return field


class TagFilter(django_filters.CharFilter):
    """Filter by one tag of a list."""

    operators = TAGS


class WordFilter(django_filters.CharFilter):
    """Filter by a resource's or an event's name, given in the contract's words."""


class MomentField(forms.Field):
    """A form field that reads ISO 8601: a time (UTC unless it says otherwise) or a date (its midnight in UTC)."""

    def clean(self, value: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(str(value).strip().replace(" ", "+"))
        except ValueError as error:
            raise ValidationError("Must be ISO 8601, like 2026-01-31 or 2026-01-31T12:00:00Z.") from error
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class MomentFilter(django_filters.Filter):
    """Filter by a time."""

    field_class = MomentField
    operators = ORDERED


class BooleanField(forms.CharField):
    """A form field that reads true or false and nothing else."""

    def clean(self, value: Any) -> bool:
        text = str(value).lower()
        if text not in ("true", "false"):
            raise ValidationError("Must be true or false.")
        return text == "true"


class TruthFilter(django_filters.Filter):
    """Filter by true or false."""

    field_class = BooleanField
    operators = {"eq": "exact", "ne": "exact"}


class WholeFilter(django_filters.NumberFilter):
    """Filter by a whole number; a fraction is refused, not cut off."""

    field_class: Any = forms.IntegerField


FILTERS: tuple[tuple[type, type[django_filters.Filter]], ...] = (
    (models.DateTimeField, MomentFilter),
    (models.DateField, django_filters.DateFilter),
    (models.BooleanField, TruthFilter),
    (models.DecimalField, django_filters.NumberFilter),
    (models.IntegerField, WholeFilter),
    (models.CharField, django_filters.CharFilter),
    (models.TextField, django_filters.CharFilter),
)
OPERATORS: dict[Any, Mapping[str, str]] = {
    django_filters.ChoiceFilter: CHOICE,
    django_filters.NumberFilter: ORDERED,
    django_filters.DateFilter: ORDERED,
    django_filters.CharFilter: TEXT,
}


class ResourceFilterSet(django_filters.FilterSet):
    """What a list can be filtered by: `Meta.fields` names it; each filter's class decides its operators."""

    @classmethod
    def filter_for_field(cls, field: Any, field_name: str, lookup_expr: str | None = None) -> django_filters.Filter:
        """Return the filter of a model field; django-filter's own way asks the table, and that takes a tenant."""
        if field.choices:
            return django_filters.ChoiceFilter(field_name=field_name, choices=field.choices)
        for kind, filter_class in FILTERS:
            if isinstance(field, kind):
                return filter_class(field_name=field_name)
        raise ImproperlyConfigured(f"{cls.__name__}.{field_name}: declare a filter for a {type(field).__name__}.")


def operators_of(item: Any) -> Mapping[str, str]:
    """Return the operators of a filter, by its class."""
    if hasattr(item, "operators"):
        return item.operators  # type: ignore[no-any-return]
    for kind, operators in OPERATORS.items():
        if isinstance(item, kind):
            return operators
    return CHOICE


def condition(view: Any, name: str, operator: str, value: Any, wire: str) -> Condition:
    """Return one condition, its value read by the filter's own form field."""
    chosen = view.filters[name]
    operators = operators_of(chosen)
    if operator not in operators:
        raise refuse(wire, f"{name}: unknown operator {operator[:20]!r}. Known here: {', '.join(operators)}.")
    try:
        cleaned = clean(chosen, operator, value, view.contract)
    except (ValidationError, ValueError) as error:
        message = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        raise refuse(wire, f"{name}: {message}") from error
    path, lookup = chosen.field_name, operators[operator]
    key = (path, operator)
    if lookup not in EXPRESSIVE:
        return Condition((*key, str(cleaned)), (), lambda: matching(view, chosen, operator, lookup, [cleaned]))
    one, values = ("exact", tuple(dict.fromkeys(cleaned))) if lookup == "in" else (lookup, (cleaned,))

    return Condition((*key, len(values)), values, lambda *params: matching(view, chosen, operator, one, params))


def matching(view: Any, chosen: Any, operator: str, lookup: str, values: Sequence[Any]) -> Q:
    """Return what holds for one of the values, or for none of them where the operator is negated."""
    # One by one: Django takes no Params in a reference's list.
    found = reduce(or_, (Q(**{f"{chosen.field_name}__{lookup}": value}) for value in values))
    if chosen.distinct:
        # Among rows inside: a record matches once, however many of its rows do.
        found = Q(pk__in=view.model.objects.of(Param("tenant")).filter(found).values("pk"))
    return ~found if operator in NEGATED else found


def clean(chosen: Any, operator: str, value: Any, contract: Any) -> Any:
    """Return `value` in the field's type; raise ValidationError or ValueError."""
    if operator == "null":
        return BooleanField().clean(value)
    if operator in ("in", "nin"):
        if not isinstance(value, list) or not value or len(value) > MAX_VALUES:
            raise ValueError(f"Must be a list of 1 to {MAX_VALUES} values.")
        return [clean(chosen, "eq", item, contract) for item in value]
    if isinstance(value, dict | list) or value is None or isinstance(value, float):
        raise ValueError("Must be a single value; decimals as strings.")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not text or len(text) > MAX_TEXT:
        raise ValueError(f"Must be 1 to {MAX_TEXT} characters; use $null for empty ones.")
    read = next(READERS[kind] for kind in type(chosen).__mro__ if kind in READERS)
    return read(chosen, text, contract)


def choice(chosen: Any, text: str, contract: Any) -> str:
    known = dict(chosen.extra["choices"])
    if text not in known:
        raise ValueError(f"Must be one of: {', '.join(known)}.")
    return text


READERS: dict[type, Callable[[Any, str, Any], Any]] = {
    TagFilter: lambda chosen, text, contract: orjson.dumps([text]).decode(),
    WordFilter: lambda chosen, text, contract: contract.canonical(text),
    django_filters.ChoiceFilter: choice,
    django_filters.Filter: lambda chosen, text, contract: chosen.field.clean(text),
}


def refuse(wire: str, message: str, *, code: str = "INVALID_FILTER") -> Refusal:
    """Return the 400 for a parameter that does not fit, to raise."""
    name = wire[:100]
    return Refusal(Problem(400, code, f"{name}: {message}"[:1000], {name: [message[:1000]]}))
