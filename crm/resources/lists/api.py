"""Marketing lists on the wire."""

from uuid import UUID

from django.http import Http404, HttpResponse
from rest_framework.request import Request

from crm.resources.clients.models import Client
from crm.resources.lists import rules
from crm.resources.lists.models import MarketingList
from crm.rest.fields import IdField, ReferencesField
from crm.rest.filters import IdFilter, ResourceFilterSet
from crm.rest.serializers import ResourceSerializer
from crm.rest.statements import Condition
from crm.rest.viewset import ResourceViewSet, listing
from crm.rest.writes import command

__all__ = ["MarketingListViewSet"]


class MarketingListSerializer(ResourceSerializer):
    """Those of your {clients} who belong together for whoever writes to them."""

    id = IdField("lst")

    class Meta:
        model = MarketingList
        fields = ["id", "name", "description", "member_count", "created_at", "updated_at"]


class MembersSerializer(ResourceSerializer):
    """The {clients} whom it is about."""

    client_ids = ReferencesField(
        Client, "cli", allow_empty=False, max_length=1000, help_text="At most 1,000 {clients} in a request."
    )

    class Meta:
        model = MarketingList
        fields = ["client_ids"]


class MarketingListFilter(ResourceFilterSet):
    """What lists can be filtered by."""

    id = IdFilter(prefix="lst")

    class Meta:
        model = MarketingList
        fields = ["name", "member_count", "created_at", "updated_at"]


class MarketingListViewSet(ResourceViewSet):
    """Lists of {clients} to write to. Who is on a list has not agreed to anything: consents say that."""

    resource, plural, prefix = "marketing_list", "marketing_lists", "lst"
    path, scope_name, scope_verbs = "marketing/lists", "marketing", {"delete": "write"}
    model = MarketingList
    serializer_class = MarketingListSerializer
    filterset_class = MarketingListFilter
    search_fields = ("search",)
    ordering_fields = ("created_at", "updated_at", "name", "member_count")
    example = {"name": "Newsletter", "description": "Everyone who asked for our news."}
    emits = {
        "members_added": "{clients} were put on the list; {client_ids} among the {changes} names them.",
        "members_removed": "{clients} were taken off the list; {client_ids} among the {changes} names them.",
    }

    @listing
    def members(self, request: Request, pk: str) -> HttpResponse:
        """List the {clients} on the list, with everything that a list of {clients} takes."""
        key = self.key(pk)
        if "clients" not in self.siblings or not self.get_queryset().filter(pk=key).exists():
            raise Http404
        return self.list_of("clients", Condition.of("list_places__list", key))

    members.lists = "clients"

    @command(event="members_added", path="add", takes=MembersSerializer)
    def add_members(self, marketing_list: MarketingList, client_ids: list[UUID]) -> None:
        """Put {clients} on the list; those who are on it already stay there once."""
        rules.add(marketing_list, client_ids, actor=self.actor)

    @command(event="members_removed", path="remove", takes=MembersSerializer)
    def remove_members(self, marketing_list: MarketingList, client_ids: list[UUID]) -> None:
        """Take {clients} off the list; those who are not on it do not matter."""
        rules.remove(marketing_list, client_ids, actor=self.actor)
