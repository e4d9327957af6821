"""Filters of lists that show a person nothing beyond their own tenants."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_date
from unfold.contrib.filters.admin import AutocompleteSelectFilter, DropdownFilter, RangeDateFilter, TextFilter
from unfold.contrib.filters.forms import AutocompleteDropdownForm

from tenants.admin.widgets import SearchSelect

__all__ = ["DayFilter", "ExactFilter", "ReferenceFilter", "SeenFilter"]

# How many of the newest rows are looked at for the values that a filter offers.
LATEST = 5_000
DAY = timedelta(days=1)


class RelatedForm(forms.Form):
    """A search field, in unfold's looks, over the rows that the person may see, the chosen one included."""

    Media = AutocompleteDropdownForm.Media

    def __init__(self, *, request: HttpRequest, name: str, label: str, field: Any, data: Any, **_: Any) -> None:
        super().__init__(data)
        rows = admin.site.get_model_admin(field.remote_field.model).get_queryset(request)
        widget = SearchSelect(field, attrs={"class": "unfold-filter-autocomplete"})
        self.fields[name] = forms.ModelChoiceField(rows, label=label, required=False, widget=widget)


class ReferenceFilter(AutocompleteSelectFilter):
    """Filter by the row that a foreign key points to, found by typing."""

    form_class = RelatedForm


class SeenFilter(DropdownFilter):
    """Filter by a column, offering the values of the newest rows: the whole table may be too long to ask."""

    column: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """Return the values that the person could see in the list."""
        latest = model_admin.get_queryset(request).order_by("-pk").values(self.column)[:LATEST]
        values = {row[self.column] for row in latest}
        return [(value, value) for value in sorted(values)]

    def has_output(self) -> bool:
        """Stay in place on an empty list too."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows with the chosen value."""
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


class ExactFilter(TextFilter):
    """Filter by a text that must be the whole value of one of the columns; a UUID column takes a UUID."""

    columns: ClassVar[Sequence[str]] = ()
    uuid_columns: ClassVar[Sequence[str]] = ()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that match in any of the columns."""
        text = str(self.value() or "").strip()
        if not text:
            return queryset
        found = Q(*((column, text) for column in self.columns), _connector=Q.OR)
        if value := to_uuid(text):
            found |= Q(*((column, value) for column in self.uuid_columns), _connector=Q.OR)
        return queryset.filter(found)


class DayFilter(RangeDateFilter):
    """Filter a time by days of UTC, the last one included."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows between the two days."""
        name = self.parameter_name
        if first := midnight(self.used_parameters.get(f"{name}_from")):
            queryset = queryset.filter(**{f"{name}__gte": first})
        if last := midnight(self.used_parameters.get(f"{name}_to")):
            queryset = queryset.filter(**{f"{name}__lt": last + DAY})
        return queryset


def midnight(text: Any) -> datetime | None:
    """Return the start of a day written like 2026-01-31, None for anything else."""
    try:
        day = parse_date(str(text))
    except ValueError:
        return None
    return datetime.combine(day, time(), UTC) if day else None


def to_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
