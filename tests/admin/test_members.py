"""Seats: given by owners to people with accounts, and taken away, with an event each."""

from typing import Any

import pytest

from tenants.actor import Actor
from tenants.membership import give_seat
from tenants.models import Member
from tenants.routing import using
from tests.admin.conftest import Person, events, make_person
from tests.conftest import Caller

ADD = "tenants/member/add/"


def seats(caller: Caller, person: Person) -> list[Member]:
    with using("admin"):
        return list(Member.every_tenant.filter(tenant=caller.tenant, user=person.user))


def give(giver: Person, caller: Caller, person: Person, role: str = "staff") -> Any:
    return giver.post(ADD, tenant=caller.tenant.pk, user=person.user.username, role=role)


def test_it_gives_a_seat_on_both_sides(seat: Any, acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    person = make_person()
    assert person.get("crm/client/").status_code == 403
    assert give(seat(acme), acme, person).status_code == 302
    assert "Ada" in person.text("crm/client/")
    assert ">test</span>" in person.text("tenants/tenant/")
    assert events(acme.tenant, "member.created")[-1].data["name"] == person.user.username


def test_it_changes_the_role_alone(seat: Any, acme: Caller, globex: Caller) -> None:
    owner, person = seat(acme), seat(acme, "viewer")
    (member,) = seats(acme, person)
    owner.post(f"tenants/member/{member.pk}/change/", role="admin", tenant=globex.tenant.pk, user=owner.user.username)
    (member,) = seats(acme, person)
    assert (member.role, member.version) == ("admin", 2)
    assert events(acme.tenant, "member.updated")[0].changes == {"role": ["viewer", "admin"]}


def test_it_takes_a_seat_away(seat: Any, acme: Caller) -> None:
    owner, person = seat(acme), seat(acme, "viewer")
    owner.post(f"tenants/member/{seats(acme, person)[0].pk}/delete/", post="yes")
    assert seats(acme, person) == [] and person.get("crm/client/").status_code == 403
    assert len(events(acme.tenant, "member.deleted")) == 1


def test_it_refuses_a_second_seat_and_unknown_people(seat: Any, acme: Caller) -> None:
    owner, person = seat(acme), seat(acme, "viewer")
    assert "has a seat" in give(owner, acme, person).content.decode()
    unknown = owner.post(ADD, tenant=acme.tenant.pk, user="nobody at all", role="staff")
    assert "Nobody logs in with this name" in unknown.content.decode()


@pytest.mark.parametrize("role", ["admin", "staff", "viewer"])
def test_it_lets_owners_alone_give_seats(seat: Any, acme: Caller, role: str) -> None:
    assert give(seat(acme, role), acme, make_person()).status_code == 403


def test_it_gives_seats_in_own_tenants_only(seat: Any, acme: Caller, globex: Caller) -> None:
    owner, person = seat(acme), make_person()
    with using("admin"):
        give_seat(user=owner.user, role="viewer", actor=Actor.system(globex.tenant, "tests"))
    assert "Only an owner gives seats here" in give(owner, globex, person).content.decode()
    assert seats(globex, person) == []


def test_it_leaves_accounts_to_superusers(seat: Any, acme: Caller, root: Person) -> None:
    owner = seat(acme, "owner", "auth.change_user", "auth.add_user", "auth.view_user")
    for path in ("auth/user/", "auth/user/add/", f"auth/user/{root.user.pk}/change/", "auth/group/"):
        assert owner.get(path).status_code == 403, path
    assert root.get(f"auth/user/{owner.user.pk}/delete/").status_code == 403
