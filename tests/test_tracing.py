"""Traces: a real collector gets spans of requests, statements and deliveries, and nothing that is secret."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from config.env import BASE
from tests.conftest import Caller
from tests.serving import Web, wait_for
from tests.webhooks.conftest import calm, make_endpoint
from tests.webhooks.receiving import Receiver, receiver
from webhooks import watching
from webhooks.drain import Drain

SECRET = "kith_live_" + "s" * 40
TRACE = "0af7651916cd43dd8448eb211c80319c"
Span = SimpleNamespace


@pytest.fixture(scope="module")
def collector() -> Iterator[Receiver]:
    with receiver() as found:
        found.answers = lambda got: (200, {})
        yield found


@pytest.fixture(scope="module")
def web(django_db_setup: None, collector: Receiver) -> Iterator[Web]:
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url.rstrip("/"),
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_SERVICE_NAME": "kith-of-tests",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        server = Web()
    yield server
    server.kill()


def spans(collector: Receiver) -> Sequence[Span]:
    """Return all spans that the collector has got, with the name of the service that sent them."""
    found = []
    for got in list(collector.got):
        for sent in ExportTraceServiceRequest.FromString(got.body).resource_spans:
            service = attributes(sent.resource)["service.name"]
            for span in (span for scope in sent.scope_spans for span in scope.spans):
                own = {
                    "name": span.name,
                    "trace": span.trace_id.hex(),
                    "id": span.span_id,
                    "parent": span.parent_span_id,
                }
                found.append(Span(**own, service=service, status=span.status.code, attributes=attributes(span)))
    return found


def attributes(thing: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in thing.attributes}


def named(collector: Receiver, request_id: str) -> list[Span]:
    return [span for span in spans(collector) if span.attributes.get("kith.request_id") == request_id]


def test_a_request_is_a_span_with_its_statements(acme: Caller, web: Web, collector: Receiver) -> None:
    name = f"Zaphod {uuid4().hex}"
    sent = {
        "Authorization": f"Bearer {acme.key}",
        "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
        "X-Request-ID": uuid4().hex,
        "Cookie": "sessionid=do-not-tell",
    }
    body = {"name": name, "email": "zaphod@example.com"}
    assert requests.post(f"{web.url}/v1/clients", json=body, headers=sent, timeout=20).status_code == 201
    wait_for(lambda: bool(named(collector, sent["X-Request-ID"])))
    (span,) = named(collector, sent["X-Request-ID"])
    assert (span.name, span.trace, span.service, span.status) == ("POST v1/clients", TRACE, "kith-of-tests", 0)
    assert span.attributes["http.response.status_code"] == 201
    assert span.attributes["kith.tenant"] == str(acme.tenant.id)
    statements = [inner for inner in spans(collector) if inner.parent == span.id]
    assert {inner.attributes["db.system.name"] for inner in statements} == {"postgresql"}
    assert any(inner.name == "INSERT" and "%s" in inner.attributes["db.query.text"] for inner in statements)
    told = b"".join(got.body for got in collector.got)
    for secret in (acme.key, name, "zaphod@example.com", "do-not-tell", acme.tenant.slug):
        assert secret.encode() not in told


def test_what_stands_in_an_address_is_not_told(acme: Caller, web: Web, collector: Receiver) -> None:
    request_id = uuid4().hex
    answer = requests.get(
        f"{web.url}/v1/clients/{SECRET}?api_key={SECRET}", headers={"X-Request-ID": request_id}, timeout=20
    )
    assert answer.status_code >= 400
    wait_for(lambda: bool(named(collector, request_id)))
    (span,) = named(collector, request_id)
    assert span.name == "GET v1/clients/{pk}"
    assert SECRET.encode() not in b"".join(got.body for got in collector.got)


def test_the_last_spans_are_sent_when_the_server_ends(web: Web, acme: Caller, collector: Receiver) -> None:
    request_id = uuid4().hex
    sent = {"Authorization": f"Bearer {acme.key}", "X-Request-ID": request_id}
    assert requests.get(f"{web.url}/v1/clients", headers=sent, timeout=20).ok
    web.stop()
    assert named(collector, request_id)


def test_an_attempt_to_deliver_is_a_span_without_the_address(
    acme: Caller, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  loaded by this test alone
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415

    from config.metrics import tracing  # noqa: PLC0415

    provider, told = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(told))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("tests"))
    monkeypatch.setattr(watching, "_watchers", [tracing.note_attempt])
    settings.WEBHOOK_ALLOWED_NETS = ("127.0.0.1/32",)
    calm()
    with receiver() as target:
        endpoint = make_endpoint(acme, f"{target.url}?token={SECRET}", "client.created")
        assert acme.post("/clients", {"name": "Ada"}).status == 201
        Drain().run(3)
    (span,) = told.get_finished_spans()
    assert span.name == "deliver client.created"
    assert span.attributes is not None
    assert span.attributes["kith.endpoint"] == str(endpoint.pk)
    assert (span.attributes["http.response.status_code"], span.attributes["kith.outcome"]) == (204, "succeeded")
    assert SECRET not in span.to_json()


@pytest.mark.deep
def test_nothing_that_sends_is_loaded_where_it_is_off() -> None:
    # Redis's own client looks for the rest, whoever uses it.
    names = ("config.metrics.tracing", "opentelemetry.exporter", "google.protobuf")
    code = f"import sys, config.serving, config.celery, config.urls; sys.exit(any(n in sys.modules for n in {names}))"
    environ = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, cwd=BASE, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
