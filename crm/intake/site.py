"""The site of a tenant: the address it has of its own, and what it has decided about forms that send there."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apikeys.errors import UnknownTenant
from crm.intake.models import IntakeSettings
from tenants import ids
from tenants.actor import Actor
from tenants.ledger import record
from tenants.models import Environment, Event, Tenant
from tenants.scope import tenant_scope

__all__ = ["Site", "decide", "get_site", "origin_of"]


@dataclass(frozen=True, slots=True)
class Site:
    """A tenant's address: its slug, the origins whose pages may send there, and the field that only robots fill in."""

    slug: str
    origins: frozenset[str] = frozenset()
    honeypot: str | None = None


def get_site(host: str) -> Site:
    """Return the site at a host; raise UnknownTenant where there is none. Leaves no tenant's scope open."""
    slug = slug_of(host)
    tenant = Tenant.objects.filter(slug=slug, environment=Environment.LIVE).first() if slug else None
    if tenant is None:
        raise UnknownTenant(
            f"No tenant has this address. Theirs look like {settings.TENANT_URL.format(slug='<slug>')}."
        )
    with tenant_scope(tenant.id):
        chosen = IntakeSettings.objects.of(tenant).first()
    return Site(tenant.slug, frozenset(chosen.allowed_origins), chosen.honeypot_field) if chosen else Site(tenant.slug)


def slug_of(host: str) -> str:
    """Return the name before the domain of tenants, an empty text where the host is none of its subdomains."""
    name = host.lower().rpartition(":")[0] if ":" in host else host.lower()
    slug, found, rest = name.rstrip(".").partition(f".{settings.TENANT_DOMAIN}")
    return slug if found and not rest and "\x00" not in slug else ""


def origin_of(url: str) -> str:
    """Return the origin of an address as browsers send it, an empty text where it has none."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return ""
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")


def decide(*, allowed_origins: list[str], honeypot_field: str | None, actor: Actor) -> IntakeSettings:
    """Set what the actor's tenant (its live side) decides, and note it for staff."""
    chosen: dict[str, Any] = {"allowed_origins": allowed_origins, "honeypot_field": honeypot_field}
    with tenant_scope(actor.tenant.id):
        row: IntakeSettings = IntakeSettings.objects.update_or_create(tenant=actor.tenant, defaults=chosen)[0]
        record(
            actor=actor, type="intake_settings.updated", resource="intake_settings", record_id=row.pk, record_version=1,
            data={"id": ids.encode("its", row.pk), **chosen}, audience=Event.Audience.AUDIT,
        )  # fmt: skip
    return row
