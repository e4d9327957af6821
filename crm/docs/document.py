"""The OpenAPI document, served: made once a process, known by its ETag, open to everyone."""

from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.cache import get_conditional_response
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from crm.docs.generator import build
from crm.rest.contract import Contract

__all__ = ["DOCUMENT", "document_path", "document_text"]

DOCUMENT = "openapi.json"


@lru_cache(maxsize=16)
def document_text(contract: Contract) -> tuple[bytes, str]:
    """Return the contract's document as JSON, and its ETag."""
    text = orjson.dumps(build(contract), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return text, f'"{blake2b(text, digest_size=16).hexdigest()}"'


def document_path(contract: Contract) -> URLPattern:
    """Return the URL pattern of the contract's document, below its mount."""

    @gzip_page
    @require_safe
    def openapi(request: HttpRequest) -> HttpResponse:
        text, etag = document_text(contract)
        response = HttpResponse(text, content_type="application/json")
        # No credential is asked and none is looked at, so any page may read it.
        response["Access-Control-Allow-Origin"] = "*"
        response["Cache-Control"] = "public, no-cache"
        response["ETag"] = etag
        answer: Any = get_conditional_response(request, etag=etag, response=response)
        return answer  # type: ignore[no-any-return]

    return path(DOCUMENT, openapi, name=f"{contract.name}-openapi")
