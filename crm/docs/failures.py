"""What can go wrong, in one table: status, code, cause and cure. The document, the guide and the tests read it."""

from dataclasses import dataclass
from typing import Any

from crm.docs.fields import Schema
from crm.errors import Problem
from crm.rest.contract import BareErrors, Contract, ObjectErrors, TextErrors

__all__ = ["FAILURES", "STATUSES", "Failure", "error_schema", "example", "failures_of", "known_failures"]


@dataclass(frozen=True)
class Failure:
    """One way to fail: where it comes from, and what the caller can do about it."""

    status: int
    code: str
    cause: str
    cure: str
    # Only where tenants have addresses of their own.
    at_address: bool = False


FAILURES = (
    Failure(
        400,
        "VALIDATION_ERROR",
        "A field, a parameter or a header does not fit.",
        "Read `details`: it names each field with its reasons.",
    ),
    Failure(
        400,
        "INVALID_FILTER",
        "A filter names an unknown field or operator, or a value of the wrong type.",
        "The message lists what is known.",
    ),
    Failure(
        400,
        "INVALID_SORT",
        "The list cannot be sorted by this field.",
        "The message lists the fields that it can be sorted by.",
    ),
    Failure(
        401,
        "UNAUTHORIZED",
        "The credential is missing, unknown, revoked or over, or not of the kind that this takes.",
        "Send a working key in `Authorization` or `X-API-Key`, or a session where one is taken: check its value, "
        "whether it has expired, and that the organization header names its own organization.",
    ),
    Failure(401, "EXPIRED_KEY", "The key's time is over.", "Issue a new key, or rotate it before it expires."),
    Failure(
        403,
        "INVALID_SCOPE",
        "The key, or the member's role, lacks the scope of this operation.",
        "Give it the scope that `details` names.",
    ),
    Failure(
        403,
        "FORBIDDEN",
        "The organization header names another tenant, the key is not allowed from this address, or a session writes "
        "without its token.",
        "The message says which: name your own organization, use the key where it is allowed, or send `X-CSRFToken`.",
    ),
    Failure(
        404,
        "NOT_FOUND",
        "No such record; another tenant's records look the same.",
        "Check the id.",
    ),
    Failure(404, "ENTITY_NOT_FOUND", "No such path.", "Check the path, and that this contract has the resource."),
    Failure(
        404, "TENANT_NOT_FOUND", "No tenant has this address.", "Check the name before the domain.", at_address=True
    ),
    Failure(405, "METHOD_NOT_ALLOWED", "The path does not offer this method.", "The `Allow` header lists its methods."),
    Failure(
        409,
        "CONFLICT",
        "A unique value is taken, or other records still refer to this one.",
        "Change the value, or the records that refer to it.",
    ),
    Failure(
        409,
        "INVALID_TRANSITION",
        "The record's state does not allow this.",
        "`details` lists the states that it can go to.",
    ),
    Failure(
        409,
        "IDEMPOTENCY_IN_PROGRESS",
        "A request with this Idempotency-Key is being answered.",
        "Wait for `Retry-After`, then send it again.",
    ),
    Failure(
        409,
        "SECRET_NOT_REPLAYABLE",
        "The first answer to this Idempotency-Key held a secret, which is shown once. The request was carried out.",
        "The message names the record: reveal or rotate its secret.",
    ),
    Failure(
        410,
        "CURSOR_EXPIRED",
        "Nobody can say any more what came after this place in the feed.",
        "Read the records anew, then follow the feed with `after=now`.",
    ),
    Failure(
        412,
        "PRECONDITION_FAILED",
        "The record has changed since the version in `If-Match`.",
        "Read it again, then decide anew.",
    ),
    Failure(
        413, "PAYLOAD_TOO_LARGE", "The body is larger than 1 MB, or the file in it than 10 MB.", "Send less at once."
    ),
    Failure(
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        "The body is not JSON, or where a file is taken, not `multipart/form-data`.",
        "Send `Content-Type: application/json`, or the file as a form does.",
    ),
    Failure(
        422,
        "IDEMPOTENCY_MISMATCH",
        "The Idempotency-Key was used with another request.",
        "Use a new key for a new request.",
    ),
    Failure(
        429,
        "RATE_LIMIT_EXCEEDED",
        "A rate window is used up; `details` names it.",
        "Wait for `Retry-After`; retries before do not count.",
    ),
    Failure(
        500,
        "INTERNAL_ERROR",
        "Something failed on our side.",
        "Try again with the same Idempotency-Key; if it stays, quote the request id.",
    ),
    Failure(500, "DATABASE_ERROR", "The database refused the operation.", "Quote the request id when you report it."),
    Failure(
        503,
        "SERVICE_UNAVAILABLE",
        "The database did not answer in time; nothing was changed.",
        "Wait for `Retry-After`, then send it again.",
    ),
    Failure(
        507,
        "INSUFFICIENT_STORAGE",
        "The server's disk is nearly full; nothing was kept.",
        "Tell the server's operator; try again when there is space.",
    ),
)
# The name of each status's answer among the document's components.
STATUSES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Gone",
    412: "PreconditionFailed",
    413: "PayloadTooLarge",
    415: "UnsupportedMediaType",
    422: "UnprocessableContent",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    507: "InsufficientStorage",
}


def known_failures(contract: Contract) -> list[Failure]:
    """Return the failures that a contract can answer with."""
    return [item for item in FAILURES if contract.address or not item.at_address]


def failures_of(status: int, contract: Contract) -> list[Failure]:
    """Return those with this status."""
    return [item for item in known_failures(contract) if item.status == status]


def example(failure: Failure, contract: Contract) -> Any:
    """Return the failure's body as the contract really prints it."""
    fields = {"name": ["This field is required."]} if failure.code == "VALIDATION_ERROR" else {}
    problem = Problem(failure.status, failure.code, failure.cause, fields)
    return contract.errors.body(problem, contract, "req_019ac3f2b6d07a1f9d0e6a5b8c7d4e21")


def error_schema(contract: Contract) -> Schema:
    """Return the schema of every failure's body, by the contract's error shape."""
    codes = list(dict.fromkeys(contract.code(item.code) for item in known_failures(contract)))
    # Not an enum: a program must not break when a code is added.
    code = {"type": "string", "description": "The kind of failure, for programs.", "x-extensible-enum": codes}
    return {"description": "What went wrong.", **SHAPES[type(contract.errors)](code)}


def closed(properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


def object_errors(code: Schema) -> Schema:
    details = {
        "type": "object",
        "additionalProperties": {},
        "description": "More, by code: `field` and `fields` name what does not fit.",
    }
    error = {"code": code, "message": MESSAGE, "details": details, "request_id": REQUEST_ID}
    return closed({"success": SUCCESS, "error": closed(error)})


def text_errors(code: Schema) -> Schema:
    details = {
        "type": "object",
        "additionalProperties": {},
        "description": "Field to message, or more about the failure.",
    }
    return closed({"success": SUCCESS, "error": MESSAGE, "code": code, "details": details}, optional=("details",))


def bare_errors(code: Schema) -> Schema:
    item = closed({"field": {"type": "string"}, "message": {"type": "string"}})
    details = {"type": "array", "items": item, "description": "Each field that does not fit."}
    return closed({"error": code, "message": MESSAGE, "details": details}, optional=("details",))


SUCCESS = {"type": "boolean", "description": "Always false."}
MESSAGE = {"type": "string", "description": "What went wrong, in a sentence for people."}
REQUEST_ID = {"type": "string", "description": "The request's id, as in X-Request-ID. Quote it when you ask for help."}
SHAPES: dict[type, Any] = {ObjectErrors: object_errors, TextErrors: text_errors, BareErrors: bare_errors}
