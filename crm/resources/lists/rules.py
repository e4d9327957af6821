"""What holds for lists: a client is on a list once, and the list knows how many are."""

from collections.abc import Iterable
from uuid import UUID

from crm.resources.lists.models import ListMember, MarketingList
from crm.rest import writes
from tenants import ids
from tenants.actor import Actor
from tenants.scope import tenant_scope

__all__ = ["add", "remove"]


def add(marketing_list: MarketingList, client_ids: Iterable[UUID], *, actor: Actor) -> None:
    """Put clients on a list; those who are on it already stay, and where all are, nothing happens."""
    with tenant_scope(actor.tenant.id):
        writes.lock(marketing_list, actor=actor)
        there = on_it(marketing_list, client_ids, actor)
        new = [key for key in client_ids if key not in there]
        if not new:
            return
        with writes.changing(marketing_list, actor=actor, verb="members_added") as told:
            rows = (ListMember(tenant=actor.tenant, list=marketing_list, client_id=key) for key in new)
            ListMember.objects.bulk_create(rows)
            marketing_list.member_count += len(new)
            told["client_ids"] = [[], [ids.encode("cli", key) for key in new]]


def remove(marketing_list: MarketingList, client_ids: Iterable[UUID], *, actor: Actor) -> None:
    """Take clients off a list; those who are not on it do not matter."""
    with tenant_scope(actor.tenant.id):
        writes.lock(marketing_list, actor=actor)
        there = on_it(marketing_list, client_ids, actor)
        gone = [key for key in client_ids if key in there]
        if not gone:
            return
        with writes.changing(marketing_list, actor=actor, verb="members_removed") as told:
            ListMember.objects.of(actor.tenant).filter(list=marketing_list, client_id__in=gone).delete()
            marketing_list.member_count -= len(gone)
            told["client_ids"] = [[ids.encode("cli", key) for key in gone], []]


def on_it(marketing_list: MarketingList, client_ids: Iterable[UUID], actor: Actor) -> set[UUID]:
    """Return which of the clients are on the list, whose row is locked: nobody else adds or takes off meanwhile."""
    rows = ListMember.objects.of(actor.tenant).filter(list=marketing_list, client_id__in=client_ids)
    return set(rows.values_list("client_id", flat=True))
