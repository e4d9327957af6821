"""Marketing: lists, consents that are never changed, and campaigns that reach each consenting member once."""

from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.db import DatabaseError
from django.utils import timezone

from apikeys.scopes import catalogue
from crm.resources.consents.models import Consent
from crm.tasks import sweep_campaigns
from tenants.routing import using
from tenants.scope import tenant_scope
from tests.conftest import Caller
from tests.crowd import at_once
from tests.mailing import TEXT, deliver, link_in, make_campaign, make_client, make_list, make_members, say, types_of

# Lists.


def test_it_counts_a_member_once(acme: Caller) -> None:
    one, two = make_client(acme, "Ada"), make_client(acme, "Bob")
    path = f"/marketing/lists/{make_list(acme, [one, one])}"
    assert acme.post(f"{path}/add", {"client_ids": [one, two]}).data["member_count"] == 2
    assert acme.post(f"{path}/add", {"client_ids": [two]}).headers["ETag"] == '"3"'
    assert {row["id"] for row in acme.get(f"{path}/members").data} == {one, two}
    assert acme.post(f"{path}/remove", {"client_ids": [one]}).data["member_count"] == 1
    assert acme.post(f"{path}/remove", {"client_ids": [one]}).data["member_count"] == 1
    assert [row["name"] for row in acme.get(f"{path}/members?sort=name&fields=name").data] == ["Bob"]
    events = acme.get(f"{path}/events").data
    assert [event["type"].partition(".")[2] for event in events] == [
        "created", "members_added", "members_added", "members_removed",
    ]  # fmt: skip
    assert events[2]["changes"] == {"member_count": [1, 2], "client_ids": [[], [two]]}


def test_it_counts_members_right_with_many_at_once(acme: Caller) -> None:
    clients = [make_client(acme, f"C{index}") for index in range(8)]
    path = f"/marketing/lists/{make_list(acme, [])}"
    answers = at_once(16, lambda index: acme.post(f"{path}/add", {"client_ids": [clients[index % 8], clients[0]]}))
    assert {answer.status for answer in answers} == {200}
    assert acme.get(path).data["member_count"] == len(acme.get(f"{path}/members").data) == 8


def test_it_takes_a_thousand_members_at_once_and_no_more(acme: Caller) -> None:
    path, client = f"/marketing/lists/{make_list(acme, [])}", make_client(acme, "Ada")
    assert acme.post(f"{path}/add", {"client_ids": [client] * 1000}).data["member_count"] == 1
    refused = acme.post(f"{path}/add", {"client_ids": [client] * 1001})
    assert refused.status == 400 and "no more than 1000" in refused.error["message"]
    assert acme.post(f"{path}/add", {"client_ids": []}).status == 400


def test_it_keeps_others_clients_off_a_list(acme: Caller, globex: Caller) -> None:
    path, stranger = f"/marketing/lists/{make_list(acme, [])}", make_client(globex, "Eve")
    refused = acme.post(f"{path}/add", {"client_ids": [make_client(acme, "Ada"), stranger]})
    assert refused.error["details"]["fields"] == {"client_ids.1": ["No such client."]}
    assert acme.get(path).data["member_count"] == 0


def test_it_keeps_a_list_that_a_campaign_needs_and_a_client_who_is_on_one(acme: Caller) -> None:
    client = make_client(acme, "Ada")
    campaign = make_campaign(acme, [client])
    listed = acme.get(campaign).data["list_id"]
    assert acme.delete(f"/marketing/lists/{listed}").error["details"]["referenced_by"] == {"campaigns": 1}
    assert acme.delete(f"/clients/{client}").error["details"]["referenced_by"] == {"marketing_lists": 1}
    assert acme.delete(campaign).status == acme.delete(f"/marketing/lists/{listed}").status == 200
    assert acme.delete(f"/clients/{client}").status == 200


# Scopes.


def test_it_takes_one_scope_for_all_of_marketing(acme: Caller) -> None:
    reader, writer = acme.with_scopes("marketing:read"), acme.with_scopes("marketing:write")
    for path in ("lists", "consents", "campaigns"):
        assert reader.get(f"/marketing/{path}").status == 200
        assert writer.get(f"/marketing/{path}").error["details"]["required_scope"] == "marketing:read"
    made = writer.post("/marketing/lists", {"name": "All"}).data["id"]
    assert reader.delete(f"/marketing/lists/{made}").error["details"]["required_scope"] == "marketing:write"
    assert reader.get(f"/marketing/lists/{made}/members").error["details"]["required_scope"] == "clients:read"
    told = writer("OPTIONS", "/marketing/lists").data["permissions"]
    assert told == {"read": False, "write": True, "delete": True}
    assert writer.delete(f"/marketing/lists/{made}").status == 200


def test_it_knows_no_scope_to_delete() -> None:
    assert next(item.actions for item in catalogue() if item.resource == "marketing") == ("read", "write")


# Consents.


def test_it_keeps_every_word_and_lets_the_newest_count(acme: Caller) -> None:
    client, now = make_client(acme, "Ada"), timezone.now()
    for hours, state in ((3, "granted"), (1, "withdrawn"), (2, "granted")):
        assert say(acme, client, state, occurred_at=(now - timedelta(hours=hours)).isoformat()).status == 201
    path = f"/marketing/consents?client_id={client}&channel=email&sort=-occurred_at"
    assert [row["state"] for row in acme.get(path).data] == ["withdrawn", "granted", "granted"]
    assert [row["state"] for row in acme.get(f"{path}&state=withdrawn").data] == ["withdrawn"]
    campaign = make_campaign(acme, [client])
    acme.post(f"{campaign}/send")
    deliver(acme, campaign)
    assert acme.get(campaign).data["progress"] == {"recipients": 1, "sent": 0, "skipped": 1, "failed": 0}


def test_it_never_changes_a_consent(acme: Caller) -> None:
    made = say(acme, make_client(acme, "Ada")).data["id"]
    path = f"/marketing/consents/{made}"
    for method in ("PUT", "PATCH", "DELETE"):
        assert acme(method, path, {"state": "withdrawn"}).status == 405
    for role in ("default", "admin", "owner"):
        with pytest.raises(DatabaseError), using(role), tenant_scope(acme.tenant.id):
            Consent.objects.of(acme.tenant).update(state="withdrawn")
    assert types_of(acme, path) == ["consent.created"]


def test_it_takes_no_consent_from_the_future(acme: Caller) -> None:
    client, now = make_client(acme, "Ada"), timezone.now()
    refused = say(acme, client, occurred_at=(now + timedelta(minutes=5)).isoformat())
    assert (refused.status, refused.error["details"]["field"]) == (400, "occurred_at")
    ahead = say(acme, client, occurred_at=(now + timedelta(seconds=50)).isoformat()).data
    assert ahead["occurred_at"] <= timezone.now().isoformat()


# Campaigns: what may be done when.


def test_it_takes_known_placeholders_only(acme: Caller) -> None:
    made = make_list(acme, [])
    for name, text in (("subject", "Hi {{ nme }}"), ("body", "{{ client.name"), ("body_html", "{{{ client.name }}}")):
        refused = acme.post("/marketing/campaigns", {**TEXT, "list_id": made, name: text})
        assert (refused.status, refused.error["details"]["field"]) == (400, name)
        assert "Known: client.name, client.email" in refused.error["message"]


def test_it_moves_by_its_commands(acme: Caller) -> None:
    campaign = make_campaign(acme, make_members(acme, 1))
    later = "2999-01-01T00:00:00Z"
    assert acme.post(f"{campaign}/schedule", {"at": "2020-01-01T00:00:00Z"}).error["details"]["field"] == "at"
    scheduled = acme.post(f"{campaign}/schedule", {"at": "2998-01-01T00:00:00Z"}).data
    assert scheduled["status"] == "scheduled"
    assert acme.post(f"{campaign}/schedule", {"at": later}).data["scheduled_at"] == later
    assert acme.patch(campaign, {"subject": "Better"}).data["subject"] == "Better"
    assert acme.delete(campaign).status == 409
    sending = acme.post(f"{campaign}/send").data
    assert (sending["status"], sending["progress"]["recipients"]) == ("sending", 1)
    frozen = acme.patch(campaign, {"subject": "Too late", "name": "Name"})
    assert frozen.error["details"]["fields"].keys() == {"subject"}
    assert acme.patch(campaign, {"name": "Better name"}).status == 200
    deliver(acme, campaign)
    after = acme.get(campaign).data
    assert after["status"] == "sent" and after["sent_at"]
    assert acme.post(f"{campaign}/cancel").error["code"] == "INVALID_TRANSITION"
    assert [kind.partition(".")[2] for kind in types_of(acme, campaign)] == [
        "created", "scheduled", "scheduled", "updated", "started", "updated", "sent",
    ]  # fmt: skip


def test_it_sends_nothing_to_an_empty_list(acme: Caller) -> None:
    campaign = make_campaign(acme, [])
    refused = acme.post(f"{campaign}/send")
    assert (refused.status, refused.error["details"]["field"]) == (409, "list_id")
    assert acme.get(campaign).data["status"] == "draft"


# Campaigns: who gets what.


def test_it_writes_to_those_who_agreed(acme: Caller) -> None:
    agreed, silent, unreachable = make_client(acme, "Ada"), make_client(acme, "Bob"), make_client(acme, "Cy", email="")
    withdrawn, other = make_client(acme, "Dan"), make_client(acme, "Eve")
    for client in (agreed, unreachable, withdrawn):
        say(acme, client)
    say(acme, withdrawn, "withdrawn")
    say(acme, other, channel="sms")
    campaign = make_campaign(acme, [agreed, silent, unreachable, withdrawn, other])
    acme.post(f"{campaign}/send")
    assert mail.outbox == []
    deliver(acme, campaign)
    deliver(acme, campaign)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["ada@example.com"], "News for Ada")
    assert sent.body.startswith("Hello Ada,\nwinter is near.") and link_in(sent) in sent.body
    assert sent.from_email == "Acme <kith@localhost>"
    assert acme.get(campaign).data["progress"] == {"recipients": 5, "sent": 1, "skipped": 4, "failed": 0}


def test_it_fills_html_in_safely(acme: Caller) -> None:
    name = "A <b>{{ client.email }}</b>\r\nBcc: all@example.com"
    client = make_client(acme, "x", name=name, email="ada@example.com")
    say(acme, client)
    html = "<html><body><p>{{client.name}}</p></body></html>"
    campaign = make_campaign(acme, [client], body_html=html, body="Out: {{ unsubscribe_url }}")
    acme.post(f"{campaign}/send")
    deliver(acme, campaign)
    (sent,) = mail.outbox
    assert sent.subject == "News for A <b>{{ client.email }}</b> Bcc: all@example.com"
    shown = str(sent.alternatives[0][0])  # type: ignore[attr-defined]
    assert (
        "A &lt;b&gt;{{ client.email }}&lt;/b&gt;" in shown and f'{link_in(sent)}">Unsubscribe</a></p></body>' in shown
    )
    assert sent.body.count(link_in(sent)) == 1


def test_it_asks_for_consent_when_it_sends(acme: Caller) -> None:
    clients = make_members(acme, 3)
    campaign = make_campaign(acme, clients)
    at = timezone.now() + timedelta(hours=1)
    acme.post(f"{campaign}/schedule", {"at": at.isoformat()})
    say(acme, clients[0], "withdrawn")
    sweep_campaigns()
    assert acme.get(campaign).data["status"] == "scheduled"
    with time_machine.travel(at + timedelta(seconds=1)):
        sweep_campaigns()
        # Between the beginning and this recipient's turn.
        say(acme, clients[1], "withdrawn")
        deliver(acme, campaign)
    assert [sent.to for sent in mail.outbox] == [["member2@example.com"]]
    assert acme.get(campaign).data["progress"] == {"recipients": 3, "sent": 1, "skipped": 2, "failed": 0}


def test_it_stops_when_it_is_cancelled(acme: Caller) -> None:
    campaign = make_campaign(acme, make_members(acme, 2))
    acme.post(f"{campaign}/send")
    assert acme.post(f"{campaign}/cancel").data["status"] == "cancelled"
    deliver(acme, campaign)
    assert mail.outbox == []
    assert acme.get(campaign).data["status"] == "cancelled"


def test_it_begins_once_when_many_send(acme: Caller) -> None:
    campaign = make_campaign(acme, make_members(acme, 3))
    answers = at_once(20, lambda _: acme.post(f"{campaign}/send").status)
    assert Counter(answers) == {200: 1, 409: 19}
    at_once(8, lambda _: deliver(acme, campaign))
    assert sorted(sent.to[0] for sent in mail.outbox) == [f"member{index}@example.com" for index in range(3)]
    assert types_of(acme, campaign).count("campaign.started") == types_of(acme, campaign).count("campaign.sent") == 1


def test_it_begins_a_due_one_once_with_many_clocks(acme: Caller) -> None:
    campaign = make_campaign(acme, make_members(acme, 2))
    acme.post(f"{campaign}/schedule", {"at": (timezone.now() + timedelta(hours=1)).isoformat()})
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        at_once(3, lambda _: sweep_campaigns())
        at_once(8, lambda _: deliver(acme, campaign))
    assert len(mail.outbox) == 2
    assert types_of(acme, campaign).count("campaign.started") == 1
