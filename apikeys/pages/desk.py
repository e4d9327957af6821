"""Where a member works: their seats, the one that the address names, and what its role allows."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from apikeys.roles import SCOPES, may_issue
from tenants.membership import live_seats
from tenants.models import Member, Tenant

__all__ = ["Desk", "member_page"]

# In the address and not in the session: each tab says for itself whose settings it shows.
NAME = "organization"
MOST_NAMED = 3


class Desk:
    """A member at one of their seats. Raises Http404 where the address names an organization that is not theirs."""

    def __init__(self, request: HttpRequest) -> None:
        user: Any = request.user
        self.seats = live_seats(user)
        wanted = request.GET.get(NAME)
        found = [seat for seat in self.seats if wanted in (None, seat.tenant.slug)]
        if wanted is not None and not found:
            raise Http404
        self.seat: Member | None = found[0] if found else None

    @property
    def tenant(self) -> Tenant:
        assert self.seat is not None
        return self.seat.tenant

    @property
    def held(self) -> frozenset[str]:
        """The scopes of the role."""
        return SCOPES[self.seat.role] if self.seat else frozenset()

    @property
    def may_issue(self) -> bool:
        """Whether the role may issue, rotate and revoke keys."""
        return may_issue(self.held)

    @property
    def query(self) -> str:
        """What addresses end with, so that they keep to this organization."""
        return f"?{NAME}={self.tenant.slug}" if len(self.seats) > 1 else ""

    @property
    def issuers(self) -> list[str]:
        """Some who may issue keys, to be asked."""
        roles = [role for role, scopes in SCOPES.items() if may_issue(scopes)]
        seats = Member.every_tenant.filter(tenant=self.tenant, role__in=roles, active=True, user__is_active=True)
        return list(seats.order_by("created_at").values_list("name", flat=True)[:MOST_NAMED])

    def redirect(self, name: str) -> HttpResponse:
        """Lead to another page of this organization."""
        return redirect(reverse(name) + self.query)


def member_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a view be a page for those who are logged in; it gets their desk. Without any seat, a page says so."""

    @login_required
    @wraps(view)
    def page(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        desk = Desk(request)
        if desk.seat is None:
            return render(request, "settings/seatless.html", {"desk": desk}, status=403)
        return view(request, desk, **kwargs)

    return page
