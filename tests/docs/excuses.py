"""Why a failure that schemathesis reports may be none: a few answers follow from more than the document can say."""

import re
from typing import Any

import jsonschema_rs
import orjson
from schemathesis.core import NotSet
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import UseAfterFree

__all__ = ["EXCUSES"]


def is_partial(failure: Any, case: Any, response: Any) -> bool:
    """Excuse a record that lacks required fields because `fields` asked for others; it must have just those."""
    wanted, included = names_in(case, "fields"), names_in(case, "include")
    if not wanted or response.status_code != 200 or "is a required property" not in failure.message:
        return False
    data = orjson.loads(response.content)["data"]
    return all(wanted == set(record) - included for record in (data if isinstance(data, list) else [data]))


def names_in(case: Any, parameter: str) -> set[str]:
    found = (case.query or {}).get(parameter) or []
    return set(found.split(",") if isinstance(found, str) else found)


def is_stale(failure: Any, case: Any, response: Any) -> bool:
    """Excuse an `If-Match` that named another version than the record's: which one it has is no matter of schemas."""
    return response.status_code == 412 and "If-Match" in (case.headers or {})


def is_dangling(failure: Any, case: Any, response: Any) -> bool:
    """Excuse a body that refers to a record which an earlier request has deleted."""
    messages = messages_of(orjson.loads(response.content)) if response.status_code == 400 else []
    return bool(messages) and all(str(message).startswith("No such ") for message in messages)


def messages_of(body: Any) -> list[Any]:
    """Return the messages about fields, in whichever of the shapes a contract prints them."""
    inner = body["error"] if isinstance(body["error"], dict) else body
    details = inner.get("details", {})
    if isinstance(details, list):
        return [item["message"] for item in details]
    values = details.get("fields", details).values()
    return [message for value in values for message in (value if isinstance(value, list) else [value])]


def is_contradiction(failure: Any, case: Any, response: Any) -> bool:
    """Excuse fields that are fine one by one, where a rule between them or the record's state says no in its words."""
    return response.status_code == 400 and any(re.search(rule, response.content.decode()) for rule in RULES)


# A new rule of a resource is added here, by words of its answer.
RULES = (
    r"Only services have it",
    r"Required where there is no product_?[iI]d",
    r"price.* is in [A-Z]{3}: say the rate",
    r"total would be negative",
    r"is another (client|customer)'s",
    r"is in [A-Z]{3}, the payment in [A-Z]{3}",
    r"is paid with \d decimals",
    r"At least one is required",
    r"Only convert makes a \w+ converted",
    r"after starts_?[aA]t, and at most|in the years 2000 to 2199|Required where no service_?[iI]d|is no service",
    r"cannot come from the future",
    r"Lies in the past",
    r"Unknown placeholder",
    r"At most 20 conditions",
    r"The feed has one order and one place",
    r"Must not be before start_?[dD]ate",
    r"Must be a file's name",
    r"none of the types that are taken",
    r"The file is empty",
    # Where webhooks may go is more than a pattern, and so is what may go along.
    r"The address |The host |This address is not allowed|Only an IPv6 address",
    r"The header |The headers are|The value of the header|valid name of a header",
    r"No such event\.",
    r"Only events of the last 14 days|Must be before until",
    # No record is in two operations of a batch.
    r"send one operation for each record",
    # A format says how an address is written, not that a host can have this name.
    r"Enter a valid URL",
)


def is_lacking(failure: Any, case: Any, response: Any) -> bool:
    """Excuse an upsert that would make a record without what one must have: whether there is one no schema knows."""
    if response.status_code != 400 or case.method != "PUT" or "{id}" in case.operation.path:
        return False
    return "This field is required." in messages_of(orjson.loads(response.content))


def is_history(failure: Any, case: Any, response: Any) -> bool:
    """Excuse the history of a deleted record: it is kept, as that is what a history is for."""
    return isinstance(failure, UseAfterFree) and bool(case.operation.path.endswith("/events"))


def is_blank(failure: Any, case: Any, response: Any) -> bool:
    """Excuse a body that fits once its empty texts are null: that is what they mean where null is allowed."""
    raw = case.operation.schema.raw_schema
    body = raw["paths"][case.operation.path][case.method.lower()].get("requestBody")
    content = body["content"].get("application/json") if body else None
    if content is None or isinstance(case.body, bytes | NotSet) or not isinstance(failure, AcceptedNegativeData):
        return False
    schema = {**content["schema"], "components": raw["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return not validator.is_valid(case.body) and validator.is_valid(without_blanks(case.body))


def is_form(failure: Any, case: Any, response: Any) -> bool:
    """Excuse a form that was taken: whatever type the fuzzer has put into it became a text on its way."""
    body = case.operation.schema.raw_schema["paths"][case.operation.path][case.method.lower()].get("requestBody", {})
    return isinstance(failure, AcceptedNegativeData) and "multipart/form-data" in body.get("content", ())


def is_left_out(failure: Any, case: Any, response: Any) -> bool:
    """Excuse a body that was left out where it may be: the fuzzer counts every mutation as a wrong one."""
    body = case.operation.definition.raw.get("requestBody") or {}
    return isinstance(failure, AcceptedNegativeData) and isinstance(case.body, NotSet) and body.get("required") is False


def is_empty(failure: Any, case: Any, response: Any) -> bool:
    """Excuse a form that the fuzzer has left out although it is required: without one there is no type of body."""
    return response.status_code == 415 and (isinstance(case.body, NotSet) or not case.body)


def without_blanks(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_blanks(item) for name, item in value.items()}
    return None if value == "" else value


def is_too_long(failure: Any, case: Any, response: Any) -> bool:
    """Excuse an address that the server in front of Kith does not take: with over 64 KB none does."""
    return bool(response.status_code == 414)


EXCUSES = (
    is_blank, is_form, is_left_out, is_empty, is_too_long, is_partial, is_stale, is_dangling, is_contradiction,
    is_lacking, is_history,
)  # fmt: skip
