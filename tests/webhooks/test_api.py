"""Webhooks through the API: made, read, changed, switched, tested, and their secrets."""

import logging
from typing import Any

import pytest

from apikeys.claims import Claim
from apikeys.issuing import revoke
from apikeys.models import ApiKey
from crm.contracts.public import PUBLIC
from crm.contracts.registry import REGISTRY
from crm.contracts.v1 import V1
from tenants import ids
from tenants.actor import Actor
from tenants.models import Event
from tenants.routing import using
from tenants.scope import tenant_scope
from tests.conftest import Caller
from tests.crowd import at_once
from tests.webhooks.world import URL, hook, row, secret_of
from webhooks.endpoints import shown_headers
from webhooks.models import Attempt, Delivery, Endpoint, EndpointSecret, Lane
from webhooks.secrets import unseal

SECRET = "whsec_"
WORDS = {"v1": ("client", "invoice"), "public": ("customer", "invoice"), "registry": ("customer", "invoice")}


@pytest.mark.parametrize("contract", [V1, PUBLIC, REGISTRY], ids=lambda contract: contract.name)
def test_it_is_made_read_changed_and_deleted_in_the_words_of_each_contract(acme: Caller, contract: Any) -> None:
    caller, client = acme.on(contract), WORDS[contract.name][0]
    body = {"url": URL, "description": "Ours", "events": [f"{client}.*", "invoice.paid"], "metadata": {"a": 1}}
    made = caller.post("/webhooks", body)
    assert made.status == 201, made.body
    assert made.headers["Location"] == f"{caller.base}/webhooks/{made.data['id']}"
    assert made.headers["Cache-Control"] == "no-store"
    data = dict(made.data)
    assert data.pop("secret").startswith(SECRET)
    assert data["id"].startswith("whk_")
    assert data | body == data
    assert data[contract.wire("disabled_reason")] is None
    assert data["contract"] == contract.name
    read = caller.get(f"/webhooks/{data['id']}")
    assert read.data == data
    assert read.headers["ETag"] == made.headers["ETag"] == '"1"'
    assert caller.get("/webhooks").data == [data]
    # Stored in canonical words.
    assert row(acme, data["id"]).events == ["client.*", "invoice.paid"]
    changed = caller.patch(f"/webhooks/{data['id']}", {"events": [f"{client}.created"], "active": False})
    assert changed.status == 200, changed.body
    assert (changed.data["events"], changed.data["active"]) == ([f"{client}.created"], False)
    assert caller.patch(f"/webhooks/{data['id']}", {"active": True}, If_Match='"1"').status == 412
    gone = caller.delete(f"/webhooks/{data['id']}")
    assert gone.status == 200
    assert caller.get(f"/webhooks/{data['id']}").status == 404


def test_put_changes_what_it_is_sent(acme: Caller) -> None:
    made = hook(acme)
    answer = acme.put(f"/webhooks/{made['id']}", {"url": f"{URL}/2", "events": ["client.created"]})
    assert answer.status == 200, answer.body
    assert (answer.data["url"], answer.data["events"]) == (f"{URL}/2", ["client.created"])


def test_an_endpoint_in_one_contract_is_shown_in_the_words_of_its_reader(acme: Caller) -> None:
    made = hook(acme.on(PUBLIC), events=["customer.created", "service.*"])
    assert acme.get(f"/webhooks/{made['id']}").data["events"] == ["client.created", "product.*"]


def test_another_tenants_is_like_none(acme: Caller, globex: Caller) -> None:
    made = hook(acme)
    assert globex.get("/webhooks").data == []
    for verb in ("test", "enable", "disable", "secret/rotate", "secret/reveal", "replay"):
        assert globex.post(f"/webhooks/{made['id']}/{verb}").status == 404
    for part in ("", "/stats", "/gaps", "/deliveries", "/replays", "/events"):
        assert globex.get(f"/webhooks/{made['id']}{part}").status == 404


@pytest.mark.parametrize(("scopes", "allowed"), [
    (["webhooks:read"], ["list", "get", "deliveries", "stats", "gaps"]),
    (["webhooks:write"], ["create", "update", "test", "enable", "disable", "replay"]),
    (["webhooks:delete"], ["delete"]),
    (["manage:webhooks"], ["list", "get", "deliveries", "stats", "gaps", "create", "update", "test", "enable",
                           "disable", "replay", "rotate", "reveal", "delete"]),
])  # fmt: skip
def test_each_scope_opens_what_it_says_and_nothing_else(acme: Caller, scopes: list[str], allowed: list[str]) -> None:
    at = f"/webhooks/{hook(acme)['id']}"
    caller = acme.with_scopes(*scopes)
    asked = {
        "list": caller.get("/webhooks"), "get": caller.get(at), "deliveries": caller.get(f"{at}/deliveries"),
        "stats": caller.get(f"{at}/stats"), "gaps": caller.get(f"{at}/gaps"),
        "create": caller.post("/webhooks", {"url": URL, "events": ["*"]}),
        "update": caller.patch(at, {"description": "x"}), "test": caller.post(f"{at}/test"),
        "enable": caller.post(f"{at}/enable"), "replay": caller.post(f"{at}/replay"),
        "rotate": caller.post(f"{at}/secret/rotate"), "reveal": caller.post(f"{at}/secret/reveal"),
        "disable": caller.post(f"{at}/disable"), "delete": caller.delete(at),
    }  # fmt: skip
    assert [name for name, answer in asked.items() if answer.status < 300] == sorted(allowed, key=list(asked).index)
    refused = [answer.code for answer in asked.values() if answer.status >= 300]
    assert set(refused) <= {"INVALID_SCOPE"}


# Which events.


def test_a_pattern_beyond_its_makers_scopes_is_refused_by_the_name_of_the_scope(acme: Caller) -> None:
    narrow = acme.with_scopes("webhooks:write", "invoices:read")
    assert narrow.post("/webhooks", {"url": URL, "events": ["invoice.*", "*"]}).status == 201
    for events in (["client.created"], ["invoice.paid", "client.*"]):
        refused = narrow.post("/webhooks", {"url": URL, "events": events})
        assert (refused.status, refused.code) == (403, "INVALID_SCOPE")
        assert "clients:read" in refused.error["message"]
    public = narrow.on(PUBLIC).post("/webhooks", {"url": URL, "events": ["customer.*"]})
    assert "read:customers" in public.error["message"]


def test_unknown_events_are_refused_with_those_that_are_near(acme: Caller) -> None:
    refused = acme.post("/webhooks", {"url": URL, "events": ["invoice.payed", "*", "nonsense", "customer.created"]})
    assert refused.status == 400
    fields = refused.error["details"]["fields"]
    assert "invoice.paid" in fields["events.0"][0]
    assert "event-types" in fields["events.2"][0]
    # In the words of another contract.
    assert "events.3" in fields
    assert set(fields) == {"events.0", "events.2", "events.3"}


def test_whoever_sets_its_address_or_events_is_its_maker_from_then_on(acme: Caller) -> None:
    made = hook(acme, events=["client.*"])
    narrow = acme.with_scopes("webhooks:write", "webhooks:read", "invoices:read")
    # Else a key could send what only another may read to an address of its own.
    for body in ({"url": f"{URL}/mine"}, {"events": ["client.*"]}):
        refused = narrow.patch(f"/webhooks/{made['id']}", body)
        assert (refused.status, refused.code) == (403, "INVALID_SCOPE")
    before = row(acme, made["id"])
    assert narrow.patch(f"/webhooks/{made['id']}", {"description": "Harmless"}).status == 200
    assert row(acme, made["id"]).scopes == before.scopes == ["*:admin"]
    assert narrow.patch(f"/webhooks/{made['id']}", {"events": ["*"]}).status == 200
    after = row(acme, made["id"])
    assert after.scopes == ["invoices:read", "webhooks:read", "webhooks:write"]
    assert after.maker_id != before.maker_id
    last = acme.get(f"/webhooks/{made['id']}/events").data[-1]
    assert last["changes"]["scopes"] == [["*:admin"], after.scopes]


# Secrets.


def test_the_secret_is_shown_once_and_stands_nowhere_else(acme: Caller, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        made = acme.post("/webhooks", {"url": URL, "events": ["*"]}, Idempotency_Key="make-one")
    secret = made.data["secret"]
    at = f"/webhooks/{made.data['id']}"
    for path in ("/webhooks", at, f"{at}/events", "/events", f"{at}/deliveries"):
        assert secret.encode() not in acme.get(path).raw
    assert secret not in caplog.text
    with using("admin"):
        for model in (Endpoint, EndpointSecret, Lane, Event, Claim):
            assert secret not in repr(list(model.every_tenant.filter(tenant=acme.tenant).values()))
    assert secret_of(acme, made.data["id"]) == secret


def test_the_same_key_makes_one_endpoint_and_says_that_the_secret_was_shown(acme: Caller) -> None:
    body = {"url": URL, "events": ["*"]}
    made = acme.post("/webhooks", body, Idempotency_Key="once")
    again = acme.post("/webhooks", body, Idempotency_Key="once")
    assert (again.status, again.code) == (409, "SECRET_NOT_REPLAYABLE")
    assert made.data["id"] in again.error["message"]
    assert "secret/rotate" in again.error["message"]
    assert acme.post("/webhooks", {**body, "ordered": True}, Idempotency_Key="once").status == 422
    assert len(acme.get("/webhooks").data) == 1


def test_many_at_once_with_one_key_make_one_endpoint(acme: Caller) -> None:
    def make(_: int) -> int:
        # A client of Django's for each thread.
        return (
            Caller(acme.tenant, acme.key)
            .post("/webhooks", {"url": URL, "events": ["*"]}, Idempotency_Key="race")
            .status
        )

    statuses = at_once(16, make)
    assert sorted(statuses) == [201, *[409] * 15]
    assert len(acme.get("/webhooks").data) == 1


def test_a_secret_is_rotated_and_the_old_one_signs_along_for_the_grace(acme: Caller) -> None:
    made = hook(acme)
    answer = acme.post(f"/webhooks/{made['id']}/secret/rotate", {"grace_seconds": 60}, Idempotency_Key="turn")
    assert answer.status == 200, answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.data["secret"] not in ("", made["secret"])
    assert len(secrets(acme)) == 2
    again = acme.post(f"/webhooks/{made['id']}/secret/rotate", {"grace_seconds": 60}, Idempotency_Key="turn")
    assert again.code == "SECRET_NOT_REPLAYABLE"
    assert acme.post(f"/webhooks/{made['id']}/secret/rotate", {"grace_seconds": 0}).status == 200
    assert len(secrets(acme)) == 1
    told = audited(acme)
    assert told == ["webhook.secret_rotated"] * 2


def test_a_secret_is_revealed_and_the_audit_log_keeps_by_whom(acme: Caller) -> None:
    made = hook(acme)
    shown = acme.post(f"/webhooks/{made['id']}/secret/reveal")
    assert (shown.status, shown.data["secret"]) == (200, made["secret"])
    assert audited(acme) == ["webhook.secret_revealed"]
    assert acme.get("/events?type=webhook.secret_revealed").data == []


def test_an_asymmetric_one_shows_its_public_key_and_never_the_private_one(acme: Caller) -> None:
    made = hook(acme, signing="v1a")
    assert made["secret"] is None
    assert made["public_key"].startswith("whpk_")
    assert acme.post(f"/webhooks/{made['id']}/secret/reveal").status == 409
    turned = acme.post(f"/webhooks/{made['id']}/secret/rotate")
    assert turned.data["public_key"] not in (None, made["public_key"])
    assert acme.get(f"/webhooks/{made['id']}").data["public_key"] == turned.data["public_key"]
    assert acme.patch(f"/webhooks/{made['id']}", {"signing": "v1"}).status == 400
    assert acme.patch(f"/webhooks/{made['id']}", {"signing": "v1a"}).status == 200


def test_headers_are_kept_hidden(acme: Caller) -> None:
    made = hook(acme, headers={"X-Token": "hush-hush", "X-Team": "blue"})
    at = f"/webhooks/{made['id']}"
    assert made["headers"] == {"X-Token": "***", "X-Team": "***"}
    for path in ("/webhooks", at, f"{at}/events", "/events"):
        assert b"hush-hush" not in acme.get(path).raw
    # What is sent back as it was shown stays; another value is a change, although it looks the same.
    assert acme.patch(at, {"headers": {"x-token": "***", "X-Team": "***"}}).status == 200
    assert kept_headers(acme, made) == {"x-token": "hush-hush", "X-Team": "blue"}
    version = acme.get(at).headers["ETag"]
    assert acme.patch(at, {"headers": {"x-token": "***", "X-Team": "red"}}).headers["ETag"] != version
    assert kept_headers(acme, made) == {"x-token": "hush-hush", "X-Team": "red"}
    assert acme.patch(at, {"headers": {}}).data["headers"] == {}


@pytest.mark.parametrize(("body", "field"), [
    ({}, "url"),
    ({"url": "http://example.com/"}, "url"), ({"url": "https://10.0.0.1/"}, "url"),
    ({"url": "https://[fd00::1]/"}, "url"),
    ({"url": "https://2130706433/"}, "url"), ({"url": "https://u:p@example.com/"}, "url"),
    ({"url": "ftp://a.b"}, "url"),
    ({"url": "https://example.com/#x"}, "url"), ({"url": f"https://example.com/{'x' * 2100}"}, "url"),
    ({"url": 5}, "url"), ({"url": None}, "url"), ({"url": "https://example.com:22/"}, "url"),
    ({"events": []}, "events"), ({"events": None}, "events"), ({"events": "*"}, "events"),
    ({"events": [5]}, "events.0"),
    ({"events": ["invoice"]}, "events.0"), ({"events": ["*.paid"]}, "events.0"), ({"events": ["x" * 81]}, "events.0"),
    ({"events": [f"a.{n}" for n in range(101)]}, "events"), ({"events": ["ping"]}, "events.0"),
    ({"headers": []}, "headers"), ({"headers": {"Host": "a"}}, "headers"),
    ({"headers": {"X-A": "a\r\nB: c"}}, "headers"),
    ({"headers": {"X-A": 1}}, "headers"), ({"headers": {"webhook-id": "a"}}, "headers"), ({"headers": None}, "headers"),
    ({"headers": {f"X-{n}": "a" for n in range(21)}}, "headers"), ({"headers": {"": "a"}}, "headers"),
    ({"active": "yes"}, "active"), ({"ordered": 1}, "ordered"), ({"signing": "v2"}, "signing"),
    ({"metadata": []}, "metadata"), ({"description": "x" * 501}, "description"), ({"secret": "whsec_x"}, "secret"),
    ({"scopes": ["admin"]}, "scopes"), ({"contract": "registry"}, None), ({"disabled_reason": "x"}, None),
])  # fmt: skip
def test_bad_input_is_refused_by_field(acme: Caller, body: dict[str, Any], field: str | None) -> None:
    whole = body if body == {} else {"url": URL, "events": ["*"], **body}
    answer = acme.post("/webhooks", whole)
    if field is None:
        # What only the server says is passed over, as everywhere.
        assert answer.status == 201
        assert answer.data["contract"] == "v1"
        assert answer.data["disabled_reason"] is None
        return
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert field in answer.error["details"]["fields"], answer.error


def test_an_address_is_kept_in_its_normal_form(acme: Caller) -> None:
    assert hook(acme, url="HTTPS://EXAMPLE.com.:443")["url"] == "https://example.com/"


# Commands.


def test_a_test_is_a_delivery_and_ten_in_a_minute_are_enough(acme: Caller) -> None:
    made, other = hook(acme), hook(acme)
    sent = [acme.post(f"/webhooks/{made['id']}/test") for _ in range(10)]
    assert {answer.status for answer in sent} == {200}
    data = sent[0].data
    assert data["id"].startswith("dlv_")
    assert (data["type"], data["status"], data["webhook_id"]) == ("ping", "pending", made["id"])
    too_many = acme.post(f"/webhooks/{made['id']}/test")
    assert (too_many.status, too_many.code) == (429, "RATE_LIMIT_EXCEEDED")
    assert 1 <= int(too_many.headers["Retry-After"]) <= 60
    assert acme.post(f"/webhooks/{other['id']}/test").status == 200
    acme.post(f"/webhooks/{other['id']}/disable")
    assert acme.post(f"/webhooks/{other['id']}/test").status == 409


def test_it_is_switched_off_and_on_and_what_waited_is_sent_or_given_up(acme: Caller) -> None:
    made = hook(acme)
    at = f"/webhooks/{made['id']}"
    acme.post(f"{at}/test")
    assert acme.post(f"{at}/disable").data["active"] is False
    assert lane(acme, made).next_due_at is None
    assert acme.post(f"{at}/enable", {"pending": "send"}).data["active"] is True
    assert lane(acme, made).next_due_at is not None
    assert acme.get(f"{at}/deliveries").data[0]["status"] == "pending"
    acme.post(f"{at}/disable")
    acme.post(f"{at}/enable", {"pending": "skip"})
    assert acme.get(f"{at}/deliveries").data[0]["status"] == "skipped"
    assert acme.post(f"{at}/enable", {"pending": "maybe"}).status == 400
    types = [event["type"] for event in acme.get(f"{at}/events").data]
    assert types == ["webhook.created", *["webhook.disabled", "webhook.enabled"] * 2]


@pytest.mark.parametrize("contract", [PUBLIC, REGISTRY], ids=lambda contract: contract.name)
def test_each_command_speaks_each_contract(acme: Caller, contract: Any) -> None:
    caller = acme.on(contract)
    wire = contract.wire
    made = hook(caller)
    at = f"/webhooks/{made['id']}"
    assert caller.post(f"{at}/test").data[wire("webhook_id")] == made["id"]
    assert caller.post(f"{at}/secret/rotate", {wire("grace_seconds"): 5}).data["secret"].startswith(SECRET)
    assert caller.post(f"{at}/secret/reveal").data["secret"].startswith(SECRET)
    assert caller.post(f"{at}/replay", {wire("dry_run"): True}).data == {"total": 0, wire("events"): []}
    job = caller.post(f"{at}/replay", {wire("only_failed"): False})
    assert (job.status, job.data[wire("webhook_id")]) == (202, made["id"])
    assert caller.get(f"/replays/{job.data['id']}").data == job.data
    assert caller.get(f"{at}/replays").data == [job.data]
    assert caller.post(f"/replays/{job.data['id']}/cancel").data["status"] == "cancelled"
    assert wire("success_rate") in caller.get(f"{at}/stats").data
    assert wire("has_more") in caller.get(f"{at}/gaps").body["pagination"]
    assert caller.post(f"{at}/disable").data["active"] is False


def test_a_delivery_is_listed_and_shown_with_its_attempts(acme: Caller) -> None:
    made = hook(acme)
    sent = acme.post(f"/webhooks/{made['id']}/test").data
    with tenant_scope(acme.tenant.id):
        Attempt.objects.create(
            tenant=acme.tenant, endpoint_id=ids.decode("whk", made["id"]), delivery_id=ids.decode("dlv", sent["id"]),
            number=1, state="failed", duration_ms=12, status_code=500, failure="It said 500.", answer="Oh no",
            answer_headers={"server": "nginx"},
        )  # fmt: skip
    listed = acme.get(f"/webhooks/{made['id']}/deliveries?status=pending&event=ping&since=2020-01-01")
    assert [row["id"] for row in listed.data] == [sent["id"]]
    assert "attempts" not in listed.data[0]
    assert acme.get(f"/webhooks/{made['id']}/deliveries?since=2100-01-01").data == []
    assert acme.get(f"/webhooks/{made['id']}/deliveries?status=delivered").data == []
    whole = acme.get(f"/deliveries/{sent['id']}")
    (attempt,) = whole.data["attempts"]
    assert (attempt["number"], attempt["status_code"], attempt["answer"]) == (1, 500, "Oh no")
    assert attempt["answer_headers"] == {"server": "nginx"}
    assert acme.get(f"/deliveries/{sent['id']}", If_None_Match=whole.headers["ETag"]).status == 304
    with tenant_scope(acme.tenant.id):
        Delivery.objects.of(acme.tenant).update(status="delivered")
    assert acme.get(f"/deliveries/{sent['id']}", If_None_Match=whole.headers["ETag"]).status == 200


def test_what_is_due_keeps_its_log_when_the_endpoint_goes(acme: Caller) -> None:
    made = hook(acme)
    sent = acme.post(f"/webhooks/{made['id']}/test").data
    job = acme.post(f"/webhooks/{made['id']}/replay").data
    assert acme.delete(f"/webhooks/{made['id']}").status == 200
    assert acme.get(f"/deliveries/{sent['id']}").data["status"] == "skipped"
    assert acme.get(f"/replays/{job['id']}").status == 404
    assert acme.post(f"/deliveries/{sent['id']}/replay").status == 409


def test_a_revoked_makers_endpoint_can_be_taken_over(acme: Caller) -> None:
    maker = acme.with_scopes("webhooks:write", "clients:read")
    made = hook(maker, events=["client.*"])
    with using("admin"):
        key = ApiKey.objects.get(pk=str(row(acme, made["id"]).maker_id))
        revoke(key, actor=Actor.system(acme.tenant, "tests"))
    assert acme.patch(f"/webhooks/{made['id']}", {"events": ["client.*"]}).status == 200
    assert row(acme, made["id"]).maker_id != key.pk


def audited(caller: Caller) -> list[str]:
    with tenant_scope(caller.tenant.id):
        rows = Event.objects.of(caller.tenant).filter(resource="webhook", audience="audit")
        return list(rows.values_list("type", flat=True))


def secrets(caller: Caller) -> list[str]:
    with tenant_scope(caller.tenant.id):
        return [unseal(row.sealed) for row in EndpointSecret.objects.of(caller.tenant)]


def kept_headers(caller: Caller, made: dict[str, Any]) -> dict[str, str]:
    return shown_headers(row(caller, made["id"]), hidden=False)


def lane(caller: Caller, made: dict[str, Any]) -> Lane:
    with tenant_scope(caller.tenant.id):
        found: Lane = Lane.objects.of(caller.tenant).get(endpoint_id=ids.decode("whk", made["id"]))
        return found
