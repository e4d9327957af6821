"""What holds for every document: totals from lines, gapless numbers, and what is frozen once it has left draft."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from django.db import connections
from django.db.models import QuerySet
from django.utils import timezone

from crm.errors import Conflict, Invalid
from crm.money import line_amount, padded, totals_of
from crm.resources.clients.models import Client
from crm.resources.products.models import Product
from crm.rest import writes
from crm.sales.models import DRAFT, Document, Line
from crm.transitions import check_transition
from tenants import ids
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.routing import alias
from tenants.scope import tenant_scope

__all__ = ["change", "contents", "create", "create_many", "delete", "moving", "sweep"]

NEXT_NUMBER = """
INSERT INTO {table} (id, tenant_id, year, last) VALUES (%s, %s, %s, 1)
ON CONFLICT (tenant_id, year) DO UPDATE SET last = {table}.last + 1 RETURNING last
"""
BATCH = 100
D = TypeVar("D", bound=Document)


def create(model: type[D], data: Mapping[str, Any], *, actor: Actor) -> D:
    """Make a draft with its lines and totals."""
    return create_many(model, [data], actor=actor)[0]


def create_many(model: type[D], bodies: Sequence[Mapping[str, Any]], *, actor: Actor) -> list[D]:
    """Make drafts with their lines and totals, all or none."""
    with tenant_scope(actor.tenant.id):
        currencies = currencies_for([data["client_id"] for data in bodies if not data.get("currency")], actor.tenant)
        products = products_of([item for data in bodies for item in data.get("line_items", ())], actor.tenant)
        documents, rows = [], []
        for data in bodies:
            fields = {"issue_date": timezone.now().date(), **data}
            items = fields.pop("line_items", [])
            document = model(tenant=actor.tenant, **fields)
            document.currency = document.currency or currencies.get(document.client_id, actor.tenant.currency)
            lines = make_lines(document, items, products)
            set_totals(document, lines)
            writes.know_rows(document, line_items=lines)
            documents.append(document)
            rows += lines
        writes.create_many(documents, actor=actor, rows=rows)
    return documents


def change(document: Document, data: Mapping[str, Any], *, actor: Actor) -> None:
    """Change a document; raises Conflict for what is frozen once it has left draft."""
    fields = dict(data)
    with writes.changing(document, actor=actor):
        if document.status != DRAFT and (frozen := [name for name in document.frozen if name in fields]):
            raise Conflict(f"Frozen, as this is {document.status}. {document.instead_of_changing}", *frozen)
        items = fields.pop("line_items", None)
        recount = items is not None or fields.get("currency", document.currency) != document.currency
        for name, value in fields.items():
            setattr(document, name, value)
        if recount:
            old = [line_data(line) for line in document.line_items.all()]
            items = old if items is None else items
            lines = make_lines(document, items, products_of(items, actor.tenant))
            set_totals(document, lines)
            document.line_items.all().delete()
            save_lines(document, lines)


def delete(document: Document, *, actor: Actor) -> None:
    """Delete a draft; raises Conflict for anything that has left it."""
    if document.status != DRAFT:
        way_out = getattr(document, "instead_of_deleting", "")
        raise Conflict(f"Only drafts can be deleted, and this is {document.status}. {way_out}".strip())
    writes.delete(document, actor=actor)


@contextmanager
def moving(
    document: Document, to: str, table: Mapping[str, Sequence[str]], *, verb: str, actor: Actor
) -> Iterator[None]:
    """Bring a document into another state, with its event; the block does what the state brings along.

    Leaving draft gives it its number. Raises InvalidTransition, and Conflict for one without lines that would count.
    """
    with writes.changing(document, actor=actor, verb=verb):
        check_transition(table, document.status, to)
        if document.status == DRAFT:
            if to == document.opened and not document.line_items.all():
                name = f"{{{document._meta.verbose_name}}}"
                raise Conflict(f"The {name} has no lines: it cannot be {to}.", "line_items")
            document.number = next_number(document)
        yield
        document.status = to


def sweep(tenant: Tenant, find: Callable[[], QuerySet[D]], act: Callable[[D], None]) -> int:
    """Do `act` to each record that `find` returns, each once whoever else sweeps; return how many.

    They are locked a batch at a time, and what `act` does to them must keep `find` from returning them again.
    """
    done = 0
    while True:
        with tenant_scope(tenant.id):
            batch = list(find().select_for_update(skip_locked=True).order_by("id")[:BATCH])
            for record in batch:
                writes.hold(record)
                act(record)
        done += len(batch)
        if len(batch) < BATCH:
            return done


def contents(document: Document, *, at: datetime) -> dict[str, Any]:
    """Return what another document takes over that follows from this one, dated `at`."""
    fields = {name: getattr(document, name) for name in ("client_id", "currency", "notes", "terms")}
    lines = [line_data(line) for line in document.line_items.all()]
    return {**fields, "line_items": lines, "issue_date": at.date(), "created_at": at, "updated_at": at}


def next_number(document: Document) -> str:
    """Take the next number of a year; the row stays locked until the transaction ends, and a rollback gives it back."""
    year, table = document.issue_date.year, document.counter._meta.db_table
    with connections[alias()].cursor() as cursor:
        cursor.execute(NEXT_NUMBER.format(table=table), [ids.new(), document.tenant_id, year])
        return f"{document.letters}-{year}-{cursor.fetchone()[0]:05d}"


def currencies_for(clients: Sequence[Any], tenant: Tenant) -> dict[Any, str]:
    """Return each client's currency, else the tenant's."""
    found = Client.objects.of(tenant).filter(pk__in=clients).values_list("pk", "currency") if clients else ()
    return {pk: currency or tenant.currency for pk, currency in found}


def products_of(items: Iterable[Mapping[str, Any]], tenant: Tenant) -> dict[Any, Product]:
    """Return the products of some lines by their ids."""
    found: dict[Any, Product] = Product.objects.of(tenant).in_bulk(
        {item["product_id"] for item in items if item.get("product_id")}
    )
    return found


def make_lines(document: Document, items: Iterable[Mapping[str, Any]], products: Mapping[Any, Product]) -> list[Line]:
    """Return unsaved lines; what an item leaves out comes from its product."""
    return [
        make_line(document, position, item, products.get(item.get("product_id"))) for position, item in enumerate(items)
    ]


def make_line(document: Document, position: int, item: Mapping[str, Any], product: Product | None) -> Line:
    given = {name: value for name, value in item.items() if value is not None}
    if product is not None:
        if "rate" not in given and product.currency != document.currency:
            message = f"The {{product}}'s price is in {product.currency}: say the {{rate}} in {document.currency}."
            raise Invalid(message, f"line_items.{position}.rate")
        given = {"description": product.name, "rate": product.price, "tax_rate": product.tax_rate, **given}
    for name in ("description", "rate"):
        if name not in given:
            raise Invalid("Required where there is no {product_id}.", f"line_items.{position}.{name}")
    kind = document.line_model()
    line = kind(tenant=document.tenant, position=position, **{kind.inside: document}, **given)
    line.rate = padded(line.rate, document.currency)
    line.amount = line_amount(line, document.currency)
    return line


def line_data(line: Line) -> dict[str, Any]:
    names = ("product_id", "description", "quantity", "rate", "discount_percent", "tax_rate")
    return {name: getattr(line, name) for name in names}


def set_totals(document: Document, lines: Iterable[Line]) -> None:
    """Put the lines' totals on the document; raises Invalid for one that would be negative."""
    totals = totals_of(lines, document.currency)
    if totals.total < 0:
        raise Invalid("The {total} would be negative.", "line_items")
    document.take_totals(totals)


def save_lines(document: Document, lines: list[Line]) -> None:
    """Write the lines, and let the document know them without asking again."""
    document.line_model().objects.bulk_create(lines)
    writes.know_rows(document, line_items=lines)
