"""Fields of webhooks: an address that may be reached, headers that are kept hidden, and patterns of events."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import orjson
from rest_framework import serializers

from crm.rest.fields import DistinctField, StrictChar
from crm.rest.reading import Conversion
from webhooks.endpoints import HIDDEN, opened_headers
from webhooks.guard import Refused, check_url
from webhooks.headers import check_headers
from webhooks.models import MOST_PATTERNS

__all__ = ["AddressField", "EventsField", "HeadersField"]

ADDRESS = "^[Hh][Tt][Tt][Pp][Ss]?://.+"
PATTERN = r"^(\*|[a-z][a-z_]*\.(\*|[a-z][a-z_]*))$"
HEADER = "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"


class AddressField(StrictChar):
    """Where webhooks may be sent, in its normal form."""

    schema: ClassVar[Mapping[str, Any]] = {"format": "uri", "pattern": ADDRESS}

    def to_internal_value(self, data: Any) -> str:
        try:
            return check_url(super().to_internal_value(data))
        except Refused as error:
            raise serializers.ValidationError(str(error)) from error


class HeadersField(serializers.JSONField):
    """Headers by name: their values come in, and HIDDEN goes out."""

    schema: ClassVar[Mapping[str, Any]] = {
        "additionalProperties": {"type": "string", "minLength": 1},
        "propertyNames": {"pattern": HEADER},
    }
    default_error_messages = {"object": "Must be a JSON object of texts."}

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
            self.fail("object")
        try:
            check_headers(data)
        except Refused as error:
            raise serializers.ValidationError(str(error)) from error
        return dict(data)

    def to_representation(self, value: Any) -> Any:
        return dict.fromkeys(opened_headers(value), HIDDEN)

    def conversion(self) -> Conversion:
        """Return how it is read: out of the sealed text that is stored."""
        return Conversion(self.to_representation, self.to_representation, self.to_representation)


class EventsField(DistinctField):
    """Patterns of events; they are stored as they come, and the resource's rules read them in the contract's words."""

    def __init__(self, **kwargs: Any) -> None:
        child = StrictChar(max_length=80)
        child.schema = {"pattern": PATTERN}  # type: ignore[attr-defined]
        super().__init__(**{"child": child, "max_length": MOST_PATTERNS, **kwargs})

    def to_representation(self, data: Sequence[str]) -> list[str]:
        parent: Any = self.parent
        return [parent.naming.event(pattern) for pattern in data]

    def conversion(self) -> Conversion:
        """Return how it is read."""
        return Conversion(self.to_representation, self.stored, self.to_representation)

    def stored(self, text: str) -> list[str]:
        """Return the patterns of a column's JSON."""
        return self.to_representation(orjson.loads(text))
