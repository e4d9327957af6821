"""Serializer fields that take exactly what the documents say: a string is a string, a number a number, an id an id."""

import re
from datetime import UTC
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import phonenumbers
from django.core.validators import URLValidator
from email_validator import EmailNotValidError, validate_email
from iso4217 import Currency
from rest_framework import serializers
from rest_framework.fields import empty

from tenants import ids

__all__ = [
    "CountryField", "CurrencyField", "DecimalField", "EmailField", "IdField", "LanguageField", "MomentText", "MoneyField", "OpaqueField",
    "PhoneField", "ReferenceField", "StrictBoolean", "StrictChar", "StrictChoice", "StrictInteger", "TagsField", "UrlField",
]  # fmt: skip

OPAQUE_LIMIT = 64 * 1024
CURRENCIES = frozenset(currency.code for currency in Currency)
COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS)
# Decimal() itself takes much more: "1e3", "1_000", other scripts' digits.
DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?", re.ASCII)
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


class EmailField(StrictChar):
    """An e-mail address; the domain is lower-cased, and the address is not asked whether it exists."""

    default_error_messages = {"email": "Not an e-mail address: {reason}"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 254, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            return validate_email(text, check_deliverability=False).normalized
        except EmailNotValidError as error:
            self.fail("email", reason=str(error))


class PhoneField(StrictChar):
    """A phone number, kept as E.164; one without a country code is read as one of the tenant's country."""

    default_error_messages = {
        "phone": "{typed!r} cannot be read as a phone number: write it with its country code, like +1 415 555 2671."
    }

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        tenant = self.context.get("tenant")
        try:
            number = phonenumbers.parse(text, tenant.country if tenant else None)
        except phonenumbers.NumberParseException:
            self.fail("phone", typed=text[:40])
        if not phonenumbers.is_possible_number(number):
            self.fail("phone", typed=text[:40])
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class UrlField(serializers.URLField, StrictChar):
    """An absolute http or https address."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # DRF's own lets ftp pass.
        others = [item for item in self.validators if not isinstance(item, URLValidator)]
        self.validators = [*others, URLValidator(schemes=("http", "https"), message=self.error_messages["invalid"])]


class CodeField(StrictChar):
    """A code out of a standard's list, in the standard's case."""

    known: frozenset[str] = frozenset()
    standard = ""
    default_error_messages = {"code": "{code!r} is not a code of {standard}."}

    def to_internal_value(self, data: Any) -> str:
        code = self.cased(super().to_internal_value(data))
        if not self.is_known(code):
            self.fail("code", code=code[:20], standard=self.standard)
        return code

    def cased(self, text: str) -> str:
        return text.upper()

    def is_known(self, code: str) -> bool:
        return code in self.known


class CurrencyField(CodeField):
    """A currency by its ISO 4217 code."""

    known, standard = CURRENCIES, "ISO 4217 (like EUR)"


class CountryField(CodeField):
    """A country by its ISO 3166-1 code."""

    known, standard = COUNTRIES, "ISO 3166-1 (like AT)"


class LanguageField(CodeField):
    """A language by its BCP 47 tag."""

    standard = "BCP 47 (like de or de-AT)"

    def cased(self, text: str) -> str:
        return text

    def is_known(self, code: str) -> bool:
        return bool(LANGUAGE.fullmatch(code))


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
    """One of the listed texts; the error lists them."""

    default_error_messages = {"invalid_choice": "Must be one of: {choices}."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", choices=", ".join(self.choices))
        return data


class DecimalField(serializers.Field[Decimal, Any, str, Any]):
    """An exact decimal: a string like "12.50" or a JSON number comes in, a string goes out, binary floats never count."""

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


class MomentText(serializers.DateTimeField):
    """A time inside a structure that is kept as JSON."""

    def to_internal_value(self, value: Any) -> Any:
        return self.to_text(super().to_internal_value(value))

    def to_text(self, moment: Any) -> str:
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")  # type: ignore[no-any-return]

    def to_representation(self, value: Any) -> Any:
        return value


class OpaqueField(serializers.JSONField):
    """JSON that belongs to the user: an object of at most 64 KB, given back as it came; no contract renames inside it."""

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


class TagsField(serializers.ListField):
    """Short texts, each once, in the order given."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"child": StrictChar(max_length=50), "max_length": 50, **kwargs})

    def to_internal_value(self, data: Any) -> list[str]:
        return list(dict.fromkeys(super().to_internal_value(data)))


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
