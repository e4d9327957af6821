"""Who is told when an endpoint fails: the owners, by mail."""

from typing import Any

from tenants.actor import Actor
from tests.conftest import Caller, seat
from tests.mailing import receiving
from tests.webhooks.conftest import make_endpoint
from webhooks import endpoints
from webhooks.tasks import notify


def test_owners_are_written_to_and_nobody_else(acme: Caller, settings: Any) -> None:
    endpoint = make_endpoint(acme, "https://example.com/hook")
    seat(acme.tenant, "owner", email="olga@example.com")
    seat(acme.tenant, "staff", email="sam@example.com")
    endpoints.disable(endpoint, actor=Actor.system(acme.tenant, "tests"), reason="It answered 410 Gone.")
    with receiving(settings) as mails:
        notify(str(acme.tenant.pk), str(endpoint.pk), "It answered 410 Gone.")
    [mail] = mails.mails
    assert (mail["To"], mail["Subject"]) == ("olga@example.com", "Webhook switched off (Acme)")
    text = mail.get_content()
    assert "https://example.com/hook" in text
    assert "410 Gone" in text
    assert "/settings/webhooks/" in text


def test_a_deleted_endpoint_is_no_news(acme: Caller, settings: Any) -> None:
    endpoint = make_endpoint(acme, "https://example.com/hook")
    seat(acme.tenant, "owner", email="olga@example.com")
    key = str(endpoint.pk)
    endpoints.delete(endpoint, actor=Actor.system(acme.tenant, "tests"))
    with receiving(settings) as mails:
        notify(str(acme.tenant.pk), key, "It answered 410 Gone.")
    assert mails.mails == []
