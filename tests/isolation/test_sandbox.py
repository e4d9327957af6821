"""The sandbox is a tenant like any other: what is live cannot see it, and it cannot see what is live."""

import pytest

from tenants.routing import using
from tests.conftest import Caller, make_key


@pytest.fixture
def sandbox(acme: Caller) -> Caller:
    with using("admin"):
        tenant = acme.tenant.sandbox
    return Caller(tenant, make_key(tenant))


def test_it_hides_each_side_from_the_other(acme: Caller, sandbox: Caller) -> None:
    for one, other in ((acme, sandbox), (sandbox, acme)):
        made = one.post("/clients", {"name": "Ada", "external_ref": "the same"})
        assert made.status == 201
        assert other.get(f"/clients/{made.data['id']}").status == 404
        assert made.data["id"] not in other.get("/clients").raw.decode()


def test_it_answers_to_one_name_for_both_sides(acme: Caller, sandbox: Caller) -> None:
    for caller in (acme, sandbox):
        for name in (acme.tenant.slug, acme.tenant.public_id):
            assert caller.get("/clients", X_Organization_Id=name).status == 200
