"""How a record's fields look in lists and on pages to read: by the class of the serializer's field."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html_join
from rest_framework import serializers

from crm.rest import fields as own
from crm.rest.serializers import ResourceSerializer, Shape
from crm.rest.viewset import ResourceViewSet
from tenants.admin import show

__all__ = ["Column", "columns_of", "listed"]

Column = Callable[[Any], Any]
# The first column is the record's own name, and the last ones are the same for all.
KNOWN = ("id", "name", "number", "title", "created_at", "updated_at", "currency")
MOST = 5


def reference(field: Any, record: Any) -> str:
    """Return the other record as a link to its page."""
    relation = record._meta.get_field(field.source).name
    other = getattr(record, relation)
    return show.text(None) if other is None else page_link(other)


def references(field: Any, record: Any) -> str:
    """Return the other records as links to their pages."""
    found = rows_of(record, field.rows).select_related(field.key)
    links = [page_link(getattr(row, field.key)) for row in found]
    return format_html_join(", ", "{}", ((link,) for link in links)) if links else show.text(None)


def page_link(other: Any) -> str:
    if not admin.site.is_registered(type(other)):
        return show.text(str(other))
    return show.link(reverse(f"admin:{other._meta.label_lower.replace('.', '_')}_change", args=[other.pk]), other)


def money(field: Any, record: Any) -> str:
    """Return an amount with the record's currency."""
    amount = getattr(record, field.source)
    return show.text(None if amount is None else f"{amount:,f} {getattr(record, 'currency', '')}".strip())


def decimal(field: Any, record: Any) -> str:
    value = getattr(record, field.source)
    return show.text(None if value is None else f"{value:f}")


def public_id(field: Any, record: Any) -> str:
    return show.code(field.to_representation(getattr(record, field.source)))


def choice(field: Any, record: Any) -> str:
    value = getattr(record, field.source)
    return show.badge(value) if value else show.text(None)


def truth(field: Any, record: Any) -> str:
    return show.badge("yes", "good") if getattr(record, field.source) else show.badge("no")


def moment(field: Any, record: Any) -> str:
    return show.moment(getattr(record, field.source))


def structure(field: Any, record: Any) -> str:
    """Return a structure as a small table."""
    value = getattr(record, field.source) or {}
    filled = {name: part for name, inner in field.fields.items() if (part := value.get(inner.source)) not in (None, "")}
    return show.record(filled) if filled else show.text(None)


def rows(field: Any, record: Any) -> str:
    """Return the rows inside a record as a table."""
    if not isinstance(field.child, ResourceSerializer):
        return show.rows(getattr(record, field.source) or [])
    return show.rows([field.child.to_representation(row) for row in rows_of(record, field.source)])


def rows_of(record: Any, accessor: str) -> Any:
    """Return the rows inside a record, not by the accessor: outside a tenant's scope that refuses to work."""
    relation = record._meta.get_field(accessor)
    return relation.related_model.every_tenant.filter(**{relation.remote_field.name: record})


def plain(field: Any, record: Any) -> str:
    return show.text(getattr(record, field.source))


LOOKS: Mapping[type, Callable[[Any, Any], str]] = {
    own.IdField: public_id,
    own.ReferenceField: reference,
    own.ReferencesField: references,
    own.MoneyField: money,
    own.DecimalField: decimal,
    Shape: structure,
    serializers.ListSerializer: rows,
    serializers.ChoiceField: choice,
    serializers.BooleanField: truth,
    serializers.DateTimeField: moment,
    serializers.Field: plain,
}
WIDE = (Shape, serializers.ListSerializer, serializers.ListField, serializers.JSONField)


def columns_of(view: type[ResourceViewSet]) -> dict[str, Column]:
    """Return a column for each field of the resource."""
    return {name: column(view, name, field) for name, field in view.serializer_class().fields.items()}


def column(view: type[ResourceViewSet], name: str, field: Any) -> Column:
    look = next(LOOKS[kind] for kind in type(field).__mro__ if kind in LOOKS)

    def read(record: Any) -> str:
        return look(field, record)

    read.__name__ = f"{name}_column"
    label = str(field.label or name).replace("_", " ")
    label = label.removesuffix(" id") if isinstance(field, own.ReferenceField) else label
    sort = field.source if name in view.ordering_fields else None
    # Django's admin reads them off the function.
    vars(read).update(short_description=label.capitalize(), admin_order_field=sort)
    return read


def listed(view: type[ResourceViewSet]) -> list[str]:
    """Return the fields that a list shows: the first short ones that can also be filtered by."""
    fields = view.serializer_class().fields
    short = [name for name, field in fields.items() if name not in KNOWN and not isinstance(field, WIDE)]
    return [name for name in short if name in view.filters][:MOST]
