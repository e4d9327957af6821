"""What keeps Kith from starting is said in one sentence, with exit code 2."""

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.config.trial import free_port, manage

DATABASE = os.environ["DATABASE_URL"]
REDIS = os.environ["REDIS_URL"]
DATABASE_PLACE = f"127.0.0.1:{urlsplit(DATABASE).port}"
REDIS_PLACE = f"127.0.0.1:{urlsplit(REDIS).port}"
NOBODY_THERE = f"127.0.0.1:{free_port()}"

REFUSED = {
    "wrong setting": ({"PORT": "many"}, "PORT is 'many': it must be a whole number from 1 to 65535."),
    "wrong address": ({"HOST": "192.0.2.1"}, "HOST 192.0.2.1 is no address of this machine"),
    "wrong password": (
        {"DATABASE_URL": f"postgresql://kith_web:wrong@{DATABASE_PLACE}/kith"},
        f"PostgreSQL at {DATABASE_PLACE} refuses the password of user kith_web: correct the password in DATABASE_URL.",
    ),
    "no database of that name": (
        {"DATABASE_URL": f"{DATABASE.rpartition('/')[0]}/nothing"},
        f"PostgreSQL at {DATABASE_PLACE} has no database nothing: create it, or correct the name in DATABASE_URL.",
    ),
    "no server": (
        {"DATABASE_URL": f"postgresql://kith_web:x@{NOBODY_THERE}/kith"},
        f"PostgreSQL at {NOBODY_THERE} cannot be reached (",
    ),
    "no server for the admin": (
        {"DATABASE_URL": DATABASE, "DATABASE_ADMIN_URL": f"postgresql://kith_web:x@{NOBODY_THERE}/kith"},
        "correct host and port in DATABASE_ADMIN_URL.",
    ),
    "wrong Redis password": (
        {"REDIS_URL": f"redis://:wrong@{REDIS_PLACE}/0"},
        f"Redis at {REDIS_PLACE} refuses the password: correct it in REDIS_URL.",
    ),
    "no other broker": (
        {"BROKER_URL": f"amqp://guest:wrong@{NOBODY_THERE}//"},
        f"The broker at {NOBODY_THERE} cannot be used (",
    ),
    "a pooler with one log-in": (
        {"DATABASE_URL": DATABASE, "DATABASE_POOLER": "true"},
        "DATABASE_POOLER needs three log-ins, as a pooled connection takes its role from the one it is made with",
    ),
    "no Redis": (
        {"REDIS_URL": f"redis://{NOBODY_THERE}/0"},
        f"Redis at {NOBODY_THERE} cannot be reached (",
    ),
}


@pytest.mark.parametrize(("settings", "sentence"), REFUSED.values(), ids=REFUSED)
def test_it_refuses_in_one_sentence(tmp_path: Path, settings: dict[str, str], sentence: str) -> None:
    refused = manage(tmp_path / "var", "up", **{"PORT": str(free_port()), **settings})
    assert refused.returncode == 2
    assert sentence in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert "wrong@" not in refused.stderr
    assert not (tmp_path / "var" / "up.lock").exists()


def test_it_refuses_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = manage(tmp_path / "var", "up", PORT=str(port))
    assert refused.returncode == 2
    assert refused.stderr == (
        f"Port {port} is taken by another program: stop that one, or choose another port with PORT={port + 1}.\n"
    )


def test_it_refuses_a_folder_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = manage(tmp_path / "file" / "var", "up", PORT=str(free_port()))
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"KITH_HOME {tmp_path}/file/var cannot be written (")


@pytest.mark.parametrize("command", ["migrate", "shell", "showmigrations"])
def test_a_command_without_a_database_says_how_to_get_one(tmp_path: Path, command: str) -> None:
    args = (
        ("shell", "-c", "from django.db import connection; connection.cursor()") if command == "shell" else (command,)
    )
    refused = manage(tmp_path, *args)
    assert refused.returncode == 2
    assert refused.stderr == "No database: start Kith with `make run`, or set DATABASE_URL.\n"


def test_a_command_with_a_silent_database_says_so(tmp_path: Path) -> None:
    refused = manage(tmp_path, "showmigrations", DATABASE_URL=f"postgresql://kith_web:x@{NOBODY_THERE}/kith")
    assert refused.returncode == 2
    assert refused.stderr == "The database does not answer: start Kith with `make run`, or correct DATABASE_URL.\n"


def test_it_makes_the_roles_of_a_given_server(tmp_path: Path) -> None:
    urls = {name: os.environ[name] for name in ("DATABASE_URL", "DATABASE_ADMIN_URL", "DATABASE_MIGRATION_URL")}
    made = manage(tmp_path, "roles", **urls)
    assert (made.returncode, made.stdout) == (0, "The database has the roles of Kith.\n")


def test_a_deployed_house_has_no_warnings(tmp_path: Path) -> None:
    urls = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    checked = manage(
        tmp_path, "check", "--deploy", "--fail-level", "WARNING", PUBLIC_URL="https://crm.example.com", **urls
    )
    assert checked.returncode == 0, checked.stderr
