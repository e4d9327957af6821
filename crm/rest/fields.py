"""Serializer fields that take exactly what the documents say: a string is a string, a number a number, an id an id."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from rest_framework import serializers
from rest_framework.fields import empty

from tenants import ids

__all__ = [
    "DecimalField", "DistinctField", "IdField", "MoneyField", "OpaqueField", "ReferenceField", "ReferencesField",
    "StrictBoolean", "StrictChar", "StrictChoice", "StrictInteger", "TagsField",
]  # fmt: skip

OPAQUE_LIMIT = 64 * 1024
# Decimal() itself takes much more: "1e3", "1_000", other scripts' digits.
DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
# numeric in PostgreSQL has no bound worth the name; people's amounts do.
LARGEST = Decimal(10) ** 12


class StrictChar(serializers.CharField):
    """Text; numbers and booleans are refused, and an empty text means none where none is allowed."""

    default_error_messages = {"invalid": "Must be a string."}

    def run_validation(self, data: Any = empty) -> Any:
        if data is not empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        if isinstance(data, str) and self.allow_null and not data.strip():
            data = None
        return super().run_validation(data)


class StrictBoolean(serializers.BooleanField):
    """true or false; "yes", 1 and "true" are refused."""

    default_error_messages = {"invalid": "Must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictInteger(serializers.IntegerField):
    """A whole number as a JSON number."""

    default_error_messages = {"invalid": "Must be a whole number."}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float) or data != int(data):
            self.fail("invalid")
        return int(data)


class StrictChoice(serializers.ChoiceField):
    """One of the listed texts; the error lists them. `accepts` names those that a body may hold, where not all."""

    default_error_messages = {"invalid_choice": "Must be one of: {choices}."}

    def __init__(self, choices: Any, *, accepts: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(choices, **kwargs)
        self.accepts = tuple(accepts) or tuple(self.choices)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.accepts:
            self.fail("invalid_choice", choices=", ".join(self.accepts))
        return data


class DecimalField(serializers.Field[Decimal, Any, str, Any]):
    """An exact decimal: a string like "12.50" or a JSON number comes in, a string goes out."""

    default_error_messages = {
        "invalid": 'Must be a decimal, like "12.50".',
        "low": "Must be at least {bound}.",
        "high": "Must be at most {bound}.",
        "places": "At most {places} decimal places.",
    }

    def __init__(
        self, *, places: int = 6, low: Decimal | int | None = 0, high: Decimal | int = LARGEST, **kwargs: Any
    ) -> None:
        self.places, self.low, self.high = places, low, high
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, str | int | float):
            self.fail("invalid")
        if isinstance(data, str) and not DECIMAL.fullmatch(data.strip()):
            self.fail("invalid")
        # repr() of a float is the shortest text that means it: what the caller wrote, not its binary neighbour.
        value = Decimal(data.strip() if isinstance(data, str) else repr(data))
        if not value.is_finite():
            self.fail("invalid")
        self.check_range(value)
        exponent = value.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent > self.places:
            self.fail("places", places=self.places)
        return value if not value.is_zero() else abs(value)

    def check_range(self, value: Decimal) -> None:
        if self.low is not None and value < self.low:
            self.fail("low", bound=self.low)
        if value > self.high:
            self.fail("high", bound=f"{self.high:f}" if isinstance(self.high, Decimal) else self.high)

    def to_representation(self, value: Decimal) -> str:
        return format(value, "f")


class MoneyField(DecimalField):
    """An amount in the record's currency, as a decimal string."""


class OpaqueField(serializers.JSONField):
    """JSON that belongs to the user: an object of at most 64 KB, given back as it came."""

    default_error_messages = {
        "object": "Must be a JSON object.",
        "size": f"Larger than {OPAQUE_LIMIT // 1024} KB.",
    }

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            self.fail("object")
        if len(orjson.dumps(data)) > OPAQUE_LIMIT:
            self.fail("size")
        return data


class DistinctField(serializers.ListField):
    """Values of one kind, each once, in the order given."""

    def to_internal_value(self, data: Any) -> list[Any]:
        # Before each item is looked at: a megabyte holds half a million.
        if isinstance(data, list) and len(data) > (self.max_length or 0):
            self.fail("max_length", max_length=self.max_length)
        return list(dict.fromkeys(super().to_internal_value(data)))


class TagsField(DistinctField):
    """Short texts, each once, in the order given."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"child": StrictChar(max_length=50), "max_length": 50, **kwargs})


class IdField(serializers.Field[UUID, Any, str, Any]):
    """The record's own id, made by the server."""

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        self.prefix = prefix
        super().__init__(**{"read_only": True, **kwargs})

    def to_representation(self, value: UUID) -> str:
        return ids.encode(self.prefix, value)


class ReferenceField(serializers.Field[UUID, Any, str, Any]):
    """The id of another record of the same tenant; the serializer looks all of a body's ids up at once.

    Source is the column (`client_id`), so reading needs no join and writing needs no instance.
    """

    default_error_messages = {"invalid": "{reason}", "missing": "No such {noun}."}

    def __init__(self, model: Any, prefix: str, **kwargs: Any) -> None:
        self.model, self.prefix = model, prefix
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", reason="Must be a string.")
        try:
            value = ids.decode(self.prefix, data)
        except ids.InvalidId as error:
            self.fail("invalid", reason=str(error))
        references = self.context["references"]
        if references.refuses(self.model, value):
            self.fail("missing", noun=self.context["contract"].word(self.model._meta.verbose_name))
        return value

    def to_representation(self, value: UUID) -> str:
        return ids.encode(self.prefix, value)


class ReferencesField(DistinctField):
    """The ids of several records of the same tenant, each once.

    Where a record shows them, they are rows of an inner table, whose order is theirs: `rows` is the accessor of those,
    `key` their reference to `model`. The resource's rules write them.
    """

    def __init__(self, model: Any, prefix: str, *, rows: str = "", key: str = "", **kwargs: Any) -> None:
        self.model, self.prefix, self.rows, self.key = model, prefix, rows, key
        super().__init__(**{"child": ReferenceField(model, prefix), "max_length": 50, **kwargs})

    def get_attribute(self, instance: Any) -> Any:
        return [getattr(row, f"{self.key}_id") for row in getattr(instance, self.rows).all()]
