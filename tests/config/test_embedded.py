"""The servers Kith brings along: made once, closed to others, whole again after a crash."""

import os
import pwd
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config import roles
from config.embedded import Embedded
from config.embedded.state import SUPERUSER, State
from config.env import BACKUP_URL, DATABASE_URLS
from config.errors import StartError

ROOT = os.geteuid() == 0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a data folder below a closed one, such as the home of root."""
    (tmp_path / "closed").mkdir(mode=0o700)
    return tmp_path / "closed" / "var"


@pytest.fixture
def superuser() -> Iterator[psycopg.Connection]:
    """Connect as the superuser of the servers of this test run."""
    state = State.load(Path(os.environ["KITH_HOME"]) / "embedded.json")
    with psycopg.connect(state.database_url(SUPERUSER, "postgres"), autocommit=True) as connection:
        yield connection


def test_a_crash_loses_nothing_and_ports_stay(home: Path) -> None:
    with Embedded(home) as first:
        urls = first.urls
        with psycopg.connect(urls["DATABASE_MIGRATION_URL"]) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        first.children[1].process.kill()
        first.children[1].process.wait()
    assert (home / "postgres" / "postmaster.pid").exists()
    with Embedded(home) as second:
        assert second.urls == urls
        with psycopg.connect(urls["DATABASE_MIGRATION_URL"]) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)


def test_a_closed_folder_stays_closed(home: Path) -> None:
    with Embedded(home, fast=True) as servers:
        users = {psutil.Process(child.pid).username() for child in servers.children}
        redis.Redis.from_url(servers.urls["REDIS_URL"]).close()
    assert home.parent.stat().st_mode & 0o777 == 0o700
    assert users == {"nobody" if ROOT else pwd.getpwuid(os.geteuid()).pw_name}
    assert {(home / name).stat().st_mode & 0o777 for name in ("postgres", "redis")} == {0o700}


def test_a_draft_that_was_cut_short_is_made_anew(home: Path) -> None:
    (home / "postgres.new").mkdir(parents=True)
    (home / "postgres.new" / "half").touch()
    with Embedded(home, redis=False, fast=True) as servers:
        assert set(servers.urls) == {*DATABASE_URLS, BACKUP_URL}
    assert not (home / "postgres.new").exists()


def test_a_lost_password_is_told(home: Path) -> None:
    with Embedded(home, redis=False, fast=True):
        pass
    (home / "embedded.json").unlink()
    with pytest.raises(StartError, match="restore both from one backup"):
        Embedded(home, redis=False, fast=True).start()


def test_nobody_enters_without_a_password() -> None:
    address = os.environ["REDIS_URL"].rpartition("@")[2]
    with pytest.raises(redis.AuthenticationError), redis.Redis.from_url(f"redis://{address}") as client:
        client.ping()
    address = os.environ["DATABASE_URL"].rpartition("@")[2]
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(f"postgresql://kith_web@{address}")


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_ADMIN_URL"])
def test_web_and_admin_may_neither_bypass_nor_create(name: str) -> None:
    with psycopg.connect(os.environ[name], autocommit=True) as connection:
        rights = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = session_user"
        )
        assert rights.fetchone() == (False, False, False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine ()")


def test_each_login_takes_its_own_role_only() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("SET ROLE kith_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SET ROLE kith_admin")


def test_a_foreign_server_gets_the_roles_or_says_what_to_run(superuser: psycopg.Connection) -> None:
    superuser.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    try:
        url = f"postgresql://guest:guest@127.0.0.1:{superuser.info.port}/postgres"
        told = pytest.raises(StartError, match=r'let an administrator run: GRANT "kith_app" TO "guest"; ')
        with psycopg.connect(url, autocommit=True) as guest, told:
            roles.ensure(guest, app="guest", staff="guest")
        roles.ensure(superuser, app="guest", staff="guest")
        assert roles.is_member(superuser, "guest", "kith_admin")
    finally:
        superuser.execute("DROP ROLE guest")


def test_the_servers_end_with_the_process_that_started_them(home: Path) -> None:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        servers = Embedded(home, fast=True)
        servers.start()
        os.write(writing, " ".join(str(child.pid) for child in servers.children).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    children = [psutil.Process(int(word)) for word in os.read(reading, 100).split() if psutil.pid_exists(int(word))]
    _, alive = psutil.wait_procs(children, timeout=10)
    os.close(reading)
    os.close(writing)
    assert not alive
