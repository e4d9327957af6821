"""Every failure becomes a Problem here, and only here; a contract's error shape prints it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, NotSupportedError, OperationalError
from django.http import Http404
from prometheus_client import Counter
from rest_framework import exceptions

from apikeys import errors as credentials
from apikeys.limits import SECONDS, Usage
from crm.errors import Conflict, InUse, Invalid, InvalidTransition, Problem, Refusal
from crm.rest.contract import Contract
from tenants.membership import LastOwner
from tenants.statements import STALE

__all__ = ["is_passing", "problem_of", "throttled"]

REFUSED = Counter("kith_limits_refusals", "Requests refused with 429, by the window that was full.", ("window",))
# Known from the start, so that the first one is a rise from zero.
COUNT = {name: REFUSED.labels(name).inc for name in SECONDS}
# SQLSTATE classes of failures that a second try may heal: serialisation, deadlock, lost connection, shutdown, a plan
# that is older than its tables.
SECOND_TRY = ("40001", "40P01", "08", "57P01", "57P02", "57P03", *STALE)


def problem_of(error: Exception, contract: Contract, model: Any = None) -> Problem:
    """Return the problem of any exception, looked up by its class; what nobody foresaw is a 500 that says nothing."""
    for kind in type(error).__mro__:
        if kind in TABLE:
            problem = TABLE[kind](error, contract, model)
            return replace(problem, message=contract.sentences.get(problem.code, problem.message))
    return Problem(500, "INTERNAL_ERROR", "Something went wrong on our side. Quote the request id when you report it.")


def flatten(detail: Any, path: str = "") -> dict[str, list[str]]:
    """Return DRF's nested error detail as dotted paths with their messages."""
    if isinstance(detail, Mapping):
        parts = [flatten(value, below(path, name)) for name, value in detail.items()]
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        parts = [flatten(item, below(path, index)) for index, item in enumerate(detail) if item]
    else:
        messages = detail if isinstance(detail, list) else [detail]
        return {path or "body": [str(message) for message in messages]} if messages else {}
    return {name: messages for part in parts for name, messages in part.items()}


def below(path: str, step: Any) -> str:
    """Return the path of a step; DRF's name for errors of a structure as a whole is none."""
    if step == "non_field_errors":
        return path
    return f"{path}.{step}" if path else str(step)


def validation(error: Any, contract: Contract, model: Any) -> Problem:
    fields = flatten(error.detail)
    name, messages = next(iter(fields.items()))
    return Problem(400, "VALIDATION_ERROR", f"{name}: {messages[0]}", fields)


def worded(error: Any, contract: Contract, model: Any) -> Problem:
    """Return what a rule says in the contract's words."""
    problem: Problem = error.problem
    fields = {contract.path(name): [contract.say(text) for text in texts] for name, texts in problem.fields.items()}
    message = contract.say(problem.message)
    return replace(problem, message=f"{', '.join(fields)}: {message}" if fields else message, fields=fields)


def throttled(usage: Usage, now: float) -> Refusal:
    """Return the 429 of an exhausted window."""
    name = usage.window.name
    COUNT[name]()
    wait = max(1, usage.reset - int(now))
    message = f"The limit of {usage.window.limit} requests per {name} is used up. Try again in {wait} s."
    details = {"window": name, "limit": usage.window.limit, "retry_after": wait}
    return Refusal(Problem(429, "RATE_LIMIT_EXCEEDED", message, {}, details, {"Retry-After": str(wait)}))


def missing_scope(error: Any, contract: Contract, model: Any) -> Problem:
    scope = contract.scope(error.scope)
    return Problem(403, "INVALID_SCOPE", f"The scope {scope} is missing.", {}, {"required_scope": scope})


def unnamed_tenant(error: Any, contract: Contract, model: Any) -> Problem:
    return Problem(400, "VALIDATION_ERROR", str(error), {error.header: [str(error)]}, {"organizations": error.slugs})


def method_not_allowed(error: Any, contract: Contract, model: Any) -> Problem:
    return Problem(405, "METHOD_NOT_ALLOWED", f"{error} See the Allow header for the methods of this path.")


def not_unique(error: Any, contract: Contract, model: Any) -> Problem:
    """Word a broken constraint by the name PostgreSQL gives; the other row is never named."""
    cause = error.__cause__
    state, name = getattr(cause, "sqlstate", ""), getattr(getattr(cause, "diag", None), "constraint_name", "") or ""
    fields = constraint_fields(model, name, contract)
    if state == "23P01" and name in (known := constraints_of(model)):
        sentence = contract.say(str(known[name][0].get_violation_error_message()))
        return Problem(409, "CONFLICT", f"{', '.join(fields)}: {sentence}", {field: [sentence] for field in fields})
    if state in ("23505", "23P01"):
        message = f"{', '.join(fields) or 'This value'}: already used by another record."
        return Problem(409, "CONFLICT", message, {field: ["Already used by another record."] for field in fields})
    if state == "23503":
        return Problem(
            409, "CONFLICT", "The change refers to a record that is gone, or other records still refer to this one."
        )
    return Problem(
        400,
        "VALIDATION_ERROR",
        "The values contradict one another.",
        {field: ["Not a valid combination."] for field in fields},
    )


def constraint_fields(model: Any, name: str, contract: Contract) -> list[str]:
    """Return the wire names of the fields of the model's constraint `name`."""
    constraint, shown = constraints_of(model).get(name, (None, ()))
    return [contract.wire(field) for field in shown or getattr(constraint, "fields", ()) if field != "tenant"]


def constraints_of(model: Any) -> dict[str, tuple[Any, tuple[str, ...]]]:
    """Return a model's constraints by name, those of the rows inside it with the field that shows these rows."""
    inside = [item.related_model for item in model._meta.related_objects] if model else []
    rows = [(row, (row.shown_as,)) for row in inside if hasattr(row, "shown_as")]
    every = [(model, ()), *rows] if model else []
    return {constraint.name: (constraint, shown) for kind, shown in every for constraint in kind._meta.constraints}


def in_use(error: Any, contract: Contract, model: Any) -> Problem:
    """Word a refused deletion: how many of what refer to the record, and the way out."""
    counts = {contract.wire(name.replace(" ", "_")): count for name, count in error.counts.items()}
    named = ", ".join(f"{count} {label}" for label, count in counts.items())
    way_out = contract.say(getattr(error.record, "instead_of_deleting", "Delete those first."))
    return Problem(
        409, "CONFLICT", f"It cannot be deleted: {named} refer to it. {way_out}", {}, {"referenced_by": counts}
    )


def invalid_transition(error: Any, contract: Contract, model: Any) -> Problem:
    allowed = list(error.allowed)
    ways = ", ".join(allowed) or "nothing, this state is final"
    message = f"From {error.current} it cannot become {error.wanted}. Allowed: {ways}."
    return Problem(409, "INVALID_TRANSITION", message, {}, {"status": error.current, "allowed": allowed})


def unavailable(error: Any, contract: Contract, model: Any) -> Problem:
    return Problem(
        503,
        "SERVICE_UNAVAILABLE",
        "The database did not answer in time. Nothing was changed; try again.",
        {},
        {},
        {"Retry-After": "1"},
    )


def is_passing(error: BaseException) -> bool:
    """Tell whether the same request may well succeed at once when it is tried again."""
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError | NotSupportedError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    # No SQLSTATE: the connection broke before the server could say anything.
    return state is None or state.startswith(SECOND_TRY)


def fixed(status: int, code: str, message: str = "", **headers: str) -> "Worder":
    """Return a worder that always gives this answer; without a message, the error's own text."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda error, contract, model: Problem(status, code, message or str(error), {}, {}, sent)


Worder = Callable[[Any, Contract, Any], Problem]
NOT_FOUND = "No such record. Check the id: another tenant's records look the same as none."
CHALLENGE = {"WWW_Authenticate": 'Bearer realm="Kith API"'}
TABLE: dict[type[BaseException], Worder] = {
    Refusal: lambda error, contract, model: error.problem,
    Invalid: worded,
    Conflict: worded,
    exceptions.ValidationError: validation,
    exceptions.ParseError: fixed(400, "VALIDATION_ERROR"),
    exceptions.UnsupportedMediaType: fixed(
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        "Send the body as one of the reference's media types, like application/json.",
    ),
    exceptions.MethodNotAllowed: method_not_allowed,
    exceptions.NotFound: fixed(404, "NOT_FOUND", NOT_FOUND),
    Http404: fixed(404, "NOT_FOUND", NOT_FOUND),
    TooManyFieldsSent: fixed(400, "VALIDATION_ERROR", "The query has too many parameters."),
    RequestDataTooBig: fixed(413, "PAYLOAD_TOO_LARGE", "The body is larger than 1 MB."),
    credentials.MalformedCredential: fixed(400, "VALIDATION_ERROR"),
    credentials.InvalidKey: fixed(401, "UNAUTHORIZED", **CHALLENGE),
    credentials.ExpiredKey: fixed(401, "EXPIRED_KEY", **CHALLENGE),
    credentials.InvalidSession: fixed(401, "UNAUTHORIZED", **CHALLENGE),
    credentials.WrongCredential: fixed(401, "UNAUTHORIZED", **CHALLENGE),
    credentials.ForgedRequest: fixed(403, "FORBIDDEN"),
    credentials.UnnamedTenant: unnamed_tenant,
    credentials.AddressRefused: fixed(403, "FORBIDDEN"),
    credentials.WrongTenant: fixed(403, "FORBIDDEN"),
    credentials.PageRefused: fixed(403, "FORBIDDEN"),
    credentials.UnknownTenant: fixed(404, "TENANT_NOT_FOUND"),
    credentials.MissingScope: missing_scope,
    credentials.ClaimMalformed: fixed(400, "VALIDATION_ERROR"),
    credentials.ClaimInProgress: fixed(409, "IDEMPOTENCY_IN_PROGRESS", Retry_After="1"),
    credentials.ClaimMismatch: fixed(422, "IDEMPOTENCY_MISMATCH"),
    credentials.ClaimUnrepeatable: fixed(409, "SECRET_NOT_REPLAYABLE"),
    InUse: in_use,
    LastOwner: fixed(409, "CONFLICT"),
    InvalidTransition: invalid_transition,
    IntegrityError: not_unique,
    DataError: fixed(400, "VALIDATION_ERROR", "A value is out of the range that can be stored."),
    OperationalError: unavailable,
    InterfaceError: unavailable,
    DatabaseError: fixed(
        500, "DATABASE_ERROR", "The database refused the operation. Quote the request id when you report it."
    ),
}
