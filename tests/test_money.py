"""Money: exact, rounded half to even by line and currency, and what is printed adds up."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.money import decimals_of, line_amount, padded, rounded, totals_of
from crm.resources.invoices.models import InvoiceLine

PERCENT = st.decimals(0, 100, places=4)
LINES = st.builds(
    InvoiceLine,
    quantity=st.decimals(0, 10**6, places=6),
    rate=st.decimals(-(10**6), 10**6, places=6),
    discount_percent=PERCENT,
    tax_rate=PERCENT,
)
CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD"])


@pytest.mark.parametrize(("currency", "decimals"), [("JPY", 0), ("EUR", 2), ("KWD", 3), ("CLF", 4), ("XAU", 0)])
def test_it_knows_a_currencys_decimals(currency: str, decimals: int) -> None:
    assert decimals_of(currency) == decimals


@pytest.mark.parametrize(
    ("amount", "shown"), [("0.125", "0.12"), ("0.135", "0.14"), ("2.5", "2.50"), ("-0.125", "-0.12")]
)
def test_it_rounds_half_to_even(amount: str, shown: str) -> None:
    assert str(rounded(Decimal(amount), "EUR")) == shown


@pytest.mark.parametrize(
    ("price", "currency", "shown"), [("5", "EUR", "5.00"), ("0.0035", "USD", "0.0035"), ("5.0", "JPY", "5")]
)
def test_it_pads_a_price_and_keeps_finer_ones(price: str, currency: str, shown: str) -> None:
    assert str(padded(Decimal(price), currency)) == shown


@given(st.lists(LINES, max_size=20), CURRENCIES)
def test_it_adds_up(lines: list[InvoiceLine], currency: str) -> None:
    totals = totals_of(lines, currency)
    assert totals.subtotal - totals.discount_total + totals.tax_total == totals.total
    assert totals.total - totals.tax_total == sum((line_amount(line, currency) for line in lines), Decimal(0))
    for amount in (totals.subtotal, totals.discount_total, totals.tax_total, totals.total):
        assert amount == rounded(amount, currency)
