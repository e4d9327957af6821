"""Watching Kith: what is counted, who may read it, and that board, alerts and page speak of what there is."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
import yaml
from celery import shared_task
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from apikeys import limits
from config import env
from config.env import BASE
from config.metrics.readings import READINGS
from config.metrics.requests import known, plain
from tenants.routing import STAFF
from tenants.scope import TenantScopeMissing, current
from tenants.tasks import seal_events
from tests.conftest import Caller
from tests.serving import Web
from tests.webhooks.conftest import calm, make_endpoint
from webhooks.fanout import fan_out

FILES = BASE / "docs" / "monitoring"
PAGE = BASE / "docs" / "monitoring.md"
RULES, BOARD = (FILES / name for name in ("rules.yml", "board.json"))
NAME = re.compile(r"\bkith_[a-z0-9_]+")
TOKEN = "a-token-of-more-than-twenty"
Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Let nothing be remembered from the test before."""
    READINGS.until = 0.0


@pytest.fixture(scope="module")
def web(django_db_setup: None) -> Iterator[Web]:
    server = Web(workers=2)
    yield server
    server.kill()


def scrape() -> str:
    answer = Client().get("/metrics", REMOTE_ADDR="127.0.0.1")
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def numbers(text: str) -> Numbers:
    """Return the samples of a page."""
    found: Numbers = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            place = sample.name, frozenset(sample.labels.items())
            assert place not in found, f"{place} is there twice"
            found[place] = sample.value
    return found


def number(text: str, name: str, **labels: str) -> float:
    return numbers(text).get((name, frozenset(labels.items())), 0.0)


def names(text: str) -> set[str]:
    return {name for name, _ in numbers(text) if name.startswith("kith_")}


def test_requests_are_counted_by_route_and_no_tenant_is_named(acme: Caller) -> None:
    here = {"method": "GET", "route": "v1/clients", "status": "2xx"}
    before = number(scrape(), "kith_http_requests_total", **here)
    for _ in range(3):
        assert acme.get("/clients").status == 200
    text = scrape()
    assert number(text, "kith_http_requests_total", **here) == before + 3
    assert number(text, "kith_http_request_duration_seconds_count", kind="read", status="2xx") >= 3
    assert not any(word in text for word in (acme.tenant.slug, str(acme.tenant.id), acme.tenant.public_id))


def test_callers_cannot_make_up_series() -> None:
    Client().generic("FOO", f"/v1/clients/{uuid4()}")
    Client().get(f"/v1/{uuid4()}/x")
    before = len(known)
    for turn in range(5):
        Client().generic(f"FOO{turn}", f"/v1/clients/{uuid4()}")
        Client().get(f"/v1/{uuid4()}/x")
    assert len(known) == before


def test_routes_are_written_as_people_write_paths() -> None:
    assert plain("v1/^clients/(?P<pk>[^/.]+)/?$") == "v1/clients/{pk}"
    assert plain("u/<str:token>") == "u/{token}"


def test_failures_are_known_before_the_first_one() -> None:
    found = numbers(scrape())
    for kind in ("read", "write"):
        assert ("kith_http_request_duration_seconds_count", frozenset({("kind", kind), ("status", "5xx")})) in found


def test_keys_of_idempotency_are_counted_by_what_became_of_them(acme: Caller) -> None:
    before = scrape()
    key = {"Idempotency-Key": uuid4().hex}
    assert [acme.post("/clients", {"name": name}, **key).status for name in ("Ada", "Ada", "Bob")] == [201, 201, 422]
    after = scrape()
    for outcome in ("kept", "replayed", "mismatch"):
        rise = [number(text, "kith_idempotency_total", outcome=outcome) for text in (before, after)]
        assert rise[1] == rise[0] + 1


def test_a_full_window_is_counted(acme: Caller) -> None:
    before = number(scrape(), "kith_limits_refusals_total", window="minute")
    one = acme.with_scopes("clients:read", per_minute=1)
    assert [one.get("/clients").status for _ in range(3)][-1] == 429
    assert number(scrape(), "kith_limits_refusals_total", window="minute") >= before + 1


def test_a_read_outside_a_scope_is_counted() -> None:
    before = number(scrape(), "kith_tenant_scope_missing_total")
    with pytest.raises(TenantScopeMissing):
        current()
    assert number(scrape(), "kith_tenant_scope_missing_total") == before + 1


def test_tasks_are_counted_where_every_web_server_sees_them() -> None:
    task = {"task": "tenants.tasks.seal_events", "outcome": "succeeded"}
    before = number(scrape(), "kith_tasks_total", **task)
    seal_events.apply()
    READINGS.until = 0.0
    assert number(scrape(), "kith_tasks_total", **task) == before + 1


@shared_task(name="tests.nothing")
def nothing() -> None:
    """Do nothing: what is left is the counting."""


def test_it_answers_while_redis_is_away(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LIMITS_URL = "redis://127.0.0.1:9/2"
    monkeypatch.setattr(limits, "shared", limits.SharedCounter())
    before = number(scrape(), "kith_limits_fallbacks_total")
    limits.take(uuid4().hex, [limits.Window("minute", 9)])
    started = time.monotonic()
    # A task goes on too: nobody waits for a count.
    nothing.apply()
    READINGS.until = 0.0
    text = scrape()
    assert time.monotonic() - started < 3
    assert number(text, "kith_limits_fallbacks_total") == before + 1
    assert (number(text, "kith_redis_up"), "kith_tasks_total" in text) == (0, False)


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("::ffff:127.0.0.1", {}, 200),
        ("10.0.0.1", {}, 403),
        ("", {}, 403),
        # A proxy on this machine makes everybody seem to be here.
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 403),
    ],
)
def test_without_a_token_it_is_for_the_machine_itself(address: str, headers: dict[str, str], status: int) -> None:
    answer = Client().get("/metrics", REMOTE_ADDR=address, headers=headers)
    assert (answer.status_code, b"kith_" in answer.content) == (status, status == 200)
    assert status == 200 or b"set it, and send it as Authorization" in answer.content


def test_behind_proxies_it_wants_the_token(settings: Any) -> None:
    settings.PROXY_COUNT = 1
    for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-For": "9.9.9.9, 127.0.0.1"}):
        assert Client().get("/metrics", REMOTE_ADDR="127.0.0.1", headers=headers).status_code == 403


def test_with_a_token_only_who_sends_it_may_read(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    for sent in ("", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer "):
        answer = Client().get("/metrics", REMOTE_ADDR="127.0.0.1", headers={"Authorization": sent})
        assert (answer.status_code, TOKEN.encode() in answer.content) == (403, False)
    answer = Client().get("/metrics", REMOTE_ADDR="10.0.0.1", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert Client().post("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 405


def test_a_token_that_could_be_guessed_stops_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"METRICS_TOKEN is .*20 or more"):
        env.read({"METRICS_TOKEN": "secret"})


def test_it_tells_how_far_behind_deliveries_are(acme: Caller) -> None:
    calm()
    endpoint = make_endpoint(acme, "https://example.com/hook", "client.created")
    assert acme.post("/clients", {"name": "Ada"}).status == 201
    text = scrape()
    assert number(text, "kith_events_waiting") >= 1
    assert number(text, "kith_events_oldest_seconds") > 0
    fan_out()
    as_staff("UPDATE webhooks_delivery SET due_at = now() - interval '10 min' WHERE endpoint_id = %s", endpoint.pk)
    as_staff("UPDATE webhooks_lane SET next_due_at = now() - interval '10 min' WHERE endpoint_id = %s", endpoint.pk)
    READINGS.until = 0.0
    text = scrape()
    assert number(text, "kith_events_waiting") == 0
    assert number(text, "kith_deliveries_due") == 1
    assert 600 <= number(text, "kith_deliveries_oldest_due_seconds") < 700
    as_staff(
        "UPDATE webhooks_delivery SET status = 'poisoned', finished_at = now() WHERE endpoint_id = %s", endpoint.pk
    )
    as_staff("UPDATE webhooks_lane SET next_due_at = NULL WHERE endpoint_id = %s", endpoint.pk)
    READINGS.until = 0.0
    text = scrape()
    assert number(text, "kith_deliveries_due") == 0
    assert number(text, "kith_deliveries_given_up", status="poisoned") >= 1


def test_it_sees_what_the_connections_of_others_do() -> None:
    text = scrape()
    assert number(text, "kith_postgres_connections", state="hidden") == 0
    assert number(text, "kith_postgres_connections", state="active") >= 1
    assert number(text, "kith_postgres_connections_limit") > 10


def test_a_database_that_takes_long_is_waited_for_a_second_at_most(acme: Caller) -> None:
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("LOCK TABLE webhooks_lane IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        text = scrape()
        took = time.monotonic() - started
    assert 0.5 < took < 3
    assert number(text, "kith_figures_missing") >= 1
    assert "kith_http_requests_total" in text


def test_whoever_asks_often_hears_the_same_again() -> None:
    scrape()
    with CaptureQueriesContext(connections[STAFF]) as queries:
        scrape()
    assert not queries.captured_queries


def test_a_scrape_leaves_no_connection_behind() -> None:
    scrape()
    assert connections[STAFF].connection is None


def as_staff(sql: str, *params: Any) -> None:
    with connections[STAFF].cursor() as cursor:
        cursor.execute(sql, params)


def test_the_page_names_every_metric_and_no_other() -> None:
    seal_events.apply()
    families = {re.sub("_(bucket|count|sum)$", "", name) for name in names(scrape())}
    assert set(re.findall(r"^\| `(kith_\w+)`", PAGE.read_text(), re.MULTILINE)) == families


def test_board_and_alerts_speak_of_metrics_that_there_are() -> None:
    seal_events.apply()
    there = names(scrape())
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    panels = [panel for panel in json.loads(BOARD.read_text())["panels"] if panel["type"] != "row"]
    asked = [rule["expr"] for rule in rules] + [target["expr"] for panel in panels for target in panel["targets"]]
    assert {name for text in asked for name in NAME.findall(text)} <= there
    assert all(f"| {rule['alert']} |" in PAGE.read_text() for rule in rules)


needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is missing: apt install prometheus")


def promtool(*args: str, given: str = "") -> None:
    done = subprocess.run(["promtool", *args], input=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_understands_all_of_it() -> None:
    promtool("check", "config", str(FILES / "prometheus.yml"))
    promtool("check", "metrics", given=scrape())


@needs_promtool
@pytest.mark.parametrize(
    ("series", "values", "alert"),
    [
        ("kith_events_oldest_seconds", "61x20", "KithEventsNotTaken"),
        ("kith_deliveries_oldest_due_seconds", "301x20", "KithDeliveriesLate"),
        ('kith_deliveries_given_up{status="poisoned"}', "1x20", "KithDeliveriesParked"),
        ("kith_tenant_scope_missing_total", "0x5 1x15", "KithTenantScopeMissing"),
        ('kith_http_request_duration_seconds_count{status="5xx"}', "0+1x20", "KithServerErrors"),
        ('kith_idempotency_total{outcome="in_progress"}', "0+9x20", "KithIdempotencyConflicts"),
        ("kith_limits_fallbacks_total", "0+9x20", "KithRedisAway"),
        ('kith_tasks_total{task="x", outcome="TenantScopeMissing"}', "1x20", "KithTenantScopeMissing"),
    ],
)
def test_an_alert_rings_when_it_should(tmp_path: Path, series: str, values: str, alert: str) -> None:
    """The figure stands so for 20 minutes; only the names of what rings are compared, not its words."""
    told = {"input_series": [{"series": series, "values": values}], "interval": "1m"}
    expr = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) > bool 0'
    case = told | {
        "promql_expr_test": [{"expr": expr, "eval_time": "12m", "exp_samples": [{"labels": "{}", "value": 1}]}]
    }
    path = tmp_path / "case.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
    promtool("test", "rules", str(path))


def test_counts_of_all_processes_add_up(acme: Caller, web: Web) -> None:
    headers = {"Authorization": f"Bearer {acme.key}"}
    for _ in range(40):
        assert requests.get(f"{web.url}/v1/products", headers=headers, timeout=20).ok
    here = {"method": "GET", "route": "v1/products", "status": "2xx"}
    text = requests.get(f"{web.url}/metrics", timeout=20).text
    assert number(text, "kith_http_requests_total", **here) == 40
    assert number(text, "kith_web_processes") == 2
    assert number(text, "kith_http_requests_in_flight") == 1
    (folder,) = (env.read().home / "metrics").glob(f"*-{web.process.pid}-*")
    shares = [b"v1/products" in path.read_bytes() for path in folder.glob("counter_*.db")]
    assert shares == [True, True]
