"""The home: figures of one's own tenants, and help where there are none."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from apikeys.issuing import issue
from apikeys.usage import counter
from tenants.actor import Actor
from tenants.routing import using
from tests.admin.conftest import make_person
from tests.conftest import Caller


def test_it_helps_where_nothing_is_yet(seat: Any, acme: Caller) -> None:
    page = seat(acme).text("")
    assert "No request in the last 30 days" in page and "/v1/clients" in page
    assert "No working key ends soon" in page
    assert "in which you have a seat" in make_person().text("")


def test_it_draws_what_happened(seat: Any, acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    acme.get("/clients/nothing")
    counter.flush()
    page = seat(acme).text("")
    assert page.count('class="chart"') == 3
    assert "<span>Requests today</span><strong>2</strong>" in page
    assert "<span>Refused or failed today</span><strong>1</strong>" in page


def test_it_warns_of_keys_that_end(seat: Any, acme: Caller) -> None:
    with using("admin"):
        actor, soon = Actor.system(acme.tenant, "tests"), timezone.now() + timedelta(days=3)
        issue(tenant=acme.tenant, name="Ending soon", scopes=["read"], actor=actor, expires_at=soon)
    assert "Ending soon" in seat(acme).text("")


def test_it_has_a_menu_of_what_one_may_see(seat: Any, acme: Caller, root: Any) -> None:
    assert "/admin/auth/user/" in root.text("")
    page = seat(acme).text("")
    assert "/admin/auth/user/" not in page and "/admin/crm/client/" in page
