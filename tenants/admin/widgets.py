"""Form widgets: a search field whose results keep to one tenant, or to one side of the tenants."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet

__all__ = ["SearchSelect", "dress", "let_search"]


class SearchSelect(AutocompleteSelect):
    """Choose the row behind a foreign key by typing; `narrow` goes along with every search."""

    def __init__(self, field: Any, narrow: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(field, admin.site, **kwargs)
        self.narrow = dict(narrow or {})

    def get_url(self) -> str:
        """Return the address that answers searches."""
        return f"{super().get_url()}?{urlencode(self.narrow)}" if self.narrow else str(super().get_url())


def let_search(choice: Any, rows: QuerySet[Any], field: Any, narrow: Mapping[str, Any] | None = None) -> None:
    """Let a form's ModelChoiceField choose among `rows` by typing; `field` is the foreign key it stands for."""
    choice.queryset = rows
    choice.widget = SearchSelect(field, narrow)
    choice.widget.choices = choice.choices
    choice.widget.is_required = choice.required


def dress(field: Any, widget: forms.Widget) -> None:
    """Let a field be shown by another widget."""
    widget.is_required = field.required
    widget.attrs.update(field.widget_attrs(widget))
    field.widget = widget
    if isinstance(field, forms.ChoiceField):
        widget.choices = field.choices  # type: ignore[attr-defined]
