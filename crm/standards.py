"""Serializer fields for what standards define: addresses, numbers and codes that the whole world writes alike."""

import re
from datetime import UTC
from typing import Any
from zoneinfo import available_timezones

import phonenumbers
from django.core.validators import URLValidator
from django.utils.timezone import is_aware
from email_validator import EmailNotValidError, validate_email
from iso4217 import Currency
from rest_framework import serializers
from rest_framework.fields import empty

from crm.rest.fields import StrictChar

__all__ = [
    "TIMEZONES", "ClockField", "CountryField", "CurrencyField", "EmailField", "LanguageField", "LocalMomentField",
    "MomentText", "PhoneField", "TimezoneField", "UrlField",
]  # fmt: skip

CURRENCIES = frozenset(currency.code for currency in Currency)
COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS)
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
# Without what is no place: the zone of nowhere, and that of the machine.
TIMEZONES = frozenset(available_timezones() - {"Factory", "localtime"})
TIMEZONES_BY_LOWER_CASE = {name.lower(): name for name in TIMEZONES}
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?", re.ASCII)


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


class TimezoneField(CodeField):
    """A time zone by its IANA name."""

    known, standard = TIMEZONES, "IANA's time zones (like Europe/Vienna)"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 64, **kwargs})

    def cased(self, text: str) -> str:
        return TIMEZONES_BY_LOWER_CASE.get(text.lower(), text)


class ClockField(StrictChar):
    """A time of day, as clocks with 24 hours show it."""

    default_error_messages = {"clock": "Must be a time of day, like 08:30."}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not CLOCK.fullmatch(text):
            self.fail("clock")
        return text


class LocalMomentField(serializers.DateTimeField):
    """A time; one without an offset comes through as it is, for a rule that knows the place to read it."""

    def enforce_timezone(self, value: Any) -> Any:
        return super().enforce_timezone(value) if is_aware(value) else value


class MomentText(serializers.DateTimeField):
    """A time inside a structure that is kept as JSON; an empty text is none, where none is allowed."""

    def run_validation(self, data: Any = empty) -> Any:
        blank = isinstance(data, str) and self.allow_null and not data.strip()
        return super().run_validation(None if blank else data)

    def to_internal_value(self, value: Any) -> Any:
        return self.to_text(super().to_internal_value(value))

    def to_text(self, moment: Any) -> str:
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")  # type: ignore[no-any-return]

    def to_representation(self, value: Any) -> Any:
        return value
