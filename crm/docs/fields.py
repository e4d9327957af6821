"""From a serializer field to its JSON Schema, as it comes in and as it goes out."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.drainage import warn
from rest_framework import serializers

from crm import standards
from crm.records import RecordField
from crm.rest import fields as own
from crm.rest.metadata import column_of
from crm.rest.serializers import Shape
from crm.uploads import UploadField

__all__ = [
    "REQUEST",
    "RESPONSE",
    "UUID",
    "Schema",
    "any_identifier",
    "described",
    "id_pattern",
    "is_nullable",
    "nullable",
    "value",
]

Schema = dict[str, Any]
REQUEST, RESPONSE = "request", "response"
ID = "[0-7][0-9a-hjkmnp-tv-z]{25}"
UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# One character that counts: trimming takes these away, and nothing may be left of a text.
VISIBLE = r"[^\s\u001c-\u001f\u0085]"


def value(field: Any, direction: str) -> Schema:
    """Return the schema of a field's value, by the field's class; an unknown class is a warning, never a guess."""
    for kind in type(field).__mro__:
        if kind in VALUES:
            # A field that is stricter in what it takes says so itself.
            return VALUES[kind](field, direction) | (getattr(field, "schema", {}) if direction == REQUEST else {})
    warn(f"{type(field).__name__} of {field.field_name} has no schema: add it to VALUES in crm/docs/fields.py.")
    return {}


def is_nullable(field: Any, direction: str) -> bool:
    """Tell whether null may come in, or may go out: a serializer says nothing about columns that it only reads."""
    if direction == REQUEST:
        return bool(field.allow_null)
    if isinstance(field.parent, Shape):
        return bool(field.allow_null or (not field.required and field.default is serializers.empty))
    column = column_of(field)
    return bool(field.allow_null if column is None else column.null)


def nullable(schema: Schema) -> Schema:
    """Return the schema that takes null too."""
    if "$ref" in schema:
        return {"oneOf": [schema, {"type": "null"}]}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    found = {**schema, "type": [*kinds, "null"]}
    return {**found, "enum": [*schema["enum"], None]} if "enum" in schema else found


def described(field: Any) -> str:
    """Return what a field is that has no help text."""
    if isinstance(field, own.IdField):
        return "The record's own id, made by the server."
    return f"{field.field_name.replace('_', ' ').capitalize()}."


def id_pattern(prefix: str, direction: str) -> str:
    """Return the pattern of an id: a request may hold a bare UUID as well."""
    public = f"{prefix}_{ID}"
    return f"^{public}$" if direction == RESPONSE else f"^({public}|{UUID})$"


def text(field: Any, direction: str) -> Schema:
    found: Schema = {"type": "string"}
    if direction == REQUEST and not field.allow_blank and not field.allow_null:
        found |= {"minLength": 1, "pattern": VISIBLE}
    if getattr(field, "max_length", None):
        found["maxLength"] = field.max_length
    return found


def email(field: Any, direction: str) -> Schema:
    return {"type": "string", "format": "email", "maxLength": field.max_length}


def phone(field: Any, direction: str) -> Schema:
    found: Schema = {"type": "string", "format": "phone"}
    return found | ({"pattern": r"^\+[1-9][0-9]{1,18}$"} if direction == RESPONSE else {"maxLength": field.max_length})


def url(field: Any, direction: str) -> Schema:
    found = {"type": "string", "format": "uri", "maxLength": field.max_length}
    return found | {"pattern": optional("[Hh][Tt][Tt][Pp][Ss]?://.+", field, direction)}


def code(length: int, name: str) -> "Describe":
    def describe(field: Any, direction: str) -> Schema:
        letters = "A-Z" if direction == RESPONSE else "A-Za-z"
        return {"type": "string", "format": name, "pattern": optional(f"[{letters}]{{{length}}}", field, direction)}

    return describe


def language(field: Any, direction: str) -> Schema:
    pattern = optional(standards.LANGUAGE.pattern, field, direction)
    return {"type": "string", "format": "bcp47", "pattern": pattern, "maxLength": 10}


def clock(field: Any, direction: str) -> Schema:
    return {"type": "string", "format": "clock", "pattern": optional(standards.CLOCK.pattern, field, direction)}


def timezone(field: Any, direction: str) -> Schema:
    return {"type": "string", "format": "iana-timezone", "maxLength": field.max_length}


def optional(pattern: str, field: Any, direction: str) -> str:
    """Return the whole pattern; where null may come in, so may an empty text, which means the same."""
    return f"^({pattern})?$" if direction == REQUEST and field.allow_null else f"^{pattern}$"


def choice(field: Any, direction: str) -> Schema:
    return {"type": "string", "enum": list(field.choices if direction == RESPONSE else field.accepts)}


def integer(field: Any, direction: str) -> Schema:
    found: Schema = {"type": "integer"}
    bounds = {"minimum": field.min_value, "maximum": field.max_value}
    return found | {name: bound for name, bound in bounds.items() if bound is not None and direction == REQUEST}


def decimal(field: Any, direction: str) -> Schema:
    if direction == RESPONSE:
        return {"type": "string", "format": "decimal", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
    low, high = field.low, field.high
    bounds = {"maximum": float(high)} | ({"minimum": float(low)} if low is not None else {})
    return {"type": ["string", "number"], "format": "decimal", "pattern": decimal_pattern(field), **bounds}


def decimal_pattern(field: Any) -> str:
    """Return the pattern of a decimal's text, its bounds included where they are powers of ten."""
    low, upper = field.low, up_to(field.high, field.places)
    if low is None:
        return f"^-?({upper})$"
    if low > 0:
        return f"^(?=.*[1-9])({upper})$"
    return f"^({upper})$" if low >= 0 else f"^({upper}|-({up_to(-low, field.places)}))$"


def up_to(bound: Any, places: int) -> str:
    digits, fraction = len(f"{int(bound)}"), rf"(\.[0-9]{{1,{places}}})?"
    if int(bound) != 10 ** (digits - 1):
        return rf"[0-9]{{1,{digits}}}{fraction}"
    return rf"[0-9]{{1,{digits - 1}}}{fraction}|1[0]{{{digits - 1}}}(\.[0]{{1,{places}}})?"


def opaque(field: Any, direction: str) -> Schema:
    return {"type": "object", "additionalProperties": {}}


def several(field: Any, direction: str) -> Schema:
    found: Schema = {"type": "array", "items": value(field.child, direction)}
    if direction == REQUEST:
        bounds = {"minItems": None if field.allow_empty else 1, "maxItems": field.max_length}
        found |= {name: bound for name, bound in bounds.items() if bound}
    return found


def identifier(field: Any, direction: str) -> Schema:
    return {"type": "string", "format": "typeid", "pattern": id_pattern(field.prefix, direction)}


def any_identifier(field: Any, direction: str) -> Schema:
    """Return the schema of an id of one of several kinds; a filter has kinds too."""
    public = "|".join(f"{kind.prefix}_{ID}" for kind in field.kinds)
    pattern = f"^({public})$" if direction == RESPONSE else f"^({public}|{UUID})$"
    return {"type": "string", "format": "typeid", "pattern": pattern}


def plain(kind: str, **more: Any) -> "Describe":
    return lambda field, direction: {"type": kind, **more}


Describe = Callable[[Any, str], Schema]
VALUES: dict[type, Describe] = {
    own.IdField: identifier,
    own.ReferenceField: identifier,
    RecordField: any_identifier,
    UploadField: plain("string", format="binary"),
    standards.EmailField: email,
    standards.PhoneField: phone,
    standards.UrlField: url,
    standards.CurrencyField: code(3, "currency"),
    standards.CountryField: code(2, "country"),
    standards.LanguageField: language,
    standards.TimezoneField: timezone,
    standards.ClockField: clock,
    own.DecimalField: decimal,
    serializers.ListField: several,
    serializers.JSONField: opaque,
    serializers.CharField: text,
    serializers.ChoiceField: choice,
    serializers.BooleanField: plain("boolean"),
    serializers.IntegerField: integer,
    serializers.DateTimeField: plain("string", format="date-time"),
    serializers.DateField: plain("string", format="date"),
    serializers.UUIDField: plain("string", format="uuid"),
    serializers.IPAddressField: plain("string", format="ip"),
}
