"""The OpenAPI document of a contract, from its mounted views and nothing else."""

from typing import Any

import orjson
from django.conf import settings
from django.template.loader import render_to_string
from drf_spectacular.drainage import reset_generator_stats
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.plumbing import get_doc, normalize_result_object, sanitize_result_object

from crm.docs import answers, names, parameters
from crm.docs.catalogue import EventSchema, tellers
from crm.docs.deliveries import DELIVERED, deliveries
from crm.docs.event_types import EventTypeSchema, EventTypeView, event_type_paths
from crm.docs.fields import Schema
from crm.docs.guide import guide_of
from crm.docs.operations import ContractSchema, security
from crm.registry import RESOURCES
from crm.rest.contract import Contract
from crm.rest.router import bound_views, mount
from crm.rest.viewset import ResourceViewSet

__all__ = ["ContractGenerator", "build"]

SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer <key>`"},
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same key in a header of its own.",
    },
}
SESSION = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": settings.SESSION_COOKIE_NAME,
        "description": "The session of a member who has logged in at `/login/`.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRFToken",
        "description": f"With a session, on every write: the value of the cookie `{settings.CSRF_COOKIE_NAME}`.",
    },
}
ORDER = ("list", "create", "retrieve", "partial_update", "update", "destroy")


class Endpoints(EndpointEnumerator):
    """The routes of resources and of types of events: the answer for unknown paths is none."""

    def should_include_endpoint(self, path: str, callback: Any) -> bool:
        return issubclass(getattr(callback, "cls", object), ResourceViewSet | EventTypeView)

    def get_path_from_regex(self, path_regex: str) -> str:
        path: str = super().get_path_from_regex(path_regex)  # type: ignore[no-untyped-call]
        return path.rstrip("/")

    def get_allowed_methods(self, callback: Any) -> list[str]:
        """Return the methods in the order in which people read about them."""
        found = [method for method in callback.actions if method != "options"]
        return [method.upper() for method in sorted(found, key=lambda method: place(callback.actions[method]))]


def place(action: str) -> int:
    return ORDER.index(action) if action in ORDER else len(ORDER)


class ContractGenerator(SchemaGenerator):
    """drf-spectacular's generator over one contract."""

    endpoint_inspector_cls = Endpoints

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        # The paths of the first mount, seen from it: where it stands is the server's part.
        first: Any = mount(contract, RESOURCES, event_type_paths(contract))[0]
        super().__init__(patterns=first.url_patterns)  # type: ignore[no-untyped-call]

    def create_view(self, callback: Any, method: str, request: Any = None) -> Any:
        view = super().create_view(callback, method, request)  # type: ignore[no-untyped-call]
        kind = EventTypeSchema if isinstance(view, EventTypeView) else ContractSchema
        self._set_schema_to_view(view, kind())  # type: ignore[no-untyped-call]
        return view

    def get_schema(self, request: Any = None, public: bool = True) -> Schema:
        """Return the document; what could not be described is counted by drf-spectacular, from zero."""
        reset_generator_stats()
        paths = self.parse(request, public)  # type: ignore[no-untyped-call]
        found = {
            "openapi": "3.1.0",
            "info": self.info(),
            "servers": [self.server(place.rstrip("/")) for place in self.contract.mounts],
            "security": security(self.contract.credentials, writes=False),
            "tags": self.tags(),
            "paths": paths,
            **self.webhooks(),
            "components": self.components(),
        }
        return sanitize_result_object(normalize_result_object(found))  # type: ignore[no-any-return]

    def server(self, place: str) -> Schema:
        """Return where a mount stands: on this host, or at each tenant's own address."""
        found: Schema = {"url": f"{self.contract.address}/{place}"}
        slug = {"slug": {"default": "acme", "description": "The tenant's slug."}}
        return found | ({"variables": slug} if self.contract.address else {})

    def info(self) -> Schema:
        contract = self.contract
        text = render_to_string("docs/guide.md", guide_of(contract))
        return {
            "title": contract.title,
            "version": contract.version,
            "summary": contract.description,
            "description": text,
        }

    def tags(self) -> list[Schema]:
        # What is only read inside others has no operations.
        return [self.tag(view) for view in bound_views(self.contract, RESOURCES).values() if view.methods]

    def tag(self, view: Any) -> Schema:
        """Return what is said of a resource as a whole."""
        labels = self.contract.maturity
        found = {"name": names.title(self.contract.word(view.plural)), "description": self.contract.say(get_doc(view))}
        if label := labels.get(view.plural, labels.get("")):
            found |= {"description": f"*{label}.* {found['description']}", "x-maturity": label}
        return found

    def webhooks(self) -> Schema:
        """Return what a webhook can tell, by type of event."""
        found: Schema = {}
        for teller in tellers(self.contract):
            found |= deliveries(teller, EventSchema(teller.view, self.registry))
        return {"webhooks": found} if found else {}

    def components(self) -> Schema:
        contract = self.contract
        more = {
            "schemas": answers.shared_schemas(contract),
            "responses": answers.response_components(contract),
            "headers": answers.header_components(contract),
            "parameters": parameters.parameter_components(contract) | (DELIVERED if tellers(contract) else {}),
            "securitySchemes": SCHEMES | (SESSION if "session" in contract.credentials else {}),
        }
        return self.registry.build(more)


def build(contract: Contract) -> Schema:
    """Return the contract's document, made anew, of JSON's own types."""
    found: Schema = orjson.loads(orjson.dumps(ContractGenerator(contract).get_schema()))
    return found
