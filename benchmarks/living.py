"""Kith as `manage.py up` runs it, on the servers of the measuring, with a tenant and an endpoint at a receiver."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import requests

from benchmarks.house import make_endpoint, make_key, migrated
from benchmarks.receiver import Receiver
from config.env import BASE
from tenants.models import Tenant
from tenants.provisioning import provision
from tenants.routing import using

__all__ = ["Living", "living"]

READY_SECONDS = 120


class Living:
    """The running Kith, as a program with a key of its one tenant sees it."""

    def __init__(self, root: psutil.Process, url: str, receiver: Receiver) -> None:
        self.root, self.url, self.receiver = root, url, receiver
        with using("admin"):
            self.tenant: Tenant = provision(slug="bench")
        self.endpoint = make_endpoint(self.tenant, f"{receiver.url}/now", "client.*", "invoice.*")
        self.session = requests.Session()
        self.key = make_key(self.tenant)
        self.session.headers["Authorization"] = f"Bearer {self.key}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the data of an answer that must be 2xx."""
        response = self.session.request(method, f"{self.url}/v1{path}", json=body, timeout=30)
        assert response.ok, f"{method} {path}: {response.status_code} {response.text[:200]}"
        return response.json()["data"]

    def part(self, word: str) -> psutil.Process:
        """Return the first process of `up` whose command has a word in it."""
        return next(one for one in self.root.children() if word in one.cmdline())


@contextmanager
def living() -> Iterator[Living]:
    """Start Kith and stop it again."""
    migrated()
    port = free_port()
    command = (sys.executable, "manage.py", "up", "--no-demo", "--port", str(port))
    with Receiver() as receiver:
        process = psutil.Popen(command, cwd=BASE, stdout=subprocess.DEVNULL, env={**os.environ, "PORT": str(port)})
        try:
            wait_ready(process, f"http://127.0.0.1:{port}")
            yield Living(process, f"http://127.0.0.1:{port}", receiver)
        finally:
            process.terminate()
            process.wait()


def wait_ready(process: psutil.Popen, url: str) -> None:
    end = time.monotonic() + READY_SECONDS
    while True:
        assert process.poll() is None, "Kith ended while it started"
        assert time.monotonic() < end, "Kith did not start"
        try:
            if requests.get(f"{url}/readyz", timeout=2).ok and len(process.children()) >= 3:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
