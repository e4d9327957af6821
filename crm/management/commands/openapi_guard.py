"""Guards the published contracts: compares each OpenAPI document with its committed copy in docs/openapi/."""

import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crm.docs.breaking import Break, breaks
from crm.docs.generator import build
from crm.registry import CONTRACTS
from crm.rest.contract import Contract

__all__ = ["Command", "announced", "copy_of"]

COPIES, CHANGELOG = Path("docs/openapi"), Path("CHANGELOG.md")
# They explain, and bind nobody.
LEFT_OUT = ("example", "examples", "x-codeSamples")
HOW = (
    'Take them back, or announce each in CHANGELOG.md under "## Unreleased", "### Breaking", in a line like\n'
    "- {contract} `{where}`: then say what changes, and what to do instead."
)


class Command(BaseCommand):
    """`manage.py openapi_guard [--write]`."""

    help = f"{__doc__} What breaks clients is refused unless CHANGELOG.md announces it; all else passes."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--write", action="store_true", help="Renew the copies, once nothing breaks unannounced.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare every contract, or raise CommandError with what breaks and how to announce it."""
        folder = Path(settings.BASE_DIR) / COPIES
        changelog = (Path(settings.BASE_DIR) / CHANGELOG).read_text()
        documents = {contract: build(contract) for contract in CONTRACTS}
        found = [
            (contract, item)
            for contract, document in documents.items()
            for item in breaks(published(folder, contract, document), document)
            if not announced(contract, item, changelog)
        ]
        if found:
            lines = [f"{contract.name} {item}" for contract, item in found]
            how = HOW.format(contract=found[0][0].name, where=found[0][1].where)
            raise CommandError("\n".join([f"{len(found)} changes break clients:", *lines, how]))
        for contract, document in documents.items():
            self.renew(folder / f"{contract.name}.json", copy_of(document), write=options["write"])

    def renew(self, copy: Path, text: bytes, *, write: bool) -> None:
        behind = not copy.exists() or copy.read_bytes() != text
        if behind and write:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(text)
        state = (
            "written" if behind and write else "grown, which breaks nobody: `make openapi`" if behind else "the same"
        )
        self.stdout.write(f"{copy.stem}: {state}")


def published(folder: Path, contract: Contract, document: Any) -> Any:
    """Return the committed copy; a contract that was never published is its own."""
    copy = folder / f"{contract.name}.json"
    return orjson.loads(copy.read_bytes()) if copy.exists() else document


def copy_of(document: Any) -> bytes:
    """Return what binds of a document as JSON, a line for each operation and component, so that diffs can be read."""
    document = document | {"info": {name: document["info"][name] for name in ("title", "version")}}
    parts = [
        f"{quoted(name)}: {lines(value, 2 if name == 'components' else 1)}" for name, value in bare(document).items()
    ]
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def lines(value: Any, depth: int) -> str:
    if not isinstance(value, dict) or depth < 0 or not value:
        return quoted(value)
    return "{\n" + ",\n".join(f"{quoted(name)}: {lines(item, depth - 1)}" for name, item in value.items()) + "\n}"


def quoted(value: Any) -> str:
    return orjson.dumps(value).decode()


def bare(value: Any, *, names: bool = False) -> Any:
    """Return a part of a document without what only explains; `names` says that its keys are names of properties."""
    if isinstance(value, list):
        return [bare(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: bare(item, names=name == "properties" and not names)
        for name, item in value.items()
        if names or name not in LEFT_OUT
    }


def announced(contract: Contract, item: Break, changelog: str) -> bool:
    """Tell whether the changelog's part on breaks to come names the contract and the place."""
    unreleased = re.split(r"^## ", changelog.partition("## Unreleased")[2], maxsplit=1, flags=re.MULTILINE)[0]
    breaking = unreleased.partition("### Breaking")[2].partition("### ")[0]
    return any(line.startswith(f"- {contract.name} `{item.where}`") for line in breaking.splitlines())
