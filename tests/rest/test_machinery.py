"""The machinery and the resources know no contract: neither its name, nor its mount, nor a branch on it."""

import ast
from pathlib import Path

import pytest

from crm.registry import CONTRACTS, RESOURCES
from tests.rest.made_up import MADE_UP

CRM = Path(__file__).parents[2] / "crm"
FILES = sorted([*(CRM / "rest").rglob("*.py"), *(CRM / "resources").rglob("*.py")])
NAMES = {contract.name for contract in (*CONTRACTS, MADE_UP)}
MOUNTS = {place for contract in CONTRACTS for place in contract.mounts}


def texts(tree: ast.AST) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def imports(tree: ast.AST) -> set[str]:
    found = (node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return {module for module in found if module.startswith("crm.")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_it_knows_no_contract(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert not texts(tree) & (NAMES | MOUNTS)
    assert not {module for module in imports(tree) if module.startswith("crm.contracts")}
    asked = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "name"]
    of_contract = [node for node in asked if ast.unparse(node.value).endswith("contract")]
    # The router names URL patterns by it, and a webhook keeps in whose words it is told; nobody else may ask.
    keeps = file.name == "router.py" or f"{file.parent.name}/{file.name}" == "webhooks/api.py"
    assert len(of_contract) == (1 if keeps else 0)


@pytest.mark.parametrize("file", [file for file in FILES if file.parent.name == "rest"], ids=lambda file: file.name)
def test_it_knows_no_resource(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert not {module for module in imports(tree) if module.startswith("crm.resources")}
    # Every record has a history, so the machinery knows the feed; and `order` is also the direction of a sort.
    known = {word for view in RESOURCES for word in (view.resource, view.plural)} - {"event", "events", "order"}
    assert not texts(tree) & known
