"""The commands: what they print, and one sentence with exit code 2 where they cannot."""

import json
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from crm.demo.loading import load, size_of
from crm.resources.orders.models import Status as OrderStatus
from crm.resources.quotes.models import Status as QuoteStatus
from tenants.models import Tenant
from tests.conftest import Caller, make_caller


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def slug() -> str:
    return f"shop-{uuid4().hex[:10]}"


def test_it_provisions_both_sides_with_a_key_each() -> None:
    name = slug()
    made = json.loads(run("provision", name, "--name", "The Shop", "--plan", "free", "--json"))
    assert set(made) == {"tenant", "slug", "live_key", "test_key"}
    tenants = {tenant.environment: tenant for tenant in Tenant.objects.filter(slug=name)}
    assert made["tenant"] == tenants["live"].public_id == tenants["test"].public_id
    for environment in ("live", "test"):
        caller = Caller(tenants[environment], made[f"{environment}_key"])
        answer = caller.post("/clients", {"name": "Ada"})
        assert answer.status == 201
        assert answer.headers["X-RateLimit-Limit"] == "60"


@pytest.mark.parametrize(("arguments", "reason"), [
    (["provision", "www"], "reserved"), (["provision", "A"], "no slug"), (["provision", "a-"], "no slug"),
    (["provision", "9lives"], "no slug"), (["provision", "x" * 41], "no slug"),
    (["provision", "fine-slug", "--plan", "gold"], "no plan"),
    (["issue_key", "no-such", "--name", "n", "--scopes", "read"], "no tenant"),
])  # fmt: skip
def test_it_refuses_with_one_sentence_and_exit_code_2(arguments: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason) as caught:
        run(*arguments)
    assert caught.value.returncode == 2
    assert "\n" not in str(caught.value)


def test_it_refuses_a_taken_slug() -> None:
    taken = make_caller("acme").tenant.slug
    with pytest.raises(CommandError, match="already"):
        run("provision", taken)


def test_it_issues_a_key(acme: Caller) -> None:
    arguments = ["--name", "Web", "--scopes", "read:customers,invoices:write", "--expires", "2999-01-01"]
    made = json.loads(run("issue_key", acme.tenant.slug, *arguments, "--json"))
    assert set(made) == {"key", "id", "scopes"}
    assert made["scopes"] == ["clients:read", "invoices:write"]
    caller = Caller(acme.tenant, made["key"])
    assert [caller.get("/clients").status, caller.get("/products").status] == [200, 403]


@pytest.mark.parametrize(("extra", "reason"), [
    (["--scopes", "clients:fly"], "Unknown scope"), (["--scopes", ","], "at least one"),
    (["--scopes", "read", "--expires", "soon"], "not ISO"),
    (["--scopes", "read", "--expires", "2020-01-01"], "over already"),
])  # fmt: skip
def test_it_refuses_a_key_that_makes_no_sense(acme: Caller, extra: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason) as caught:
        run("issue_key", acme.tenant.slug, "--name", "n", *extra)
    assert caught.value.returncode == 2


def test_it_loads_the_demo_once(acme: Caller) -> None:
    def steps() -> Any:
        return counted.append(1)

    counted: list[int] = []
    assert load(acme.tenant, like="globex", step=steps) == len(counted) == size_of("globex")
    assert load(acme.tenant, like="globex", step=steps) == 0
    totals = [acme.get(f"/{name}").body["pagination"]["total"] for name in ("clients", "products", "payments")]
    assert totals == [13, 10, 17]
    states = {"quotes": QuoteStatus, "orders": OrderStatus}
    for name, known in states.items():
        assert {row["status"] for row in acme.get(f"/{name}?limit=100").data} == set(known.values), name
