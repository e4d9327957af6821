"""Patterns of events: one type, all of a kind, everything."""

import pytest

from tenants.models import Event
from tenants.scope import tenant_scope
from tests.conftest import Caller
from webhooks.patterns import condition, matches

TYPES = ("client.created", "client.updated", "client_note.created", "invoice.paid")
CASES = [
    ([], ()),
    (["*"], TYPES),
    (["client.created"], ("client.created",)),
    # No other resource that begins alike, and no other verb.
    (["client.*"], ("client.created", "client.updated")),
    (["client"], ()),
    (["invoice.pai"], ()),
    (["invoice.*", "client.updated"], ("client.updated", "invoice.paid")),
]


@pytest.mark.parametrize(("patterns", "asked"), CASES)
def test_a_pattern_asks_for_what_it_says_in_python_and_in_the_database(
    acme: Caller, patterns: list[str], asked: tuple[str, ...]
) -> None:
    assert tuple(name for name in TYPES if matches(patterns, name)) == asked
    tenant = acme.tenant
    with tenant_scope(tenant.id):
        for name in TYPES:
            Event.objects.create(
                tenant=tenant, type=name, resource=name.partition(".")[0], record_id=tenant.id, public_id="x",
                record_version=1, actor_kind="system", data={},
            )  # fmt: skip
        found = Event.objects.of(tenant).filter(condition(patterns), public_id="x")
        assert set(found.values_list("type", flat=True)) == set(asked)
