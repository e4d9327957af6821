"""A resource's filters in the admin's list: those of its filterset that a person can choose from."""

from collections.abc import Mapping
from typing import Any

import django_filters
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter

from crm.rest.filters import IdFilter, MomentFilter, TruthFilter
from crm.rest.viewset import ResourceViewSet
from tenants.admin.filters import DayFilter, ReferenceFilter

__all__ = ["filters_of"]

KINDS: Mapping[type, Any] = {
    IdFilter: ReferenceFilter,
    MomentFilter: DayFilter,
    django_filters.DateFilter: DayFilter,
    TruthFilter: BooleanRadioFilter,
    django_filters.ChoiceFilter: ChoicesDropdownFilter,
}
# The record's own id is searched for, and nobody looks for the day of a last change.
LEFT_OUT = ("id", "updated_at")


def filters_of(view: type[ResourceViewSet]) -> list[Any]:
    """Return the list's filters: the tenant and its side first."""
    found: list[Any] = [("tenant", ReferenceFilter), ("tenant__environment", ChoicesDropdownFilter)]
    for name, item in view.filters.items():
        kind = next((KINDS[cls] for cls in type(item).__mro__ if cls in KINDS), None)
        if kind is not None and name not in LEFT_OUT:
            # A path to rows inside is one already.
            path = item.field_name if item.distinct else view.model._meta.get_field(item.field_name).name
            found.append((path, kind))
    return found
