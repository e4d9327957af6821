"""What views do at a tenant's own address: the key must be its own, and browsers on other sites may send."""

import copy
from typing import Any

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request

from apikeys.authentication import find_key, presented_key
from apikeys.credentials import Credential
from apikeys.errors import InvalidKey, PageRefused
from crm.errors import Invalid
from crm.intake.site import Site, get_site, origin_of
from crm.resources.leads.models import Status
from crm.rest.bodies import FormParser, MultipartParser, StrictJSONParser
from crm.rest.view import ContractView

__all__ = ["MAX_BYTES", "OWN_FIELDS", "PAGE_SCOPES", "AtTenant"]

MAX_BYTES = 64 * 1024
PARSERS = (StrictJSONParser(MAX_BYTES), FormParser(MAX_BYTES), MultipartParser(MAX_BYTES))
# Everyone can read a page's source, so a key in it may do this and nothing else.
PAGE_SCOPES = frozenset({"leads:write"})
# Fields of a form that are for us and not for the record.
KEY, LANDING = "api_key", "redirect_to"
OWN_FIELDS = (KEY, LANDING)
PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Authorization, X-API-Key, Content-Type, Idempotency-Key, X-Request-ID",
    "Access-Control-Max-Age": "3600",
}
EXPOSED = "X-Request-ID, Retry-After, Idempotent-Replayed, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"


class PageKeyAuthentication(BaseAuthentication):
    """DRF's door at a tenant's address: the key in a header, or a weak one in the form itself."""

    def authenticate(self, request: Request) -> tuple[None, Credential]:
        """Return the credential or raise; a key of another tenant is like none."""
        meta, site = request._request.META, request.parser_context["view"].site
        shown = presented_key(meta, request._request.GET)
        credential = find_key(key_in_page(request) if shown is None else shown, address=meta["REMOTE_ADDR"])
        if not credential.tenant.answers_to(site.slug):
            raise InvalidKey("The key belongs to another tenant.")
        if shown is None:
            check_page(credential, request.headers.get("Origin", ""), site)
        return None, credential


def key_in_page(request: Request) -> str:
    """Return the key that stands in the form; raise InvalidKey where there is none."""
    found = request.data.get(KEY) if isinstance(request.data, dict) else None
    if not isinstance(found, str):
        raise InvalidKey("No key in the headers, and none in the form.")
    return found.strip()


def check_page(credential: Credential, origin: str, site: Site) -> None:
    """Raise PageRefused for a key that is too strong to stand in a page, and for pages of sites that are not listed."""
    if credential.scopes != PAGE_SCOPES:
        raise PageRefused("A key in a page may hold leads:write and nothing else: revoke this one.")
    if origin not in site.origins:
        sender = origin[:100] or "a page without an origin"
        raise PageRefused(f"Forms on {sender} may not send here: list its origin in the intake settings.")


class AtTenant(ContractView):
    """Laid over a contract's views where they stand at tenants' own addresses."""

    site: Site | None = None
    landing: str | None = None
    trapped = False

    def get_authenticators(self) -> Any:
        return (PageKeyAuthentication(),)

    def get_parsers(self) -> Any:
        return PARSERS

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Look whose address it is before anything else; a browser's question whether it may send shows no key."""
        self.site = get_site(request._request.get_host())
        if is_preflight(request):
            return
        if self.action is None:
            raise MethodNotAllowed(str(request.method))
        super().initial(request, *args, **kwargs)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Tell a browser what it may send; anyone else what there is."""
        if not is_preflight(request):
            return super().options(request, *args, **kwargs)
        return HttpResponse(status=204, headers=PREFLIGHT if self.is_welcome(request) else {})

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Let pages of the tenant's sites read the answer."""
        response = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(response, ["Origin"])
        if self.is_welcome(request):
            response["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response["Access-Control-Expose-Headers"] = EXPOSED
        return response

    def is_welcome(self, request: Any) -> bool:
        """Tell whether the request comes from a page of the tenant's sites."""
        return self.site is not None and request.headers.get("Origin") in self.site.origins

    def sent(self) -> Any:
        """Return the body without what is not the record's: key, trap, and where to go afterwards."""
        data = self.request.data
        if not isinstance(data, dict):
            return data
        assert self.site is not None
        self.trapped = bool(self.site.honeypot and data.get(self.site.honeypot))
        self.landing = checked_landing(data.get(LANDING), self.site)
        return {name: value for name, value in data.items() if name not in (*OWN_FIELDS, self.site.honeypot)}

    def make(self, data: dict[str, Any]) -> Any:
        """Make the record; what a robot sends is kept, and marked."""
        base: Any = super()
        return base.make(data | {"status": Status.SPAM} if self.trapped else data)

    def show(self, record: Any, *, status: int = 200) -> HttpResponse:
        """Return the record, or send the browser on; a robot is not told that it was seen."""
        if self.trapped:
            record = copy.copy(record)
            record.status = Status.NEW
        if self.landing:
            return HttpResponse(status=303, headers={"Location": self.landing})
        base: Any = super()
        return base.show(record, status=status)  # type: ignore[no-any-return]


def is_preflight(request: Any) -> bool:
    """Tell whether a browser asks what a page may send."""
    return request.method == "OPTIONS" and {"Origin", "Access-Control-Request-Method"} <= set(request.headers)


def checked_landing(url: Any, site: Site) -> str | None:
    """Return the page to go to afterwards; raise Invalid for one that is not on the tenant's sites."""
    if url in (None, ""):
        return None
    if not isinstance(url, str) or not url.isprintable() or origin_of(url) not in site.origins:
        raise Invalid("Must be a page on one of the origins in the intake settings.", LANDING)
    return url.strip()
