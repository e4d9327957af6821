"""A RabbitMQ of a test's own."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kombu import Connection

from config.child import Child, Program
from config.embedded import Embedded
from config.embedded.state import free_port
from config.identity import choose_identity
from tests.faults.harness import wait_for

__all__ = ["RabbitMQ", "rabbitmq"]

# Not the one in /usr/sbin, which wants to be the machine's only one.
PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class RabbitMQ:
    """One node in one folder, with all that Erlang leaves anywhere."""

    def __init__(self, servers: Embedded) -> None:
        self.servers = servers
        self.folder = servers.home / "rabbitmq"
        self.folder.mkdir()
        self.identity = choose_identity(servers.home, Path("/bin/true"))
        if self.identity:
            os.chown(self.folder, self.identity.uid, self.identity.gid)
        ports = {name: str(free_port(0)) for name in ("RABBITMQ_NODE_PORT", "RABBITMQ_DIST_PORT", "ERL_EPMD_PORT")}
        self.environ = {
            **ports,
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"kith{ports['RABBITMQ_NODE_PORT']}@localhost",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "environment"),
        }
        self.url = f"amqp://guest:guest@127.0.0.1:{ports['RABBITMQ_NODE_PORT']}//"
        self.child = self.start()

    def start(self) -> Child:
        """Start the node, with what an earlier start has kept."""
        program = Program("rabbitmq", (str(PROGRAM),), signal.SIGTERM, self.environ, self.identity)
        child = Child(program, self.servers.log.open("rabbitmq"))
        wait_for(self.answers, 90, "RabbitMQ ready")
        return child

    def answers(self) -> bool:
        connection = Connection(self.url, connect_timeout=2)
        failures: tuple[type[BaseException], ...] = (OSError, *connection.connection_errors)
        try:
            with connection:
                connection.connect()
        except failures:
            return False
        return True

    def kill(self) -> None:
        """End the node by force, and the directory of nodes that Erlang has left running."""
        self.child.stop(0)
        epmd = ("epmd", "-port", self.environ["ERL_EPMD_PORT"], "-kill")
        wait_for(lambda: not subprocess.run(epmd, env=self.environ, capture_output=True, check=False).returncode)


@contextmanager
def rabbitmq(servers: Embedded) -> Iterator[RabbitMQ]:
    """Run one beside the servers of a test."""
    node = RabbitMQ(servers)
    try:
        yield node
    finally:
        node.kill()
