"""What belongs to no resource: health, request ids, unknown paths, the log and what must never be in it."""

import json
import logging
import re

import pytest

from tests.conftest import Caller


def test_it_tells_its_health_without_a_key(nobody: Caller) -> None:
    answer = nobody("GET", "/api/health", Authorization="")
    assert answer.status == 200
    assert answer.body["status"] == "healthy"
    assert re.fullmatch(r"\d+\.\d+\.\d+", answer.body["version"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answer.body["timestamp"])


@pytest.mark.parametrize(("path", "status"), [("/livez", "alive"), ("/readyz", "ready")])
def test_it_lives_and_is_ready(nobody: Caller, path: str, status: str) -> None:
    answer = nobody.client.get(path)
    assert (answer.status_code, answer.json()["status"]) == (200, status)


def test_it_echoes_a_wellformed_request_id(acme: Caller) -> None:
    assert acme.get("/clients", X_Request_ID="my-request_01").headers["X-Request-ID"] == "my-request_01"


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space", "line\\nbreak", "<script>"])
def test_it_makes_one_where_the_callers_is_not(acme: Caller, given: str) -> None:
    answer = acme.get("/clients/none", X_Request_ID=given)
    assert answer.headers["X-Request-ID"].startswith("req_")
    assert answer.error["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/", "/v1/clients/x/y/z", "/functions/v1/crm-api/v1/nothing"])
def test_it_answers_unknown_paths_in_the_contracts_shape(acme: Caller, path: str) -> None:
    answer = acme.get(path)
    assert answer.status == 404
    assert answer.error["code"] == "NOT_FOUND"


def test_it_serves_the_second_mount_alike(acme: Caller) -> None:
    made = acme("POST", "/functions/v1/crm-api/v1/clients", {"name": "Ada"})
    assert made.status == 201
    assert acme.get(f"/clients/{made.data['id']}").data == made.data


def test_it_logs_a_line_without_secrets(
    acme: Caller, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO):
        made = acme.post("/clients", {"name": "Ada Secretly"})
        acme.get(f"/clients/{made.data['id']}?fields=id", Cookie="sessionid=abcdef123456")
        acme.get(f"/clients?api_key={acme.key}")
    printed = capsys.readouterr()
    written = caplog.text + printed.out + printed.err
    for secret in (acme.key, acme.key[19:], "abcdef123456", "Ada Secretly", made.data["id"]):
        assert secret not in written
    line = next(record.msg for record in caplog.records if record.name == "kith.request")
    assert isinstance(line, dict)
    assert {"method", "route", "status", "ms", "tenant", "key", "request_id"} <= set(line)
    assert line["route"] == "^v1/clients/?$"


def test_it_shows_nothing_of_an_unforeseen_failure(acme: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail /etc/passwd SELECT 1")

    monkeypatch.setattr("crm.rest.viewset.read_query", explode)
    answer = acme.get("/clients")
    assert answer.status == 500
    assert answer.error["code"] == "INTERNAL_ERROR"
    assert len(answer.raw) <= 300
    assert "secret" not in json.dumps(answer.body)


@pytest.mark.parametrize(
    "path", ["/", "/docs/", "/v1/openapi.json", "/v1/clients", "/v1/nothing", "/nothing", "/api/health"]
)
def test_it_is_not_irritated_by_a_session_cookie(acme: Caller, path: str) -> None:
    key = {"Authorization": f"Bearer {acme.key}"}
    cookie = {"Cookie": "sessionid=abcdefghijklmnopqrstuvwxyz012345; csrftoken=x"}
    answers = [acme.client.get(path, headers=headers).status_code for headers in (key, key | cookie)]
    assert answers[0] == answers[1] < 500
