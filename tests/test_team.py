"""The team: members as a public shape, invited, changed, linked to accounts, and never without an owner."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from tenants import ids, membership
from tenants.actor import Actor
from tenants.models import Member, Tenant
from tenants.routing import using
from tenants.staff import seats_of
from tests.admin.conftest import events, make_person, seated
from tests.conftest import Answer, Caller
from tests.crowd import at_once

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}


def invite(caller: Caller, **fields: Any) -> Answer:
    made = caller.post("/team", ADA | fields)
    assert made.status == 201, made.body
    return made


def account(email: str) -> User:
    with using("admin"):
        person: User = make_person(email=email).user
        membership.link(person)
    return person


def test_it_invites_a_person_without_an_account(acme: Caller) -> None:
    hours = [{"day": "monday", "start": "08:00", "end": "16:30"}]
    made = invite(acme, skills=["gas", "gas"], timezone="Europe/Vienna", working_hours=hours).data
    assert made["id"].startswith("usr_")
    assert (made["role"], made["active"], made["skills"], made["working_hours"]) == ("staff", True, ["gas"], hours)
    with using("admin"):
        assert Member.every_tenant.get(tenant=acme.tenant).user is None
    assert acme.get(f"/team/{made['id']}").data == made


def test_it_leaves_public_events_with_the_public_shape(acme: Caller) -> None:
    made = invite(acme).data
    changed = acme.patch(f"/team/{made['id']}", {"role": "viewer"}).data
    first, second = acme.get(f"/team/{made['id']}/events").data
    assert (first["type"], first["data"]) == ("member.created", made)
    assert (second["type"], second["changes"]) == ("member.updated", {"role": ["staff", "viewer"]})
    assert second["data"] == changed and second["record_version"] == 2


def test_it_leaves_the_same_event_from_the_admin(acme: Caller) -> None:
    seated(acme, "viewer")
    (shown,) = acme.get("/team").data
    assert events(acme.tenant, "member.created")[0].data == shown


def test_it_keeps_log_ins_to_staff(acme: Caller) -> None:
    person = seated(acme)
    with using("admin"):
        membership.note_login(person.user, succeeded=True, address="10.0.0.1", request_id="")
    assert len(events(acme.tenant, "member.logged_in")) == 1
    assert [event["type"] for event in acme.get("/events?resource=member").data] == ["member.created"]


@pytest.mark.parametrize(("field", "value"), [
    ("working_hours", [{"day": "someday", "start": "08:00", "end": "16:30"}]),
    ("working_hours", [{"day": "monday", "start": "8:00", "end": "16:30"}]),
    ("working_hours", [{"day": "monday", "start": "08:00", "end": "24:00"}]),
    ("timezone", "Mars/Olympus"),
    ("email", "nonsense"),
    ("role", "king"),
])  # fmt: skip
def test_it_refuses_what_makes_no_sense(acme: Caller, field: str, value: Any) -> None:
    refused = acme.post("/team", ADA | {field: value})
    assert refused.status == 400
    assert refused.error["details"]["field"].partition(".")[0] == field


def test_it_knows_an_address_once_in_any_case(acme: Caller, globex: Caller) -> None:
    assert invite(acme, email="Ada@Example.com").data["email"] == "ada@example.com"
    taken = acme.post("/team", ADA)
    assert (taken.status, taken.error["details"]["field"]) == (409, "email")
    invite(globex)


def test_it_deletes_nobody(acme: Caller) -> None:
    assert acme.delete(f"/team/{invite(acme).data['id']}").status == 405


def test_it_filters_by_skill_and_role(acme: Caller) -> None:
    invite(acme, skills=["gas"])
    invite(acme, name="Bob", email="bob@example.com", role="viewer")
    assert [member["name"] for member in acme.get("/team?skills=gas").data] == ["Ada Lovelace"]
    assert [member["name"] for member in acme.get("/team?role=viewer&active=true").data] == ["Bob"]


def test_it_links_an_account_to_its_invitations(acme: Caller, globex: Caller) -> None:
    # Nobody else was invited so: links go across all tenants.
    address = f"{uuid4().hex}@example.com"
    made = [invite(caller, role="admin", email=address).data for caller in (acme, globex)]
    sandbox = with_sandbox(acme)
    invite(sandbox, role="owner", email=address)
    person = account(address.upper())
    with using("admin"):
        sides = (acme.tenant, sandbox.tenant, globex.tenant, globex.tenant.sandbox)
        assert seats_of(person) == {tenant.pk: "admin" for tenant in sides}
    assert len(acme.get(f"/team/{made[0]['id']}/events").data) == 2
    with using("admin"):
        membership.link(person)
    assert len(acme.get(f"/team/{made[0]['id']}/events").data) == 2


def with_sandbox(caller: Caller) -> Caller:
    with using("admin"):
        sandbox = Tenant.objects.get(live=caller.tenant)
    return Caller(sandbox, caller.key).with_scopes()


def test_it_gives_an_invited_person_the_seat_that_waits(acme: Caller) -> None:
    made = invite(acme).data
    with using("admin"):
        person = make_person(email="ada@example.com").user
        seat = membership.give_seat(user=person, role="admin", actor=Actor.system(acme.tenant, "tests"))
    assert ids.encode("usr", seat.pk) == made["id"]
    assert [(member["name"], member["role"]) for member in acme.get("/team").data] == [("Ada Lovelace", "admin")]


def test_it_takes_all_rights_from_whoever_is_switched_off(acme: Caller) -> None:
    person = seated(acme, "staff")
    acme.post("/clients", {"name": "Hank"})
    assert "Hank" in person.text("crm/client/")
    (member,) = acme.get("/team").data
    assert acme.patch(f"/team/{member['id']}", {"active": False}).status == 200
    assert person.get("crm/client/").status_code == 403
    acme.patch(f"/team/{member['id']}", {"active": True})
    assert "Hank" in person.text("crm/client/")


@pytest.mark.parametrize("change", [{"role": "admin"}, {"active": False}])
def test_it_keeps_the_last_active_owner(acme: Caller, change: dict[str, Any]) -> None:
    first = invite(acme, role="owner").data["id"]
    invite(acme, name="Off", email="off@example.com", role="owner", active=False)
    refused = acme.patch(f"/team/{first}", change)
    assert (refused.status, refused.error["code"]) == (409, "CONFLICT")
    assert "last active owner" in refused.error["message"]
    assert acme.patch(f"/team/{first}", {"skills": ["gas"]}).status == 200
    invite(acme, name="Bob", email="bob@example.com", role="owner")
    assert acme.patch(f"/team/{first}", change).status == 200


def test_it_keeps_an_owner_when_all_step_down_at_once(acme: Caller) -> None:
    owners = [invite(acme, email=f"o{index}@example.com", role="owner").data["id"] for index in range(8)]
    answers = at_once(8, lambda index: acme.patch(f"/team/{owners[index]}", {"role": "staff"}).status)
    assert sorted(answers) == [200] * 7 + [409]
    assert len(acme.get("/team?role=owner").data) == 1


def test_it_lets_admins_alone_make_and_change_owners(acme: Caller) -> None:
    clerk = acme.with_scopes("team:read", "team:write")
    owner = invite(acme, role="owner").data["id"]
    refused = clerk.post("/team", {"name": "Eve", "email": "eve@example.com", "role": "owner"})
    assert (refused.status, refused.error["details"]["required_scope"]) == (403, "team:admin")
    member = invite(clerk, email="bob@example.com", role="admin").data["id"]
    assert clerk.patch(f"/team/{member}", {"role": "owner"}).status == 403
    for change in ({"role": "admin"}, {"active": False}, {"email": "eve@example.com"}):
        assert clerk.patch(f"/team/{owner}", change).status == 403
    assert clerk.patch(f"/team/{owner}", {"skills": ["gas"], "role": "owner"}).status == 200
    assert acme.with_scopes("team:admin").patch(f"/team/{member}", {"role": "owner"}).status == 200


def test_it_keeps_the_last_owner_in_the_admin_too(acme: Caller) -> None:
    owner = seated(acme)
    with using("admin"):
        (member,) = Member.every_tenant.filter(user=owner.user)
    at = f"tenants/member/{member.pk}/"
    for path, body in (
        ("change/", {"role": "admin"}),
        ("change/", {"role": "owner", "off": "on"}),
        ("delete/", {"post": "yes"}),
    ):
        answer = make_person(is_superuser=True).client.post(f"/admin/{at}{path}", body, follow=True)
        assert "last active owner" in answer.content.decode(), path
    with using("admin"):
        assert Member.every_tenant.get(pk=member.pk).version == 1


def test_it_switches_off_in_the_admin(acme: Caller) -> None:
    owner, person = seated(acme), seated(acme, "staff")
    with using("admin"):
        (member,) = Member.every_tenant.filter(user=person.user)
    owner.post(f"tenants/member/{member.pk}/change/", role="staff", off="on")
    assert events(acme.tenant, "member.updated")[0].changes == {"active": [True, False]}
    assert "switched off" in owner.text("tenants/member/")


def test_it_keeps_a_seat_that_tasks_refer_to(acme: Caller) -> None:
    member = invite(acme).data["id"]
    acme.post("/tasks", {"title": "Fix it", "assignee_id": member})
    pk = ids.decode("usr", member)
    page = make_person(is_superuser=True).client.post(
        f"/admin/tenants/member/{pk}/delete/", {"post": "yes"}, follow=True
    )
    assert "Fix it" in page.content.decode()
    assert acme.get(f"/team/{member}").status == 200
