"""The pages for people: what is on them, and that they ask no other host."""

import gzip
import re
from pathlib import Path

import pytest

from crm.registry import CONTRACTS
from tests.conftest import Caller

ROOT = Path(__file__).parents[2]
PAGES = ("/", "/docs/", *(f"/docs/{contract.name}/" for contract in CONTRACTS))
# Addresses that name a format or stand in a text; nothing is fetched from them.
NAMES = ("http://www.w3.org/", "http://testserver/")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_kept_to_this_host(path: str, nobody: Caller) -> None:
    answer = nobody.client.get(path)
    policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
    assert answer.status_code == 200
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert [url for url in addresses(answer.content.decode()) if not url.startswith(NAMES)] == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_script_of_its_own(path: str, nobody: Caller) -> None:
    text = nobody.client.get(path).content.decode()
    assert re.findall(r"<script(?![^>]* src=)", text) == []
    assert re.findall(r"\son[a-z]+=", text) == []


@pytest.mark.parametrize("name", ["pages.css", "start.js", "reference.js"])
def test_what_a_page_loads_names_no_other_host(name: str) -> None:
    assert addresses((ROOT / "static" / "docs" / name).read_text()) == []


def addresses(text: str) -> list[str]:
    return re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]+[^\s\"'<]*|https?://[^\s\"'<]+", text)


def test_the_reference_shows_its_document(nobody: Caller) -> None:
    for contract in CONTRACTS:
        text = nobody.client.get(f"/docs/{contract.name}/").content.decode()
        assert f'data-document="/{contract.mounts[0]}openapi.json"' in text
        assert 'href="#content">Skip to content</a>' in text
        assert 'id="content"' in text


def test_the_reference_can_be_read_without_javascript(nobody: Caller) -> None:
    text = nobody.client.get("/docs/").content.decode()
    without = text[text.index("<noscript>") : text.index("</noscript>")]
    assert "<code>POST /clients</code> Create a client" in without


def test_the_start_page_leads_on(nobody: Caller) -> None:
    text = nobody.client.get("/").content.decode()
    assert 'href="/docs/"' in text
    assert 'href="/admin/"' in text
    assert "curl http://testserver/v1/clients" in text
    assert "Bearer YOUR_API_KEY" in text


def test_an_unknown_contract_is_not_found(nobody: Caller) -> None:
    assert nobody.client.get("/docs/nothing/").status_code == 404


def test_the_pages_take_no_writes(nobody: Caller) -> None:
    assert nobody.client.post("/").status_code == 405


def test_the_compressed_reference_is_the_plain_one() -> None:
    plain = ROOT / "static" / "scalar" / "standalone.js"
    assert gzip.decompress(plain.with_suffix(".js.gz").read_bytes()) == plain.read_bytes()
