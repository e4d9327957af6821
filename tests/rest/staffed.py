"""A contract that shows a team, by a resource made up over members; as URLs, for tests."""

from crm.registry import RESOURCES
from crm.rest.contract import Contract
from crm.rest.fields import IdField
from crm.rest.filters import IdFilter, ResourceFilterSet
from crm.rest.router import mount
from crm.rest.serializers import ResourceSerializer
from crm.rest.viewset import ResourceViewSet
from tenants.models import Member

__all__ = ["urlpatterns"]


class SeatSerializer(ResourceSerializer):
    """A member by id and role."""

    id = IdField("usr")

    class Meta:
        model = Member
        fields = ["id", "role"]


class SeatFilter(ResourceFilterSet):
    """Filters by id."""

    id = IdFilter(prefix="usr")

    class Meta:
        model = Member
        fields = ["role"]


class SeatViewSet(ResourceViewSet):
    """Members, to read."""

    resource, plural, prefix = "seat", "team", "usr"
    model = Member
    serializer_class = SeatSerializer
    filterset_class = SeatFilter
    methods = ("list", "retrieve")


STAFFED = Contract(
    name="staffed", title="Staffed", mounts=("staffed/",), words={"assignee": "worker", "assignees": "workers"}
)
RESOURCES_WITH_TEAM = (*(view for view in RESOURCES if view.plural != "team"), SeatViewSet)
urlpatterns = mount(STAFFED, RESOURCES_WITH_TEAM)
