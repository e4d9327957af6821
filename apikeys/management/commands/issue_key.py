"""Issues an API key for a tenant and shows it once."""

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apikeys.issuing import issue
from apikeys.scopes import UnknownScope
from tenants.actor import Actor
from tenants.models import Environment, Tenant
from tenants.routing import using

EXAMPLE = (
    "Example: manage.py issue_key acme --name 'Web shop' --scopes clients:read,invoices:write --expires 2027-12-31"
)


class Command(BaseCommand):
    """`manage.py issue_key SLUG --name N --scopes a,b [--environment live|test] [--expires ISO] [--json]`."""

    help = f"{__doc__} {EXAMPLE}"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("slug", help="the tenant's slug")
        parser.add_argument("--name", required=True, help="what the key is for")
        parser.add_argument(
            "--scopes",
            required=True,
            help="comma list, like clients:read,invoices:write, or read, write, delete, admin",
        )
        parser.add_argument(
            "--environment", choices=list(Environment), default=Environment.LIVE, help="live (the default) or test"
        )
        parser.add_argument("--expires", help="ISO 8601 date or time (UTC) after which it ends; never unless given")
        parser.add_argument("--json", action="store_true", help="print one JSON object: key, id, scopes")

    def handle(self, *_: Any, **options: Any) -> None:
        """Issue the key and print it."""
        with using("admin"):
            tenant = Tenant.objects.filter(slug=options["slug"], environment=options["environment"]).first()
            if tenant is None:
                raise CommandError(
                    f"There is no tenant {options['slug']!r}: make it with `manage.py provision {options['slug']}`.",
                    returncode=2,
                )
            try:
                key, plaintext = issue(
                    tenant=tenant,
                    name=checked_name(options["name"]),
                    scopes=options["scopes"].split(","),
                    actor=Actor.system(tenant, "issue_key"),
                    expires_at=moment(options["expires"]),
                )
            except (UnknownScope, ValueError) as error:
                raise CommandError(str(error), returncode=2) from error
        if options["json"]:
            self.stdout.write(json.dumps({"key": plaintext, "id": key.public_id, "scopes": key.scopes}))
            return
        self.stdout.write(f"{key.public_id} ({', '.join(key.scopes)}): {plaintext}")
        self.stdout.write("Store it now: it is shown this once and can never be read again.")


def checked_name(name: str) -> str:
    """Return the trimmed name; raise ValueError for an empty or long one."""
    if not 0 < len(name.strip()) <= 100:
        raise ValueError("--name must have 1 to 100 characters.")
    return name.strip()


def moment(text: str | None) -> datetime | None:
    """Return the time of --expires; raise ValueError for one that cannot be read or is over."""
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            f"--expires {text!r} is not ISO 8601: write it like 2027-12-31 or 2027-12-31T12:00:00Z."
        ) from error
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    if when <= timezone.now():
        raise ValueError(f"--expires {text} is over already: choose a time to come.")
    return when
