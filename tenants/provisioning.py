"""Making and changing a tenant: its live side and its sandbox, at once."""

import re
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Q

from tenants.actor import Actor
from tenants.ledger import record
from tenants.models import RESERVED_SLUGS, SLUG, Environment, Event, Plan, Tenant
from tenants.routing import alias
from tenants.scope import tenant_scope

__all__ = ["ProvisioningError", "provision", "reshape"]


class ProvisioningError(ValueError):
    """The tenant cannot be made; the message says why and what to do."""


def provision(
    *, slug: str, name: str = "", plan: str = "standard", country: str = "US", currency: str = "USD"
) -> Tenant:
    """Make a tenant with its sandbox and return the live side; raises ProvisioningError."""
    check_slug(slug)
    chosen = Plan.objects.filter(code=plan).first()
    if chosen is None:
        raise ProvisioningError(
            f"There is no plan {plan!r}. Plans: {', '.join(Plan.objects.values_list('code', flat=True))}."
        )
    shared = {
        "slug": slug,
        "name": name or slug.replace("-", " ").title(),
        "plan": chosen,
        "country": country,
        "currency": currency,
    }
    with transaction.atomic(using=alias()):
        live = Tenant.objects.create(**shared, environment=Environment.LIVE)
        Tenant.objects.create(**shared, environment=Environment.TEST, live=live)
    return live


def check_slug(slug: str) -> None:
    """Raise ProvisioningError for a slug that is malformed, reserved or taken."""
    if not re.fullmatch(SLUG, slug):
        raise ProvisioningError(
            f"{slug!r} is no slug: 3 to 40 lower-case letters, digits, hyphens; a letter first, no hyphen last."
        )
    if slug in RESERVED_SLUGS:
        raise ProvisioningError(f"{slug!r} is reserved for the installation itself: choose another slug.")
    if Tenant.objects.filter(slug=slug).exists():
        raise ProvisioningError(
            f"There is a tenant {slug!r} already: choose another slug, or use `issue_key {slug}` for a new key."
        )


def reshape(*, actor: Actor, **values: Any) -> None:
    """Change name, plan, country or currency of the actor's tenant, on both its sides, each with its event."""
    live_id = actor.tenant.live_id or actor.tenant.pk
    with transaction.atomic(using=alias()):
        for side in Tenant.objects.select_for_update().filter(Q(pk=live_id) | Q(live=live_id)):
            before = shown(side)
            for name, value in values.items():
                setattr(side, name, value)
            changes = {name: [before[name], value] for name, value in shown(side).items() if before[name] != value}
            if changes:
                side.save(update_fields=[*values])
                note_change(side, changes, actor=replace(actor, tenant=side))


def note_change(side: Tenant, changes: dict[str, Any], *, actor: Actor) -> None:
    kind = "plan_changed" if "plan" in changes else "updated"
    with tenant_scope(side.pk):
        record(
            actor=actor, type=f"tenant.{kind}", resource="tenant", record_id=side.pk, record_version=1,
            data=shown(side), changes=changes, audience=Event.Audience.AUDIT,
        )  # fmt: skip


def shown(side: Tenant) -> dict[str, Any]:
    """Return what the ledger keeps of a tenant."""
    names = ("slug", "environment", "name", "country", "currency")
    return {"id": side.public_id, **{name: getattr(side, name) for name in names}, "plan": side.plan_id}
