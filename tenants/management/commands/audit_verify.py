"""Proves that the log was not altered: computes every tenant's hash chain anew and names what does not hold."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants import audit
from tenants.models import Tenant
from tenants.routing import using


class Command(BaseCommand):
    """`manage.py audit_verify [SLUG]`; exit code 1 when something was altered."""

    help = f"{__doc__} Keep the printed heads elsewhere: only they prove it against whoever can rewrite log and seals."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("slug", nargs="?", help="one tenant (both sides); all unless given")
        parser.add_argument("--seal", action="store_true", help="seal what waits before verifying")

    def handle(self, *_: Any, **options: Any) -> None:
        """Verify and report, a line a tenant."""
        faults = 0
        with using("admin"):
            tenants = Tenant.objects.all()
            if options["slug"]:
                tenants = tenants.filter(slug=options["slug"])
            if not tenants:
                raise CommandError("There is no such tenant.", returncode=2)
            for tenant in tenants:
                while options["seal"] and audit.seal(tenant):
                    pass
                found = audit.verify(tenant)
                faults += len(found.faults)
                state = f"{found.sealed} sealed, {found.waiting} waiting, head {found.head or '-'}"
                self.stdout.write(f"{tenant.slug} {tenant.environment}: {state}")
                for fault in found.faults:
                    self.stderr.write(f"  ALTERED: {fault}")
        if faults:
            raise CommandError(f"{faults} faults: the log of this installation was altered.", returncode=1)
        self.stdout.write("Every sealed event holds.")
