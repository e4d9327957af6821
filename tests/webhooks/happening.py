"""Two tenants with many events: one has the demo, and to the other's records everything happens that can."""

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from crm.contracts.registry import REGISTRY
from crm.demo.loading import load
from crm.registry import RESOURCES
from crm.resources.invoices.rules import mark_overdue
from crm.resources.quotes.rules import mark_expired
from crm.rest.router import bound_views
from crm.tasks import scan_files
from tenants import ids
from tenants.actor import Actor
from tenants.membership import take_seat
from tenants.models import Member
from tenants.scope import tenant_scope
from tests.conftest import Caller
from tests.docs.seeding import path_of, seed
from tests.forms import Form
from tests.mailing import TEXT, deliver, make_client, make_list, make_members, receiving
from tests.webhooks.world import URL

__all__ = ["happen"]

DOOMSDAY = date(2999, 1, 1)
# A field of each resource that is free to move, and what it becomes.
MOVED = {
    "clients": {"name": "Other"}, "leads": {"name": "Other"}, "products": {"name": "Other"},
    "services": {"name": "Another"}, "quotes": {"notes": "Other"}, "orders": {"notes": "Other"},
    "invoices": {"notes": "Other"}, "payments": {"reference": "Other"}, "team": {"name": "Other"},
    "projects": {"name": "Other"}, "tasks": {"title": "Other"}, "comments": {"text": "Other"},
    "appointments": {"title": "Other"}, "marketing_lists": {"name": "Other"}, "campaigns": {"name": "Other"},
    "activities": {"subject": "Other"}, "files": {"name": "Other.pdf"},
    "webhooks": {"description": "Other"},
}  # fmt: skip


def happen(demo: Caller, acme: Caller) -> None:
    """Load the demo for one, and let everything happen to the other's records."""
    load(demo.tenant, like="globex", step=lambda: None)
    change_and_delete(acme.on(REGISTRY))
    leave(acme)
    sell(acme)
    meet(acme)
    write(acme)
    scan(acme)
    walk(acme, "/webhooks", {"url": URL, "events": ["*"]}, "disable", "enable")


def change_and_delete(caller: Caller) -> None:
    """Make two records of each kind, change the first one, and delete the second, to which nothing refers."""
    bound = bound_views(REGISTRY, RESOURCES).items()
    views = {name: view for name, view in bound if "create" in view.methods and "key" in view.credentials}
    made = seed(caller, views, each=2)
    for name, view in views.items():
        if "update" in view.methods:
            done(caller.patch(f"/{path_of(view)}/{made[view.prefix][0]}", MOVED[name]))
        # What came in stays, and the services are products too.
        if "destroy" in view.methods and name not in ("payments", "services"):
            done(caller.delete(f"/{path_of(view)}/{made[view.prefix][1]}"))
    service = done(caller.post("/services", {"name": "Short-lived", "price": "1.00"}))
    done(caller.delete(f"/services/{service['id']}"))


def leave(acme: Caller) -> None:
    """Let somebody lose their seat."""
    made = done(acme.post("/team", {"name": "Gone", "email": f"gone@{acme.tenant.slug}.example.com"}))
    with tenant_scope(acme.tenant.id):
        member = Member.objects.get(pk=ids.decode("usr", made["id"]))
    take_seat(member, actor=Actor.system(acme.tenant, "tests"))


def sell(acme: Caller) -> None:
    """Let quotes, orders, invoices and payments go every way that they can."""
    client = make_client(acme, "Ada")
    lines = {"client_id": client, "line_items": [{"description": "Tap", "rate": "100.00", "quantity": "1"}]}
    walk(acme, "/quotes", lines, "send", "approve", ("accept", {"name": "Ada"}), ("convert", {"to": "order"}))
    walk(acme, "/quotes", lines, "send", "decline")
    walk(acme, "/quotes", lines, "send", "revise")
    walk(acme, "/quotes", {**lines, "valid_until": "2998-12-31"}, "send")
    walk(acme, "/orders", lines, "confirm", "fulfill", "invoice")
    walk(acme, "/orders", lines, "confirm", "cancel")
    walk(acme, "/invoices", lines, "send", "void")
    given_up = walk(acme, "/invoices", lines, "send")
    done(acme.patch(f"/invoices/{given_up}/status", {"status": "uncollectible"}))
    invoice = walk(acme, "/invoices", {**lines, "due_date": "2998-12-31"}, "send")
    money = {"client_id": client, "amount": "60.00", "method": "cash"}
    walk(acme, "/payments", {**money, "invoice_id": invoice, "amount": "40.00"})
    rest = walk(acme, "/payments", money, ("allocate", {"invoice_id": invoice}))
    done(acme.post(f"/payments/{rest}/refund", {"reason": "It drips."}))
    walk(acme, "/payments", {**money, "status": "pending"}, "fail")
    done(acme.delete(f"/payments/{walk(acme, '/payments', {**money, 'status': 'pending'})}"))
    assert mark_overdue(acme.tenant, today=DOOMSDAY) == mark_expired(acme.tenant, today=DOOMSDAY) == 1
    walk(acme, "/leads", {"name": "Grace", "email": "grace@example.org"}, "convert")


def meet(acme: Caller) -> None:
    """Let appointments be kept, called off, moved and missed."""
    client = make_client(acme, "Eve")
    when = {"starts_at": "2030-03-04T09:00:00Z", "ends_at": "2030-03-04T10:00:00Z"}
    later = {name: at.replace("-04T", "-05T") for name, at in when.items()}
    boiler = {"client_id": client, "title": "Boiler", **when}
    walk(acme, "/appointments", boiler, "confirm", "en-route", "start", "complete")
    walk(acme, "/appointments", boiler, "cancel")
    walk(acme, "/appointments", boiler, ("reschedule", later), "no-show")


def write(acme: Caller) -> None:
    """Let campaigns be planned, called off, half sent, and sent; let people leave a list."""
    members = make_members(acme, 2)
    everyone = make_list(acme, members)
    campaign = {**TEXT, "list_id": everyone}
    tomorrow = {"at": (timezone.now() + timedelta(days=1)).isoformat()}
    walk(acme, "/marketing/campaigns", campaign, ("schedule", tomorrow), "cancel")
    with override_settings(), receiving(settings) as server:
        for refused in ({"member1@example.com": "451 Later"}, {}):
            server.refused = refused
            deliver(acme, walk(acme, "/marketing/campaigns", campaign, "send"))
    done(acme.post(f"/marketing/lists/{everyone}/remove", {"client_ids": members}))


def scan(acme: Caller) -> None:
    """Let a scanner look at files, a good one and a bad one."""
    with override_settings(FILES_SCANNER="sh -c 'if grep -q EICAR; then exit 1; fi'"):
        for content in (b"fine", b"EICAR"):
            done(acme.post("/files", Form([("file", "a.txt", content)])))
        scan_files()


def walk(acme: Caller, path: str, body: Any, *steps: str | tuple[str, Any]) -> str:
    """Make a record and let it take these steps, some of which need a body; return its id."""
    record = str(done(acme.post(path, body))["id"])
    for step in steps:
        way, told = (step, None) if isinstance(step, str) else step
        done(acme.post(f"{path}/{record}/{way}", told))
    return record


def done(answer: Any) -> Any:
    """Return what the answer holds; raise for one that failed."""
    assert answer.status < 300, answer.body
    return answer.body.get("data")
