"""ETags: the version of a record, for reading only what has changed and writing only what has not."""

import pytest

from tests.conftest import Caller


@pytest.fixture
def path(acme: Caller) -> str:
    return f"/clients/{acme.post('/clients', {'name': 'Ada'}).data['id']}"


def test_it_gives_the_version(acme: Caller, path: str) -> None:
    assert acme.post("/clients", {"name": "Bob"}).headers["ETag"] == '"1"'
    assert acme.get(path).headers["ETag"] == '"1"'
    assert acme.patch(path, {"name": "Eve"}).headers["ETag"] == '"2"'
    assert acme.patch(path, {"name": "Eve"}).headers["ETag"] == '"2"'
    assert acme.put(path, {}).headers["ETag"] == '"2"'
    assert acme.get(path).headers["ETag"] == '"2"'


@pytest.mark.parametrize(("known", "status"), [
    ('"1"', 304), ('W/"1"', 304), ('"7", "1"', 304), ("*", 304), ('"2"', 200), ("1", 200), ("", 200),
])  # fmt: skip
def test_it_answers_what_is_known_without_a_body(acme: Caller, path: str, known: str, status: int) -> None:
    answer = acme.get(path, If_None_Match=known)
    assert answer.status == status
    assert answer.headers["ETag"] == '"1"'
    assert bool(answer.raw) is (status == 200)


def test_it_tells_shapes_of_a_record_apart(acme: Caller, path: str) -> None:
    tags = {
        acme.get(f"{path}{query}").headers["ETag"] for query in ("", "?fields=name", "?include=invoices", "?fields=id")
    }
    assert len(tags) == 4
    mark = acme.get(f"{path}?include=invoices").headers["ETag"]
    assert acme.get(f"{path}?include=invoices", If_None_Match=mark).status == 304
    acme.post("/invoices", {"client_id": path.rpartition("/")[2]})
    assert acme.get(f"{path}?include=invoices", If_None_Match=mark).status == 200


@pytest.mark.parametrize(
    ("match", "status"), [('"1"', 200), ('W/"1"', 200), ('"3", "1"', 200), ("*", 200), ('"2"', 412), ("1", 412)]
)
@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_it_writes_what_has_not_changed(acme: Caller, path: str, match: str, status: int, method: str) -> None:
    body = None if method == "DELETE" else {"name": "Eve"}
    answer = acme(method, path, body, If_Match=match)
    assert answer.status == status
    if status == 412:
        assert (answer.error["code"], answer.error["details"]) == ("PRECONDITION_FAILED", {"version": 1})
        assert acme.get(path).data["name"] == "Ada"


def test_it_guards_commands_too(acme: Caller, path: str) -> None:
    invoice = acme.post("/invoices", {"client_id": path.rpartition("/")[2]}).data["id"]
    assert acme.post(f"/invoices/{invoice}/void", If_Match='"2"').status == 412
    assert acme.post(f"/invoices/{invoice}/void", If_Match='"1"').headers["ETag"] == '"2"'
