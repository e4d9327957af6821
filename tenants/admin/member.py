"""Members: who has a seat in which tenant, and in which role."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from tenants.admin import show
from tenants.admin.base import StaffAdmin
from tenants.admin.filters import ReferenceFilter
from tenants.admin.widgets import let_search
from tenants.membership import change_role, give_seat, take_seat
from tenants.models import Environment, Member, Tenant
from tenants.staff import actor_of, bounded, may

__all__ = ["MemberAdmin"]

ADD = "tenants.add_member"


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]
    """A seat: whose, where, and in which role. Only the role can change later."""

    request: HttpRequest

    tenant = forms.ModelChoiceField(Tenant.objects.none(), help_text="A seat holds for the live side and the sandbox.")
    user = forms.ModelChoiceField(
        User.objects.none(),
        to_field_name="username",
        widget=UnfoldAdminTextInputWidget,
        help_text="The name they log in with, written out.",
        error_messages={
            "invalid_choice": "Nobody logs in with this name. Whoever runs this installation makes accounts."
        },
    )

    class Meta:
        model = Member
        fields = ("user", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "user" in self.fields:
            person: Any = self.fields["user"]
            person.queryset = User.objects.filter(is_active=True)
            live = bounded(Tenant.objects.filter(environment=Environment.LIVE), self.request.user, "pk")
            let_search(self.fields["tenant"], live, Member._meta.get_field("tenant"), {"environment": Environment.LIVE})

    def clean_tenant(self) -> Tenant:
        """Refuse a tenant in which the person may not give seats."""
        tenant: Tenant = self.cleaned_data["tenant"]
        if not may(self.request.user, "seats", ADD, tenant.pk):
            raise ValidationError("Only an owner gives seats here.")
        return tenant

    def _post_clean(self) -> None:
        """Leave out Django's own checks: they ask the table, which nobody may outside a tenant's scope."""

    def clean(self) -> dict[str, Any]:
        """Refuse a second seat of one person in one tenant."""
        data = super().clean() or {}
        if {"user", "tenant"} <= data.keys() and Member.every_tenant.filter(
            user=data["user"], tenant=data["tenant"]
        ).exists():
            raise ValidationError(f"{data['user']} has a seat in {data['tenant']} already: change its role instead.")
        return data


@admin.register(Member)
class MemberAdmin(StaffAdmin):
    """Seats; each change leaves its event."""

    form = MemberForm
    resource = "member"
    verbs = {"view": "view", "add": "seats", "change": "seats", "delete": "seats"}
    empty_title = "Nobody has a seat yet"
    empty_text = "A seat lets a person see a tenant here; the role says what they may do. Superusers need none."
    list_display = ("user", "tenant", "job", "since")
    list_filter = (("tenant", ReferenceFilter), "role")
    search_fields = ("user__username__icontains", "user__email__icontains", "tenant__slug__istartswith")
    ordering = ("tenant__slug", "user__username")
    fields = ("tenant", "user", "role", "since")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        """Return the seats with their people."""
        return super().get_queryset(request).select_related("user", "tenant__live")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep whose seat it is and where."""
        return ("tenant", "user", "since") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Leave out the date of what is not there yet."""
        return self.fields if obj else ("tenant", "user", "role")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form, which asks what the person may do."""
        # The tenant, which no form may edit, is a field of ours.
        form = super().get_form(request, obj, change, **{**kwargs, "fields": MemberForm.Meta.fields})
        return type("BoundMemberForm", (form,), {"request": request})

    def save_model(self, request: HttpRequest, obj: Member, form: Any, change: bool) -> None:
        """Give the seat, or change its role."""
        role = form.cleaned_data["role"]
        if change:
            change_role(
                Member.every_tenant.select_related("user").get(pk=obj.pk), role, actor=actor_of(request, obj.tenant)
            )
            return
        person, tenant = form.cleaned_data["user"], form.cleaned_data["tenant"]
        obj.pk = give_seat(user=person, role=role, actor=actor_of(request, tenant)).pk
        obj.user, obj.tenant, obj.role = person, tenant, role
        if not person.is_staff:
            messages.warning(request, f"{person} cannot log in here yet: the account is not marked as staff.")

    def delete_model(self, request: HttpRequest, obj: Member) -> None:
        """Take the seat away."""
        take_seat(obj, actor=actor_of(request, obj.tenant))

    @admin.display(description="Role", ordering="role")
    def job(self, member: Member) -> str:
        """Return the role as a badge."""
        return show.badge(member.role)

    @admin.display(description="Since", ordering="created_at")
    def since(self, member: Member) -> str:
        """Return when the seat was given."""
        return show.moment(member.created_at)
