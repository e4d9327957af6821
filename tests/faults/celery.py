"""Kith's worker for a fault in which Redis soon takes a task for lost, and hands it out again."""

from config.celery import app

VISIBILITY = {"visibility_timeout": 5}
app.conf.update(
    broker_transport_options={**app.conf.broker_transport_options, **VISIBILITY},
    result_backend_transport_options=VISIBILITY,
    **VISIBILITY,
)
