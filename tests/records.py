"""One tenant's records of every kind, made through the API: a plain one of each, then a whole one."""

import time
from typing import Any
from uuid import uuid4

from crm.resources.invoices.models import Invoice
from crm.rest.viewset import ResourceViewSet
from tests.bodies import make_body, references
from tests.browsers import able
from tests.conftest import Answer, Caller
from tests.routes import Route, routes
from webhooks.models import Delivery, Endpoint, Replay

__all__ = ["Records"]

# A payment can go to a bill that was sent.
OPENED_BY = {Invoice: ("send",)}
# What nobody makes by itself: whose command does.
LEFT_BY = {Delivery: (Endpoint, "test"), Replay: (Endpoint, "replay")}


class Records:
    """A caller's records: `ids` of the newest by model, the `bodies` they were made of; `mark` begins their texts."""

    def __init__(self, caller: Caller, mark: str = "text", *, claim: str = "", urlconf: str | None = None) -> None:
        self.caller, self.mark = caller, f"{mark}{uuid4().hex[:6]}"
        self.routes = routes(urlconf)
        self.views = {route.view.model: route.view for route in reversed(self.routes)}
        self.makers = {route.view.model: route for route in reversed(self.routes) if "create" in route.actions.values()}
        self.ids: dict[Any, str] = {}
        self.bodies: dict[Any, dict[str, Any]] = {}
        waiting = list(self.makers)
        while waiting:
            ready = [model for model in waiting if self.needs(model) <= {*self.ids, model}]
            assert ready, f"{waiting} refer to records that the API cannot make: make them here."
            for model in ready:
                self.ids[model] = self.make(model)
                self.ids[model] = self.make(model, full=True, claim=claim and f"{claim}-{model.__name__}")
                self.open(model)
                waiting.remove(model)
        self.ids |= {model: self.left(model) for model in LEFT_BY if model in self.views}
        self.ids |= {model: self.shown(model) for model in self.views if model not in self.ids}

    def left(self, model: Any) -> str:
        """Return a record that a command on another one has made."""
        other, action = LEFT_BY[model]
        route = next(r for r in self.routes if r.view.model is other and action in r.actions.values())
        done = self.send(route, "POST", route.at(self.ids[other]))
        assert done.status < 300, (route.path, done.body)
        return str(done.data[route.contract.wire("id")])

    def shown(self, model: Any) -> str:
        """Return a record of a kind that nobody makes, one that every contract with such a list shows."""
        views = {
            route.view for route in self.routes if route.view.model is model and route.actions.get("GET") == "list"
        }
        end = time.monotonic() + 20
        while True:
            lists = [[row[view.contract.wire("id")] for row in self.list(view)] for view in views]
            if shared := [pk for pk in lists[0] if all(pk in found for found in lists)]:
                return str(shared[-1])
            # The feed holds events back while any transaction of the whole server is older.
            assert time.monotonic() < end, f"no list shows a {model.__name__}"
            time.sleep(0.05)

    def needs(self, model: Any) -> set[Any]:
        """Return the models that a record of this one refers to."""
        return {other for _, other in references(self.makers[model].takes("POST"), one=True)}

    def make(self, model: Any, *, full: bool = False, claim: str = "") -> str:
        """Make one more record and return its id; `claim` is an Idempotency-Key."""
        if model in LEFT_BY:
            return self.left(model)
        route = self.makers[model]
        body = make_body(route.takes("POST"), self.ids, full=full, mark=self.mark) | self.shared(route)
        # What is shown once cannot be replayed.
        claimed = {"Idempotency_Key": claim} if claim and not route.view.warning else {}
        made = self.send(route, "POST", route.path, body, **claimed)
        assert made.status == 201, (route.path, body, made.body)
        self.bodies[model] = body
        return str(made.data[route.contract.wire("id")])

    def open(self, model: Any) -> None:
        """Bring the newest record of a kind to where others can refer to it."""
        for action in OPENED_BY.get(model, ()):
            route = next(r for r in self.routes if r.view.model is model and action in r.actions.values())
            done = self.send(route, "POST", route.at(self.ids[model]))
            assert done.status == 200, (route.path, done.body)

    def shared(self, route: Route) -> dict[str, Any]:
        """Return what a record must hold to stand in every part of its resource: a service among the products."""
        parts = (other.view.only for other in self.routes if other.view.model is route.view.model)
        names = {name: value for only in parts for name, value in only.items() if name not in route.view.only}
        return {route.contract.wire(name): value for name, value in names.items()}

    def page(self, view: type[ResourceViewSet], limit: int) -> Answer:
        """Return the first page of a list."""
        route = next(route for route in self.routes if route.view is view and route.actions.get("GET") == "list")
        return self.send(route, "GET", f"{route.path}?limit={limit}")

    def list(self, view: type[ResourceViewSet]) -> list[dict[str, Any]]:
        """Return the records of a kind as the API lists them."""
        return list(self.page(view, 100).data)

    def cursor(self, view: type[ResourceViewSet]) -> str:
        """Return a cursor out of a list, an empty text where the contract knows none."""
        return str(self.page(view, 1).body["pagination"].get("next_cursor") or "")

    def send(self, route: Route, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request as the route's contract wants it."""
        caller = able(self.caller, route.view)
        return caller(method, path, route.sent(method, body), **{**route.named(self.caller.tenant), **headers})
