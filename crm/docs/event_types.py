"""The types of events on the wire: `GET /event-types`, in every contract that has a feed."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, ClassVar

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, re_path
from rest_framework.request import Request

from crm.docs import names, parameters
from crm.docs.catalogue import EventType, event_types, tellers
from crm.docs.fields import Schema
from crm.docs.operations import ContractSchema
from crm.docs.shared import parameter
from crm.errors import Problem, Refusal
from crm.rest.bodies import answer, tagged
from crm.rest.contract import Contract
from crm.rest.fields import OpaqueField, StrictChar
from crm.rest.filters import refuse
from crm.rest.metadata import describe
from crm.rest.pages import Cursor, PageInvalid
from crm.rest.query import single
from crm.rest.router import spoken
from crm.rest.serializers import Shape, bind
from crm.rest.view import ContractView

__all__ = ["EventTypeSchema", "EventTypeView", "event_type_paths"]


class EventTypeSerializer(Shape):
    """A type of events: what happened to records of a resource, and what a webhook tells of it."""

    type = StrictChar(help_text="Its name, as webhooks subscribe to it.")
    resource = StrictChar(help_text="To whose records it happens.")
    description = StrictChar(help_text="What happened.")
    schema = OpaqueField(help_text="The JSON Schema (2020-12) of the body that a webhook gets.")
    example = OpaqueField(help_text="Such a body.")


class EventTypeView(ContractView):
    """What can happen to records, and what webhooks can therefore subscribe to."""

    resource, plural = "event_type", "event_types"
    methods = ("list", "retrieve")
    serializer_class: ClassVar[Any] = EventTypeSerializer
    # They are the words of the feed, and hold nothing of any tenant.
    required_scopes: ClassVar[Any] = {"list": "events:read", "retrieve": "events:read"}
    warning = ""
    includes: ClassVar[Any] = {}
    siblings: ClassVar[Any] = {}

    @classmethod
    def scope(cls, action: str) -> str:
        """Return the scope that an action takes: there is none but the feed's."""
        return f"events:{action}"

    @property
    def example(self) -> dict[str, Any]:
        """What a type looks like."""
        return dict(next(iter(event_types(self.contract).values())))

    def operations(self) -> tuple[str, ...]:
        """Return what a batch can hold: nobody writes types of events."""
        return ()

    def list(self, request: Request) -> HttpResponse:
        """List the types of events, each with its schema and an example."""
        params = single(request._request.GET)
        paging, contract = self.contract.paging, self.contract
        shown = self.chosen(params)
        place = Cursor((), params.get(contract.wire("resource"), ""))
        try:
            page = paging.read(params, contract)
            start = place.decode(params["cursor"])[0] if page.by_cursor else page.offset
        except PageInvalid as error:
            raise refuse(error.name, str(error), code="VALIDATION_ERROR") from error
        end = start + page.limit
        where: dict[str, Any] = {"total": len(shown) if page.counted else None, "more": end < len(shown)}
        printed = paging.print(page, **where, next_cursor=place.encode([end]) if where["more"] else None)
        body = contract.envelope(data=[self.said(item) for item in shown[start:end]], pagination=printed)
        return answer(body, headers=paging.headers(page, **where, path=request._request.path, query=params))

    def retrieve(self, request: Request, type: str) -> HttpResponseBase:
        """Read one type of events, by its name."""
        if unknown := next(iter(request._request.GET), None):
            raise refuse(unknown, "Unknown parameter: this takes none.", code="VALIDATION_ERROR")
        found = event_types(self.contract).get(type)
        if found is None:
            message = "No such type of events. The list has those that there are."
            raise Refusal(Problem(404, "NOT_FOUND", message))
        response = answer(self.contract.envelope(data=self.said(found)))
        mark = blake2b(response.content, digest_size=8).hexdigest()
        return tagged(response, f'"{mark}"', request.headers.get("If-None-Match"))

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Say what this is and what the caller may do with it."""
        return answer(self.contract.envelope(data=describe(self)))

    def chosen(self, params: dict[str, str]) -> Sequence[EventType]:
        """Return the types of the resource that the query names, or all; raise a 400 for what it does not know."""
        word = self.contract.wire("resource")
        known = (*self.contract.paging.names, word)
        if unknown := next((name for name in params if name not in known), None):
            raise refuse(unknown, f"Unknown parameter. Known: {', '.join(known)}.", code="VALIDATION_ERROR")
        every, wanted = list(event_types(self.contract).values()), params.get(word)
        if wanted is not None and wanted not in (there := resources_of(self.contract)):
            raise refuse(word, f"No events tell of that. Known: {', '.join(there)}.")
        return [item for item in every if wanted in (None, item["resource"])]

    def said(self, item: EventType) -> dict[str, Any]:
        """Return a type as it goes out."""
        return {self.contract.wire(name): value for name, value in item.items()}


def resources_of(contract: Contract) -> list[str]:
    """Return the resources that a contract's events tell of, in its words."""
    return [contract.event(teller.resource) for teller in tellers(contract)]


class EventTypeSchema(ContractSchema):
    """The operations on types of events, as the document shows them."""

    @property
    def path_of_record(self) -> bool:
        return "{type}" in self.path

    def get_tags(self) -> list[str]:
        return [names.title(self.view.contract.word("events"))]

    def sample_path(self) -> str:
        return self.path.replace("{type}", self.view.example["type"])

    def _get_parameters(self) -> list[Schema]:
        contract = self.view.contract
        if self.path_of_record:
            schema = {"type": "string", "enum": list(event_types(contract))}
            named = parameter("type", "path", schema, "The type's name.", required=True)
            return [named, *parameters.known_parameters(self.view)]
        schema = {"type": "string", "enum": resources_of(contract)}
        chosen = parameter(contract.wire("resource"), "query", schema, "Only what happens to records of this resource.")
        paging = map(parameters.reference, contract.paging.names)
        return [*paging, chosen, *parameters.anywhere(contract)]


def event_type_paths(contract: Contract) -> list[URLPattern]:
    """Return the URL patterns of the types of events, below the contract's mount; none where it has no events."""
    if not tellers(contract):
        return []
    more = {"contract": contract, "serializer_class": bind(EventTypeSerializer, contract)}
    view: Any = type("EventTypeView", (*contract.views, EventTypeView), {**more, "__doc__": EventTypeView.__doc__})
    place, name = spoken(contract, "event-types"), f"{contract.name}-event_types"
    many = view.as_view(actions={"get": "list", "options": "options"})
    one = view.as_view(actions={"get": "retrieve", "options": "options"})
    return [
        re_path(rf"^{place}/?$", many, name=f"{name}-list"),
        re_path(rf"^{place}/(?P<type>[^/]+)/?$", one, name=f"{name}-detail"),
    ]
