"""The sending: each recipient's row is claimed, then the mail handed over, then that is noted, one after the other.

No lock and no transaction is open while a mail is handed over. A worker that dies leaves at most one claimed row; it is
tried again when the claim is LEASE old. Only between handing a mail over and noting it can a death let a recipient get
it twice: both copies then bear the same Message-ID.
"""

import time
from collections import Counter
from datetime import timedelta
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any
from uuid import UUID

import structlog
from django.core.mail import get_connection
from django.db.models import Count
from django.utils import timezone

from crm.resources.campaigns.mail import mail_for
from crm.resources.campaigns.models import Campaign, Recipient, State, Status, progress_of
from crm.resources.consents.models import Channel
from crm.resources.consents.rules import allows
from crm.rest import writes
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

__all__ = ["LEASE", "deliver", "sending"]

log = structlog.get_logger("kith.campaigns")
# How long one run goes on; the sweep starts the next. It ends well before a task's time does.
RUN_SECONDS = 25
# Longer than any mail takes to be handed over.
LEASE = timedelta(minutes=5)
MOST_TRIES = 3
# From here on, a server's answer is for good (RFC 5321).
PERMANENT = 500
OPEN = (State.WAITING, State.CLAIMED)


def sending(tenant: Tenant) -> list[UUID]:
    """Return the campaigns of a tenant that have mails to send."""
    with tenant_scope(tenant.id):
        return list(Campaign.objects.of(tenant).filter(status=Status.SENDING).values_list("pk", flat=True))


def deliver(tenant: Tenant, campaign_id: UUID, *, connection: Any = None) -> None:
    """Send a campaign's mails for RUN_SECONDS at most, and note how far it has come; any number may do so at once."""
    free_lost_claims(tenant, campaign_id)
    end = time.monotonic() + RUN_SECONDS
    try:
        with connection or get_connection() as server:
            while time.monotonic() < end and (recipient := claim(tenant, campaign_id)):
                if recipient.state == State.CLAIMED:
                    hand_over(recipient, server)
    except (SMTPException, OSError) as error:
        # The server, not a mail: everyone who is left waits for the next run.
        log.warning("mail server away", campaign=str(campaign_id), error=type(error).__name__)
    settle(tenant, campaign_id)


def free_lost_claims(tenant: Tenant, campaign_id: UUID) -> None:
    """Let those wait again whose claim is so old that whoever held it is gone."""
    with tenant_scope(tenant.id):
        claims = Recipient.objects.of(tenant).filter(campaign=campaign_id, state=State.CLAIMED)
        claims.filter(claimed_at__lt=timezone.now() - LEASE).update(state=State.WAITING)


def claim(tenant: Tenant, campaign_id: UUID) -> Recipient | None:
    """Return the next recipient, claimed, or skipped where no mail may go; None where nobody waits, or it was stopped.

    Whether a mail may go is asked now, so that who withdraws while it is being sent gets none.
    """
    with tenant_scope(tenant.id):
        waiting = Recipient.objects.of(tenant).filter(
            campaign=campaign_id, state=State.WAITING, campaign__status=Status.SENDING
        )
        rows = waiting.select_for_update(skip_locked=True, of=("self",))
        found: Recipient | None = rows.select_related("campaign", "client", "tenant").order_by("id").first()
        if found is not None:
            found.reason = why_not(found)
            found.state = State.SKIPPED if found.reason else State.CLAIMED
            found.claimed_at, found.tries = timezone.now(), found.tries + 1
            found.save()
        return found


def why_not(recipient: Recipient) -> str | None:
    """Return why a recipient gets no mail."""
    if not recipient.client.email:
        return "no address"
    actor = Actor.system(recipient.tenant, "campaigns")
    return None if allows(recipient.client_id, Channel.EMAIL, actor=actor) else "no consent"


def hand_over(recipient: Recipient, server: Any) -> None:
    """Hand one mail over and note it; raises what says that the server is away, or not willing to work for us."""
    try:
        mail_for(recipient, connection=server).send()
    except (SMTPRecipientsRefused, SMTPDataError) as error:
        answers = error.recipients.values() if isinstance(error, SMTPRecipientsRefused) else [(error.smtp_code,)]
        code = max(answer[0] for answer in answers)
        put_off(recipient, f"refused with {code}", for_good=code >= PERMANENT)
    except ValueError as error:
        # An address, or a text, that no mail can hold.
        put_off(recipient, type(error).__name__, for_good=True)
    except (SMTPServerDisconnected, ConnectionError, TimeoutError):
        # It may be this very mail that breaks the line: the others must not wait behind it.
        put_off(recipient, "connection lost")
        raise
    except (SMTPException, OSError):
        note(recipient, State.WAITING, tries=recipient.tries - 1)
        raise
    else:
        note(recipient, State.SENT, sent_at=timezone.now())


def put_off(recipient: Recipient, reason: str, *, for_good: bool = False) -> None:
    """Give a recipient up for good or after MOST_TRIES; else leave the claim, whose age brings the next try."""
    if for_good or recipient.tries >= MOST_TRIES:
        note(recipient, State.FAILED, reason=reason)


def note(recipient: Recipient, state: str, **more: Any) -> None:
    """Write down what became of a claim, unless it was lost to somebody else meanwhile."""
    with tenant_scope(recipient.tenant_id):
        mine = Recipient.objects.of(recipient.tenant_id).filter(
            pk=recipient.pk, state=State.CLAIMED, claimed_at=recipient.claimed_at
        )
        mine.update(state=state, **more)


def settle(tenant: Tenant, campaign_id: UUID) -> None:
    """Note on the campaign how far it has come, and that it is sent when nobody waits any more."""
    actor = Actor.system(tenant, "campaigns")
    with tenant_scope(tenant.id):
        rows = Campaign.objects.of(tenant).select_for_update()
        campaign = rows.filter(pk=campaign_id, status__in=(Status.SENDING, Status.CANCELLED)).first()
        if campaign is None:
            return
        writes.hold(campaign)
        states = Recipient.objects.of(tenant).filter(campaign=campaign).values_list("state").annotate(Count("pk"))
        counts: Counter[str] = Counter(dict(states))
        shown = (State.SENT, State.SKIPPED, State.FAILED)
        progress = progress_of(counts.total(), *(counts[state] for state in shown))
        done = campaign.status == Status.SENDING and not any(counts[state] for state in OPEN)
        if not done and progress == campaign.progress:
            return
        with writes.changing(campaign, actor=actor, verb="sent" if done else "progressed"):
            campaign.progress = progress
            if done:
                campaign.status, campaign.sent_at = Status.SENT, timezone.now()
