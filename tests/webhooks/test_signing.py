"""Signatures: whoever follows Standard Webhooks verifies ours, and nothing else passes for them (F15, first half)."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from webhooks.signing import new_secret, new_signing_key, public_jwk, public_key, sign

ID = "evt_01h455vb4pex5vsknk084sn02q"
BODY = '{"type":"client.created","data":{"name":"Zoë"}}'.encode()
NOW = 1_700_000_000


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(datetime.fromtimestamp(NOW, UTC), tick=False):
        yield


def headers(*secrets: str, at: int = NOW, body: bytes = BODY) -> dict[str, str]:
    signature = sign(secrets, ID, at, body)
    return {"webhook-id": ID, "webhook-timestamp": str(at), "webhook-signature": signature}


def verify_asymmetric(whpk: str, body: bytes, sent: dict[str, str]) -> bool:
    """Verify as the specification says, without a line of ours."""
    prefix, _, encoded = whpk.partition("_")
    assert prefix == "whpk"
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded))
    content = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + body
    for entry in sent["webhook-signature"].split(" "):
        version, _, signature = entry.partition(",")
        try:
            key.verify(base64.b64decode(signature), content)
        except InvalidSignature:
            continue
        return version == "v1a"
    return False


def test_it_makes_secrets_of_the_forms_of_the_specification() -> None:
    secret, signing_key = new_secret(), new_signing_key()
    for text, prefix in ((secret, "whsec_"), (signing_key, "whsk_"), (public_key(signing_key), "whpk_")):
        assert text.startswith(prefix)
        assert len(base64.b64decode(text.removeprefix(prefix), validate=True)) == 32
    assert new_secret() != secret
    assert new_signing_key() != signing_key


@pytest.mark.parametrize(
    ("secret", "signature"),
    [
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        (
            "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=",
            "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==",
        ),
    ],
    ids=["v1", "v1a"],
)
def test_it_signs_as_the_reference_libraries_do(secret: str, signature: str) -> None:
    assert sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}') == signature


def test_the_library_verifies_it() -> None:
    secret = new_secret()
    assert Webhook(secret).verify(BODY, headers(secret)) == json.loads(BODY)


def test_old_and_new_secret_both_verify_in_grace() -> None:
    new, old = new_secret(), new_secret()
    sent = headers(new, old)
    assert [entry[:3] for entry in sent["webhook-signature"].split(" ")] == ["v1,", "v1,"]
    assert sent["webhook-signature"] == f"{sign([new], ID, NOW, BODY)} {sign([old], ID, NOW, BODY)}"
    for secret in (new, old):
        Webhook(secret).verify(BODY, sent)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(BODY, headers(new))


def test_it_refuses_another_secret_a_changed_body_id_or_time() -> None:
    secret = new_secret()
    sent = headers(secret)
    forged = [
        (new_secret(), BODY, sent),
        (secret, BODY + b" ", sent),
        (secret, BODY, {**sent, "webhook-id": f"{ID[:-1]}r"}),
        (secret, BODY, {**sent, "webhook-timestamp": str(NOW + 1)}),
        (secret, BODY, {**sent, "webhook-signature": sent["webhook-signature"].replace("v1,", "v1a,")}),
    ]
    for known, body, seen in forged:
        with pytest.raises(WebhookVerificationError, match="No matching signature found"):
            Webhook(known).verify(body, seen)


@pytest.mark.parametrize("away", [-299, 299])
def test_a_receiver_accepts_a_clock_that_is_almost_five_minutes_away(away: int) -> None:
    secret = new_secret()
    Webhook(secret).verify(BODY, headers(secret, at=NOW + away))


@pytest.mark.parametrize(("away", "sentence"), [(-301, "too old"), (301, "too new")])
def test_a_receiver_refuses_a_clock_that_is_more_than_five_minutes_away(away: int, sentence: str) -> None:
    secret = new_secret()
    with pytest.raises(WebhookVerificationError, match=sentence):
        Webhook(secret).verify(BODY, headers(secret, at=NOW + away))


def test_the_public_key_verifies_what_the_signing_key_signed() -> None:
    signing_key, other = new_signing_key(), new_signing_key()
    sent = headers(signing_key)
    assert verify_asymmetric(public_key(signing_key), BODY, sent)
    assert not verify_asymmetric(public_key(other), BODY, sent)
    assert not verify_asymmetric(public_key(signing_key), BODY + b" ", sent)
    assert not verify_asymmetric(public_key(signing_key), BODY, {**sent, "webhook-timestamp": str(NOW + 1)})


def test_a_change_of_scheme_has_its_grace_too() -> None:
    signing_key, old = new_signing_key(), new_secret()
    sent = headers(signing_key, old)
    assert verify_asymmetric(public_key(signing_key), BODY, sent)
    Webhook(old).verify(BODY, sent)


def test_bytes_that_are_no_text_are_signed_as_they_are() -> None:
    signing_key, body = new_signing_key(), bytes(range(256))
    assert verify_asymmetric(public_key(signing_key), body, headers(signing_key, body=body))


def test_the_web_key_is_that_of_the_rfc() -> None:
    # RFC 8037, appendix A.
    seed = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    jwk = public_jwk(f"whsk_{base64.b64encode(seed).decode()}")
    assert jwk["x"] == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert jwk["kid"] == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")


@pytest.mark.parametrize("wrong", ["", "s3cr3t", "whpk_c2VjcmV0", "whsec_s3cr3t!", "whsk_c2VjcmV0"])
def test_it_refuses_what_is_no_secret_without_repeating_it(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"^(Neither a secret|A secret that is|An Ed25519 private)") as refusal:
        sign([wrong], ID, NOW, BODY)
    assert not wrong or wrong not in str(refusal.value)


def test_it_publishes_no_shared_secret() -> None:
    with pytest.raises(ValueError, match="Not a signing key"):
        public_key(new_secret())
