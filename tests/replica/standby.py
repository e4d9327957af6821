"""A second PostgreSQL that streams from the one of the tests, to be paused, frozen and killed."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
from django.db import connections

from config import env
from config.child import Child
from config.databases import databases
from config.embedded.binaries import postgres_folder
from config.embedded.files import FileLog
from config.embedded.postgres import Postgres
from config.embedded.state import DATABASE, SUPERUSER, State, free_port
from config.identity import before_start, choose_identity
from tests.serving import wait_for

__all__ = ["Standby", "streaming"]


class Standby:
    """A standby of the primary of the tests, in a folder of its own."""

    child: Child

    def __init__(self, home: Path) -> None:
        self.state = State.load(Path(os.environ["KITH_HOME"]) / "embedded.json")
        self.port = free_port(0)
        self.log = FileLog(home)
        programs = postgres_folder()
        identity = choose_identity(home, programs / "postgres")
        self.server = Postgres(programs, home / "standby", identity, fast=True)

    @property
    def url(self) -> str:
        """The address by which the API reads from it."""
        return urlsplit(self.state.urls["DATABASE_URL"])._replace(netloc=self.place("kith_web")).geturl()

    def place(self, login: str) -> str:
        return f"{login}:{self.state.password(login)}@127.0.0.1:{self.port}"

    def copy(self) -> None:
        """Copy the primary's data, with what the copy needs to follow it."""
        self.server.data.mkdir(mode=0o700)
        self.server.give_away(self.server.data)
        subprocess.run(
            [
                str(self.server.programs / "pg_basebackup"),
                *("--pgdata", str(self.server.data), "--write-recovery-conf", "--checkpoint", "fast", "--no-sync"),
                *("--dbname", self.state.database_url(SUPERUSER, "postgres")),
            ],
            check=True,
            preexec_fn=before_start(self.server.identity, signal.SIGTERM),
            capture_output=True,
            cwd="/",
        )

    def start(self) -> None:
        self.child = self.server.start(self.port, self.log)
        wait_for(self.answers)

    def answers(self) -> bool:
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            assert not self.child.ended, self.log.tail("postgres")
            return False
        return True

    def run(self, sql: str, *params: Any) -> Any:
        """Ask it as its superuser, and return the first value."""
        address = f"postgresql://{self.place(SUPERUSER)}/{DATABASE}"
        with psycopg.connect(address, autocommit=True, connect_timeout=3) as connection:
            row = connection.execute(sql, params).fetchone()
            return row[0] if row else None

    @property
    def processes(self) -> list[psutil.Process]:
        found = psutil.Process(self.child.pid)
        return [found, *found.children(recursive=True)]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all its processes: each has a group of its own."""
        for process in self.processes:
            process.send_signal(number)

    def kill(self) -> None:
        """End it without a word, as a power cut would."""
        self.signal(signal.SIGKILL)
        self.child.process.wait()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it receive what the primary sends and show none of it."""
        self.run("SELECT pg_wal_replay_pause()")
        wait_for(lambda: self.run("SELECT pg_get_wal_replay_pause_state()") == "paused")
        try:
            yield
        finally:
            self.run("SELECT pg_wal_replay_resume()")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it take connections and never answer."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)


@contextmanager
def streaming(home: Path) -> Iterator[Standby]:
    """Run a standby; this process knows of it as all of Kith's would."""
    home.chmod(0o755)
    found = Standby(home)
    found.copy()
    found.start()
    # The servers of tests commit before the disk has anything, and so before a standby could have it.
    superuser = found.state.database_url(SUPERUSER)
    waits = "ALTER ROLE {} {} synchronous_commit"
    roles = ("kith_web", "kith_staff")
    with psycopg.connect(superuser, autocommit=True) as primary:
        for role in roles:
            primary.execute(f"{waits.format(role, 'SET')} = 'on'")
    told: dict[str, Any] = connections.settings
    told["replica"] = {
        **told["default"],
        **databases(env.read({**os.environ, "DATABASE_REPLICA_URL": found.url}))["replica"],
    }
    connections.close_all()
    try:
        yield found
    finally:
        connections.close_all()
        del told["replica"]
        with psycopg.connect(superuser, autocommit=True) as primary:
            for role in roles:
                primary.execute(waits.format(role, "RESET"))
        found.kill()
