"""One start for each data folder: a lock that dies with its process."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from config.errors import StartError


class Lock:
    """The file KITH_HOME/up.lock, held while Kith runs."""

    def __init__(self, home: Path) -> None:
        self.path = home / "up.lock"
        self.file = -1

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def take(self) -> None:
        """Take the lock. Raises StartError when another start holds it, or when the folder is not ours to write."""
        try:
            self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            while not self.is_held():
                self.open()
        except OSError as error:
            folder = self.path.parent
            message = (
                f"KITH_HOME {folder} cannot be written ({error.strerror}): make it yours, or set another KITH_HOME."
            )
            raise StartError(message) from None

    def open(self) -> None:
        """Lock the file and write our process number into it."""
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self.file, 32).decode() or "unknown"
            os.close(self.file)
            message = f"Kith runs already on {self.path.parent} (process {holder}): stop it, or set another KITH_HOME."
            raise StartError(message) from None
        os.truncate(self.file, 0)
        os.write(self.file, str(os.getpid()).encode())

    def is_held(self) -> bool:
        """Say whether the file we locked is still the one in the folder; its last holder may have deleted it since."""
        try:
            return self.file >= 0 and os.path.samestat(os.fstat(self.file), self.path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give the lock back and leave no file."""
        if self.is_held():
            self.path.unlink(missing_ok=True)
        if self.file >= 0:
            os.close(self.file)
            self.file = -1
