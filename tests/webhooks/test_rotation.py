"""The key that seals can be changed: a missing one stops the start, and one command moves every secret to the new."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connections

from config.checks import refuse_unsafe
from tenants import ids
from tenants.models import Event
from tenants.scope import tenant_scope
from tests.conftest import Caller
from tests.servers import RING
from tests.webhooks.rows import make_endpoint
from webhooks import resealing
from webhooks.models import Endpoint, EndpointSecret
from webhooks.secrets import key_id, seal, unseal

NEW, OLD, OLDER = RING
LOCK = "SELECT pg_advisory_lock(hashtext('tests of the key ring'))"


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Keep tests in other processes from moving what this one has just sealed; in the end nothing is under OLD."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(LOCK)
        yield
        cursor.execute(LOCK.replace("lock", "unlock", 1))


@pytest.fixture
def endpoint(acme: Caller, settings: Any) -> Iterator[Endpoint]:
    """Return an endpoint from before the rotation: two secrets and its headers are sealed under OLD."""
    settings.ENCRYPTION_KEYS = (OLD, NEW)
    yield make_endpoint(acme.tenant, "whsec_one", "whsec_two", headers='{"X-Token": "three"}')
    settings.ENCRYPTION_KEYS = RING
    resealing.reseal(lambda _: None)


def sealed_texts(caller: Caller) -> list[str]:
    with tenant_scope(caller.tenant.id):
        secrets = EndpointSecret.objects.of(caller.tenant).order_by("id")
        endpoints = Endpoint.objects.of(caller.tenant).order_by("id")
        return [row.sealed for row in secrets] + [row.headers_sealed for row in endpoints if row.headers_sealed]


def rotate(*options: str) -> str:
    output = io.StringIO()
    call_command("rotate_encryption", *options, stdout=output, stderr=output)
    return output.getvalue()


def test_it_starts_with_every_key(endpoint: Endpoint, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = (NEW, OLD)
    refuse_unsafe()


def test_it_does_not_start_without_a_key_in_use(endpoint: Endpoint, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = (NEW,)
    with pytest.raises(ImproperlyConfigured) as refusal:
        refuse_unsafe()
    assert str(refusal.value) == (
        f"Kith refuses to start: ENCRYPTION_KEYS lacks the key {key_id(OLD)}, which seals 3 secrets. "
        "Put it back, after the first key; see Keys at rest in docs/operations.md. (webhooks.E001)"
    )


@pytest.mark.parametrize(
    "command", [["-c", "import config.wsgi"], ["-m", "celery", "-A", "config", "worker", "-P", "solo"]]
)
def test_a_missing_key_keeps_web_and_worker_from_starting(endpoint: Endpoint, command: list[str]) -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "ENCRYPTION_KEYS": NEW}
    ended = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode != 0
    assert f"ENCRYPTION_KEYS lacks the key {key_id(OLD)}" in ended.stderr
    assert not [key for key in RING if key in ended.stderr]


def test_it_moves_every_secret_to_the_first_key(acme: Caller, endpoint: Endpoint, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = (NEW, OLD)
    assert f"No longer needed, remove from ENCRYPTION_KEYS: {key_id(OLD)}." in rotate()
    settings.ENCRYPTION_KEYS = (NEW,)
    assert [unseal(text) for text in sealed_texts(acme)] == ["whsec_one", "whsec_two", '{"X-Token": "three"}']
    refuse_unsafe()


def test_a_second_rotation_changes_nothing(acme: Caller, endpoint: Endpoint, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = (NEW, OLD)
    rotate()
    before = sealed_texts(acme)
    rotate()
    assert sealed_texts(acme) == before


def test_it_goes_on_where_it_was_stopped(
    acme: Caller, globex: Caller, endpoint: Endpoint, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_endpoint(globex.tenant, *(f"whsec_{number}" for number in range(5)))
    settings.ENCRYPTION_KEYS = (NEW, OLD)
    monkeypatch.setattr(resealing, "BATCH", 2)

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resealing.reseal(stop)
    moved = [text for text in sealed_texts(acme) + sealed_texts(globex) if text.startswith(key_id(NEW))]
    assert len(moved) == 2
    rotate()
    after = sealed_texts(acme) + sealed_texts(globex)
    assert set(moved) < set(after)
    assert all(text.startswith(key_id(NEW)) for text in after)


def test_it_leaves_the_record_as_it_is_and_tells_the_staff_alone(
    acme: Caller, endpoint: Endpoint, settings: Any
) -> None:
    settings.ENCRYPTION_KEYS = (NEW, OLD)
    rotate()
    with tenant_scope(acme.tenant.id):
        after = Endpoint.objects.get(pk=endpoint.pk)
        told = list(Event.objects.of(acme.tenant).filter(type="webhook.resealed"))
    assert (after.version, after.updated_at) == (endpoint.version, endpoint.updated_at)
    assert [(event.audience, event.record_id, event.actor_label) for event in told] == [
        ("audit", endpoint.pk, "rotate_encryption")
    ]


def test_it_names_a_missing_key_and_moves_the_rest(acme: Caller, endpoint: Endpoint, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = (OLDER, NEW)
    make_endpoint(acme.tenant, "whsec_older")
    settings.ENCRYPTION_KEYS = (NEW, OLDER)
    with pytest.raises(CommandError, match=rf"Keys are missing: {key_id(OLD)}\. Put them back and run this again\."):
        rotate()
    heads = [text[:8] for text in sealed_texts(acme)]
    assert (heads.count(key_id(OLD)), heads.count(key_id(NEW))) == (3, 1)


def test_it_names_a_damaged_secret_and_moves_the_rest(acme: Caller, endpoint: Endpoint, settings: Any) -> None:
    with tenant_scope(acme.tenant.id):
        row = EndpointSecret.objects.of(acme.tenant).order_by("id")[0]
        row.sealed = row.sealed[:-9]
        row.save()
    settings.ENCRYPTION_KEYS = (NEW, OLD)
    output = io.StringIO()
    try:
        with pytest.raises(CommandError, match="Damaged secrets stay as they are"):
            call_command("rotate_encryption", stdout=output, stderr=output)
        assert f"Damaged: sealed of webhooks_endpointsecret {row.pk}" in output.getvalue()
        assert "No longer needed" not in output.getvalue()
        assert [text[:8] for text in sealed_texts(acme)].count(key_id(NEW)) == 2
    finally:
        with tenant_scope(acme.tenant.id):
            row.delete()


def test_a_new_key_is_one_that_the_settings_take(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = (rotate("--new-key").strip(),)
    assert unseal(seal("text")) == "text"


def test_its_help_teaches_the_whole_rotation() -> None:
    shown = subprocess.run(
        [sys.executable, "manage.py", "rotate_encryption", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert re.findall(r"^ +(\d)\. ", shown, re.MULTILINE) == ["1", "2", "3", "4", "5"]


def test_a_lost_key_is_given_up_and_replaced(acme: Caller, endpoint: Endpoint, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = (NEW,)
    said = rotate("--lost", key_id(OLD))
    assert said.splitlines()[:-1] == [f"{acme.tenant.slug} live: {ids.encode('whk', endpoint.pk)}"]
    [secret] = sealed_texts(acme)
    assert unseal(secret).startswith("whsec_")
    with tenant_scope(acme.tenant.id):
        after = Endpoint.objects.get(pk=endpoint.pk)
        told = [event.type for event in Event.objects.of(acme.tenant).filter(resource="webhook").order_by("id")]
    assert (after.headers_sealed, after.version) == ("", endpoint.version + 1)
    assert told == ["webhook.created", "webhook.headers_lost", "webhook.secret_rotated"]
    refuse_unsafe()


def test_a_secret_that_can_be_read_signs_on_when_an_older_one_is_lost(
    acme: Caller, endpoint: Endpoint, settings: Any
) -> None:
    settings.ENCRYPTION_KEYS = (NEW,)
    with tenant_scope(acme.tenant.id):
        EndpointSecret.objects.create(
            tenant=acme.tenant, endpoint=endpoint, kind=endpoint.signing, sealed=seal("whsec_three")
        )
    rotate("--lost", key_id(OLD))
    assert [unseal(text) for text in sealed_texts(acme)] == ["whsec_three"]


def test_a_key_in_the_ring_is_not_lost(endpoint: Endpoint, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = (NEW, OLD)
    with pytest.raises(CommandError, match="is not lost: ENCRYPTION_KEYS has it"):
        rotate("--lost", key_id(OLD))
