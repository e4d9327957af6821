"""Records by hand: a form keeps the rules of the API and leaves the same mark."""

import re
from typing import Any

import pytest

from crm.resources.clients.models import Client
from crm.resources.products.models import Product
from tenants import ids
from tenants.actor import Actor
from tenants.membership import give_seat
from tenants.routing import using
from tests.admin.conftest import Person, events
from tests.conftest import Caller
from tests.records import Records


def fields_of(page: str) -> dict[str, str]:
    """Return what a browser would send of a page's form, untouched."""
    found = dict(re.findall(r'<input type="(?:text|hidden)" name="([^"_][^"]*)" value="([^"]*)"', page))
    for name, options in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def add(person: Person, caller: Caller, noun: str, **fields: str) -> Any:
    """Fill in and send the form of a new record."""
    at = f"crm/{noun}/add/?tenant={caller.tenant.pk}"
    empty = person.get(at)
    return person.post(at, **{**fields_of(empty.content.decode()), **fields})


def one(model: Any, caller: Caller) -> Any:
    with using("admin"):
        return model.every_tenant.get(tenant=caller.tenant)


def test_it_asks_for_the_tenant_first(seat: Any, acme: Caller) -> None:
    page = seat(acme).text("crm/client/add/")
    assert f'value="{acme.tenant.pk}"' in page and "test" in page


def test_it_creates_a_record_with_one_event(seat: Any, acme: Caller) -> None:
    person = seat(acme, "staff")
    address = {"billing_address__city": "Wien", "billing_address__country": "at"}
    sent = add(person, acme, "client", name="Ada", phone="(415) 555-2671", tags="vip, poet", type="person", **address)
    assert sent.status_code == 302, sent.content
    client = one(Client, acme)
    assert (client.name, client.phone, client.tags) == ("Ada", "+14155552671", ["vip", "poet"])
    assert client.billing_address["country"] == "AT" and client.shipping_address is None
    (event,) = events(acme.tenant, "client.created")
    assert (event.actor_kind, event.actor_id) == ("user", str(person.user.pk))
    assert acme.get(f"/clients/{ids.encode('cli', client.pk)}").data["name"] == "Ada"


def test_it_changes_what_was_changed(seat: Any, acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada", "email": "ada@example.com", "custom_fields": {"a": 1}})
    person, client = seat(acme), one(Client, acme)
    at = f"crm/client/{client.pk}/change/"
    person.post(at, **{**fields_of(person.text(at)), "name": "Ada L", "custom_fields": '{"a": 1}'})
    after = one(Client, acme)
    assert (after.name, after.email, after.custom_fields, after.version) == ("Ada L", "ada@example.com", {"a": 1}, 2)
    assert events(acme.tenant, "client.updated")[0].changes == {"name": ["Ada", "Ada L"]}


def test_it_leaves_no_event_when_nothing_changed(seat: Any, acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    person, client = seat(acme), one(Client, acme)
    at = f"crm/client/{client.pk}/change/"
    assert person.post(at, **fields_of(person.text(at))).status_code == 302
    assert one(Client, acme).version == 1 and events(acme.tenant, "client.updated") == []


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("email", "no address", "Not an e-mail address"),
        ("phone", "123", "cannot be read as a phone number"),
        ("currency", "XXQ", "is not a code of ISO 4217"),
        ("billing_address__country", "Austria", "is not a code of ISO 3166-1"),
        ("custom_fields", "[1]", "Must be a JSON object"),
        ("metadata", "{", "JSON"),
        ("name", "", "required"),
    ],
)
def test_it_says_what_the_api_would_say(seat: Any, acme: Caller, field: str, value: str, message: str) -> None:
    sent = add(seat(acme), acme, "client", **{"name": "Ada", field: value})
    assert sent.status_code == 200 and message in sent.content.decode()
    assert events(acme.tenant, "client.created") == []


def test_it_names_a_value_that_is_taken(seat: Any, acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada", "external_ref": "A-1"})
    sent = add(seat(acme), acme, "client", name="Bob", external_ref="A-1")
    assert sent.status_code == 200 and "Already used by another record" in sent.content.decode()


def test_it_keeps_the_rules_of_a_resource(seat: Any, acme: Caller) -> None:
    add(seat(acme), acme, "product", name="Pipe", type="product", price="12.5")
    product = one(Product, acme)
    assert (str(product.price), product.currency) == ("12.50", acme.tenant.currency)
    refused = add(seat(acme), acme, "product", name="Pipe", type="product", price="1", duration_minutes="30")
    assert "Only services have it" in refused.content.decode()


def test_it_refuses_a_form_that_is_behind(seat: Any, acme: Caller) -> None:
    made = acme.post("/clients", {"name": "Ada"})
    person, client = seat(acme), one(Client, acme)
    at = f"crm/client/{client.pk}/change/"
    stale = fields_of(person.text(at))
    acme.patch(f"/clients/{made.data['id']}", {"name": "Ada L"})
    sent = person.post(at, **{**stale, "name": "Late"})
    assert sent.status_code == 200 and "has changed" in sent.content.decode()
    assert one(Client, acme).name == "Ada L"


def test_it_shows_records_with_rows_inside_read_only(seat: Any, acme: Caller) -> None:
    records, person = Records(acme), seat(acme)
    public_id = next(value for value in records.ids.values() if value.startswith("inv_"))
    at = f"crm/invoice/{ids.decode('inv', public_id)}/change/"
    page = person.text(at)
    assert "change it through the API" in page and "line items" in page
    assert person.post(at, notes="Hello").status_code == 403
    assert person.get("crm/invoice/add/").status_code == 403


def test_it_deletes_through_the_rules(seat: Any, acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    client = one(Client, acme)
    assert seat(acme, "admin").post(f"crm/client/{client.pk}/delete/", post="yes").status_code == 302
    assert events(acme.tenant, "client.deleted")[0].data["name"] == "Ada"


def test_it_keeps_what_others_refer_to(seat: Any, acme: Caller) -> None:
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    made = acme.post("/invoices", {"client_id": client})
    assert made.status == 201, made.body
    pk = ids.decode("cli", client)
    page = seat(acme).post(f"crm/client/{pk}/delete/", post="yes").content.decode()
    assert "protected" in page and acme.get(f"/clients/{client}").status == 200


def test_it_searches_in_words_and_by_id(seat: Any, acme: Caller) -> None:
    made = acme.post("/clients", {"name": "Ada Lovelace"}).data["id"]
    person = seat(acme)
    assert "Ada Lovelace" in person.text("crm/client/", q="love")
    assert "Ada Lovelace" in person.text("crm/client/", q=made)
    assert "Ada Lovelace" not in person.text("crm/client/", q="zebra")
    assert person.get("crm/client/", q="';--\\ &|!:*").status_code == 200


def test_it_offers_references_of_the_same_tenant(root: Person, acme: Caller, globex: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    globex.post("/clients", {"name": "Hank"})
    named = {"app_label": "crm", "model_name": "invoice", "field_name": "client", "tenant": acme.tenant.pk}
    answer = root.text("autocomplete/", term="", **named)
    assert "Ada" in answer and "Hank" not in answer


@pytest.mark.parametrize("role", ["viewer"])
def test_it_lets_viewers_read_only(seat: Any, acme: Caller, role: str) -> None:
    acme.post("/clients", {"name": "Ada"})
    person, client = seat(acme, role), one(Client, acme)
    at = f"crm/client/{client.pk}/change/"
    assert "Ada" in person.text(at) and "_save" not in person.text(at)
    assert person.post(at, name="Eve").status_code == 403
    assert add(person, acme, "client", name="Eve").status_code == 403
    assert person.post(f"crm/client/{client.pk}/delete/", post="yes").status_code == 403


def test_it_takes_the_role_of_each_tenant_by_itself(seat: Any, acme: Caller, globex: Caller) -> None:
    globex.post("/clients", {"name": "Hank"})
    person = seat(acme, "owner")
    with using("admin"):
        give_seat(user=person.user, role="viewer", actor=Actor.system(globex.tenant, "tests"))
    at = f"crm/client/{one(Client, globex).pk}/change/"
    assert "Hank" in person.text(at)
    assert person.post(at, name="Eve").status_code == 403
    assert add(person, globex, "client", name="Eve").status_code in (200, 403)
    assert one(Client, globex).name == "Hank"
