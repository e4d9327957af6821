"""What is not fit to be published refuses to start, with a sentence that says what to add."""

from typing import Any, ClassVar

import django_filters
import pytest
from django.core.exceptions import ImproperlyConfigured
from rest_framework import serializers

from crm.resources.clients.api import ClientFilter, ClientSerializer, ClientViewSet
from crm.resources.clients.models import Client
from crm.resources.invoices.api import InvoiceSerializer, InvoiceViewSet
from crm.resources.invoices.models import Invoice
from crm.rest.contract import Contract
from crm.rest.fields import IdField
from crm.rest.router import bound_views
from crm.rest.serializers import ResourceSerializer, Shape
from crm.rest.writes import command

ANYONE = serializers.PrimaryKeyRelatedField(queryset=Client._base_manager.all())


def start(view: type, **changes: Any) -> None:
    """Start a contract with a view that is `view`, changed."""
    bound_views(Contract(name="trial", title="Trial"), (type(view.__name__, (view,), changes),))


def refuses(sentence: str) -> Any:
    return pytest.raises(ImproperlyConfigured, match=sentence)


def invoices(**fields: Any) -> Any:
    """Return the invoices' serializer with other fields."""
    meta = type("Meta", (), {"model": Invoice, "fields": ["id", *fields]})
    return type("InvoiceSerializer", (ResourceSerializer,), {"id": IdField("inv"), "Meta": meta, **fields})


class LooseShape(Shape):
    """A structure with a relation that is not bound to the tenant."""

    client = ANYONE


class PlainSerializer(serializers.ModelSerializer[Client]):
    """Not one of ours."""

    class Meta:
        model = Client
        fields: ClassVar[list[str]] = ["name"]


class LooseFilter(ClientFilter):
    """A filter that looks in every tenant's rows."""

    invoice = django_filters.ModelChoiceFilter(queryset=Invoice._base_manager.all())


class OpenViewSet(ClientViewSet):
    """A resource with a command that takes a loose structure."""

    emits = {"moved": "The {client} was moved."}

    @command(event="moved", takes=LooseShape)
    def move(self, record: Any, client: Any) -> None:
        """Never reached."""


@pytest.mark.parametrize("name", ["resource", "plural", "prefix", "model", "serializer_class", "filterset_class"])
def test_it_needs_a_name_to_derive_scopes_from(name: str) -> None:
    with refuses(f"ClientViewSet needs `{name}`: without it no scope and no address can be derived"):
        start(ClientViewSet, **{name: None})


@pytest.mark.parametrize("name", ["create", "update", "partial_update", "destroy"])
def test_it_needs_one_write_on_what_changes(name: str) -> None:
    def bare(view: Any, request: Any, pk: str = "") -> None:
        raise NotImplementedError

    with refuses(f"ClientViewSet.{name} changes something: put @one_write"):
        start(ClientViewSet, **{name: bare})


@pytest.mark.parametrize(("fields", "where"), [
    ({"client": ANYONE}, "client"),
    ({"client": serializers.PrimaryKeyRelatedField(many=True, queryset=Client._base_manager.all())}, "client"),
    ({"clients": serializers.ListField(child=ANYONE)}, "clients"),
    ({"client": serializers.SlugRelatedField(slug_field="name", queryset=Client._base_manager.all())}, "client"),
    ({"client_id": serializers.UUIDField()}, "client_id"),
    ({"accounting": LooseShape()}, "accounting.client"),
    ({"line_items": LooseShape(many=True)}, "line_items.client"),
    ({"line_items": invoices(client=ANYONE)(many=True)}, "line_items.client"),
])  # fmt: skip
def test_it_needs_relations_bound_to_the_tenant(fields: dict[str, Any], where: str) -> None:
    with refuses(f"InvoiceViewSet.{where} is not bound to the tenant: use ReferenceField"):
        start(InvoiceViewSet, serializer_class=invoices(**fields))


def test_it_needs_serializers_of_its_own_kind() -> None:
    with refuses("ClientViewSet: PlainSerializer must be a ResourceSerializer"):
        start(ClientViewSet, serializer_class=PlainSerializer)
    with refuses("InvoiceViewSet.client: PlainSerializer must be a ResourceSerializer"):
        start(InvoiceViewSet, serializer_class=invoices(client=PlainSerializer()))


def test_it_needs_bound_relations_in_what_commands_take() -> None:
    with refuses("OpenViewSet.move.client is not bound to the tenant"):
        start(OpenViewSet)


def test_it_needs_a_sentence_for_what_a_command_makes_happen() -> None:
    with refuses("OpenViewSet.move leaves moved: say what happened in `emits`"):
        start(OpenViewSet, emits={})


def test_it_needs_filters_that_stay_inside() -> None:
    with refuses("LooseFilter.invoice looks in every tenant's rows: use IdFilter"):
        start(ClientViewSet, filterset_class=LooseFilter)


@pytest.mark.parametrize(
    ("name", "field"), [("tenant", serializers.CharField()), ("owner", serializers.CharField(source="tenant"))]
)
def test_it_never_shows_the_tenant(name: str, field: Any) -> None:
    with refuses(f"InvoiceViewSet.{name}: the tenant comes from the key and is never a field"):
        start(InvoiceViewSet, serializer_class=invoices(**{name: field}))


def test_it_starts_what_is_fit() -> None:
    start(ClientViewSet, serializer_class=ClientSerializer)
    start(InvoiceViewSet, serializer_class=InvoiceSerializer)
