"""One Celery task per delivery, as a tutorial has it: the ORM loads, `requests` posts, the ORM writes.

A worker of it: `celery -A benchmarks.per_task worker --concurrency 2 --queues per_task`. Celery opens a connection to
PostgreSQL for each task; with KEEP_CONNECTIONS in its environment it keeps them, which few tutorials know.
"""

import os

import django
import orjson
import requests
from celery import Celery
from django.conf import settings

django.setup()

from django.utils import timezone  # noqa: E402  Django first

from tenants import ids  # noqa: E402
from tenants.models import Event  # noqa: E402
from tenants.routing import STAFF, using  # noqa: E402
from webhooks.models import Attempt, Delivery, Endpoint, EndpointSecret  # noqa: E402
from webhooks.secrets import unseal  # noqa: E402
from webhooks.signing import sign  # noqa: E402
from webhooks.speech import Heard, speech  # noqa: E402

__all__ = ["KEPT_QUEUE", "QUEUE", "app", "deliver"]

QUEUE, KEPT_QUEUE = "per_task", "per_task_kept"
TIMEOUT = 15

# Not the current app: pokes are sent by that one.
app = Celery("per_task", broker=settings.REDIS_URL, set_as_current=False)
app.conf.update(task_ignore_result=True, worker_hijack_root_logger=False)
if os.environ.get("KEEP_CONNECTIONS"):
    app.conf["CELERY_DB_REUSE_MAX"] = 10**9


@app.task(name="per_task.deliver")
def deliver(delivery_id: str, event_id: str) -> None:
    """Send one delivery and write down what came of it. The event's id spares it the search in every partition."""
    with using(STAFF):
        found = Delivery.every_tenant.filter(pk=delivery_id, event_id=event_id)
        delivery = found.get()
        event = Event.every_tenant.get(pk=event_id)
        endpoint = Endpoint.every_tenant.get(pk=delivery.endpoint_id)
        secrets = [unseal(one.sealed) for one in EndpointSecret.every_tenant.filter(endpoint=endpoint)]
        response = post(event, endpoint, secrets)
        found.update(
            status=Delivery.Status.DELIVERED if response.ok else Delivery.Status.EXHAUSTED,
            attempts=1,
            starts=1,
            status_code=response.status_code,
            finished_at=timezone.now(),
        )
        Attempt.every_tenant.create(
            tenant_id=delivery.tenant_id,
            endpoint_id=delivery.endpoint_id,
            delivery_id=delivery.pk,
            number=1,
            state=Attempt.State.SUCCEEDED if response.ok else Attempt.State.FAILED,
            status_code=response.status_code,
            duration_ms=round(response.elapsed.total_seconds() * 1000),
            answer_headers={"date": response.headers.get("date", "")},
            answer=response.text,
        )


def post(event: Event, endpoint: Endpoint, secrets: list[str]) -> requests.Response:
    """Send what Kith sends too: the same body, signed in the same way."""
    name, now = ids.encode("evt", event.pk), int(timezone.now().timestamp())
    body = speech().say(endpoint.contract, heard(event))
    headers = {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(now),
        "webhook-signature": sign(secrets, name, now, body),
    }
    return requests.post(endpoint.url, data=body, headers=headers, timeout=TIMEOUT)


def heard(event: Event) -> Heard:
    data, changes = (orjson.dumps(value).decode() for value in (event.data, event.changes))
    moment = event.occurred_at.isoformat()
    return Heard(event.pk, event.type, event.resource, moment, event.record_version, data, changes)
