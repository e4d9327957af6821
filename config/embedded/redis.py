"""Redis as a child of Kith: on the loopback address only, with a password, its data kept in an append-only file."""

import os
import signal
import time
from pathlib import Path

import redis

from config.child import Child, Log, Pause, Program
from config.embedded.state import State
from config.errors import StartError
from config.identity import Identity

SETTINGS = """\
bind 127.0.0.1
port {port}
dir "{folder}"
requirepass {password}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
loglevel warning
"""
READY_SECONDS = 60


class Redis:
    """One Redis server in one folder."""

    def __init__(self, program: Path, folder: Path, identity: Identity | None) -> None:
        self.program = program
        self.folder = folder
        self.identity = identity

    def launch(self, state: State, log: Log) -> Child:
        """Start the server. The password goes through a file, since everybody can read a command line."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        settings = self.folder / "redis.conf"
        port = state.ports["redis"]
        settings.unlink(missing_ok=True)
        with os.fdopen(os.open(settings, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(SETTINGS.format(port=port, folder=self.folder, password=state.password("redis")))
        if self.identity:
            os.chown(self.folder, self.identity.uid, self.identity.gid)
            os.chown(settings, self.identity.uid, self.identity.gid)
        command = (str(self.program), str(settings))
        return Child(Program("redis", command, signal.SIGTERM, identity=self.identity), log.open("redis"))

    def wait(self, child: Child, state: State, log: Log, pause: Pause) -> None:
        """Wait until the server answers."""
        deadline = time.monotonic() + READY_SECONDS
        client = redis.Redis.from_url(state.urls["REDIS_URL"], socket_timeout=2)
        while time.monotonic() < deadline:
            if child.ended:
                raise StartError(f"Redis ended while it started: {log.tail('redis')}")
            try:
                client.ping()
                return client.close()
            except redis.RedisError:
                pause(0.02)
        raise StartError(f"Redis did not start within {READY_SECONDS} seconds: {log.tail('redis')}")
