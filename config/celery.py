"""The Celery app: its broker carries pokes only, so a task may run twice and a lost one is found in PostgreSQL."""

import os
import warnings
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from celery.exceptions import SecurityWarning
from celery.signals import beat_init, setup_logging, worker_init, worker_process_init, worker_ready
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from kombu import Connection

from config.checks import refuse_unsafe
from config.metrics import tasks  # noqa: F401  counts those that end
from config.ready import ready_file

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Redis hands a task out again when it was not finished within this time; no task may run or wait longer.
VISIBILITY = {"visibility_timeout": 120}
# A broker that hangs must not hold a request, nor one that is away: each of them knows these waits by its own names.
REDIS = {**VISIBILITY, "socket_timeout": 5, "socket_connect_timeout": 1, "max_retries": 1}
RABBIT = {"connect_timeout": 1, "read_timeout": 5, "write_timeout": 5, "max_retries": 0}

# The warning tells root about pickle, which lets a message run code; our messages are JSON.
warnings.filterwarnings("ignore", category=SecurityWarning)


class Patient(Connection):
    """Looks for a broker that is away every two seconds, so that it is found as soon as it is back."""

    def ensure_connection(self, *args: Any, **own: Any) -> Any:
        return super().ensure_connection(*args, **{**own, "interval_step": 0})


class Messages(AMQP):
    """Celery's messages over such a connection."""

    Connection = Patient


app = Celery("kith", amqp=Messages)
app.conf.update(
    broker_url=settings.BROKER_URL or "memory://",
    broker_transport_options=RABBIT if settings.BROKER_URL.startswith("amqp") else REDIS,
    result_backend_transport_options=VISIBILITY,
    visibility_timeout=VISIBILITY["visibility_timeout"],
    broker_connection_retry_on_startup=True,
    # For ever: a worker that gave up would have to be started by somebody.
    broker_connection_max_retries=None,
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=60,
    task_soft_time_limit=45,
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=1,
    worker_concurrency=settings.ENV.number("WORKER_CONCURRENCY"),
    worker_max_tasks_per_child=1000,
    worker_max_memory_per_child=200_000,
    worker_soft_shutdown_timeout=20,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    timezone="UTC",
    beat_schedule=settings.BEAT,
    beat_schedule_filename=str(settings.KITH_HOME / "beat"),
)
app.autodiscover_tasks()


@setup_logging.connect
def keep_logging(**_: Any) -> None:
    """Leave logging as config.logs set it up; Celery replaces it unless somebody listens here."""


@worker_init.connect
def look_first(**_: Any) -> None:
    """Refuse to work where a tenant's rows are not guarded, as the web server does."""
    try:
        refuse_unsafe()
    except ImproperlyConfigured as error:
        # Celery catches what a listener raises, and goes on; it does not catch this.
        raise SystemExit(str(error)) from error
    finally:
        # The processes that work are forked from this one, and must not share a connection.
        connections.close_all()


@worker_process_init.connect
def trace(**_: Any) -> None:
    """Send traces of what this process does, where that is set; before it was forked there was nobody to send them."""
    if settings.TRACED:
        from config.metrics import tracing  # noqa: PLC0415  nothing of it is loaded where it is off

        tracing.start()
        tracing.trace_tasks()


@worker_ready.connect
def worker_is_ready(**_: Any) -> None:
    """Say that the worker listens."""
    ready_file(settings.KITH_HOME, "worker").touch()


@beat_init.connect
def beat_is_ready(**_: Any) -> None:
    """Say that the clock runs."""
    ready_file(settings.KITH_HOME, "beat").touch()
