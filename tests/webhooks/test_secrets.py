"""Secrets at rest: sealed under the first key, opened by any, and a missing or wrong key is named without a secret."""

from typing import Any

import pytest
from cryptography.fernet import Fernet

from config.secret import new_key
from webhooks.secrets import KeyMissing, Unreadable, key_id, key_ids, seal, unseal
from webhooks.signing import new_secret


@pytest.fixture
def keys(settings: Any) -> list[str]:
    settings.ENCRYPTION_KEYS = (new_key(), new_key())
    return list(settings.ENCRYPTION_KEYS)


def test_what_was_sealed_is_opened_again(keys: list[str]) -> None:
    for text in (new_secret(), "", '{"X-Token": "Zoë"}'):
        sealed = seal(text)
        assert unseal(sealed) == text
        assert not text or text not in sealed
    assert seal("once") != seal("once")


def test_a_sealed_text_begins_with_the_id_of_the_first_key(keys: list[str]) -> None:
    name, _, token = seal("text").partition(":")
    assert [name, key_id(keys[1])] == key_ids()
    assert Fernet(keys[0]).decrypt(token) == b"text"


def test_a_key_that_moved_back_still_opens(keys: list[str], settings: Any) -> None:
    sealed = seal("text")
    settings.ENCRYPTION_KEYS = (new_key(), *keys)
    assert unseal(sealed) == "text"
    assert not seal("text").startswith(key_id(keys[0]))


def test_a_missing_key_is_named(keys: list[str], settings: Any) -> None:
    sealed = seal("text")
    assert unseal(sealed) == "text"
    settings.ENCRYPTION_KEYS = keys[1:]
    with pytest.raises(KeyMissing) as refusal:
        unseal(sealed)
    assert str(refusal.value) == (
        f"The key {key_id(keys[0])} is missing: put it back into ENCRYPTION_KEYS, after the first."
    )


def test_a_damaged_text_is_refused_and_not_shown(keys: list[str]) -> None:
    sealed = seal("text")
    name, _, token = sealed.partition(":")
    swapped = f"{key_id(keys[1])}:{token}"
    turned = f"{name}:{token[:40]}{'A' if token[40] != 'A' else 'B'}{token[41:]}"
    for damaged in (sealed[:-9], f"{name}:", f"{name}:é", turned, swapped, token, "", "whsec_c2VjcmV0"):
        with pytest.raises(Unreadable, match="is damaged") as refusal:
            unseal(damaged)
        assert not isinstance(refusal.value, KeyMissing)
        assert token not in str(refusal.value)
        assert "c2VjcmV0" not in str(refusal.value)
