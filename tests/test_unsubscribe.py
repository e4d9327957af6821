"""The link below a mail: it asks on GET, withdraws on POST, once and for years, and cannot be altered."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from tests.conftest import Caller
from tests.crowd import at_once
from tests.mailing import deliver, link_in, make_campaign, make_members, say


@pytest.fixture
def link(acme: Caller) -> str:
    """Return the path of the link that a member of Acme's got."""
    campaign = make_campaign(acme, make_members(acme, 1))
    acme.post(f"{campaign}/send")
    deliver(acme, campaign)
    return link_in(mail.outbox[0])


def newest(caller: Caller) -> Any:
    return caller.get("/marketing/consents?sort=-occurred_at").data[0]


def test_it_only_asks_when_the_link_is_opened(acme: Caller, link: str, nobody: Caller) -> None:
    for method in ("get", "head"):
        answer = getattr(nobody.client, method)(link)
        assert answer.status_code == 200
        assert (answer["Cache-Control"], answer["X-Robots-Tag"]) == ("no-store", "noindex")
        assert "default-src 'none'" in answer["Content-Security-Policy"]
    page = nobody.client.get(link).content.decode()
    assert "Unsubscribe?" in page and "Acme" in page and "ember0" not in page
    assert newest(acme)["state"] == "granted"
    assert nobody.client.put(link).status_code == 405


@pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "One-Click"}])
def test_it_withdraws_with_one_click(acme: Caller, link: str, body: dict[str, str]) -> None:
    # As mail programs do it: no cookie, no key, no Referer.
    clicker = Client(enforce_csrf_checks=True, REMOTE_ADDR="203.0.113.9")
    answer = clicker.post(link, body)
    assert answer.status_code == 200 and "You are unsubscribed" in answer.content.decode()
    said = newest(acme)
    assert (said["channel"], said["state"], said["source"]) == ("email", "withdrawn", "unsubscribe_link")
    assert said["note"].startswith("Link in cam_")
    (event,) = acme.get(f"/marketing/consents/{said['id']}/events").data
    assert (event["type"], event["actor_kind"], event["actor_label"], event["address"]) == (
        "consent.created", "system", "unsubscribe link", "203.0.113.9",
    )  # fmt: skip


def test_it_withdraws_once_when_many_click(acme: Caller, link: str) -> None:
    answers = at_once(10, lambda index: Client(REMOTE_ADDR=f"203.0.113.{index}").post(link).status_code)
    assert set(answers) == {200}
    assert [row["state"] for row in acme.get("/marketing/consents").data] == ["withdrawn", "granted"]


def test_it_lets_a_client_agree_again(acme: Caller, link: str, nobody: Caller) -> None:
    nobody.client.post(link)
    client = newest(acme)["client_id"]
    say(acme, client)
    nobody.client.post(link)
    assert [row["state"] for row in acme.get("/marketing/consents").data][:3] == ["withdrawn", "granted", "withdrawn"]


def test_it_works_for_years(acme: Caller, link: str, nobody: Caller) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=4000)):
        assert nobody.client.post(link).status_code == 200


def test_it_refuses_a_link_that_was_altered(acme: Caller, link: str, nobody: Caller) -> None:
    token = link.removeprefix("/u/")
    packed, _, signature = token.partition(".")
    altered = [token[:-1], f"{packed}.{'A' * len(signature)}", f"B{token[1:]}", packed, "x", "x.y", "%00", "a" * 5000]
    for text in altered:
        for method in ("get", "post"):
            answer = getattr(nobody.client, method)(f"/u/{text}")
            assert answer.status_code == 404, text
            assert "Acme" not in answer.content.decode()
    assert newest(acme)["state"] == "granted"


def test_it_counts_an_addresss_tries(nobody: Caller) -> None:
    answers = [nobody.client.post("/u/x").status_code for _ in range(122)]
    assert answers.count(404) >= 119 and answers[-1] == 429
    assert int(nobody.client.get("/u/x")["Retry-After"]) >= 1
