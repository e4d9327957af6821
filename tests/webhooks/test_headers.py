"""Headers of an endpoint's own: welcome, unless they are ours or would smuggle something."""

import pytest

from webhooks.guard import Refused
from webhooks.headers import check_headers


def test_it_lets_a_receiver_be_told_what_it_wants() -> None:
    check_headers({"Authorization": "Bearer a.b-c", "X-Tenant": "acme gmbh", "traceparent": "00-1-2-01"})
    check_headers({})
    check_headers({f"X-{n}": "a" for n in range(20)})


@pytest.mark.parametrize(
    "name",
    """webhook-id Webhook-Signature WEBHOOK-ANYTHING Content-Type content-length Host User-Agent Transfer-Encoding
    Connection Cookie Expect TE Trailer Upgrade Accept-Encoding Content-Encoding Date Proxy-Authorization""".split(),
)
def test_it_keeps_its_own(name: str) -> None:
    with pytest.raises(Refused, match=f"The header {name} is set by Kith"):
        check_headers({name: "a"})


@pytest.mark.parametrize("name", ["", "X A", "X:A", "X-A\r\nX-B", "X-Ä", "X-A\0", '"X"', "X/A", "X(A)", "a" * 101])
def test_it_wants_names_that_are_names(name: str) -> None:
    with pytest.raises(Refused, match="is not a valid name of a header"):
        check_headers({name: "a"})


@pytest.mark.parametrize("value", ["", " a", "a ", "a\r\nX-B: b", "a\nb", "a\rb", "a\0b", "a\tb", "ä", "a\x7f", "a\n"])
def test_it_wants_values_that_are_one_visible_line(value: str) -> None:
    with pytest.raises(Refused, match="The value of the header X-A must be one line"):
        check_headers({"X-A": value})


def test_it_wants_few_and_short_ones() -> None:
    with pytest.raises(Refused, match="There are 21 headers, and at most 20"):
        check_headers({f"X-{n}": "a" for n in range(21)})
    with pytest.raises(Refused, match=r"longer than 4,096 bytes together\. Shorten X-Long"):
        check_headers({"X-A": "a", "X-Long": "b" * 4096})
    with pytest.raises(Refused, match="The header x-a is given twice"):
        check_headers({"X-A": "a", "x-a": "b"})
