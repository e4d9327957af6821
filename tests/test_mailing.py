"""Sending over a real SMTP server: what arrives, what is tried again, and what a killed worker leaves."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as house
from django.core import mail
from django.utils import timezone

from crm.resources.campaigns import delivery
from crm.resources.campaigns.models import Recipient, State
from tenants import ids
from tenants.scope import tenant_scope
from tests.conftest import Caller
from tests.mailing import (
    Receiver,
    deliver,
    link_in,
    make_campaign,
    make_members,
    receiving,
)


@pytest.fixture
def smtp(settings: Any) -> Iterator[Receiver]:
    with receiving(settings) as receiver:
        yield receiver


def test_it_hands_mails_to_a_real_server(acme: Caller, smtp: Receiver) -> None:
    clients = make_members(acme, 3)
    campaign = make_campaign(acme, clients, body_html="<p>Grüße, {{ client.name }}</p>")
    smtp.refused = {"member1@example.com": "550 no such user"}
    acme.post(f"{campaign}/send")
    deliver(acme, campaign)
    assert sorted(str(got["To"]) for got in smtp.mails) == ["member0@example.com", "member2@example.com"]
    for got in smtp.mails:
        assert str(got["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
        kinds = [part.get_content_type() for part in got.walk()]
        assert kinds == ["multipart/alternative", "text/plain", "text/html"]
        assert house.PUBLIC_URL + link_in(got) in got.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert acme.get(campaign).data["progress"] == {"recipients": 3, "sent": 2, "skipped": 0, "failed": 1}
    assert acme.get(campaign).data["status"] == "sent"


def test_it_goes_on_after_a_worker_was_killed(acme: Caller, smtp: Receiver, settings: Any) -> None:
    campaign = make_campaign(acme, make_members(acme, 6))
    acme.post(f"{campaign}/send")
    smtp.hangs_at = 2
    worker = start_worker(acme, campaign, settings.EMAIL_PORT)
    assert smtp.hanging.wait(30)
    worker.kill()
    worker.wait()
    assert (len(smtp.mails), states(acme)) == (2, {State.SENT: 2, State.CLAIMED: 1, State.WAITING: 3})
    # Whoever comes next leaves the claim alone, as its holder might be alive.
    deliver(acme, campaign)
    assert (len(smtp.mails), acme.get(campaign).data["status"]) == (5, "sending")
    with time_machine.travel(timezone.now() + delivery.LEASE + timedelta(seconds=1)):
        deliver(acme, campaign)
    assert Counter(str(got["To"]) for got in smtp.mails) == {f"member{index}@example.com": 1 for index in range(6)}
    assert acme.get(campaign).data["progress"] == {"recipients": 6, "sent": 6, "skipped": 0, "failed": 0}
    assert acme.get(campaign).data["status"] == "sent"


def start_worker(caller: Caller, campaign: str, port: int) -> subprocess.Popen[bytes]:
    """Start a process that does what a worker does, over the test's mail server."""
    code = "import django; django.setup(); from crm.tasks import deliver_campaign; deliver_campaign(*{!r})"
    arguments = (str(caller.tenant.pk), str(ids.decode("cam", campaign.rpartition("/")[2])))
    environ = {"DJANGO_SETTINGS_MODULE": "config.settings", "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(port)}
    return subprocess.Popen(
        [sys.executable, "-c", code.format(arguments)], env={**os.environ, **environ, "EMAIL_SECURITY": "none"}
    )


def states(caller: Caller) -> dict[str, int]:
    with tenant_scope(caller.tenant.id):
        return dict(Counter(Recipient.objects.of(caller.tenant).values_list("state", flat=True)))


def test_it_tries_again_what_a_server_puts_off(acme: Caller, smtp: Receiver) -> None:
    campaign = make_campaign(acme, make_members(acme, 1))
    smtp.refused = {"member0@example.com": "451 come again"}
    acme.post(f"{campaign}/send")
    deliver(acme, campaign)
    deliver(acme, campaign)
    assert (smtp.mails, acme.get(campaign).data["status"]) == ([], "sending")
    smtp.refused = {}
    with time_machine.travel(timezone.now() + delivery.LEASE + timedelta(seconds=1)):
        deliver(acme, campaign)
    assert len(smtp.mails) == 1
    assert acme.get(campaign).data["progress"]["sent"] == 1


def test_it_waits_for_a_server_that_is_away(acme: Caller, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", 1, False
    campaign = make_campaign(acme, make_members(acme, 2))
    acme.post(f"{campaign}/send")
    deliver(acme, campaign)
    assert acme.get(campaign).data["progress"] == {"recipients": 2, "sent": 0, "skipped": 0, "failed": 0}
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    deliver(acme, campaign)
    assert len(mail.outbox) == 2
