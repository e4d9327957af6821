"""Accounts of people: made by superusers alone, switched off rather than deleted."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.template.loader import render_to_string
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from tenants.admin import show
from tenants.membership import link
from tenants.models import Member

__all__ = ["GroupAdmin", "UserAdmin"]

admin.site.unregister(User)
admin.site.unregister(Group)


class ForSuperusers(ModelAdmin):
    """A page for superusers alone: whoever may edit accounts could make themselves one."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may look."""
        user: Any = request.user
        return bool(user.is_active and user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may change it."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person may add one."""
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may delete it."""
        return self.has_view_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Tell whether it stands in the menu."""
        return self.has_view_permission(request)


@admin.register(User)
class UserAdmin(ForSuperusers, DjangoUserAdmin[User]):
    """People's accounts, with their seats."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "kind", "seats", "seen")
    list_filter = ("is_superuser", "is_staff", "is_active")
    readonly_fields = ("last_login", "date_joined", "seat_list")
    fieldsets = (
        (None, {"fields": ("username", "password", "email", "first_name", "last_name")}),
        ("Seats", {"fields": ("seat_list",)}),
        ("May", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "email", "usable_password", "password1", "password2", "is_staff")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep every account: the log names people. One that is not active cannot log in."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the account, and give it the seats that its e-mail address was invited to."""
        super().save_model(request, obj, form, change)
        link(obj)

    @admin.display(description="Kind")
    def kind(self, user: User) -> str:
        """Return what the account is."""
        if not user.is_active:
            return show.badge("switched off", "bad")
        return (
            show.badge("superuser", "warn")
            if user.is_superuser
            else show.badge("staff" if user.is_staff else "no log-in here")
        )

    @admin.display(description="Seats")
    def seats(self, user: User) -> str:
        """Return the tenants in which the person has a seat."""
        members = (
            Member.every_tenant.filter(user=user).select_related("tenant", "tenant__live").order_by("tenant__slug")
        )
        return show.badges([member.tenant.slug for member in members])

    @admin.display(description="Seats")
    def seat_list(self, user: User) -> str:
        """Return the person's seats and the way to a new one."""
        members = Member.every_tenant.filter(user=user).select_related("tenant__live").order_by("tenant__slug")
        return render_to_string("admin/kith/seats.html", {"members": members, "person": user})

    @admin.display(description="Last log-in", ordering="last_login")
    def seen(self, user: User) -> str:
        """Return when the person was here last."""
        return show.moment(user.last_login, "never")


@admin.register(Group)
class GroupAdmin(ForSuperusers, DjangoGroupAdmin):
    """Sets of Django permissions, for people who may do a thing in all of their tenants."""
