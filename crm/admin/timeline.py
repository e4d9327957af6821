"""A client's timeline: the ledger's events and what people logged, as plain sentences, newest first."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q
from django.urls import reverse

from crm.admin.standing import money
from crm.resources.activities.feed import NEWEST, entries
from crm.resources.clients.models import Client
from crm.resources.leads.models import Lead
from crm.rest.pages import Cursor, CursorInvalid
from tenants import ids
from tenants.admin import show
from tenants.admin.base import PAGES, history_of

__all__ = ["Timeline", "sentence", "timeline"]

LENGTH = 50
# An activity stands in the timeline by itself.
EVENTS = ~Q(resource="activity")
# How a sentence ends: by the event's whole type, else by its verb; any other verb is a participle.
ENDS: Mapping[str, str] = {
    "created": "was made",
    "updated": "was changed",
    "succeeded": "succeeded",
    "failed": "failed",
    "overdue": "became overdue",
    "paid": "was paid in full",
    "partially_paid": "was paid in part",
    "allocated": "was allocated to an invoice",
    "expired": "expired",
    "started": "began",
    "no_show": "met nobody",
    "en_route": "is next: somebody has set out",
    "invoice.created": "was drafted",
    "quote.created": "was drafted",
    "lead.created": "came in",
    "lead.converted": "became a client",
    "payment.created": "was noted",
    "appointment.created": "was scheduled",
    "invoice.refunded": "is due again: money for it was given back",
}


class Entry(NamedTuple):
    """One thing that happened; `link` leads to what it happened to."""

    tone: str
    sentence: str
    link: str
    who: str
    when: str
    body: str = ""


class Timeline(NamedTuple):
    """A page of entries, and the cursor of the one after it."""

    entries: Sequence[Entry]
    more: str
    continued: bool


def timeline(client: Client, leads: Iterable[Lead], before: str | None) -> Timeline:
    """Return a page of all that happened to a client and the leads it came from, in one statement.

    Inside the tenant's scope. A cursor that is none of this client's begins anew.
    """
    places = Cursor(NEWEST, f"{client.tenant_id}:timeline:{client.pk}")
    try:
        after = places.condition(places.decode(before)) if before else None
    except CursorInvalid:
        after = None
    about = [ids.encode("cli", client.pk), *(ids.encode("led", lead.pk) for lead in leads)]
    rows = entries(client.tenant_id, about, after, LENGTH + 1, EVENTS)
    more = places.encode([rows[LENGTH - 1][2], rows[LENGTH - 1][1]]) if len(rows) > LENGTH else ""
    gone = {row[6] for row in rows if row[3].endswith(".deleted")}
    return Timeline([entry(row, gone) for row in rows[:LENGTH]], more, after is not None)


def entry(row: Any, gone: set[str]) -> Entry:
    """Return one row as people read it; what was deleted has its history, but no page any more."""
    prefix, key, at, kind, title, actor, record_id, data = row
    when = show.moment(at)
    if prefix == "act":
        return Entry(
            "info", f"{logged(kind, data)}: {title}", page_of("activity", key), actor, when, data["body"] or ""
        )
    resource, _, verb = kind.partition(".")
    record = uuid_of(record_id)
    link = history_of(record_id) if record is None or record_id in gone else page_of(resource, record)
    tone = show.TONES.get(verb, "plain")
    return Entry(tone, sentence(kind, title, data), link or history_of(record_id), actor, when)


def sentence(kind: str, name: str, data: Mapping[str, Any]) -> str:
    """Return what an event tells: `invoice.sent` of INV-2026-00012 is "Invoice INV-2026-00012 was sent"."""
    resource, _, verb = kind.partition(".")
    noun = resource.replace("_", " ").capitalize()
    if not name and data["amount"] and data["currency"]:
        name = f"of {money(Decimal(data['amount']), data['currency'])}"
    told = ENDS.get(kind) or ENDS.get(verb) or f"was {verb.replace('_', ' ')}"
    if verb == "updated" and data["changed"]:
        told += f": {', '.join(field.replace('_', ' ') for field in sorted(data['changed']))}"
    if data["refunded"] and data["currency"]:
        before, after = (Decimal(str(value)) for value in data["refunded"])
        told = f"was refunded: {money(after - before, data['currency'])} went back"
    return " ".join(filter(None, (noun, name, told)))


def logged(kind: str, data: Mapping[str, Any]) -> str:
    """Return what kind of activity it was: "Call, out, 12 minutes"."""
    minutes = data["duration_minutes"]
    return ", ".join(filter(None, (kind.capitalize(), data["direction"], minutes and f"{minutes} min")))


def page_of(resource: str, key: UUID) -> str:
    """Return the address of a record's page, nothing where there is none."""
    page = PAGES.get(resource)
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_change", args=[key]) if page else ""


def uuid_of(public_id: str) -> UUID | None:
    try:
        return ids.decode(public_id.rpartition("_")[0], public_id)
    except ids.InvalidId:
        return None
