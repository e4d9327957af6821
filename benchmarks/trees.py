"""What the processes of a tree use: CPU seconds and memory."""

import os
from pathlib import Path

import psutil
from redis import Redis

__all__ = ["cpu_of", "memory_of", "postgres", "redis"]


def tree(root: psutil.Process) -> list[psutil.Process]:
    return [root, *root.children(recursive=True)]


def cpu_of(root: psutil.Process) -> float:
    """Return the CPU seconds, user and system, of a tree, those included whose process is over."""
    total = 0.0
    for process in tree(root):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def memory_of(root: psutil.Process) -> float:
    """Return the resident memory of a tree in MiB; pages that its processes share are counted in each."""
    total = 0
    for process in tree(root):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20


def postgres() -> psutil.Process:
    """Return the server of this run's folder."""
    lock = Path(os.environ["KITH_HOME"]) / "postgres" / "postmaster.pid"
    return psutil.Process(int(lock.read_text().split("\n", 1)[0]))


def redis() -> psutil.Process:
    """Return the server that this run counts limits in."""
    return psutil.Process(int(Redis.from_url(os.environ["REDIS_URL"]).info("server")["process_id"]))
