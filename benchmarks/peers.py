"""The three servers that are measured, each as its own documentation says, with two processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil
import requests

from benchmarks.data import KITH, LIMIT, STOCK, database
from benchmarks.living import free_port
from benchmarks.trees import memory_of
from config import env
from config.supervisor.parts import PYTHON, web

__all__ = ["PEERS", "Peer", "make_stock_tables", "serving"]

PEERS = (KITH, STOCK, LIMIT)
WORKERS = 2
# While one thread of a stock process waits for PostgreSQL, the other one works.
THREADS = 2
READY_SECONDS = 60
STOCK_SETTINGS = "benchmarks.stock.settings"


@dataclass(frozen=True)
class Peer:
    """One server that runs."""

    name: str
    url: str
    root: psutil.Process

    def memory(self) -> dict[str, float]:
        """Return the resident MiB of the whole tree, and of its largest worker."""
        workers = [one.memory_info().rss / 2**20 for one in self.root.children(recursive=True)]
        return {"tree": round(memory_of(self.root), 1), "worker": round(max(workers), 1)}


def command(name: str, port: int) -> tuple[str, ...]:
    """Return how a server is started."""
    if name == KITH:
        return web(env.read({**os.environ, "PORT": str(port), "WEB_WORKERS": str(WORKERS)}))
    if name == STOCK:
        return (
            *(*PYTHON, "gunicorn", "benchmarks.stock.wsgi", "--bind", f"127.0.0.1:{port}", "--log-level", "warning"),
            *("--workers", str(WORKERS), "--worker-class", "gthread", "--threads", str(THREADS), "--keep-alive", "75"),
        )
    return (
        *(*PYTHON, "granian", "benchmarks.limit.app:application", "--interface", "wsgi", "--no-ws"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS), "--blocking-threads", "1"),
        *("--backpressure", "1024", "--log-level", "warning"),
    )


def environment(name: str) -> dict[str, str]:
    settings = STOCK_SETTINGS if name == STOCK else "config.settings"
    own = {KITH: {"WEB_WORKERS": str(WORKERS)}, STOCK: {"STOCK_DATABASE_URL": database(STOCK)}}
    own[LIMIT] = {"LIMIT_DATABASE_URL": database(LIMIT)}
    return {**os.environ, "DJANGO_SETTINGS_MODULE": settings, "PYTHONPATH": str(env.BASE), **own[name]}


def make_stock_tables() -> None:
    """Make the stock peer's tables from its models."""
    line = (sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0")
    subprocess.run(line, env=environment(STOCK), cwd=env.BASE, check=True)


@contextmanager
def serving() -> Iterator[dict[str, Peer]]:
    """Run all three, each on a port of its own."""
    with ExitStack() as stack:
        found: dict[str, Peer] = {}
        for name in PEERS:
            port = free_port()
            process = psutil.Popen(command(name, port), env=environment(name), cwd=env.BASE, stdout=subprocess.DEVNULL)
            stack.callback(end, process)
            found[name] = Peer(name, f"http://127.0.0.1:{port}", process)
        for peer in found.values():
            wait_ready(peer)
        yield found


def wait_ready(peer: Peer) -> None:
    end = time.monotonic() + READY_SECONDS
    while True:
        assert peer.root.is_running(), f"{peer.name} ended while it started"
        assert time.monotonic() < end, f"{peer.name} did not start within {READY_SECONDS} seconds"
        try:
            requests.get(f"{peer.url}/v1/", timeout=2)
        except requests.RequestException:
            time.sleep(0.2)
        else:
            return


def end(process: psutil.Popen) -> None:
    process.terminate()
    try:
        process.wait(20)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait()
