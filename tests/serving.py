"""Kith behind a port: out of the process of the tests, or as it is served to everyone, in processes of its own."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import psutil
import requests
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections

from config import env
from config.supervisor.parts import web

__all__ = ["DEADLINE", "Web", "listens", "served", "wait_for"]

DEADLINE = 20

addresses = count(1)


class Handler(WSGIRequestHandler):
    """Serves without a log; each request comes from an address of its own, as wrong keys are counted by address."""

    def get_environ(self) -> dict[str, Any]:
        number = next(addresses)
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        return {**super().get_environ(), "REMOTE_ADDR": address}

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def served() -> Iterator[str]:
    """Serve on a free port, and give its address."""
    with make_server("127.0.0.1", 0, WSGIHandler(), handler_class=Handler) as server:
        thread = threading.Thread(target=serve, args=[server], daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def serve(server: WSGIServer) -> None:
    server.serve_forever(poll_interval=0.05)
    connections.close_all()


class Web:
    """The web server as `manage.py up` starts it, on a port of its own."""

    def __init__(self, workers: int = 1, *, log: Path = Path(os.devnull), **own: str) -> None:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        environ = {**os.environ, "PORT": str(self.port), "WEB_WORKERS": str(workers), **own}
        self.workers = workers
        self.url = f"http://127.0.0.1:{self.port}"
        # What PostgreSQL knows its connections by.
        self.name = f"web-{self.port}"
        with log.open("ab") as lines:
            self.process = subprocess.Popen(
                web(env.read(environ)),
                env=environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "PGAPPNAME": self.name},
                start_new_session=True,
                stdout=lines,
                stderr=lines,
            )
        wait_for(self.is_ready)

    def is_ready(self) -> bool:
        """Tell whether all of its processes take connections, not only the first."""
        try:
            return self.listening() == self.workers and requests.get(f"{self.url}/readyz", timeout=2).ok
        except (requests.ConnectionError, psutil.Error):
            return False

    def listening(self) -> int:
        """Return how many of its processes listen."""
        found = [child.net_connections("tcp") for child in psutil.Process(self.process.pid).children()]
        return sum(any(one.status == psutil.CONN_LISTEN for one in sockets) for sockets in found)

    def stop(self) -> float:
        """Ask it to end in order, and return how many seconds it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE)
        return time.monotonic() - started

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def listens(port: int) -> bool:
    """Tell whether somebody takes connections there, which is left at once."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


def wait_for(true: Callable[[], bool]) -> None:
    """Wait until something is true."""
    end = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
