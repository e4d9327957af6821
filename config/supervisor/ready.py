"""Waits until every process answers."""

import http.client
import time
from collections.abc import Callable
from pathlib import Path

from config.env import Environment
from config.errors import StartError
from config.ready import ready_file
from config.supervisor.parts import place

READY_SECONDS = 90
Check = Callable[[], bool]


def wait(env: Environment, rest: Callable[[float], None]) -> None:
    """Wait until the web server, the worker and the clock are ready; `rest` raises when there is no sense in it."""
    waiting: dict[str, Check] = {
        "web": web_check(env),
        "worker": file_check(env, "worker"),
        "beat": file_check(env, "beat"),
    }
    deadline = time.monotonic() + READY_SECONDS
    while waiting:
        waiting = {name: check for name, check in waiting.items() if not check()}
        if time.monotonic() > deadline:
            raise StartError(f"Not ready within {READY_SECONDS} seconds: {', '.join(waiting)}; the log above says why.")
        rest(0.1)


def web_check(env: Environment) -> Check:
    """Make the check of the web server: it answers on /readyz and finds its database."""

    def check() -> bool:
        connection = http.client.HTTPConnection(place(env), timeout=5)
        try:
            connection.request("GET", "/readyz", headers={"Host": "localhost"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return check


def file_check(env: Environment, name: str) -> Check:
    """Make the check of a Celery process: it leaves a file when it is ready, whatever the log level."""
    path = ready_file(env.home, name)
    return path.exists


def forget(home: Path) -> None:
    """Delete the signs of an earlier start."""
    for name in ("worker", "beat"):
        ready_file(home, name).unlink(missing_ok=True)
