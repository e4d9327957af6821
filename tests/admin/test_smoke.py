"""Every page of the admin opens, with rows and without."""

from itertools import product
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin

from tests.admin.conftest import Person
from tests.admin.pages import base, pages, row_of
from tests.conftest import Caller
from tests.records import Records
from tests.shares import Turns, shared


def opens(person: Person, path: str, **query: Any) -> bool:
    """Tell whether a list answers: with its rows, or by refusing a filter that it does not have."""
    return person.get(path, **query).status_code in (200, 302, 400)


def test_it_opens_every_page(root: Person, acme: Caller) -> None:
    records = Records(acme)
    for model in pages():
        row, at = row_of(acme, records, model), base(model)
        root.text(at)
        root.text(at, q="a")
        assert root.get(f"{at}{row.pk}/change/").status_code == 200, model
        for path in (f"{at}add/", f"{at}{row.pk}/delete/"):
            assert root.get(path).status_code in (200, 403), path
        assert root.get(f"{at}{row.pk}/history/").status_code in (200, 302), model


def test_it_opens_the_pages_that_belong_to_no_model(root: Person) -> None:
    for path in ("", "password_change/", "jsi18n/"):
        assert root.get(path).status_code == 200, path


def test_it_opens_every_list_sorted_and_filtered(root: Person, acme: Caller) -> None:
    Records(acme)
    for model in pages():
        assert opens(root, base(model), o="1.2.3"), model
        assert opens(root, base(model), tenant__id__exact=acme.tenant.pk), model
        assert opens(root, base(model), created_at_from="2020-01-01", created_at_to="2020-02-31"), model


NASTY = ("\x00", "' OR 1=1 --%\ud800", "9" * 400)


@shared(5)
def test_it_answers_nasty_filters(root: Person, share: int) -> None:
    root.client.raise_request_exception = False
    turns, texts = Turns(share), [quote(nasty.encode("utf-8", "surrogatepass")) for nasty in NASTY]
    for model, text in product(pages(), texts):
        page = admin.site.get_model_admin(model)
        filters: list[Any] = [item[0] if isinstance(item, tuple) else item for item in page.list_filter]
        named = [f"{item}__exact" if isinstance(item, str) else item.parameter_name for item in filters]
        for name in ("q", "o", "p", "created_at_from", *named):
            if turns.chosen():
                status = root.client.get(f"/admin/{base(model)}?{name}={text}").status_code
                assert status < 500, (model, name)


@pytest.mark.parametrize("role", ["owner", "admin", "staff", "viewer"])
def test_it_opens_lists_for_every_role(seat: Any, acme: Caller, role: str) -> None:
    person = seat(acme, role)
    person.text("")
    for model in pages():
        assert person.get(base(model)).status_code in (200, 403), model


def test_it_sends_strangers_to_the_log_in(nobody: Caller) -> None:
    for model in pages():
        response = nobody.client.get(f"/admin/{base(model)}")
        assert response.status_code == 302 and response["Location"].startswith("/admin/login/"), model


def test_it_says_what_an_empty_list_is_for(seat: Any, globex: Caller) -> None:
    assert "No clients yet" in seat(globex).text("crm/client/")
    assert "Nothing matches" in seat(globex).text("crm/client/", q="zebra")
