"""Members: who has a seat in which tenant, and in which role."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from tenants.admin import show
from tenants.admin.base import StaffAdmin
from tenants.admin.filters import ReferenceFilter
from tenants.admin.widgets import let_search
from tenants.membership import LastOwner, find_invited, give_seat, take_seat
from tenants.membership import change as update
from tenants.models import Environment, Member, Tenant
from tenants.staff import actor_of, bounded, may

__all__ = ["MemberAdmin"]

ADD = "tenants.add_member"


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]
    """A seat: whose, where, and in which role. Only the role can change later, and whether it is switched off."""

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
    off = forms.BooleanField(
        required=False,
        label="Switched off",
        widget=UnfoldBooleanSwitchWidget(),
        help_text="The seat stays, and with it the person's tasks; they may do nothing here.",
    )

    class Meta:
        model = Member
        fields = ("user", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["off"] = not self.instance.active
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
        """Refuse a second seat of one person, or of one e-mail address, in one tenant."""
        data = super().clean() or {}
        if {"user", "tenant"} <= data.keys():
            person, seats = data["user"], Member.every_tenant.filter(tenant=data["tenant"])
            if seats.filter(user=person).exists():
                raise ValidationError(f"{person} has a seat in {data['tenant']} already: change its role instead.")
            taken = person.email and seats.filter(email=person.email.lower()).exists()
            if taken and find_invited(person, data["tenant"]) is None:
                raise ValidationError(f"Another member of {data['tenant']} has the address {person.email}.")
        return data


@admin.register(Member)
class MemberAdmin(StaffAdmin):
    """Seats; each change leaves its event."""

    form = MemberForm
    resource = "member"
    verbs = {"view": "view", "add": "seats", "change": "seats", "delete": "seats"}
    empty_title = "Nobody has a seat yet"
    empty_text = "A seat lets a person see a tenant here; the role says what they may do. Superusers need none."
    list_display = ("name", "email", "tenant", "job", "state", "since")
    list_filter = (("tenant", ReferenceFilter), "role", "active")
    search_fields = ("name__icontains", "email__icontains", "user__username__icontains", "tenant__slug__istartswith")
    ordering = ("tenant__slug", "name")
    fields = ("tenant", "name", "email", "user", "role", "off", "since")
    # One by one only: the last owner's seat stays, and so does one that records refer to.
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        """Return the seats with their people."""
        return super().get_queryset(request).select_related("user", "tenant__live")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep whose seat it is and where."""
        return ("tenant", "name", "email", "user", "since") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Leave out what a new seat does not have yet, or takes from the account."""
        return self.fields if obj else ("tenant", "user", "role")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form, which asks what the person may do."""
        # The tenant, which no form may edit, is a field of ours.
        form = super().get_form(request, obj, change, **{**kwargs, "fields": MemberForm.Meta.fields})
        return type("BoundMemberForm", (form,), {"request": request})

    def save_model(self, request: HttpRequest, obj: Member, form: Any, change: bool) -> None:
        """Give the seat, or change it."""
        role = form.cleaned_data["role"]
        if change:
            update(obj, {"role": role, "active": not form.cleaned_data["off"]}, actor=actor_of(request, obj.tenant))
            return
        person, tenant = form.cleaned_data["user"], form.cleaned_data["tenant"]
        seat = give_seat(user=person, role=role, actor=actor_of(request, tenant))
        obj.pk, obj.name, obj.user, obj.tenant, obj.role = seat.pk, seat.name, person, tenant, role
        if not person.is_staff:
            messages.warning(request, f"{person} cannot log in here yet: the account is not marked as staff.")

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the form; a rule that refuses is shown."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[no-any-return]
        except LastOwner as error:
            return self.refused(request, object_id, error)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Take the seat away after a confirmation; a rule that refuses is shown."""
        try:
            return super().delete_view(request, object_id, extra_context)  # type: ignore[no-any-return]
        except LastOwner as error:
            return self.refused(request, object_id, error)

    def refused(self, request: HttpRequest, object_id: str | None, error: LastOwner) -> HttpResponse:
        """Go back to the seat and say why nothing has changed."""
        messages.error(request, str(error))
        return redirect("admin:tenants_member_change", object_id)

    def delete_model(self, request: HttpRequest, obj: Member) -> None:
        """Take the seat away."""
        take_seat(obj, actor=actor_of(request, obj.tenant))

    @admin.display(description="Role", ordering="role")
    def job(self, member: Member) -> str:
        """Return the role as a badge."""
        return show.badge(member.role)

    @admin.display(description="State", ordering="active")
    def state(self, member: Member) -> str:
        """Return whether the person may work, with what."""
        if not member.active:
            return show.badge("switched off", "bad")
        return show.badge("active" if member.user_id else "invited")

    @admin.display(description="Since", ordering="created_at")
    def since(self, member: Member) -> str:
        """Return when the seat was given."""
        return show.moment(member.created_at)
