"""Traces for OpenTelemetry: requests, tasks, database statements and deliveries. Loaded only where they are wanted.

A span names templates and ids. No header, body, query, address or parameter of a statement gets into one.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.util import Finalize
from typing import Any

from celery.signals import task_postrun, task_prerun
from django.conf import settings
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from config import VERSION
from config.metrics.requests import METHODS, plain
from config.redaction import mask
from crm.wakeups import wait_of
from webhooks.models import Attempt
from webhooks.queue import Result
from webhooks.watching import watch_by

__all__ = ["Tracing", "start", "trace_tasks"]

# How long a collector that does not answer is waited for; what does not fit in the queue meanwhile is dropped.
PATIENCE_SECONDS = 2
LONGEST_STATEMENT = 2000
tracer = trace.get_tracer("kith")
incoming = TraceContextTextMapPropagator()
running: list[TracerProvider] = []
tasks: dict[str, Any] = {}


def start() -> None:
    """Begin to send spans out of this process, once; other variables of OpenTelemetry (OTEL_...) are heeded."""
    if running:
        return
    os.environ.setdefault("OTEL_SERVICE_NAME", "kith")
    provider = TracerProvider(resource=Resource.create({"service.version": VERSION}))
    address = f"{settings.ENV.text('OTEL_EXPORTER_OTLP_ENDPOINT').rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address, timeout=PATIENCE_SECONDS)))
    trace.set_tracer_provider(provider)
    running.append(provider)
    connection_created.connect(watch_connection)
    watch_by(note_attempt)
    # Not by atexit: the web server's processes are children that end without it.
    Finalize(None, provider.shutdown, exitpriority=1)


class Tracing:
    """Middleware: a span for each request, below the one its caller names by `traceparent`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        start()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        method = request.method if request.method in METHODS else "other"
        context = incoming.extract({name.lower(): value for name, value in request.headers.items()})
        with tracer.start_as_current_span(str(method), context=context, kind=SpanKind.SERVER, **QUIET) as span:
            response = self.get_response(request)
            if span.is_recording():
                describe(span, str(method), request, response)
        return response


# The text of an exception may hold values: of a failure only its class is told.
QUIET: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}


def describe(span: Span, method: str, request: HttpRequest, response: HttpResponse) -> None:
    """Put on a span what is known when a request is answered."""
    route = plain(request.resolver_match.route) if request.resolver_match else "(none)"
    span.update_name(f"{method} {route}")
    span.set_attributes(
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": response.status_code,
            "kith.request_id": getattr(request, "request_id", ""),
            "kith.waits": wait_of(response) is not None,
        }
    )
    credential = getattr(request, "credential", None)
    if credential is not None:
        span.set_attribute("kith.tenant", str(credential.tenant.id))
    if response.status_code >= 500:
        span.set_status(Status(StatusCode.ERROR))


def watch_connection(connection: Any, **_: Any) -> None:
    """Make a span of each statement of a connection that has just been opened."""
    if trace_statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(trace_statement)


def trace_statement(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Run a statement in a span, where it belongs to something that is traced."""
    if not trace.get_current_span().is_recording():
        return execute(sql, params, many, context)
    text = mask(str(sql))[:LONGEST_STATEMENT]
    with tracer.start_as_current_span(text.split(maxsplit=1)[0].upper(), kind=SpanKind.CLIENT, **QUIET) as span:
        span.set_attributes({"db.system.name": "postgresql", "db.query.text": text})
        with failing(span):
            return execute(sql, params, many, context)


@contextmanager
def failing(span: Span) -> Iterator[None]:
    """Say on the span by what class of failure the block ended."""
    try:
        yield
    except Exception as error:
        span.set_attribute("error.type", type(error).__name__)
        span.set_status(Status(StatusCode.ERROR))
        raise


def note_attempt(result: Result) -> None:
    """Make a span of an attempt to deliver that has ended."""
    taken, end = result.taken, time.time_ns()
    started = end - result.duration_ms * 10**6
    span = tracer.start_span(f"deliver {taken.type}", kind=SpanKind.CLIENT, start_time=started)
    span.set_attributes(
        {
            "kith.tenant": str(taken.tenant_id),
            "kith.endpoint": str(taken.endpoint_id),
            "kith.event": str(taken.event_id),
            "kith.attempt": taken.attempts + 1,
            "kith.outcome": str(result.state),
        }
    )
    if result.code is not None:
        span.set_attribute("http.response.status_code", result.code)
    if result.state == Attempt.State.FAILED:
        span.set_status(Status(StatusCode.ERROR))
    span.end(end)


def trace_tasks() -> None:
    """Make a span of each task that this process runs."""
    task_prerun.connect(begin_task)
    task_postrun.connect(end_task)


def begin_task(task_id: str, task: Any, **_: Any) -> None:
    """Open the span of a task."""
    entered = tracer.start_as_current_span(task.name, kind=SpanKind.CONSUMER, **QUIET)
    entered.__enter__()
    tasks[task_id] = entered


def end_task(task_id: str, state: str, retval: Any, **_: Any) -> None:
    """Close it."""
    entered = tasks.pop(task_id, None)
    if entered is None:
        return
    if state != "SUCCESS":
        span = trace.get_current_span()
        span.set_attribute("error.type", type(retval).__name__)
        span.set_status(Status(StatusCode.ERROR))
    entered.__exit__(None, None, None)
