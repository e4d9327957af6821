"""Makes a tenant with its sandbox, and shows one live and one test key with scope `admin`, once."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apikeys.issuing import issue
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.provisioning import ProvisioningError, provision
from tenants.routing import alias, using

EXAMPLE = "Example: manage.py provision acme --name 'Acme Plumbing' --plan pro"


class Command(BaseCommand):
    """`manage.py provision SLUG [--name N] [--plan P] [--json]`."""

    help = f"{__doc__} {EXAMPLE}"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("slug", help="name in addresses, stable for life: lower-case letters, digits, hyphens")
        parser.add_argument("--name", default="", help="the tenant's name; made from the slug unless given")
        parser.add_argument("--plan", default="standard", help="free, standard (the default), pro or enterprise")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object: tenant, slug, live_key, test_key"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Make it, all or nothing, and print the keys."""
        with using("admin"), transaction.atomic(using=alias()):
            try:
                live = provision(slug=options["slug"], name=options["name"], plan=options["plan"])
            except ProvisioningError as error:
                raise CommandError(str(error), returncode=2) from error
            made = {
                "tenant": live.public_id,
                "slug": live.slug,
                "live_key": first_key(live),
                "test_key": first_key(live.sandbox),
            }
        if options["json"]:
            self.stdout.write(json.dumps(made))
            return
        self.stdout.write(f"Tenant {live.name}: {made['tenant']} (slug {made['slug']}, plan {live.plan.name})")
        self.stdout.write(f"Live key: {made['live_key']}")
        self.stdout.write(f"Test key: {made['test_key']}")
        self.stdout.write("Store both now: they are shown this once and can never be read again.")


def first_key(tenant: Tenant) -> str:
    """Issue the key that a new tenant starts with and return its plaintext."""
    actor = Actor.system(tenant, "provision")
    return issue(tenant=tenant, name="First key", scopes=["admin"], actor=actor)[1]
