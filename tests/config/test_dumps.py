"""What keeps a backup or its restore from being made is said in one sentence, and leaves nothing half done."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from config import dumps, env
from config.embedded import binaries
from config.errors import StartError
from tests.config.trial import manage

OWNER, READER = os.environ["DATABASE_MIGRATION_URL"], os.environ["DATABASE_BACKUP_URL"]


def settings(**own: str) -> env.Environment:
    return env.read({**os.environ, **own})


@pytest.fixture
def empty() -> Iterator[dict[str, str]]:
    """Make a database with nothing in it, and return the settings that lead there."""
    name = f"empty_{uuid4().hex[:8]}"
    with psycopg.connect(OWNER, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield {one: f"{os.environ[one].rpartition('/')[0]}/{name}" for one in (*env.DATABASE_URLS, env.BACKUP_URL)}
        connection.execute(f"DROP DATABASE {name}")


def quiet(text: str) -> None:
    """Say nothing."""


def test_it_overwrites_no_file(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("precious")
    with pytest.raises(StartError, match="is there already: choose another name"):
        dumps.dump(settings(), tmp_path / "old", quiet)
    assert (tmp_path / "old").read_text() == "precious"


def test_it_refuses_to_dump_a_part(tmp_path: Path) -> None:
    """The API's own role sees the rows of no tenant."""
    with pytest.raises(StartError, match="sees a part only: make it the role kith_backup"):
        dumps.dump(settings(DATABASE_BACKUP_URL=os.environ["DATABASE_URL"]), tmp_path / "part", quiet)
    assert list(tmp_path.iterdir()) == []


def test_it_says_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"cannot be written \(No such file or directory\)"):
        dumps.dump(settings(), tmp_path / "no" / "folder", quiet)


def test_it_backs_up_no_empty_database(empty: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(StartError, match="has no tables: there is nothing to back up"):
        dumps.dump(settings(**empty), tmp_path / "new", quiet)


def test_it_restores_into_no_database_that_is_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=r"The database kith has \d+ tables already: restore into a new one"):
        dumps.restore(settings(), tmp_path / "file", quiet)


@pytest.mark.parametrize("content", [None, b"", b"something else"])
def test_it_restores_only_backups(empty: dict[str, str], tmp_path: Path, content: Any) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    with pytest.raises(StartError, match=r"is no file|is no backup of Kith"):
        dumps.restore(settings(**empty), tmp_path / "file", quiet)


def test_half_a_backup_leaves_an_empty_database(empty: dict[str, str], tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    tables = dumps.dump(settings(), whole, quiet)
    assert tables > 50
    assert whole.stat().st_mode & 0o777 == 0o600
    (tmp_path / "half").write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    with pytest.raises(StartError, match=r"not a whole one|pg_restore failed"):
        dumps.restore(settings(**empty), tmp_path / "half", quiet)
    assert dumps.restore(settings(**empty), whole, quiet) == tables


def test_the_programs_are_as_new_as_the_server() -> None:
    assert binaries.version_of(binaries.client("pg_dump", 18)) >= 18
    with pytest.raises(StartError, match=r"no pg_restore for PostgreSQL 99 here: install postgresql-client-99\."):
        binaries.client("pg_restore", 99)


def test_the_command_says_it_in_a_line(tmp_path: Path) -> None:
    refused = manage(tmp_path / "var", "restore", str(tmp_path / "nothing"), DATABASE_URL=os.environ["DATABASE_URL"])
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "is no file: name one that `manage.py backup` has written." in refused.stderr


def test_whoever_backs_up_reads_everything_and_writes_nothing() -> None:
    with psycopg.connect(READER, autocommit=True) as connection:
        rights = "rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
        row = connection.execute(f"SELECT {rights} FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == (False, True, False, False, False)
        assert connection.execute("SELECT count(*) FROM crm_client").fetchone()
        for statement in ("DELETE FROM crm_client", "UPDATE tenants_tenant SET name = ''", "CREATE TABLE mine ()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
