"""The pages for people: the start page, and the reference of each contract."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from crm.registry import CONTRACTS
from crm.rest.contract import Contract

__all__ = ["reference", "start"]


@require_safe
@gzip_page
def start(request: HttpRequest) -> HttpResponse:
    """Say what this place is, with a first call to copy."""
    return render(request, "docs/start.html", {"base": request.build_absolute_uri("/")})


@require_safe
@gzip_page
def reference(request: HttpRequest, name: str = "") -> HttpResponse:
    """Show the reference of a contract, the first one unless told."""
    contract = find_contract(name) if name else CONTRACTS[0]
    if contract is None:
        raise Http404
    return render(request, "docs/reference.html", {"contract": contract})


def find_contract(name: str) -> Contract | None:
    return next((contract for contract in CONTRACTS if contract.name == name), None)
