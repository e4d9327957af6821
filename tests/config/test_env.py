"""Settings come from the environment, once, and a wrong one is named."""

import json
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import overview
from config.databases import databases, redis_url
from config.env import BASE, DATABASE_URLS, SETTINGS, read
from config.secret import encryption_keys, new_key, read_or_make

URL = "postgresql://ann:pass%2Fword@db.example.com:6432/crm?sslmode=require"

WRONG = {
    "PORT": ("70000", "PORT is '70000': it must be a whole number from 1 to 65535."),
    "DEBUG": ("maybe", "DEBUG is 'maybe': it must be true or false."),
    "LOG_FORMAT": ("xml", "LOG_FORMAT is 'xml': it must be one of console, json."),
    "PUBLIC_URL": (
        "crm.example.com",
        "PUBLIC_URL is 'crm.example.com': it must be an address like https://crm.example.com.",
    ),
    "WEBHOOK_ALLOWED_NETS": (
        "10.0.0.1/8",
        "WEBHOOK_ALLOWED_NETS is '10.0.0.1/8': it must be a list of networks like 10.0.0.0/8, 192.168.1.0/24.",
    ),
    "ENCRYPTION_KEYS": (
        f"{new_key()},c2hvcnQ=",
        "ENCRYPTION_KEYS is not understood: it must be keys of 32 bytes in URL-safe base64, with commas between.",
    ),
    "DATABASE_URL": (
        "mysql://ann:secret@db/crm",
        "DATABASE_URL is not understood: it must be an address like postgresql://user:password@host:5432/database.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_it_refuses_a_wrong_value_in_one_sentence(name: str) -> None:
    text, sentence = WRONG[name]
    with pytest.raises(ImproperlyConfigured) as refusal:
        read({name: text})
    assert str(refusal.value) == sentence


def test_it_reads_every_kind(tmp_path: Path) -> None:
    env = read({"KITH_HOME": str(tmp_path), "PORT": "9000", "DEBUG": "Yes", "ALLOWED_HOSTS": "a.example, b.example,"})
    assert (env.home, env.number("PORT"), env.flag("DEBUG")) == (tmp_path, 9000, True)
    assert env.words("ALLOWED_HOSTS") == ("a.example", "b.example")


def test_an_empty_value_is_no_value(tmp_path: Path) -> None:
    assert read({"KITH_HOME": str(tmp_path), "PORT": ""}).readings["PORT"].source == "default"


def test_it_reads_a_secret_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    env = read({"KITH_HOME": str(tmp_path), "SECRET_KEY_FILE": str(tmp_path / "key")})
    assert (env.text("SECRET_KEY"), env.readings["SECRET_KEY"].source) == ("from a file", "file")


def test_it_refuses_a_secret_given_twice_or_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY and SECRET_KEY_FILE are both set: keep one of them"):
        read({"SECRET_KEY": "a", "SECRET_KEY_FILE": "b"})
    with pytest.raises(ImproperlyConfigured, match="which cannot be read: No such file or directory"):
        read({"SECRET_KEY_FILE": str(tmp_path / "missing")})


def test_a_given_database_serves_the_admin_and_the_migrations_too(tmp_path: Path) -> None:
    write_embedded(tmp_path)
    env = read({"KITH_HOME": str(tmp_path), "DATABASE_URL": URL})
    assert {env.text(f"DATABASE_{name}URL") for name in ("", "ADMIN_", "MIGRATION_")} == {URL}
    assert env.text("REDIS_URL") == "redis://:x@127.0.0.1:2/0"


def test_the_embedded_servers_serve_when_none_is_given(tmp_path: Path) -> None:
    write_embedded(tmp_path)
    env = read({"KITH_HOME": str(tmp_path)})
    assert env.readings["DATABASE_URL"].source == "embedded"
    assert env.text("DATABASE_ADMIN_URL") == "postgresql://b"


def test_each_connection_takes_its_role_and_its_limits(tmp_path: Path) -> None:
    env = read({"KITH_HOME": str(tmp_path), "DATABASE_URL": URL, "STATEMENT_TIMEOUT_MS": "700"})
    made = databases(env)
    assert made["default"]["OPTIONS"]["options"] == (
        "-c role=kith_app -c statement_timeout=700 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=30000 "
        "-c jit=off -c max_parallel_workers_per_gather=0 -c random_page_cost=1.1"
    )
    assert made["admin"]["OPTIONS"]["options"].startswith("-c role=kith_admin ")
    assert made["owner"]["OPTIONS"]["options"] == ""
    assert made["default"]["PASSWORD"] == "pass/word"
    assert made["default"]["OPTIONS"]["sslmode"] == "require"


def test_behind_a_pooler_a_connection_asks_for_nothing_that_outlives_a_transaction(tmp_path: Path) -> None:
    urls = {name: f"postgresql://{name.lower()}@pool/kith" for name in DATABASE_URLS}
    made = databases(read({"KITH_HOME": str(tmp_path), "DATABASE_POOLER": "true", **urls}))
    for name in ("default", "admin"):
        assert made[name]["DISABLE_SERVER_SIDE_CURSORS"] is True
        assert made[name]["OPTIONS"] == {"connect_timeout": 3, "prepare_threshold": None}
    assert made["owner"]["DISABLE_SERVER_SIDE_CURSORS"] is False


def test_tasks_and_caches_have_a_redis_database_each(tmp_path: Path) -> None:
    env = read({"KITH_HOME": str(tmp_path), "REDIS_URL": "rediss://ann:x@redis.example.com:6380/7"})
    assert redis_url(env, 1) == "rediss://ann:x@redis.example.com:6380/1"
    env = read({"KITH_HOME": str(tmp_path), "REDIS_URL": "unix:///run/redis.sock"})
    assert redis_url(env, 1) == "unix:///run/redis.sock?db=1"


def test_the_overview_hides_secrets_and_shows_the_rest(tmp_path: Path) -> None:
    given = {"KITH_HOME": str(tmp_path), "DATABASE_URL": URL, "SECRET_KEY": "very secret", "PORT": "9000"}
    lines = overview.to_lines(read(given))
    assert "PORT=9000\tenvironment\tThe port the web server listens on.\n" in lines
    assert "postgresql://ann:[redacted]@db.example.com:6432/crm" in lines
    assert "very secret" not in lines
    assert "pass%2Fword" not in lines


def test_the_page_of_the_docs_is_current() -> None:
    page = (BASE / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == overview.to_markdown(), "run: python manage.py settings --markdown > docs/settings.md"
    assert all(f"`{setting.name}`" in page for setting in SETTINGS)


def test_a_made_secret_is_kept_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "home" / "secret_key"
    made = read_or_make(path)
    assert len(made) >= 50
    assert read_or_make(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret_key"]


def test_a_key_that_seals_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    env = read({"KITH_HOME": str(tmp_path)})
    made = encryption_keys(env)
    path = tmp_path / "encryption_keys"
    assert encryption_keys(env) == made == (path.read_text(),)
    assert path.stat().st_mode & 0o777 == 0o600


def test_given_keys_are_used_instead_of_made_ones(tmp_path: Path) -> None:
    first, second = new_key(), new_key()
    (tmp_path / "ring").write_text(f"{first}\n{second}\n")
    home = {"KITH_HOME": str(tmp_path)}
    assert encryption_keys(read({**home, "ENCRYPTION_KEYS": f"{first}, {second}"})) == (first, second)
    assert encryption_keys(read({**home, "ENCRYPTION_KEYS_FILE": str(tmp_path / "ring")})) == (first, second)
    assert not (tmp_path / "encryption_keys").exists()


KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.mark.parametrize("text", [",", "short", KEY[:-1], KEY.replace("=", "é")])
def test_it_refuses_what_is_no_key_without_repeating_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^ENCRYPTION_KEYS is not understood: it must be keys of 32 bytes"):
        read({"KITH_HOME": str(tmp_path), "ENCRYPTION_KEYS": text})


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff\xfe"])
def test_it_refuses_a_kept_key_that_is_unusable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "encryption_keys").write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match=r"encryption_keys is not understood: .*; restore it from a"):
        encryption_keys(read({"KITH_HOME": str(tmp_path)}))


def test_the_overview_hides_a_list_of_secrets(tmp_path: Path) -> None:
    key = new_key()
    lines = overview.to_lines(read({"KITH_HOME": str(tmp_path), "ENCRYPTION_KEYS": f"{key},{new_key()}"}))
    assert "ENCRYPTION_KEYS=[redacted]\tenvironment\t" in lines
    assert key not in lines


def write_embedded(home: Path) -> None:
    urls = {
        "DATABASE_URL": "postgresql://a",
        "DATABASE_ADMIN_URL": "postgresql://b",
        "REDIS_URL": "redis://:x@127.0.0.1:2/0",
    }
    (home / "embedded.json").write_text(json.dumps({"urls": urls}))
