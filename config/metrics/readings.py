"""What is looked up when somebody asks, and not counted: figures of the database, of Redis and of the processes."""

import os
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import psutil
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from apikeys.limits import ping
from config import VERSION
from config.metrics import figures, tasks
from config.metrics.folder import FOLDER, counters
from tenants import ids

__all__ = ["READINGS"]

# Whoever asks more often hears the same again: reading must not become a load.
FRESH_SECONDS = 5.0


class Readings(Collector):
    """All of them, at most a few seconds old."""

    def __init__(self) -> None:
        self.until = 0.0
        self.found: Sequence[Metric] = ()

    def collect(self) -> Sequence[Metric]:
        """Return what is known, read anew when it is old."""
        if time.monotonic() >= self.until:
            self.found = [*versions(), *of_database(), *of_redis(), *of_processes()]
            self.until = time.monotonic() + FRESH_SECONDS
        return self.found


def versions() -> Iterator[Metric]:
    info = GaugeMetricFamily("kith_info", "The version that runs.", labels=["version"])
    info.add_metric([VERSION], 1)
    yield info


def of_database() -> Iterator[Metric]:
    found = figures.read(ids.first_of(timezone.now() - timedelta(minutes=1)))
    for figure, values in found.items():
        gauge = GaugeMetricFamily(figure.name, figure.says, labels=[figure.label] if figure.label else [])
        for name, value in values.items():
            gauge.add_metric([name] if figure.label else [], value)
        yield gauge
    missing = len(figures.FIGURES) - len(found)
    yield GaugeMetricFamily("kith_figures_missing", "Figures the database did not give within a second.", missing)


def of_redis() -> Iterator[Metric]:
    yield GaugeMetricFamily("kith_redis_up", "Whether Redis answers.", int(ping()))
    if (length := tasks.queue_length()) is not None:
        yield GaugeMetricFamily("kith_tasks_waiting", "Tasks that wait for the worker.", length)
    if (counted := tasks.counted()) is None:
        return
    ended = CounterMetricFamily(
        "kith_tasks", "Tasks that have ended, by what they ended with.", labels=["task", "outcome"]
    )
    seconds = CounterMetricFamily("kith_task_seconds", "Seconds that tasks have taken.", labels=["task"])
    for (task, outcome), value in counted[0].items():
        ended.add_metric([task, outcome], value)
    for task, value in counted[1].items():
        seconds.add_metric([task], value)
    yield from (ended, seconds)


def of_processes() -> Iterator[Metric]:
    """Yield what the processes of this web server use; memory that they share is counted in each."""
    memory, cpu, count = 0.0, 0.0, 0
    for process in processes():
        try:
            with process.oneshot():
                memory += process.memory_info().rss
                cpu += sum(process.cpu_times()[:2])
                count += 1
        except psutil.NoSuchProcess:
            continue
    yield GaugeMetricFamily("kith_web_processes", "Processes that answer requests.", count)
    yield GaugeMetricFamily("kith_web_memory_bytes", "Memory they use.", memory)
    yield CounterMetricFamily("kith_web_cpu_seconds", "Processor time they have used.", cpu)


def processes() -> Iterator[psutil.Process]:
    pids = counters(Path(os.environ[FOLDER])) if FOLDER in os.environ else {os.getpid()}
    for pid in pids:
        try:
            process = psutil.Process(pid)
        except psutil.NoSuchProcess:
            continue
        # Another program may have the number of one that is over.
        if pid == os.getpid() or process.ppid() == os.getppid():
            yield process


READINGS = Readings()
