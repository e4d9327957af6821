"""The way of a sale, said in the words of whichever contract it goes through."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from docs.tour.walk import Walk

__all__ = ["lead", "sale"]

Word = Callable[[str], str]


def lead(walk: Walk, form: list[str]) -> Any:
    """Let a lead come in by the web form, and make a client of it."""
    walk.say("### A lead comes in by the form on your website")
    walk.say("A form's own fields are kept, and where the visitor came from too.")
    sent = walk.run(form, 201)["data"]
    walk.say("The team sees it, and makes a client of it. Doing it twice gives one client.")
    walk.call("GET", f"/leads/{sent['id']}", show=("id", "name", "email", "status", "fields", "attribution"))
    found = walk.call("POST", f"/leads/{sent['id']}/convert", show=("id", "status", "client_id", "converted_at"))
    return walk.call("GET", f"/clients/{found['client_id']}", show=("id", "name", "email", "phone"))


def sale(walk: Walk, names: Mapping[str, str], client: Any, service: Any, member: Any) -> None:
    """Take a client from a quote to a refund; `names` holds the contract's words for what differs."""
    quoted = quote(walk, names, client, service)
    visit(walk, names, client, service, member)
    bill(walk, names, client, quoted)


def quote(walk: Walk, names: Mapping[str, str], client: Any, service: Any) -> Any:
    quotes, client_id = names["quotes"], names["client_id"]
    walk.say(f"### The {names['quote']}: sent, accepted, and made into an invoice")
    items = [{names["product_id"]: service["id"], "quantity": "1"}, {"description": "Parts", "rate": "60.00"}]
    body = {client_id: client["id"], "line_items": items}
    shown = ("id", "number", "status", "total")
    made = walk.call("POST", f"/{quotes}", body, expect=201, show=(*shown, "line_items"))
    at = f"/{quotes}/{made['id']}"
    walk.call("POST", f"{at}/send", show=shown)
    walk.call("POST", f"{at}/accept", {"name": client["name"]}, show=("status", "accepted_at", "acceptance"))
    converted = walk.call("POST", f"{at}/convert", {"to": "invoice"}, show=("status", "invoice_id"))
    walk.say("Once is enough: a second try says why not.")
    walk.call("POST", f"{at}/convert", {"to": "invoice"}, expect=409)
    return converted


def visit(walk: Walk, names: Mapping[str, str], client: Any, service: Any, member: Any) -> None:
    walk.say("### The appointment: booked, and done")
    day = datetime.now(UTC).date() + timedelta(days=7)
    body = {
        names["client_id"]: client["id"],
        "service_id": service["id"],
        "assignee_ids": [member["id"]],
        "starts_at": f"{day}T10:00:00Z",
    }
    made = walk.call(
        "POST", "/appointments", body, expect=201, show=("id", "status", "starts_at", "ends_at", "assignee_ids")
    )
    walk.say("The same person cannot be in two places:")
    walk.call("POST", "/appointments", body, expect=409)
    for verb in ("confirm", "start", "complete"):
        walk.call("POST", f"/appointments/{made['id']}/{verb}", show=("status", "completed_at"))


def bill(walk: Walk, names: Mapping[str, str], client: Any, quoted: Any) -> None:
    walk.say("### The invoice: sent, paid in two parts, and a part given back")
    at = f"/invoices/{quoted['invoice_id']}"
    shown = ("number", "status", "total", "amount_paid", "amount_due")
    invoice = walk.call("POST", f"{at}/send", show=shown)
    first = {names["client_id"]: client["id"], "invoice_id": quoted["invoice_id"], "amount": "50.00", "method": "card"}
    walk.call("POST", "/payments", first, expect=201, show=("id", "status", "amount", "method"))
    walk.call("GET", at, show=shown)
    rest = str(invoice["amount_due"])
    walk.say("The rest, and a little too much: what is over stays as credit.")
    paid = walk.call(
        "POST",
        "/payments",
        {**first, "amount": rest, "method": "bank_transfer"},
        expect=201,
        show=("id", "status", "amount", "amount_allocated", "amount_unallocated"),
    )
    walk.call("GET", at, show=shown)
    walk.call(
        "POST",
        f"/payments/{paid['id']}/refund",
        {"amount": "80.00", "reason": "One part was not needed."},
        show=("id", "status", "amount", "amount_refunded", "amount_unallocated"),
    )
    walk.call("GET", at, show=shown)
