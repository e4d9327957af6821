"""PostgreSQL and Redis out of Python packages, for everybody who has given no addresses of their own."""

import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from config.child import Child, Log, Pause
from config.embedded import binaries
from config.embedded.files import FileLog
from config.embedded.postgres import Postgres
from config.embedded.redis import Redis
from config.embedded.state import State
from config.identity import choose_identity

STOP_SECONDS = 8


class Embedded:
    """The servers of one data folder. `fast` gives up safety against power cuts, for tests."""

    def __init__(
        self,
        home: Path,
        log: Log | None = None,
        *,
        postgres: bool = True,
        redis: bool = True,
        fast: bool = False,
        pause: Pause = time.sleep,
    ) -> None:
        self.home = home
        self.log = log or FileLog(home)
        self.wanted = {"postgres": postgres, "redis": redis}
        self.fast = fast
        self.pause = pause
        self.state = State()
        self.servers: list[Postgres | Redis] = []
        self.children: list[Child] = []

    @property
    def urls(self) -> dict[str, str]:
        """The addresses of the servers, by the names of their settings."""
        return self.state.urls

    def start(self) -> None:
        """Start the servers and wait until they answer; when one fails, none is left behind."""
        with ExitStack() as undo:
            undo.callback(self.stop)
            self.launch()
            self.wait()
            undo.pop_all()

    def launch(self) -> None:
        """Start the servers without waiting. Their addresses are written down first, so none is ever lost."""
        self.home.mkdir(mode=0o755, parents=True, exist_ok=True)
        path = self.home / "embedded.json"
        self.state = State.load(path)
        self.servers = self.make_servers()
        self.state.reserve(**self.wanted)
        self.state.save(path)
        for server in self.servers:
            self.children.append(server.launch(self.state, self.log))

    def make_servers(self) -> list[Postgres | Redis]:
        """Find the programs, and the user who runs them."""
        servers: list[Postgres | Redis] = []
        if self.wanted["redis"]:
            program = binaries.redis_server()
            servers.append(Redis(program, self.home / "redis", choose_identity(self.home, program)))
        if self.wanted["postgres"]:
            folder = binaries.postgres_folder()
            identity = choose_identity(self.home, folder / "postgres")
            servers.append(Postgres(folder, self.home / "postgres", identity, fast=self.fast))
        return servers

    def wait(self) -> None:
        """Wait until every server answers."""
        for server, child in zip(self.servers, self.children, strict=True):
            server.wait(child, self.state, self.log, self.pause)

    def revive(self, child: Child) -> None:
        """Start a server again, on its port and with its data, in the place of one that is over."""
        at = self.children.index(child)
        self.children[at] = self.servers[at].launch(self.state, self.log)

    def stop(self) -> None:
        """Ask every server to end, and end by force what is still there after a while."""
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children:
            child.ask()
        for child in self.children:
            child.stop(deadline)
        self.children.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
