"""The key that signs sessions: made once, kept in the data folder, readable by its owner only."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.env import Environment


def secret_key(env: Environment) -> str:
    """Return SECRET_KEY, or the key in KITH_HOME/secret_key, which is made when it is missing."""
    given = env.text("SECRET_KEY")
    return given or read_or_make(env.home / "secret_key")


def read_or_make(path: Path) -> str:
    """Return the text of a secret file. Of several processes that make it at once, the first one wins."""
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not path.exists():
            make(path)
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        message = f"{path} cannot be written or read ({error.strerror}): make KITH_HOME a folder you own."
        raise ImproperlyConfigured(message) from None


def make(path: Path) -> None:
    """Write a new secret beside its place, then link it there: nobody ever reads half a secret."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(50))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
