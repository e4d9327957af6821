"""What the servers of Kith must remember between two starts: ports and passwords, in KITH_HOME/embedded.json."""

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from config.errors import StartError

LOGINS = {
    "DATABASE_URL": "kith_web",
    "DATABASE_ADMIN_URL": "kith_staff",
    "DATABASE_MIGRATION_URL": "kith_owner",
    "DATABASE_BACKUP_URL": "kith_backup",
}
DATABASE = "kith"
SUPERUSER = "kith_super"


@dataclass(slots=True)
class State:
    """Ports, passwords and the addresses made of them."""

    ports: dict[str, int] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file; before the first start there is none."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return cls()
        except PermissionError:
            raise StartError(f"{path} belongs to another user: start Kith as that user, or set KITH_HOME.") from None
        except (OSError, ValueError, TypeError) as error:
            raise StartError(f"{path} cannot be read ({error}): restore it from a backup.") from None

    def save(self, path: Path) -> None:
        """Write the file for its owner's eyes only, whole or not at all."""
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def password(self, name: str) -> str:
        """Return the password of a login, made when it is first asked for."""
        return self.passwords.setdefault(name, secrets.token_urlsafe(24))

    def reserve(self, *, postgres: bool, redis: bool) -> None:
        """Choose the ports of a start, those of the last one where they are free, and write down the addresses."""
        for name in ("postgres", "redis"):
            self.ports[name] = free_port(self.ports.get(name, 0))
        self.password(SUPERUSER)
        self.urls = {name: self.database_url(login) for name, login in LOGINS.items()} if postgres else {}
        if redis:
            self.urls["REDIS_URL"] = f"redis://:{self.password('redis')}@127.0.0.1:{self.ports['redis']}/0"

    def database_url(self, login: str, database: str = DATABASE) -> str:
        """Return the address of a database for one login."""
        return f"postgresql://{login}:{self.password(login)}@127.0.0.1:{self.ports['postgres']}/{database}"


def free_port(wanted: int) -> int:
    """Return the wanted port when nobody listens there, else any free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
