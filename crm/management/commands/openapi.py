"""Writes the OpenAPI document of a contract, for programs that make clients of it and for the copy that guards it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema
from jsonschema import ValidationError

from crm.docs.document import document_text
from crm.registry import CONTRACTS


class Command(BaseCommand):
    """`manage.py openapi v1 --file docs/openapi/v1.json --validate --fail-on-warn`."""

    help = "Write the OpenAPI document of a contract."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("contract", choices=[contract.name for contract in CONTRACTS])
        parser.add_argument("--file", type=Path, help="Where to write it; the standard output unless told.")
        parser.add_argument(
            "--validate", action="store_true", help="Refuse a document that OpenAPI 3.1 does not allow."
        )
        parser.add_argument("--fail-on-warn", action="store_true", help="Refuse one with parts that nobody described.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it, or raise CommandError with what is wrong with it."""
        contract = next(item for item in CONTRACTS if item.name == options["contract"])
        text, _ = document_text(contract)
        if options["fail_on_warn"] and GENERATOR_STATS:
            raise CommandError("The document has warnings: see above.")
        if options["validate"]:
            self.validate(orjson.loads(text))
        if options["file"]:
            options["file"].parent.mkdir(parents=True, exist_ok=True)
            options["file"].write_bytes(text)
        else:
            self.stdout.write(text.decode(), ending="")

    def validate(self, document: Any) -> None:
        try:
            validate_schema(document)
        except ValidationError as error:
            raise CommandError(f"The document is not valid OpenAPI: {error.message} at {error.json_path}.") from error
