"""PgBouncer in transaction mode, before the PostgreSQL of a test."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from config.child import Child, Program
from config.embedded import Embedded
from config.embedded.state import free_port
from config.identity import choose_identity
from tests.serving import listens, wait_for

__all__ = ["POOLED", "pgbouncer"]

PROGRAM = Path("/usr/sbin/pgbouncer")
POOLED = ("DATABASE_URL", "DATABASE_ADMIN_URL")
# Few connections for many clients, so that each client meets what others have left in a session.
SETTINGS = """\
[databases]
kith = host=127.0.0.1 port={postgres} dbname=kith

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 5
max_client_conn = 500
"""


@contextmanager
def pgbouncer(servers: Embedded) -> Iterator[dict[str, str]]:
    """Run PgBouncer before a PostgreSQL; give the addresses that lead through it, by the names of their settings."""
    folder = servers.home / "pgbouncer"
    folder.mkdir()
    port = free_port(0)
    urls = {name: servers.urls[name] for name in POOLED}
    users = [(urlsplit(url).username, urlsplit(url).password) for url in urls.values()]
    settings = SETTINGS.format(postgres=servers.state.ports["postgres"], port=port, users=folder / "users.txt")
    (folder / "users.txt").write_text("".join(f'"{user}" "{password}"\n' for user, password in users))
    (folder / "pgbouncer.ini").write_text(settings)
    # It refuses to be root.
    identity = choose_identity(servers.home, PROGRAM)
    for path in (folder, *folder.iterdir()):
        os.chown(path, *((identity.uid, identity.gid) if identity else (-1, -1)))
    command = (str(PROGRAM), str(folder / "pgbouncer.ini"))
    child = Child(Program("pgbouncer", command, signal.SIGINT, identity=identity), servers.log.open("pgbouncer"))
    try:
        led = {name: url.replace(f":{urlsplit(url).port}/", f":{port}/") for name, url in urls.items()}
        wait_for(lambda: listens(port))
        yield led
    finally:
        child.ask()
        child.stop(0)
