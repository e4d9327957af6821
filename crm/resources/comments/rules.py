"""Who wrote a comment: a member of the team where a person did, else whoever acted."""

from tenants import ids
from tenants.actor import Actor
from tenants.models import Member
from tenants.scope import tenant_scope

__all__ = ["author_of"]


def author_of(actor: Actor) -> dict[str, str | None]:
    """Return the author's id and name."""
    if actor.kind == "user":
        with tenant_scope(actor.tenant.id):
            member = Member.objects.of(actor.tenant).filter(user=actor.id).first()
        if member is not None:
            return {"author_id": ids.encode("usr", member.pk), "author_name": member.name}
    return {"author_id": str(actor.id or "") or None, "author_name": actor.label}
