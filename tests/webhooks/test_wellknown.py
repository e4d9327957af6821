"""The well-known address: public keys for whoever asks, and nothing else."""

from base64 import b64decode
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.test import Client
from django.utils import timezone

from tenants import ids
from tenants.scope import tenant_scope
from tests.conftest import Caller
from tests.webhooks.rows import make_endpoint
from webhooks.models import Endpoint, EndpointSecret
from webhooks.secrets import seal
from webhooks.signing import new_secret, new_signing_key, public_key, sign


def fetch(endpoint_id: str, method: str = "GET") -> Any:
    return Client().generic(method, f"/.well-known/kith-webhooks/{endpoint_id}.json")


def id_of(endpoint: Endpoint) -> str:
    return ids.encode("whk", endpoint.pk)


def test_it_shows_the_key_that_verifies(acme: Caller) -> None:
    signing_key = new_signing_key()
    answer = fetch(id_of(make_endpoint(acme.tenant, signing_key, signing="v1a")))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/jwk-set+json")
    assert answer["Cache-Control"] == "public, max-age=300"
    [key] = answer.json()["keys"]
    assert (key["whpk"], key["kty"], key["crv"]) == (public_key(signing_key), "OKP", "Ed25519")
    signature = sign([signing_key], "evt_1", 1, b"body").partition(",")[2]
    verifier = Ed25519PublicKey.from_public_bytes(b64decode(key["whpk"].removeprefix("whpk_")))
    verifier.verify(b64decode(signature), b"evt_1.1.body")


def test_it_shows_nothing_that_signs(acme: Caller) -> None:
    signing_key = new_signing_key()
    answer = fetch(id_of(make_endpoint(acme.tenant, signing_key, signing="v1a")))
    assert set(answer.json()["keys"][0]) == {"kty", "crv", "x", "kid", "use", "alg", "whpk"}
    assert signing_key.removeprefix("whsk_").encode() not in answer.content


def test_in_grace_it_shows_the_old_key_too_and_later_no_more(acme: Caller) -> None:
    old, new = new_signing_key(), new_signing_key()
    endpoint = make_endpoint(acme.tenant, old, new, signing="v1a")

    def expire(when: timedelta) -> list[str]:
        with tenant_scope(acme.tenant.id):
            first = EndpointSecret.objects.of(acme.tenant).filter(endpoint=endpoint).order_by("id")[0]
            first.expires_at = timezone.now() + when
            first.save()
        return [key["whpk"] for key in fetch(id_of(endpoint)).json()["keys"]]

    assert expire(timedelta(days=1)) == [public_key(new), public_key(old)]
    assert expire(timedelta(seconds=-1)) == [public_key(new)]


def test_it_knows_no_shared_secret(acme: Caller) -> None:
    assert fetch(id_of(make_endpoint(acme.tenant, new_secret()))).status_code == 404


NONE = UUID(int=7)


@pytest.mark.parametrize("unknown", [ids.encode("whk", NONE), "whk_nonsense", ids.encode("cli", NONE), "x"])
def test_it_knows_no_other_id(unknown: str) -> None:
    assert fetch(unknown).status_code == 404


def test_it_is_read_only(acme: Caller) -> None:
    endpoint = make_endpoint(acme.tenant, new_signing_key(), signing="v1a")
    assert fetch(id_of(endpoint), "HEAD").status_code == 200
    assert fetch(id_of(endpoint), "POST").status_code == 405


def test_it_says_when_a_key_cannot_be_read(acme: Caller) -> None:
    endpoint = make_endpoint(acme.tenant, new_signing_key(), signing="v1a")
    with tenant_scope(acme.tenant.id):
        EndpointSecret.objects.of(acme.tenant).filter(endpoint=endpoint).update(sealed=seal("")[:20])
    answer = fetch(id_of(endpoint))
    assert (answer.status_code, answer.json()) == (503, {"error": "These keys cannot be read at the moment."})
