"""Where tenants have their own addresses, by the address of the whole."""

import pytest

from config.addresses import tenant_domain, tenant_url


@pytest.mark.parametrize(("told", "public", "url"), [
    ("", "http://localhost:8000", "http://{slug}.localtest.me:8000"),
    ("", "http://192.168.1.7:8000", "http://{slug}.localtest.me:8000"),
    ("", "https://crm.example.com", "https://{slug}.crm.example.com"),
    ("example.com", "https://crm.example.com", "https://{slug}.example.com"),
    (".Example.com", "http://crm.example.com:81", "http://{slug}.example.com:81"),
])  # fmt: skip
def test_it_follows_the_public_address(told: str, public: str, url: str) -> None:
    assert tenant_url(tenant_domain(told, public), public) == url
