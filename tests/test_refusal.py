"""Processes that refuse to start: a tenant's table without its guard stops web and worker with one sentence."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from config.checks import refuse_unsafe


@pytest.fixture
def unguarded() -> Iterator[None]:
    """Leave the clients' table without its policy for a moment, as a forgotten ProtectTable would."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE crm_client NO FORCE ROW LEVEL SECURITY")
        yield
        cursor.execute("ALTER TABLE crm_client FORCE ROW LEVEL SECURITY")


def test_it_starts_where_all_is_guarded() -> None:
    refuse_unsafe()


def test_it_says_what_to_add(unguarded: None) -> None:
    with pytest.raises(ImproperlyConfigured, match=r'Add ProtectTable\("Client"\) to its migration'):
        refuse_unsafe()


@pytest.mark.parametrize(
    "command", [["-c", "import config.wsgi"], ["-m", "celery", "-A", "config", "worker", "-P", "solo"]]
)
def test_it_keeps_web_and_worker_from_starting(unguarded: None, command: list[str]) -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    ended = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode != 0
    assert "not guarded by row-level security" in ended.stderr
