"""Clients: the first resource, end to end."""

from tests.conftest import Caller


def test_it_creates_reads_changes_and_deletes(acme: Caller) -> None:
    made = acme.post(
        "/clients", {"name": "Ada", "email": "ada@example.com", "phone": "+1 415 555 2671", "tags": ["vip"]}
    )
    assert made.status == 201, made.body
    assert made.data["id"].startswith("cli_")
    assert made.data["phone"] == "+14155552671"
    path = f"/clients/{made.data['id']}"
    assert acme.get(path).data == made.data
    changed = acme.patch(path, {"name": "Ada L"})
    assert changed.status == 200 and changed.data["name"] == "Ada L"
    assert changed.headers["ETag"] == '"2"'
    assert acme.get("/clients").body["pagination"]["total"] == 1
    assert acme.delete(path).data == {"id": made.data["id"], "deleted": True}
    assert acme.get(path).status == 404


def test_it_hides_other_tenants(acme: Caller, globex: Caller) -> None:
    made = globex.post("/clients", {"name": "Hank"})
    assert acme.get(f"/clients/{made.data['id']}").status == 404
    assert acme.get("/clients").data == []


def test_a_new_one_was_changed_when_it_was_made(acme: Caller) -> None:
    made = acme.post("/clients", {"name": "Ada"}).data
    assert made["created_at"] == made["updated_at"]
    assert acme.patch(f"/clients/{made['id']}", {"name": "Bob"}).data["updated_at"] > made["updated_at"]
