"""Loads the demo (tenants acme and globex) once, and shows how to log in and which key to try."""

import json
import secrets
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from apikeys.authentication import find_key
from apikeys.errors import CredentialError
from apikeys.issuing import issue
from crm.demo.loading import load, size_of
from tenants.actor import Actor
from tenants.membership import give_seat
from tenants.models import Member, Tenant
from tenants.provisioning import provision
from tenants.routing import using
from tenants.scope import request_scope

NAMES = {"acme": "Acme Plumbing", "globex": "Globex"}
LOGIN, MEMBER = "admin", "rosa"


class Command(BaseCommand):
    """`manage.py demo [--json]`; loading it twice adds nothing."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--json",
            action="store_true",
            help="print one JSON object: tenant, key, and the two log-ins with their passwords",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Make what is missing and print the way in."""
        tenants = {slug: find_tenant(slug) for slug in NAMES}
        fill(tenants)
        shown = access(tenants["acme"])
        if options["json"]:
            self.stdout.write(json.dumps(shown))
            return
        for name, value in shown.items():
            self.stdout.write(f"{name}: {value}")


def find_tenant(slug: str) -> Tenant:
    """Return the demo tenant, made where it is missing."""
    with using("admin"):
        found = Tenant.objects.filter(slug=slug, live=None).first()
        return found or provision(slug=slug, name=NAMES[slug], plan="pro")


def fill(tenants: dict[str, Tenant]) -> None:
    """Load each tenant's records, with a bar that says how far it is."""
    columns = (TextColumn("demo data"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        for slug, tenant in tenants.items():
            task = progress.add_task(slug, total=size_of(slug))
            load(tenant, like=slug, step=lambda task=task: progress.advance(task))  # type: ignore[misc]


def access(tenant: Tenant) -> dict[str, str]:
    """Return log-in and key of the demo, kept in the data folder so that a second start shows them again."""
    kept = Path(settings.KITH_HOME) / "demo.json"
    shown = json.loads(kept.read_text()) if kept.exists() else {}
    fresh = {} if works(shown) else make_access(tenant)
    if fresh or "member_login" not in shown:
        fresh |= make_member(tenant)
    if fresh:
        shown |= fresh
        kept.touch(mode=0o600)
        kept.write_text(json.dumps(shown))
    return dict(shown)


def works(shown: dict[str, str]) -> bool:
    """Tell whether what was kept still opens this database."""
    try:
        with request_scope():
            find_key(shown.get("key", ""), address=None)
    except CredentialError:
        return False
    with using("admin"):
        return User.objects.filter(username=shown.get("admin_login"), is_active=True).exists()


def make_access(tenant: Tenant) -> dict[str, str]:
    """Make a log-in with a fresh password, and a key."""
    password = secrets.token_urlsafe(12)
    with using("admin"):
        user, _ = User.objects.get_or_create(
            username=LOGIN, defaults={"is_staff": True, "is_superuser": True, "email": "admin@example.com"}
        )
        user.set_password(password)
        user.save()
        actor = Actor.system(tenant, "demo")
        if not Member.every_tenant.filter(tenant=tenant, user=user).exists():
            give_seat(user=user, role=Member.Role.OWNER, actor=actor)
        key = issue(tenant=tenant, name="Demo key", scopes=["admin"], actor=actor, user=user)[1]
    return {"tenant": tenant.slug, "admin_login": LOGIN, "admin_password": password, "key": key}


def make_member(tenant: Tenant) -> dict[str, str]:
    """Make a log-in of somebody who works at the tenant and is no staff of the installation."""
    password = secrets.token_urlsafe(12)
    with using("admin"):
        names = {"first_name": "Rosa", "last_name": "Alvarez", "email": "rosa@example.com"}
        user, _ = User.objects.get_or_create(username=MEMBER, defaults=names)
        user.set_password(password)
        user.save()
        if not Member.every_tenant.filter(tenant=tenant, user=user).exists():
            give_seat(user=user, role=Member.Role.OWNER, actor=Actor.system(tenant, "demo"))
    return {"member_login": MEMBER, "member_password": password}
