"""From a browser's cookie to the member behind it: who, in which tenant, with what their role allows there.

Sessions and accounts are read through the staff's connection: the API's own role has no right to them, so that nothing
that goes wrong in the API can read a cookie or a password. Requests with a key never come here.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from apikeys.credentials import SESSION, Credential
from apikeys.errors import ForgedRequest, InvalidSession, UnnamedTenant, WrongTenant
from apikeys.roles import SCOPES
from tenants.actor import Actor
from tenants.membership import live_seats
from tenants.models import Member
from tenants.routing import alias
from tenants.scope import SETTING, adopt, staff_scope

__all__ = ["SessionCredential", "find_session", "has_session"]

ENDED = "The session has ended. Log in again at /login/."
SEATLESS = "This account is a member of no organization. Ask an owner for a seat."
FORGED = "{} A write with a session takes the header X-CSRFToken, with the value of the cookie csrftoken."


@dataclass(frozen=True, slots=True)
class SessionCredential(Credential):
    """A member who is logged in."""

    kind = SESSION

    user: Any
    seat_id: UUID

    @property
    def holder(self) -> UUID:
        return self.seat_id

    @property
    def subject(self) -> str:
        return f"user:{self.user.pk}"

    @property
    def limits(self) -> Mapping[str, int | None]:
        return {}

    def actor(self, *, address: str | None, request_id: str) -> Actor:
        return Actor("user", self.tenant, self.user.pk, self.user.get_username(), address, request_id)

    def described(self) -> dict[str, Any]:
        return {"user": self.user.pk}

    def answered(self, status: int, *, address: str | None) -> None:
        """Keep no count: usage is a picture of keys."""


def has_session(request: HttpRequest) -> bool:
    """Tell whether the request carries a session's cookie."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES


def find_session(request: HttpRequest, *, tenant_header: str, named: bool) -> SessionCredential:
    """Return the credential of the member behind the cookie, and set the tenant for the open transaction.

    The tenant is the live side of the one in `tenant_header`; unless it must be `named`, the only one needs no header.
    Raises InvalidSession, ForgedRequest, UnnamedTenant or WrongTenant. Nothing is cached: a log-out, a new password, a
    lost seat or a switched-off account counts from the next request on.
    """
    with staff_scope():
        user: Any = get_user(request)
        seats = live_seats(user) if user.is_authenticated else []
    if not user.is_authenticated:
        raise InvalidSession(ENDED)
    if not seats:
        raise InvalidSession(SEATLESS)
    check_origin(request)
    seat = choose(seats, request.headers.get(tenant_header), tenant_header, named=named)
    with connections[alias()].cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, str(seat.tenant_id)])
    adopt(seat.tenant_id)
    return SessionCredential(seat.tenant, SCOPES[seat.role], user, seat.pk)


def choose(seats: Sequence[Member], name: str | None, header: str, *, named: bool) -> Member:
    """Return the seat in the tenant that the header names, or the only one; another's tenant is like none."""
    if name is None:
        if named or len(seats) > 1:
            raise UnnamedTenant(header, [seat.tenant.slug for seat in seats])
        return seats[0]
    seat = next((seat for seat in seats if seat.tenant.answers_to(name.strip())), None)
    if seat is None:
        raise WrongTenant(f"You do not belong to the organization in {header}.")
    return seat


class OriginCheck(CsrfViewMiddleware):
    """Django's own check, which says why it refuses instead of answering."""

    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def check_origin(request: HttpRequest) -> None:
    """Raise ForgedRequest for a write that another site may have sent in the member's name."""
    probe = copy.copy(request)
    if probe.method == "POST":
        # Of a POST Django would read the body, to look for the token in a form; here it comes in the header alone.
        probe.method = "PUT"
    check = OriginCheck(lambda _: HttpResponse())
    check.process_request(probe)
    reason: Any = check.process_view(probe, lambda _: HttpResponse(), (), {})
    if reason:
        raise ForgedRequest(FORGED.format(str(reason).removesuffix(".") + "."))
