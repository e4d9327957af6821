"""PostgreSQL as a child of Kith: made once, on the loopback address only, with passwords."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import psycopg
from psycopg import Connection

from config import roles
from config.child import Child, Log, Pause, Program
from config.embedded.state import SUPERUSER, State
from config.errors import StartError
from config.identity import Identity, before_start

SETTINGS = ("max_connections=200", "timezone=UTC", "log_timezone=UTC", "log_checkpoints=off")
# Tests throw their data away, so they need not wait for the disk.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
READY_SECONDS = 120


class Postgres:
    """One cluster in one folder."""

    def __init__(self, programs: Path, data: Path, identity: Identity | None, *, fast: bool) -> None:
        self.programs = programs
        self.data = data
        self.identity = identity
        self.fast = fast

    def launch(self, state: State, log: Log) -> Child:
        """Make the cluster when there is none, and start the server."""
        self.create(state.password(SUPERUSER))
        return self.start(state.ports["postgres"], log)

    def create(self, password: str) -> None:
        """Make the cluster, in a draft folder first: a start that was cut short leaves nothing that looks whole."""
        if self.data.exists():
            return
        draft = self.data.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        secret = self.data.with_suffix(".password")
        secret.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(password)
            self.give_away(draft, secret)
            self.run_initdb(draft, secret)
        finally:
            secret.unlink(missing_ok=True)
        draft.rename(self.data)

    def give_away(self, *paths: Path) -> None:
        """Hand files to the user the server runs as."""
        for path in paths:
            if self.identity:
                os.chown(path, self.identity.uid, self.identity.gid)

    def run_initdb(self, folder: Path, secret: Path) -> None:
        """Run `initdb`. The built-in locale sorts the same way on every machine."""
        command = [
            str(self.programs / "initdb"),
            *("--pgdata", str(folder), "--username", SUPERUSER, "--pwfile", str(secret), "--auth", "scram-sha-256"),
            *("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            *(["--no-sync"] if self.fast else []),
        ]
        prepare = before_start(self.identity, signal.SIGTERM)
        done = subprocess.run(
            command,
            check=False,
            preexec_fn=prepare,
            capture_output=True,
            text=True,
            cwd="/",
            start_new_session=True,
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise StartError(f"PostgreSQL could not make its data folder {self.data}: {reason}")

    def start(self, port: int, log: Log) -> Child:
        """Start the server."""
        self.forget_stranger()
        settings = [word for line in (*SETTINGS, *(FAST if self.fast else ())) for word in ("-c", line)]
        place = ("-D", str(self.data), "-h", "127.0.0.1", "-p", str(port), "-k", "")
        command = (str(self.programs / "postgres"), *place, *settings)
        environ = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
        program = Program("postgres", command, signal.SIGINT, environ, self.identity)
        return Child(program, log.open("postgres"))

    def forget_stranger(self) -> None:
        """Remove a lock file whose process number went to another program since; PostgreSQL would wait for it."""
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
            if psutil.Process(pid).name() != "postgres":
                lock.unlink()
        except (OSError, ValueError, psutil.Error):
            return

    def wait(self, child: Child, state: State, log: Log, pause: Pause) -> None:
        """Wait until the server takes connections, then make the roles and the database that are missing."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if child.ended:
                raise StartError(f"PostgreSQL ended while it started: {log.tail('postgres')}")
            connection = self.find_connection(state) if self.is_ready() else None
            if connection:
                with connection:
                    return roles.create_all(connection, state)
            pause(0.05)
        raise StartError(f"PostgreSQL did not start within {READY_SECONDS} seconds: {log.tail('postgres')}")

    def is_ready(self) -> bool:
        """Ask the lock file, as PostgreSQL's own tools do; asking the server too early fills the log with errors."""
        try:
            return "ready" in (self.data / "postmaster.pid").read_text().splitlines()[7]
        except (OSError, IndexError):
            return False

    def find_connection(self, state: State) -> Connection | None:
        """Connect as the superuser; None while the server starts, which is long when it repairs its data."""
        try:
            return psycopg.connect(state.database_url(SUPERUSER, "postgres"), connect_timeout=2, autocommit=True)
        except psycopg.OperationalError as error:
            if "authentication failed" not in str(error):
                return None
        raise StartError(f"The password in embedded.json does not open {self.data}: restore both from one backup.")
