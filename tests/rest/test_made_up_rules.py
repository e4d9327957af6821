"""What rules and the database say, in the words of a made-up contract."""

from typing import Any

import pytest

from tests.conftest import Caller
from tests.rest.words import refused

pytestmark = pytest.mark.urls("tests.rest.made_up")
LINE = {"description": "Work", "preis": "10"}


@pytest.fixture
def kennung(kunde: Caller) -> str:
    return str(kunde.post("/kunden", {"name": "Ada"}).data["kennung"])


@pytest.fixture
def bill(kunde: Caller, kennung: str) -> str:
    made = kunde.post("/rechnungen", {"kundeKennung": kennung, "rechnungsPosten": [LINE]})
    assert made.status == 201, made.body
    return f"/rechnungen/{made.data['kennung']}"


@pytest.mark.parametrize(("line", "field", "sentence"), [
    ({}, "rechnungsPosten.0.description", "Required where there is no wareKennung."),
    ({"description": "Work"}, "rechnungsPosten.0.preis", "Required where there is no wareKennung."),
    ({"description": "Work", "preis": "-1"}, "rechnungsPosten", "The summe would be negative."),
    ({"preiss": 1}, "rechnungsPosten.0.preiss", "Unknown field. Did you mean preis?"),
    ({"wareKennung": "prd_01h455vb4pex5vsknk084sn02q"}, "rechnungsPosten.0.wareKennung", "No such ware."),
])  # fmt: skip
def test_it_words_what_is_wrong_with_lines(kunde: Caller, kennung: str, line: Any, field: str, sentence: str) -> None:
    answer = kunde.post("/rechnungen", {"kundeKennung": kennung, "rechnungsPosten": [line]})
    refused(answer, 400, "UNPASSEND", field)
    assert answer.body["details"][field] == sentence
    assert answer.error == f"{field}: {sentence}"


def test_it_words_a_price_in_another_currency(kunde: Caller, kennung: str) -> None:
    ware = kunde.post("/waren", {"name": "Tea", "price": "1", "currency": "EUR"}).data["kennung"]
    body = {"kundeKennung": kennung, "currency": "USD", "rechnungsPosten": [{"wareKennung": ware}]}
    answer = kunde.post("/rechnungen", body)
    refused(answer, 400, "UNPASSEND", "rechnungsPosten.0.preis")
    assert answer.error.endswith("The ware's price is in EUR: say the preis in USD.")


def test_it_words_what_only_services_have(kunde: Caller) -> None:
    answer = kunde.post("/waren", {"name": "Tea", "price": "1", "durationMinutes": 5})
    refused(answer, 400, "UNPASSEND", "durationMinutes")
    assert "set art to service" in answer.error


def test_it_words_what_is_frozen(kunde: Caller, bill: str) -> None:
    assert kunde.post(f"{bill}/versende").data["stand"] == "sent"
    answer = kunde.patch(bill, {"rechnungsPosten": [], "currency": "EUR"})
    refused(answer, 409, "CONFLICT", "rechnungsPosten", "currency")
    assert answer.error.startswith("currency, rechnungsPosten: Frozen")


def test_it_words_an_illegal_step(kunde: Caller, bill: str) -> None:
    assert kunde.post(f"{bill}/versende").status == 200
    answer = kunde.patch(f"{bill}/stand", {"stand": "draft"})
    refused(answer, 409, "INVALID_TRANSITION", "stand", "allowed")
    assert kunde.post(f"{bill}/melde-bezahlt").data["stand"] == "paid"


def test_it_words_an_empty_bill(kunde: Caller, kennung: str) -> None:
    made = kunde.post("/rechnungen", {"kundeKennung": kennung}).data["kennung"]
    answer = kunde.post(f"/rechnungen/{made}/versende")
    refused(answer, 409, "CONFLICT", "rechnungsPosten")
    assert answer.error == "rechnungsPosten: The rechnung has no lines: it cannot be sent."


def test_it_words_who_refers_to_a_record(kunde: Caller, kennung: str, bill: str) -> None:
    answer = kunde.delete(f"/kunden/{kennung}")
    refused(answer, 409, "CONFLICT", "gebrauchtVon")
    assert answer.body["details"] == {"gebrauchtVon": {"rechnungen": 1}}
    assert '1 rechnungen refer to it. Archive it instead: PATCH {"stand": "archived"}.' in answer.error


def test_it_words_a_value_that_is_taken(kunde: Caller, kennung: str) -> None:
    body = {"name": "Ada", "externalRef": "A-1"}
    assert kunde.post("/kunden", body).status == 201
    answer = kunde.post("/kunden", body)
    refused(answer, 409, "CONFLICT", "externalRef")


def test_it_words_a_version_that_has_passed(kunde: Caller, kennung: str) -> None:
    refused(kunde.patch(f"/kunden/{kennung}", {"name": "Bob"}, If_Match='"7"'), 412, "PRECONDITION_FAILED", "version")


@pytest.mark.parametrize(("query", "code", "field", "known"), [
    ("client_id=x", "UNPASSEND", "client_id", "kundeKennung"),
    ("kundeKennung=x", "INVALID_FILTER", "kundeKennung", "cli_"),
    ("stand=x", "INVALID_FILTER", "stand", "draft, sent"),
    ("stand[near]=x", "INVALID_FILTER", "stand[near]", "eq, ne"),
    ('sieb={"status":"x"}', "INVALID_FILTER", "sieb", "stand"),
    ("folge=due_date", "INVALID_SORT", "folge", "faelligTag"),
    ("richtung=x", "INVALID_SORT", "richtung", "asc or desc"),
    ("felder=client_id", "UNPASSEND", "felder", "kundeKennung"),
    ("mit=client", "UNPASSEND", "mit", "kunde"),
    ("vonTag=x", "UNPASSEND", "vonTag", "ISO 8601"),
])  # fmt: skip
def test_it_words_what_is_wrong_with_a_query(kunde: Caller, query: str, code: str, field: str, known: str) -> None:
    answer = kunde.get(f"/rechnungen?{query}")
    assert (answer.status, answer.body["code"]) == (400, code), answer.body
    assert known in answer.body["details"][field]
    assert answer.error == f"{field}: {answer.body['details'][field]}"


def test_it_reads_lists_in_its_own_words(kunde: Caller, kennung: str, bill: str) -> None:
    found = kunde.get(
        f"/rechnungen?kundeKennung={kennung}&mit=kunde&felder=summe,faelligTag&folge=-faelligTag&suche=ada"
    )
    assert found.status == 200, found.body
    assert list(found.data[0]) == ["faelligTag", "summe", "kunde"]
    assert found.data[0]["kunde"]["kennung"] == kennung
    many = kunde.get(f"/kunden/{kennung}?mit=rechnungen.kunde").data["rechnungen"]
    assert many[0]["rechnungsPosten"][0]["preis"] == "10.00"
    assert many[0]["kunde"]["name"] == "Ada"


def test_it_names_events_its_own_way(kunde: Caller, bill: str) -> None:
    kunde.post(f"{bill}/versende")
    history = kunde.get(f"{bill}/ereignisse").data
    assert [event["art"] for event in history] == ["rechnung.angelegt", "rechnung.versandt"]
    assert {event["resource"] for event in history} == {"rechnung"}
    for query in (
        "art=rechnung.versandt",
        "resource=rechnung&art[endsWith]=.versandt",
        'sieb={"art":{"$in":["rechnung.versandt"]}}',
    ):
        found = kunde.get(f"/ereignisse?{query}").data
        assert [event["art"] for event in found] == ["rechnung.versandt"], query
