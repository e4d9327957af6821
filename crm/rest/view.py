"""One request of the API, whatever it asks: its transaction, its credential, its limits, its headers, its failure."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

from django.db import DatabaseError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from apikeys.addresses import count_failure
from apikeys.authentication import Credential, KeyAuthentication, note_use
from apikeys.errors import ExpiredKey, InvalidKey, MalformedCredential, WrongTenant
from apikeys.limits import Usage, take, windows_of
from apikeys.permissions import HasScope
from apikeys.usage import counter
from crm.errors import Retryable
from crm.rest.bodies import JSONRenderer, StrictJSONParser, answer
from crm.rest.contract import CANONICAL, Contract
from crm.rest.problems import is_passing, problem_of, throttled
from tenants.actor import Actor
from tenants.routing import alias
from tenants.scope import request_scope

__all__ = ["ContractView", "UnknownPath", "telling"]

log = logging.getLogger("kith.api")
AUTHENTICATORS = (KeyAuthentication(),)
PARSERS = (StrictJSONParser(),)
# Failures that may be guesses: they count on the caller's address.
GUESSES = (InvalidKey, ExpiredKey, MalformedCredential)
# After COMMIT was sent only these say for sure that nothing was committed.
ROLLED_BACK = ("40001", "40P01")


def telling(**facts: Any) -> Callable[[Any], Any]:
    """Write on an action what the documents cannot derive.

    `takes` and `media` say what its body is, `sends` of which types an answer is that is no JSON, `entry` what a feed
    shows, `also` which scope it needs besides, `fails` how else it may fail.
    """

    def decorate(handler: Any) -> Any:
        vars(handler).update(facts)
        return handler

    return decorate


class ContractView(ViewSetMixin, APIView):
    """The base of every view that a contract mounts. It reads `contract`, never which one it is."""

    contract: ClassVar[Contract] = CANONICAL
    model: ClassVar[Any] = None
    required_scopes: ClassVar[Mapping[str, str]] = {}
    authentication_classes = [KeyAuthentication]
    permission_classes = [HasScope]
    parser_classes = [StrictJSONParser]
    renderer_classes = [JSONRenderer]

    credential: Credential | None = None
    usages: Sequence[Usage] = ()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer in one transaction; a failure that passes (deadlock, lost connection) is tried once more."""
        try:
            response = self.attempt(request, *args, **kwargs)
        except Retryable:
            self.last_try = True
            response = self.attempt(request, *args, **kwargs)
        if self.credential is not None:
            note_use(self.credential, address=request.META["REMOTE_ADDR"])
            counter.note(self.credential, response.status_code)
        return response

    last_try = False

    def attempt(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: Any = None
        try:
            with request_scope():
                response = super().dispatch(request, *args, **kwargs)
                if response.status_code >= 400:
                    transaction.set_rollback(True, using=alias())
        except DatabaseError as error:
            # With an answer in hand the failure was COMMIT's, and whether that happened is known only now and then.
            unsure = response is not None and getattr(error.__cause__, "sqlstate", None) not in ROLLED_BACK
            self.last_try = self.last_try or unsure
            response = self.finalize_response(request, self.refuse(error), *args, **kwargs)
        return response  # type: ignore[no-any-return]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Decide, in this order: who calls, for which tenant, how often, and whether they may."""
        try:
            self.credential = cast(Credential, request.auth)
            # For the log line, which is written outside the view.
            request._request.credential = request.auth  # type: ignore[attr-defined]
        except GUESSES:
            self.count_guess(request._request)
            raise
        self.confirm_tenant(request)
        self.count()
        self.check_permissions(request)

    def count_guess(self, request: HttpRequest) -> None:
        if self.last_try and self.usages:
            return
        usage = count_failure(request)
        self.usages = (usage,)
        if usage.refused:
            raise throttled(usage, time.time())

    def confirm_tenant(self, request: Request) -> None:
        """Let the contract's tenant header confirm the key's tenant; it can never choose another."""
        named = request.headers.get(self.contract.tenant_header)
        if named is None and not self.contract.tenant_required:
            return
        if named is None or not self.tenant.answers_to(named.strip()):
            raise WrongTenant(f"This key does not belong to the organization in {self.contract.tenant_header}.")

    def count(self) -> None:
        """Take this request from the caller's windows; a second try of the same request was counted already."""
        if self.usages:
            return
        assert self.credential is not None
        self.usages = take(f"key:{self.credential.key.id}", windows_of(self.credential, self.contract.windows))
        for usage in self.usages:
            if usage.refused:
                raise throttled(usage, time.time())

    @property
    def tenant(self) -> Any:
        assert self.credential is not None
        return self.credential.tenant

    @property
    def actor(self) -> Actor:
        """The caller, as the ledger knows it."""
        assert self.credential is not None
        request = self.request._request
        return self.credential.actor(address=request.META["REMOTE_ADDR"], request_id=getattr(request, "request_id", ""))

    def content(self) -> bytes:
        """Return what the request says, by which a second one with its Idempotency-Key is told to be the same."""
        return self.request._request.body

    def handle_exception(self, exc: Exception) -> Any:
        return self.refuse(exc)

    def refuse(self, error: Exception) -> HttpResponse:
        """Return the contract's answer to a failure; raise Retryable for one that deserves a second try."""
        if not self.last_try and is_passing(error):
            raise Retryable from error
        problem = problem_of(error, self.contract, self.model)
        if problem.status >= 500:
            log.error("request failed", exc_info=error)
        body = self.contract.errors.body(problem, self.contract, getattr(self.request, "request_id", ""))
        response = answer(body, status=problem.status, headers=problem.headers)
        if problem.status == 405:
            response["Allow"] = ", ".join(self.allowed_methods)
        return response

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Put the limits and the contract's own headers on every answer."""
        for name, value in (*limit_headers(self.usages), *self.contract.headers.items()):
            response[name] = value
        response.setdefault("Cache-Control", "no-store" if response.status_code >= 400 else "private, no-cache")
        return response

    def get_authenticators(self) -> Any:
        return AUTHENTICATORS

    def get_parsers(self) -> Any:
        return PARSERS


def limit_headers(usages: Sequence[Usage]) -> list[tuple[str, str]]:
    """Return the headers of the exhausted window, else of the first, and the IETF pair for all of them."""
    if not usages:
        return []
    shown = next((usage for usage in usages if usage.refused), usages[0])
    now = int(time.time())
    policy = ", ".join(f'"{usage.window.name}";q={usage.window.limit};w={usage.window.seconds}' for usage in usages)
    left = ", ".join(f'"{usage.window.name}";r={usage.remaining};t={max(0, usage.reset - now)}' for usage in usages)
    return [
        ("X-RateLimit-Limit", str(shown.window.limit)),
        ("X-RateLimit-Remaining", str(shown.remaining)),
        ("X-RateLimit-Reset", str(shown.reset)),
        ("RateLimit-Policy", policy),
        ("RateLimit", left),
    ]


class UnknownPath(ContractView):
    """The answer under a contract's mount where nothing else is; a key that comes along is counted all the same."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        try:
            self.credential = cast(Credential, request.auth)
            self.count()
        except GUESSES:
            self.count_guess(request._request)
        raise Http404

    def nowhere(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Never reached: initial() has answered."""
        raise Http404
