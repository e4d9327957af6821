"""Staff see the rows of their own tenants and nothing of anybody else's, on every page; superusers see all."""

import re
from typing import Any

import pytest
from django.db.models import Model

from tenants.actor import Actor
from tenants.membership import take_seat
from tenants.models import Member
from tenants.routing import using
from tests.admin.conftest import Person, seated
from tests.admin.pages import BOUND, base, row_of
from tests.conftest import Caller, make_caller
from tests.records import Records


class World:
    """Two tenants with rows of every kind, and somebody with a seat in the first."""

    def __init__(self) -> None:
        acme, self.globex = make_caller("acme"), make_caller("globex")
        globex, self.person = self.globex, seated(acme)
        mine, theirs = Records(acme, "mine"), Records(globex, "theirs")
        self.mine = {model: row_of(acme, mine, model) for model in BOUND}
        self.theirs = {model: row_of(globex, theirs, model) for model in BOUND}


@pytest.fixture(scope="module")
def world(django_db_setup: None) -> World:
    """Return one world for all: nothing here may change a row of it."""
    return World()


def listed(person: Person, model: type[Model], **query: Any) -> set[str]:
    """Return the ids that a list links to."""
    found = re.findall(rf"/admin/{base(model)}([0-9a-f-]{{36}})/change/", person.text(base(model), **query))
    return set(found)


def test_it_lists_own_rows_only(world: World) -> None:
    for model in BOUND:
        found = listed(world.person, model)
        assert str(world.mine[model].pk) in found, model
        assert str(world.theirs[model].pk) not in found, model


def test_it_shows_superusers_all(world: World, root: Person) -> None:
    for model in BOUND:
        for row in (world.mine[model], world.theirs[model]):
            assert root.get(f"{base(model)}{row.pk}/change/").status_code == 200, model


@pytest.mark.parametrize("page", ["change", "delete", "history", "rotate", "revoke"])
def test_it_has_no_page_of_foreign_rows(world: World, page: str) -> None:
    random = "01a20f06-0000-7000-8000-000000000000"
    for model in BOUND:
        foreign = world.person.get(f"{base(model)}{world.theirs[model].pk}/{page}/")
        none = world.person.get(f"{base(model)}{random}/{page}/")
        assert foreign.status_code == none.status_code and foreign.status_code in (302, 403, 404), (model, page)
        assert str(world.theirs[model]) not in foreign.content.decode(), (model, page)


def test_it_finds_own_rows_only(world: World) -> None:
    for model in BOUND:
        for word in ("theirs", "a", str(world.theirs[model].pk)):
            assert str(world.theirs[model].pk) not in listed(world.person, model, q=word), (model, word)


def test_it_filters_by_own_rows_only(world: World) -> None:
    for model in BOUND:
        page = world.person.get(base(model), tenant__id__exact=world.globex.tenant.pk)
        assert page.status_code in (200, 302, 400), model
        assert "Globex" not in page.content.decode(), model


def test_it_completes_own_rows_only(world: World) -> None:
    for model in BOUND:
        for field in model._meta.get_fields():
            if not field.many_to_one or not field.concrete:
                continue
            named = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": field.name}
            answer = world.person.get("autocomplete/", term="", **named)
            assert answer.status_code in (200, 403, 404), (model, field)
            for row in world.theirs.values():
                assert str(row.pk) not in answer.content.decode(), (model, field)


def test_it_acts_on_own_rows_only(world: World) -> None:
    for model in BOUND:
        row = world.theirs[model]
        for action in ("delete_selected", "revoke_selected"):
            world.person.post(base(model), action=action, _selected_action=[row.pk], post="yes", sure="yes")
        world.person.post(f"{base(model)}{row.pk}/delete/", post="yes")
        before = {name: value for name, value in vars(row).items() if not name.startswith("_")}
        assert row_now(row) == before, model


def row_now(row: Any) -> dict[str, Any]:
    fresh = type(row)._base_manager.using("admin").get(pk=row.pk)
    return {name: value for name, value in vars(fresh).items() if not name.startswith("_")}


def test_it_searches_the_menu_without_rows(world: World) -> None:
    assert "theirs" not in world.person.text("search/", s="theirs", extended="1")


def test_it_counts_own_rows_at_home(world: World) -> None:
    world.globex.get("/clients")
    assert "Globex" not in world.person.text("")


def test_it_forgets_a_seat_at_once(acme: Caller) -> None:
    person = seated(acme, "admin")
    assert acme.tenant.slug in person.text("tenants/tenant/")
    with using("admin"):
        take_seat(Member.every_tenant.get(user=person.user), actor=Actor.system(acme.tenant, "tests"))
    for model in BOUND:
        assert person.get(base(model)).status_code == 403, model
