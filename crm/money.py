"""Exact amounts: a column without binary floats, a currency's decimals, and the totals of lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any, Protocol

from django.core.checks import CheckMessage
from django.db import models
from iso4217 import Currency

__all__ = ["NumericField", "Priced", "Totals", "decimals_of", "line_amount", "padded", "rounded", "totals_of"]

HUNDRED = Decimal(100)


class NumericField(models.DecimalField):  # type: ignore[type-arg]
    """PostgreSQL's `numeric` without a scale: 100 yen stay 100, and 100.00 euro stay 100.00."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def db_type(self, connection: Any) -> str:
        return "numeric"

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        # Skips DecimalField's own checks, which ask for a scale.
        return models.Field.check(self, **kwargs)


@lru_cache(maxsize=256)
def decimals_of(currency: str) -> int:
    """Return how many decimals the currency has: 0 for JPY, 2 for EUR, 3 for KWD (ISO 4217)."""
    return Currency(currency).exponent or 0


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Return the amount as the currency can be paid, half to even."""
    return amount.quantize(Decimal(1).scaleb(-decimals_of(currency)), rounding=ROUND_HALF_EVEN)


def padded(price: Decimal, currency: str) -> Decimal:
    """Return a price with at least the currency's decimals; a finer one keeps its own."""
    exponent = price.normalize().as_tuple().exponent
    places = max(decimals_of(currency), -exponent if isinstance(exponent, int) else 0)
    return price.quantize(Decimal(1).scaleb(-places))


class Priced(Protocol):
    """A line with a price: percentages are percent, not fractions."""

    quantity: Decimal
    rate: Decimal
    discount_percent: Decimal
    tax_rate: Decimal


@dataclass(frozen=True)
class Totals:
    """What lines come to: subtotal - discount_total + tax_total is total, to the last decimal."""

    subtotal: Decimal
    discount_total: Decimal
    tax_total: Decimal
    total: Decimal


def line_amount(line: Priced, currency: str) -> Decimal:
    """Return what a line costs before tax: its discount taken off, rounded once."""
    return rounded(line.quantity * line.rate * (HUNDRED - line.discount_percent) / HUNDRED, currency)


def totals_of(lines: Iterable[Priced], currency: str) -> Totals:
    """Return the totals of lines, each rounded by itself, so that what is printed adds up."""
    subtotal = net = tax = rounded(Decimal(0), currency)
    for line in lines:
        amount = line_amount(line, currency)
        subtotal += rounded(line.quantity * line.rate, currency)
        net += amount
        tax += rounded(amount * line.tax_rate / HUNDRED, currency)
    return Totals(subtotal, subtotal - net, tax, net + tax)
