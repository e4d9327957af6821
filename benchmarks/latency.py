"""From a change to its receipt, on Kith as `manage.py up` runs it: by the API, in a shell, in the admin, in a task.

A change's time is that of its event in the ledger, which is when its transaction began: the figures include the
transaction itself. The receiver runs on the same machine, by the same clock.
"""

import re
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import timedelta
from statistics import median

import requests
from django.utils import timezone

from benchmarks.house import log_in
from benchmarks.living import Living, living
from benchmarks.sql import as_owner
from config.celery import app
from config.env import BASE
from tenants import ids

# What a person would type into `manage.py shell`; the admin and the shell take the tenant's words.
SHELL = """
import time
from crm.resources.clients.models import Client
from crm.rest import writes
from tenants.actor import Actor
from tenants.models import Tenant
tenant = Tenant.objects.get(pk="{tenant}")
for number in range({count}):
    writes.create(Client(tenant=tenant, name="Ada"), actor=Actor.system(tenant, "shell"))
    time.sleep({pause})
"""
PAUSE = 0.5
HIDDEN = re.compile(r'<input type="(?:text|hidden)" name="([^"]+)" value="([^"]*)"')
EVENTS = """
SELECT id, extract(epoch FROM occurred_at)::float8 FROM tenants_event WHERE tenant_id = %s AND type = %s AND txid > %s
"""


def main() -> None:
    """Measure each way of making a change, and print a line for it."""
    parser = ArgumentParser(prog="python -m benchmarks latency")
    parser.add_argument("--changes", type=int, default=200, help="by the API; a tenth of it in each other way")
    count = parser.parse_args().changes
    with living() as kith:
        by_api(kith, 5)
        print(f"{'change by':<10}{'changes':>8}{'median':>10}{'p95':>10}{'worst':>10}   seconds from commit to receipt")
        report(kith, "API", "client.created", lambda: by_api(kith, count))
        report(kith, "shell", "client.created", lambda: by_shell(kith, count // 10))
        report(kith, "admin", "client.created", lambda: by_admin(kith, count // 10))
        report(kith, "task", "invoice.overdue", lambda: by_task(kith, count // 10))


def report(kith: Living, name: str, kind: str, change: Callable[[], None]) -> None:
    """Make the changes and print how long their events took."""
    kith.receiver.clear()
    [[before]] = as_owner("SELECT coalesce(max(txid), 0) FROM tenants_event")
    change()
    made = {ids.encode("evt", pk): at for pk, at in as_owner(EVENTS, kith.tenant.pk, kind, before)}
    kith.receiver.wait(len(made), 30)
    got = {one.id: one.at for one in kith.receiver.got}
    took = sorted(got[name] - at for name, at in made.items())
    shown = median(took), took[round(0.95 * (len(took) - 1))], took[-1]
    print(f"{name:<10}{len(took):8}{''.join(f'{one:10.3f}' for one in shown)}", flush=True)


def by_api(kith: Living, count: int) -> None:
    """Create clients, two a second."""
    for number in range(count):
        kith.call("POST", "/clients", {"name": f"Client {number}"})
        time.sleep(PAUSE)


def by_shell(kith: Living, count: int) -> None:
    """Create clients in `manage.py shell`."""
    text = SHELL.format(tenant=kith.tenant.pk, count=count, pause=PAUSE)
    subprocess.run([sys.executable, "manage.py", "shell", "--no-imports", "-c", text], cwd=BASE, check=True)


def by_admin(kith: Living, count: int) -> None:
    """Fill in the form of a new client and send it."""
    session = requests.Session()
    session.cookies.update(log_in())
    page = f"{kith.url}/admin/crm/client/add/?tenant={kith.tenant.pk}"
    for _ in range(count):
        fields = dict(HIDDEN.findall(session.get(page, timeout=30).text))
        fields |= {"name": "Ada", "type": "person", "status": "active"}
        sent = session.post(page, fields, timeout=30, allow_redirects=False, headers={"Referer": page})
        assert sent.status_code == 302, f"the admin did not take it: {sent.status_code}"
        time.sleep(PAUSE)


def by_task(kith: Living, count: int) -> None:
    """Have the worker mark invoices as overdue."""
    client = kith.call("GET", "/clients?limit=1")[0]["id"]
    day = str(timezone.now().date() - timedelta(days=2))
    for _ in range(count):
        line = {"description": "Tap", "quantity": "1", "rate": "9.00"}
        body = {"client_id": client, "issue_date": day, "due_date": day, "line_items": [line]}
        invoice = kith.call("POST", "/invoices", body)["id"]
        kith.call("POST", f"/invoices/{invoice}/send")
        app.send_task("crm.tasks.mark_invoices_overdue")
        time.sleep(PAUSE)
    time.sleep(1)


if __name__ == "__main__":
    main()
