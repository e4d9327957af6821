"""Who a server runs as: PostgreSQL refuses to run as root, so root starts its servers as the user nobody."""

import ctypes
import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.errors import StartError

LIBC = ctypes.CDLL(None, use_errno=True)
SET_DEATH_SIGNAL, SET_SECUREBITS, AMBIENT, AMBIENT_RAISE = 1, 28, 47, 2
NO_SETUID_FIXUP = 4
CAPABILITIES_VERSION = 0x20080522
MAY_OVERRIDE, MAY_SEARCH = 1, 2


@dataclass(frozen=True, slots=True)
class Identity:
    """A user, and the one capability it keeps where it could not reach its own files without."""

    uid: int
    gid: int
    capability: int | None = None


def choose_identity(folder: Path, binary: Path) -> Identity | None:
    """Return who runs the servers of a folder: None means the user who asks, which is right unless that is root.

    Below a closed folder, such as the home of root, no folder is opened: the server may look through closed folders
    instead. Containers often lack that capability and have the wider one; a server with it is still less than root.
    """
    if os.geteuid() != 0:
        check_name(os.geteuid())
        return None
    uid, gid = find_owner(folder)
    for capability in (None, MAY_SEARCH, MAY_OVERRIDE):
        identity = Identity(uid, gid, capability)
        if can_run(identity, folder, binary):
            return identity
    raise StartError(
        f"The user {pwd.getpwuid(uid).pw_name}, which runs the servers when you are root, cannot reach {folder}: move "
        "Kith to a folder open to all users, start it as an ordinary user, or set DATABASE_URL and REDIS_URL."
    )


def check_name(uid: int) -> None:
    """Refuse a user without a name, as containers make them: PostgreSQL would."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        message = f"The user {uid} has no entry in /etc/passwd, and PostgreSQL needs one: add it, or set DATABASE_URL."
        raise StartError(message) from None


def find_owner(folder: Path) -> tuple[int, int]:
    """Return the user a data folder belongs to already, or nobody."""
    data = folder / "postgres"
    if data.exists() and data.stat().st_uid != 0:
        return data.stat().st_uid, data.stat().st_gid
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def can_run(identity: Identity, folder: Path, binary: Path) -> bool:
    """Try whether this user can see the folder and run the program."""

    def prepare() -> None:
        become(identity)
        (folder / ".").stat()
        if not os.access(binary, os.R_OK | os.X_OK):
            raise PermissionError(binary)

    try:
        command = (str(binary), "--version")
        subprocess.run(command, check=True, preexec_fn=prepare, capture_output=True, cwd="/", timeout=20)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def before_start(identity: Identity | None, farewell: int) -> Callable[[], None]:
    """Return what a new process does before it becomes its program: change its user, and tie itself to its parent."""
    parent = os.getpid()

    def prepare() -> None:
        if identity:
            become(identity)
        if sys.platform == "linux":
            LIBC.prctl(SET_DEATH_SIGNAL, farewell, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def become(identity: Identity) -> None:
    """Turn this process into another user for good, with one capability at most."""
    # Else the capability would be gone with root, and PostgreSQL's look for its own programs, access(2), blind to it.
    if identity.capability is not None and LIBC.prctl(SET_SECUREBITS, NO_SETUID_FIXUP, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "capability refused")
    os.setgroups([])
    os.setresgid(identity.gid, identity.gid, identity.gid)
    os.setresuid(identity.uid, identity.uid, identity.uid)
    if identity.capability is not None:
        keep(identity.capability)


def keep(capability: int) -> None:
    """Give up every capability but one, and hand that one on to the program. Raises OSError when it is not ours."""
    bit = 1 << capability
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if LIBC.capset(header, sets) or LIBC.prctl(AMBIENT, AMBIENT_RAISE, capability, 0, 0):
        raise OSError(ctypes.get_errno(), "capability refused")
