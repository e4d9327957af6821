"""Consents on the wire."""

from typing import Any

from crm.resources.clients.models import Client
from crm.resources.consents import rules
from crm.resources.consents.models import Consent
from crm.rest.fields import IdField, ReferenceField
from crm.rest.filters import IdFilter, ResourceFilterSet
from crm.rest.serializers import ResourceSerializer
from crm.rest.viewset import Include, ResourceViewSet

__all__ = ["ConsentViewSet"]


class ConsentSerializer(ResourceSerializer):
    """What a {client} said about one channel."""

    id = IdField("con")
    client_id = ReferenceField(Client, "cli", help_text="Whose word it is.")

    class Meta:
        model = Consent
        fields = ["id", "client_id", "channel", "state", "source", "occurred_at", "note", "created_at"]


class ConsentFilter(ResourceFilterSet):
    """What consents can be filtered by."""

    id = IdFilter(prefix="con")
    client_id = IdFilter(prefix="cli")

    class Meta:
        model = Consent
        fields = ["channel", "state", "source", "occurred_at", "created_at"]


class ConsentViewSet(ResourceViewSet):
    """What {clients} said about being reached, one record each time. None is changed or deleted: the newest counts."""

    resource, plural, prefix = "consent", "consents", "con"
    path, scope_name = "marketing/consents", "marketing"
    model = Consent
    serializer_class = ConsentSerializer
    filterset_class = ConsentFilter
    ordering_fields = ("created_at", "occurred_at")
    methods = ("list", "create", "retrieve")
    example = {"channel": "email", "state": "granted", "source": "form", "note": "Newsletter form, box ticked."}
    includes = {"client": Include("clients", relation="client")}

    def make(self, data: dict[str, Any]) -> Consent:
        return rules.record(actor=self.actor, **data)
