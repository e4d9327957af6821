"""The pages for people: the start page, and the reference of each contract."""

from functools import lru_cache
from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from crm.docs.document import DOCUMENT, document_text
from crm.registry import CONTRACTS
from crm.rest.contract import Contract

__all__ = ["outline", "reference", "start"]

# Styles are the one thing that Scalar writes into the page; everything else comes from here and talks to here.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)


@gzip_page
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Say what this place is, with a first call to copy."""
    contract = CONTRACTS[0]
    url = request.build_absolute_uri(f"/{contract.mounts[0]}clients")
    call = f"curl {url} \\\n  -H 'Authorization: Bearer YOUR_API_KEY'"
    return guarded(render(request, "docs/start.html", {"call": call, "document": address_of(contract)}))


@gzip_page
@require_safe
def reference(request: HttpRequest, name: str = "") -> HttpResponse:
    """Show the reference of a contract, the first one unless told."""
    contract = next((item for item in CONTRACTS if name in ("", item.name)), None)
    if contract is None:
        raise Http404
    shown = {
        "contract": contract,
        "contracts": CONTRACTS,
        "document": address_of(contract),
        "outline": outline(contract),
    }
    return guarded(render(request, "docs/reference.html", shown))


def guarded(response: HttpResponse) -> HttpResponse:
    """Return the page with the policy that keeps it to this host."""
    response["Content-Security-Policy"] = POLICY
    return response


def address_of(contract: Contract) -> str:
    """Return the address of a contract's document under its first mount."""
    return f"/{contract.mounts[0]}{DOCUMENT}"


@lru_cache(maxsize=16)
def outline(contract: Contract) -> dict[str, list[dict[str, Any]]]:
    """Return the operations of a contract by tag, for readers without JavaScript."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, methods in orjson.loads(document_text(contract)[0])["paths"].items():
        for method, operation in methods.items():
            line = {"method": method.upper(), "path": path, "summary": operation["summary"]}
            found.setdefault(operation["tags"][0], []).append(line)
    return found
