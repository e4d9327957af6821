"""Intake settings: decided by owners and admins, once a tenant, with an event each time."""

from typing import Any

import pytest

from crm.intake.models import IntakeSettings
from tenants.routing import using
from tests.admin.conftest import Person, events
from tests.conftest import Caller

AT = "crm/intakesettings/"
ORIGINS = "https://WWW.acme.example/contact\nhttp://localhost:9000  https://www.acme.example"


def settings_of(caller: Caller) -> IntakeSettings | None:
    with using("admin"):
        return IntakeSettings.every_tenant.filter(tenant=caller.tenant).first()


def add(person: Person, caller: Caller, origins: str = ORIGINS, trap: str = "fax_number") -> Any:
    return person.post(f"{AT}add/", tenant=caller.tenant.pk, allowed_origins=origins, honeypot_field=trap)


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_it_lets_owners_and_admins_decide(seat: Any, acme: Caller, role: str) -> None:
    person = seat(acme, role)
    assert add(person, acme).status_code == 302
    row = settings_of(acme)
    assert row is not None
    assert row.allowed_origins == ["https://www.acme.example", "http://localhost:9000"]
    assert "www.acme.example" in person.text(f"{AT}{row.pk}/change/")
    assert person.post(f"{AT}{row.pk}/change/", allowed_origins="", honeypot_field="").status_code == 302
    row = settings_of(acme)
    assert row is not None and (row.allowed_origins, row.honeypot_field) == ([], None)
    noted = events(acme.tenant, "intake_settings.updated")
    assert [event.data["honeypot_field"] for event in noted] == ["fax_number", None]
    assert noted[0].actor_kind == "user"


@pytest.mark.parametrize("role", ["staff", "viewer"])
def test_it_lets_nobody_else(seat: Any, acme: Caller, globex: Caller, role: str) -> None:
    assert add(seat(acme, role), acme).status_code == 403
    assert add(seat(globex), acme).status_code == 200
    assert settings_of(acme) is None


@pytest.mark.parametrize(("origins", "trap", "sentence"), [
    ("www.acme.example", "", "is no origin"), ("*", "", "is no origin"), ("javascript:alert(1)", "", "is no origin"),
    ("", "email", "a field that leads have"), ("", "api_key", "a field that leads have"), ("", "a b", "Up to 50"),
])  # fmt: skip
def test_it_refuses_what_could_not_work(seat: Any, acme: Caller, origins: str, trap: str, sentence: str) -> None:
    answer = add(seat(acme), acme, origins, trap)
    assert answer.status_code == 200 and sentence in answer.content.decode()
    assert settings_of(acme) is None


def test_it_keeps_one_row_a_tenant(seat: Any, acme: Caller) -> None:
    person = seat(acme)
    add(person, acme)
    assert "has intake settings already" in add(person, acme).content.decode()
