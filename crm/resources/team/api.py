"""Members on the wire: the seats of the tenants room, with what the calendar and the task list need of people."""

from typing import Any

from apikeys.errors import MissingScope
from apikeys.scopes import allows
from crm.rest.fields import IdField, StrictChoice, TagsField
from crm.rest.filters import IdFilter, ResourceFilterSet, TagFilter
from crm.rest.serializers import ResourceSerializer, Shape
from crm.rest.viewset import ResourceViewSet
from crm.standards import ClockField, EmailField, TimezoneField
from tenants import membership
from tenants.models import Member

__all__ = ["TeamViewSet"]

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# What decides who rules the tenant: an owner's is out of reach of whoever may only invite.
RANK = ("role", "active", "email")


class HoursSerializer(Shape):
    """One stretch of work in the week; an end that is not after the start is on the next day."""

    day = StrictChoice(DAYS, help_text="The day on which it starts.")
    start = ClockField(help_text="Like 08:00.")
    end = ClockField(help_text="Like 16:30.")


class MemberSerializer(ResourceSerializer):
    """A person who works for the tenant."""

    id = IdField("usr")
    email = EmailField(help_text="In lower case; the account with this address gets the seat.")
    skills = TagsField(required=False, help_text="What the person can do, in short words.")
    timezone = TimezoneField(required=False, allow_null=True, help_text="Where they work, like Europe/Vienna.")
    working_hours = HoursSerializer(  # type: ignore[call-arg]
        many=True, required=False, max_length=21, help_text="When they work, in the local time of {timezone}."
    )

    class Meta:
        model = Member
        fields = [
            "id", "name", "email", "role", "active", "skills", "timezone", "working_hours", "created_at", "updated_at",
        ]  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Lower-case the address: it is what an invited person is found by."""
        return attrs | ({"email": attrs["email"].lower()} if "email" in attrs else {})


class MemberFilter(ResourceFilterSet):
    """What the team can be filtered by."""

    id = IdFilter(prefix="usr")
    skills = TagFilter()

    class Meta:
        model = Member
        fields = ["name", "email", "role", "active", "timezone", "created_at", "updated_at"]


class TeamViewSet(ResourceViewSet):
    """Who works for you. POST invites: the person gets the seat when an account with the e-mail address is there.

    Nobody is deleted here: switch them off with `active`. The last active owner stays one.
    """

    resource, plural, prefix = "member", "team", "usr"
    model = Member
    serializer_class = MemberSerializer
    filterset_class = MemberFilter
    ordering_fields = ("created_at", "updated_at", "name", "email")
    methods = ("list", "create", "retrieve", "update")
    emits = {"deleted": "The seat of the {member} was taken away; {data} shows it as it was."}
    example = {
        "name": "Grace Hopper",
        "email": "grace@example.com",
        "role": "staff",
        "skills": ["gas", "boilers"],
        "timezone": "Europe/London",
        "working_hours": [{"day": "monday", "start": "08:00", "end": "16:30"}],
    }

    def make(self, data: dict[str, Any]) -> Member:
        """Invite somebody."""
        self.check_rank(Member(active=False), data)
        member: Member = super().make(data)
        return member

    def change(self, record: Member, data: dict[str, Any]) -> None:
        """Change a member as the rules of seats allow."""
        self.check_rank(record, data)
        membership.change(record, data, actor=self.actor)

    def check_rank(self, record: Member, data: dict[str, Any]) -> None:
        """Raise MissingScope where an owner is made, or their rank changed, without the right to administer."""
        moves = any(data.get(name, getattr(record, name)) != getattr(record, name) for name in RANK)
        owners = Member.Role.OWNER in (record.role, data.get("role"))
        if moves and owners and not allows(self.credential.scopes, "team:admin"):  # type: ignore[union-attr]
            raise MissingScope("team:admin")
