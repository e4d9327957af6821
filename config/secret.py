"""The keys that Kith makes for itself: made once, kept in the data folder, readable by their owner only."""

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config import kinds
from config.env import Environment


def secret_key(env: Environment) -> str:
    """Return SECRET_KEY, or the key in KITH_HOME/secret_key, which is made when it is missing."""
    given = env.text("SECRET_KEY")
    return given or read_or_make(env.home / "secret_key")


def encryption_keys(env: Environment) -> tuple[str, ...]:
    """Return ENCRYPTION_KEYS, or the keys in KITH_HOME/encryption_keys, where one is made when the file is missing."""
    given = env.words("ENCRYPTION_KEYS")
    return given or read_keys(env.home / "encryption_keys")


def read_keys(path: Path) -> tuple[str, ...]:
    """Return the keys in a file. Raises ImproperlyConfigured when it holds none, or something else."""
    try:
        keys = kinds.to_keys(read_or_make(path, new_key))
    except ValueError:
        keys = ()
    if not keys:
        raise ImproperlyConfigured(f"{path} is not understood: {kinds.KEYS.must}; restore it from a backup.")
    return keys


def new_token() -> str:
    """Return a new text that nobody can guess."""
    return secrets.token_urlsafe(50)


def new_key() -> str:
    """Return a new key for ENCRYPTION_KEYS."""
    return urlsafe_b64encode(secrets.token_bytes(32)).decode()


def read_or_make(path: Path, new: Callable[[], str] = new_token) -> str:
    """Return the text of a secret file. Of several processes that make it at once, the first one wins."""
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not path.exists():
            make(path, new())
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        message = f"{path} cannot be written or read ({error.strerror}): make KITH_HOME a folder you own."
        raise ImproperlyConfigured(message) from None


def make(path: Path, text: str) -> None:
    """Write a new secret beside its place, then link it there: nobody ever reads half a secret."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
