"""Lists whose rows know more than their columns: looked up for the rows of the page, in a statement or two for all."""

from typing import Any

from django.db import OperationalError
from django.http import HttpRequest
from unfold.views import ChangeList

from webhooks.figures import Day, days
from webhooks.health import health, lanes_of
from webhooks.models import Endpoint

__all__ = ["DeliveryList", "EndpointList"]

UNKNOWN = Day()


class EndpointList(ChangeList):
    """Each endpoint knows its health and its last day; the day is unknown where it is too much to count in time."""

    def get_results(self, request: HttpRequest) -> None:
        """Look the page up."""
        super().get_results(request)
        rows = read(self)
        lanes = lanes_of(rows)
        try:
            known = days(rows)
        except OperationalError:
            known = {}
        for row in rows:
            row.health, row.day = health(row, lanes.get(row.pk)), known.get(row.pk, UNKNOWN)


class DeliveryList(ChangeList):
    """Each delivery knows the address it goes to, as long as the endpoint is there."""

    def get_results(self, request: HttpRequest) -> None:
        """Look the page up."""
        super().get_results(request)
        rows = read(self)
        wanted = {row.endpoint_id for row in rows}
        found = Endpoint.every_tenant.filter(pk__in=wanted).in_bulk() if wanted else {}
        for row in rows:
            row.endpoint = found.get(row.endpoint_id)


def read(changes: Any) -> list[Any]:
    """Return the rows of the page, read once: what is put on them stays."""
    changes.result_list = list(changes.result_list)
    return changes.result_list  # type: ignore[no-any-return]
