"""One request of the API, whatever it asks: its transaction, its credential, its limits, its headers, its failure."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from apikeys.addresses import count_failure, look_up_failures
from apikeys.authentication import CallerAuthentication, authenticator
from apikeys.credentials import KEY, SESSION, Credential
from apikeys.errors import (
    ExpiredKey,
    ForgedRequest,
    InvalidKey,
    InvalidSession,
    MalformedCredential,
    UnnamedTenant,
    WrongCredential,
    WrongTenant,
)  # fmt: skip
from apikeys.limits import Usage, limit_headers, take, windows_of
from apikeys.permissions import HasScope
from crm.errors import Problem, Refusal, Retryable
from crm.replica import FromReplica
from crm.rest.bodies import JSONRenderer, StrictJSONParser, answer
from crm.rest.contract import CANONICAL, Contract
from crm.rest.filters import refuse
from crm.rest.metadata import is_needed
from crm.rest.problems import is_passing, problem_of, throttled
from crm.rest.serializers import reader
from crm.wakeups import WAITED, wait_of
from tenants.actor import Actor
from tenants.replica import doubts
from tenants.routing import alias
from tenants.scope import request_scope

__all__ = ["ContractView", "UnknownPath"]

log = logging.getLogger("kith.api")
PARSERS = (StrictJSONParser(),)
# Failures that may be guesses: they count on the caller's address.
GUESSES = (InvalidKey, ExpiredKey, MalformedCredential)
SESSION_FAILURES = (InvalidSession, ForgedRequest, UnnamedTenant, WrongTenant)
WRONG_CREDENTIAL = {
    KEY: "This takes the session of a member, not an API key: log in at /login/ and send the session's cookie.",
    SESSION: "This takes an API key, not the session of a member.",
}
# After COMMIT was sent only these say for sure that nothing was committed.
ROLLED_BACK = ("40001", "40P01")
NAMELESS = "Required: send your organization's id or slug in this header."
NOWHERE = "No such path. The reference lists those that there are."


class ContractView(FromReplica, ViewSetMixin, APIView):
    """The base of every view that a contract mounts. It reads `contract`, never which one it is."""

    contract: ClassVar[Contract] = CANONICAL
    model: ClassVar[Any] = None
    required_scopes: ClassVar[Mapping[str, str]] = {}
    # The kinds of credential that the view takes, of those that its contract takes.
    credentials: ClassVar[tuple[str, ...]] = (KEY, SESSION)
    authentication_classes = [CallerAuthentication]
    permission_classes = [HasScope]
    parser_classes = [StrictJSONParser]
    renderer_classes = [JSONRenderer]

    credential: Credential | None = None
    usages: Sequence[Usage] = ()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer in one transaction; a failure that passes (deadlock, lost connection) is tried once more."""
        if WAITED in request.META:
            # Counted when it first came in.
            self.usages = request.META[WAITED].usages
        response: HttpResponse | None = self.from_replica(request, *args, **kwargs)
        try:
            response = response or self.attempt(request, *args, **kwargs)
        except Retryable:
            self.last_try = True
            response = self.attempt(request, *args, **kwargs)
        if self.credential is not None and not wait_of(response):
            self.credential.answered(response.status_code, address=request.META["REMOTE_ADDR"])
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
        except InvalidSession:
            self.usages = (look_up_failures(request._request),)
            raise
        self.confirm_tenant(request)
        self.count()
        if self.credential.kind not in self.credentials:
            raise WrongCredential(WRONG_CREDENTIAL[self.credential.kind])
        self.check_permissions(request)

    def count_guess(self, request: HttpRequest) -> None:
        if doubts() or (self.last_try and self.usages):
            return
        usage = count_failure(request)
        self.usages = (usage,)
        if usage.refused:
            raise throttled(usage, time.time())

    def confirm_tenant(self, request: Request) -> None:
        """Let the contract's tenant header confirm the key's tenant; it can never choose another."""
        header = self.contract.tenant_header
        named = request.headers.get(header)
        if named is None:
            if self.contract.tenant_required:
                raise Refusal(Problem(400, "VALIDATION_ERROR", f"{header}: {NAMELESS}", {header: [NAMELESS]}))
            return
        if not self.tenant.answers_to(named.strip()):
            raise WrongTenant(f"This key does not belong to the organization in {header}.")

    def count(self) -> None:
        """Take this request from the caller's windows; a second try of the same request was counted already."""
        if self.usages:
            return
        assert self.credential is not None
        contract = self.contract
        self.usages = take(self.credential.subject, windows_of(self.credential, contract.windows, contract.limits))
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

    def read_body(self, kind: Any, record: Any = None) -> dict[str, Any]:
        """Return the validated body under canonical names; without a serializer the body must be empty.

        A new record's or a command's body may be left out where nothing in it is required.
        """
        data = self.read_object(needed=kind is not None and (record is not None or is_needed(kind)))
        if kind is None and data:
            raise serializers.ValidationError({name: ["This command takes no body."] for name in data})
        return self.validated(kind or serializers.Serializer, data, record)

    def read_object(self, *, needed: bool = True) -> dict[str, Any]:
        """Return the body, a JSON object, as it came; raise for anything else, and for none where one is needed."""
        data = self.sent()
        if needed and not self.request._request.body:
            raise refuse("body", "Missing: send a JSON object.", code="VALIDATION_ERROR")
        if not isinstance(data, dict):
            message = "Must be a JSON object."
            problem = Problem(self.contract.shape_status, "VALIDATION_ERROR", f"body: {message}", {"body": [message]})
            raise Refusal(problem)
        return data

    def validated(self, kind: Any, data: Any, record: Any = None) -> dict[str, Any]:
        """Return what a serializer makes of `data`, under canonical names; it raises for what it refuses."""
        context = {"tenant": self.tenant, "contract": self.contract, "request": self.request}
        serializer = reader(kind, data, record=record, context=context)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def sent(self) -> Any:
        """Return the body as it came."""
        return self.request.data

    def handle_exception(self, exc: Exception) -> Any:
        return self.refuse(exc)

    def refuse(self, error: Exception) -> HttpResponse:
        """Return the contract's answer to a failure; raise Retryable for one that deserves a second try."""
        if doubts(error) or (not self.last_try and is_passing(error)):
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
        for name, value in limit_headers(self.usages):
            response[name] = value
        for name, value in self.contract.headers.items():
            # Pages have links of their own, and a header may hold several.
            response[name] = f"{response[name]}, {value}" if name == "Link" and name in response else value
        response.setdefault("Cache-Control", "no-store" if response.status_code >= 400 else "private, no-cache")
        return response

    def get_authenticators(self) -> Any:
        contract = self.contract
        return (authenticator(contract.credentials, contract.tenant_header, tenant_required=contract.tenant_required),)

    def get_parsers(self) -> Any:
        return PARSERS


class UnknownPath(ContractView):
    """The answer under a contract's mount where nothing else is; a key that comes along is counted all the same."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        try:
            self.credential = cast(Credential, request.auth)
            self.count()
        except GUESSES:
            self.count_guess(request._request)
        except SESSION_FAILURES:
            # Nothing is here for any session.
            self.usages = (look_up_failures(request._request),)
        raise Refusal(Problem(404, "ENTITY_NOT_FOUND", NOWHERE))

    def nowhere(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Stand in for every method; never reached, as initial() has answered."""
        raise AssertionError
