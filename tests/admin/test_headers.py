"""What every answer of the admin carries: nothing from or to another host, nothing kept by a cache."""

from typing import Any

import pytest

from tests.admin.conftest import Person
from tests.conftest import Caller

PAGES = ("", "apikeys/apikey/", "apikeys/apikey/add/", "tenants/event/", "password_change/", "no/such/page/")


@pytest.mark.parametrize("path", PAGES)
def test_it_speaks_with_its_own_host_alone(root: Person, path: str) -> None:
    policy = root.get(path)["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'; ") and "http" not in policy and "*" not in policy
    assert "frame-ancestors 'none'" in policy and "object-src 'none'" in policy


@pytest.mark.parametrize("path", PAGES)
def test_it_is_kept_by_no_cache(root: Person, path: str) -> None:
    assert "no-store" in root.get(path)["Cache-Control"]


def test_it_covers_the_log_in(nobody: Caller) -> None:
    answer = nobody.client.get("/admin/login/")
    assert answer["Content-Security-Policy"] and "no-store" in answer["Cache-Control"]


def test_it_leaves_the_api_alone(acme: Caller) -> None:
    answer: Any = acme.get("/clients")
    assert "Content-Security-Policy" not in answer.headers
