"""What holds for quotes: who accepted which version, what an accepted one becomes, and what supersedes it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from crm.errors import Conflict
from crm.resources.invoices import rules as invoices
from crm.resources.orders import rules as orders
from crm.resources.quotes.models import TRANSITIONS, Quote, Status
from crm.rest import writes
from crm.sales import rules as documents
from crm.standards import MomentText
from tenants import ids
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

__all__ = ["TARGETS", "accept", "convert", "create", "decline", "delete", "mark_expired", "move", "revise"]

OPEN = (Status.SENT, Status.APPROVED)
# Nothing but an offer that still stands comes into these states.
OFFERED = (*OPEN, Status.ACCEPTED)
REVISABLE = (*OPEN, Status.DECLINED, Status.EXPIRED)
MOMENTS: dict[str, str] = {
    Status.SENT: "sent_at",
    Status.APPROVED: "approved_at",
    Status.ACCEPTED: "accepted_at",
    Status.DECLINED: "declined_at",
}
# What a quote can be converted to, and who makes it.
TARGETS: Mapping[str, Callable[..., Any]] = {"invoice": invoices.create, "order": orders.create}


def create(data: Mapping[str, Any], *, actor: Actor) -> Quote:
    """Make a draft with its lines and totals."""
    return documents.create(Quote, data, actor=actor)


def delete(quote: Quote, *, actor: Actor) -> None:
    """Delete a draft; the version that it was to supersede stands again. Raises Conflict for anything else."""
    with tenant_scope(actor.tenant.id):
        # Locked after its own revision: nothing else ever locks both and waits.
        if (former := quote.supersedes) is not None and quote.status == Status.DRAFT:
            with writes.changing(former, actor=actor):
                former.superseded_by = None
        documents.delete(quote, actor=actor)


def move(quote: Quote, to: str, *, actor: Actor, at: datetime | None = None) -> None:
    """Bring a quote into another state, `at` a moment (default now); raises InvalidTransition and Conflict."""
    with step(quote, to, actor=actor, at=at):
        pass


def accept(quote: Quote, *, name: str, email: str | None = None, actor: Actor, at: datetime | None = None) -> None:
    """Note that `name` accepts the quote as it now is, from the actor's address."""
    with step(quote, Status.ACCEPTED, actor=actor, at=at) as now:
        quote.acceptance = {
            "name": name,
            "email": email,
            "at": MomentText().to_text(now),
            "address": actor.address,
            "version": quote.version,
        }


def decline(quote: Quote, *, reason: str | None = None, actor: Actor, at: datetime | None = None) -> None:
    """Note that the client does not want it."""
    with step(quote, Status.DECLINED, actor=actor, at=at):
        quote.decline_reason = reason


def convert(quote: Quote, to: str, *, actor: Actor, at: datetime | None = None) -> None:
    """Make the draft of an invoice or an order out of an accepted quote, once."""
    with step(quote, Status.CONVERTED, actor=actor, at=at) as now:
        setattr(quote, to, TARGETS[to]({**documents.contents(quote, at=now), "quote_id": quote.pk}, actor=actor))


def revise(quote: Quote, *, actor: Actor) -> None:
    """Make a draft that supersedes the quote, which from then on cannot be accepted."""
    with writes.changing(quote, actor=actor, verb="revised"):
        check_newest(quote)
        if quote.status not in REVISABLE:
            way_out = "change it as it is" if quote.status == Status.DRAFT else "make a new one"
            raise Conflict(f"Only what was sent and not accepted is revised, and this is {quote.status}: {way_out}.")
        more = {"valid_until": quote.valid_until, "revision": quote.revision + 1, "supersedes": quote}
        quote.superseded_by = create({**documents.contents(quote, at=timezone.now()), **more}, actor=actor)


def mark_expired(tenant: Tenant, *, today: date) -> int:
    """Expire the tenant's open quotes whose last day is over, each once and with its event; return how many."""
    actor = Actor.system(tenant, "expiry")
    return documents.sweep(
        tenant,
        lambda: Quote.objects.of(tenant).filter(status__in=OPEN, valid_until__lt=today),
        lambda quote: move(quote, Status.EXPIRED, actor=actor),
    )


@contextmanager
def step(quote: Quote, to: str, *, actor: Actor, at: datetime | None = None) -> Iterator[datetime]:
    """Bring a quote into a state with its event and its moment, which the block gets; refuse an offer that is over."""
    now = at or timezone.now()
    with documents.moving(quote, to, TRANSITIONS, verb=to, actor=actor):
        if to in OFFERED:
            check_newest(quote)
            check_valid(quote, to, now.date())
        if to in MOMENTS:
            setattr(quote, MOMENTS[to], now)
        yield now


def check_newest(quote: Quote) -> None:
    if quote.superseded_by_id:
        newer = ids.encode("quo", quote.superseded_by_id)
        raise Conflict(f"A newer version has taken its place: {newer}.", superseded_by_id=newer)


def check_valid(quote: Quote, to: str, today: date) -> None:
    """Raise Conflict when the quote's last day is over, whether or not somebody has marked it by now."""
    if quote.valid_until and quote.valid_until < today:
        raise Conflict(f"Its last day was {quote.valid_until}: it cannot be {to} any more.", "valid_until")
