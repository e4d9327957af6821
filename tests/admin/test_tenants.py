"""Tenants in the admin: made with their sandbox, changed on both sides, each change in the log."""

from typing import Any
from uuid import uuid4

import pytest

from tenants.models import Member, Tenant
from tenants.routing import using
from tests.admin.conftest import Person, events
from tests.conftest import Caller

ADD = "tenants/tenant/add/"


def filled(**fields: str) -> dict[str, str]:
    slug = f"initech-{uuid4().hex[:8]}"
    return {"slug": slug, "name": "Initech", "plan": "pro", "country": "AT", "currency": "EUR", **fields}


def sides(slug: str) -> list[Tenant]:
    with using("admin"):
        return list(Tenant.objects.filter(slug=slug).order_by("environment"))


def test_it_makes_both_sides(root: Person) -> None:
    form = filled()
    assert root.post(ADD, **form).status_code == 302
    live, sandbox = sides(form["slug"])
    assert sandbox.live_id == live.pk and {live.plan_id, sandbox.plan_id} == {"pro"}
    assert (live.country, live.currency) == ("AT", "EUR")


@pytest.mark.parametrize(("slug", "message"), [("admin", "reserved"), ("No!", "is no slug"), ("a", "is no slug")])
def test_it_refuses_a_slug_with_a_reason(root: Person, slug: str, message: str) -> None:
    answer = root.post(ADD, **filled(slug=slug))
    assert answer.status_code == 200 and message in answer.content.decode()


def test_it_refuses_a_slug_that_is_taken(root: Person, acme: Caller) -> None:
    assert "choose another slug" in root.post(ADD, **filled(slug=acme.tenant.slug)).content.decode()


def test_it_changes_the_plan_of_both_sides_with_an_event_each(root: Person, acme: Caller) -> None:
    at = f"tenants/tenant/{acme.tenant.pk}/change/"
    form = filled(name=acme.tenant.name, plan="enterprise", country="US", currency="USD", slug="other-slug")
    assert root.post(at, **form).status_code == 302
    for side in sides(acme.tenant.slug):
        assert side.plan_id == "enterprise"
        (event,) = events(side, "tenant.plan_changed")
        assert event.changes == {"plan": ["standard", "enterprise"]} and event.audience == "audit"
        assert event.actor_id == str(root.user.pk)
    assert sides("other-slug") == []


def test_it_writes_other_changes_as_updates(root: Person, acme: Caller) -> None:
    at = f"tenants/tenant/{acme.tenant.pk}/change/"
    root.post(at, **filled(name="Acme Inc", plan="standard", country="US", currency="USD"))
    assert events(acme.tenant, "tenant.updated")[0].changes == {"name": [acme.tenant.name, "Acme Inc"]}


def test_it_keeps_the_sandbox_in_step(root: Person, acme: Caller) -> None:
    sandbox = sides(acme.tenant.slug)[1]
    page = root.text(f"tenants/tenant/{sandbox.pk}/change/")
    assert 'name="_save"' not in page and f"/admin/tenants/tenant/{acme.tenant.pk}/change/" in page


def test_it_lets_nobody_delete_a_tenant(root: Person, acme: Caller) -> None:
    assert root.post(f"tenants/tenant/{acme.tenant.pk}/delete/", post="yes").status_code == 403


@pytest.mark.parametrize("role", ["owner", "viewer"])
def test_it_is_to_read_for_every_role(seat: Any, acme: Caller, role: str) -> None:
    person = seat(acme, role)
    at = f"tenants/tenant/{acme.tenant.pk}/change/"
    assert acme.tenant.slug in person.text(at)
    assert person.post(at, **filled(plan="enterprise")).status_code == 403
    assert person.get(ADD).status_code == 403


def test_it_gives_makers_a_seat(seat: Any, acme: Caller) -> None:
    person, form = seat(acme, "viewer", "tenants.add_tenant"), filled()
    person.post(ADD, **form)
    (live, _) = sides(form["slug"])
    assert len(events(live, "member.created")) == 1
    assert "Initech" in person.text("tenants/tenant/")
    with using("admin"):
        assert Member.every_tenant.get(tenant=live, user=person.user).role == "owner"
