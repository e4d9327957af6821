"""What holds for invoices: totals from lines, gapless numbers, states, and what is frozen once one is sent."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connections
from django.utils import timezone

from crm.errors import Conflict, Invalid
from crm.money import line_amount, padded, rounded, totals_of
from crm.resources.clients.models import Client
from crm.resources.invoices.models import TRANSITIONS, Invoice, InvoiceCounter, InvoiceLine, Status
from crm.resources.invoices.paying import RUNNING
from crm.resources.payments.rules import pay
from crm.resources.products.models import Product
from crm.rest import writes
from crm.transitions import check_transition
from tenants import ids
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.routing import alias
from tenants.scope import tenant_scope

__all__ = ["FROZEN", "VERBS", "change", "create", "delete", "mark_overdue", "move"]

# What a client has seen does not change behind their back.
FROZEN = ("client_id", "currency", "issue_date", "line_items")
# The event that each state leaves.
VERBS: dict[str, str] = {
    Status.SENT: "sent",
    Status.OVERDUE: "overdue",
    Status.VOID: "voided",
    Status.UNCOLLECTIBLE: "marked_uncollectible",
}
NEXT_NUMBER = f"""
INSERT INTO {InvoiceCounter._meta.db_table} (id, tenant_id, year, last) VALUES (%s, %s, %s, 1)
ON CONFLICT (tenant_id, year) DO UPDATE SET last = {InvoiceCounter._meta.db_table}.last + 1 RETURNING last
"""  # noqa: S608  the table's own name
BATCH = 100


def create(data: Mapping[str, Any], *, actor: Actor) -> Invoice:
    """Make a draft with its lines and totals."""
    fields = {"issue_date": timezone.now().date(), **data}
    items = fields.pop("line_items", [])
    with tenant_scope(actor.tenant.id):
        invoice = Invoice(tenant=actor.tenant, **fields)
        invoice.currency = invoice.currency or currency_for(fields["client_id"], actor.tenant)
        lines = make_lines(invoice, items)
        set_totals(invoice, lines)
        invoice.save(force_insert=True)
        save_lines(invoice, lines)
        writes.record_created(invoice, actor=actor)
    return invoice


def change(invoice: Invoice, data: Mapping[str, Any], *, actor: Actor) -> None:
    """Change an invoice; raises Conflict for what is frozen once it has left draft."""
    fields = dict(data)
    with writes.changing(invoice, actor=actor):
        if invoice.status != Status.DRAFT and (frozen := [name for name in FROZEN if name in fields]):
            raise Conflict(f"Frozen, as this is {invoice.status}. Void it and make a new one.", *frozen)
        items = fields.pop("line_items", None)
        recount = items is not None or fields.get("currency", invoice.currency) != invoice.currency
        for name, value in fields.items():
            setattr(invoice, name, value)
        if recount:
            old = [line_data(line) for line in invoice.line_items.all()]
            lines = make_lines(invoice, old if items is None else items)
            set_totals(invoice, lines)
            InvoiceLine.objects.of(actor.tenant).filter(invoice=invoice).delete()
            save_lines(invoice, lines)


def delete(invoice: Invoice, *, actor: Actor) -> None:
    """Delete a draft; raises Conflict for anything that has a number."""
    if invoice.status != Status.DRAFT:
        raise Conflict(f"Only drafts can be deleted, and this is {invoice.status}. {Invoice.instead_of_deleting}")
    writes.delete(invoice, actor=actor)


def move(invoice: Invoice, to: str, *, actor: Actor, at: datetime | None = None) -> None:
    """Bring an invoice into another state, `at` a moment (default now), with its event; raises InvalidTransition.

    To be paid takes a payment of what is due, which is made; void is refused to one that money has come for.
    """
    if to == Status.PAID:
        pay(invoice, actor=actor, at=at)
        return
    with writes.changing(invoice, actor=actor, verb=VERBS.get(to, "updated")):
        if to == Status.VOID and invoice.amount_paid:
            raise Conflict(
                "Money has come for this {invoice}: refund its {payments} first.", paid=str(invoice.amount_paid)
            )
        check_transition(TRANSITIONS, invoice.status, to)
        now = at or timezone.now()
        if invoice.status == Status.DRAFT:
            if to == Status.SENT and not invoice.line_items.all():
                raise Conflict("An {invoice} without lines cannot be sent.", "line_items")
            invoice.number = next_number(actor.tenant, invoice.issue_date.year)
        if to == Status.SENT:
            invoice.sent_at = now
        invoice.status = to


def mark_overdue(tenant: Tenant, *, today: date) -> int:
    """Mark the tenant's open invoices whose last day is over, each once and with its event; return how many."""
    actor, done = Actor.system(tenant, "overdue"), 0
    while True:
        with tenant_scope(tenant.id):
            late = Invoice.objects.of(tenant).filter(status__in=RUNNING, due_date__lt=today)
            batch = list(late.select_for_update(skip_locked=True).order_by("id")[:BATCH])
            for invoice in batch:
                writes.hold(invoice)
                move(invoice, Status.OVERDUE, actor=actor)
        done += len(batch)
        if len(batch) < BATCH:
            return done


def next_number(tenant: Tenant, year: int) -> str:
    """Take the next number of a year; the row stays locked until the transaction ends, and a rollback gives it back."""
    with connections[alias()].cursor() as cursor:
        cursor.execute(NEXT_NUMBER, [ids.new(), tenant.id, year])
        return f"INV-{year}-{cursor.fetchone()[0]:05d}"


def currency_for(client_id: Any, tenant: Tenant) -> str:
    """Return the client's currency, else the tenant's."""
    return Client.objects.of(tenant).values_list("currency", flat=True).get(pk=client_id) or tenant.currency


def make_lines(invoice: Invoice, items: Iterable[Mapping[str, Any]]) -> list[InvoiceLine]:
    """Return unsaved lines; what an item leaves out comes from its product."""
    items = list(items)
    products = Product.objects.of(invoice.tenant).in_bulk(
        {item["product_id"] for item in items if item.get("product_id")}
    )
    return [
        make_line(invoice, position, item, products.get(item.get("product_id"))) for position, item in enumerate(items)
    ]


def make_line(invoice: Invoice, position: int, item: Mapping[str, Any], product: Product | None) -> InvoiceLine:
    given = {name: value for name, value in item.items() if value is not None}
    if product is not None:
        if "rate" not in given and product.currency != invoice.currency:
            message = f"The {{product}}'s price is in {product.currency}: say the {{rate}} in {invoice.currency}."
            raise Invalid(message, f"line_items.{position}.rate")
        given = {"description": product.name, "rate": product.price, "tax_rate": product.tax_rate, **given}
    for name in ("description", "rate"):
        if name not in given:
            raise Invalid("Required where there is no {product_id}.", f"line_items.{position}.{name}")
    line = InvoiceLine(tenant=invoice.tenant, invoice=invoice, position=position, **given)
    line.rate = padded(line.rate, invoice.currency)
    line.amount = line_amount(line, invoice.currency)
    return line


def line_data(line: InvoiceLine) -> dict[str, Any]:
    names = ("product_id", "description", "quantity", "rate", "discount_percent", "tax_rate")
    return {name: getattr(line, name) for name in names}


def set_totals(invoice: Invoice, lines: Iterable[InvoiceLine]) -> None:
    """Put the lines' totals on the invoice; raises Invalid for one that would be negative."""
    totals = totals_of(lines, invoice.currency)
    if totals.total < 0:
        raise Invalid("The {total} would be negative.", "line_items")
    invoice.subtotal, invoice.discount_total = totals.subtotal, totals.discount_total
    invoice.tax_total, invoice.total = totals.tax_total, totals.total
    invoice.amount_paid = rounded(invoice.amount_paid or Decimal(0), invoice.currency)
    invoice.amount_due = invoice.total - invoice.amount_paid


def save_lines(invoice: Invoice, lines: list[InvoiceLine]) -> None:
    """Write the lines, and let the invoice know them without asking again."""
    InvoiceLine.objects.bulk_create(lines)
    writes.know_rows(invoice, line_items=lines)
