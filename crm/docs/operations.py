"""One operation of the document, derived from a bound view and its action by drf-spectacular's hooks."""

from typing import Any

from crm.docs import answers, names, parameters
from crm.docs.components import ComponentSchema
from crm.docs.examples import body_example, create_example, record_example, update_example, whole_example
from crm.docs.failures import STATUSES
from crm.docs.fields import REQUEST, RESPONSE, Schema
from crm.docs.samples import samples
from crm.rest.serializers import bind

__all__ = ["ContractSchema"]

JSON = "application/json"


class ContractSchema(ComponentSchema):
    """What drf-spectacular asks about an operation, answered out of the view, its serializer and its contract."""

    method: str

    @property
    def path_of_record(self) -> bool:
        return "{id}" in self.path

    def get_operation_id(self) -> str:
        return names.operation_id(self.view, self.method)

    def get_summary(self) -> str:
        return names.summary(self.view, self.method)

    def get_description(self) -> str:  # type: ignore[override]
        scopes = " and ".join(f"`{scope}`" for scope in self.scopes())
        return f"{names.described(self.view, self.method)}\n\nScope: {scopes}"

    def get_tags(self) -> list[str]:
        return [names.title(self.view.contract.word(self.view.plural))]

    def get_auth(self) -> list[Schema]:
        """Return nothing: the document as a whole names the ways to present a key."""
        return []

    def get_extensions(self) -> Schema:
        return {"x-scopes": self.scopes(), "x-codeSamples": samples(self)}

    def scopes(self) -> list[str]:
        """Return the scopes that the operation takes, in the contract's words."""
        needed = [self.view.required_scopes[self.view.action]]
        if self.shown is not self.view:
            needed.append(f"{self.shown.plural}:read")
        needed += filter(None, [self.told("also")])
        return [self.view.contract.scope(scope) for scope in needed]

    def told(self, name: str) -> Any:
        """Return what the action says about itself, None where it says nothing."""
        return getattr(getattr(self.view, self.view.action), name, None)

    @property
    def lists(self) -> str | None:
        """The resource whose records an extra action lists."""
        found: str | None = self.told("lists")
        return found

    @property
    def shown(self) -> Any:
        """The view whose records the operation shows."""
        return self.view.siblings[self.lists] if self.lists else self.view

    def is_excluded(self) -> bool:
        """Tell whether the action lists what its contract does not publish: it is always a 404 there."""
        return self.lists is not None and self.lists not in self.view.siblings

    @property
    def is_list(self) -> bool:
        return self.view.action == "list" or self.shown is not self.view

    # Parameters.

    def _get_parameters(self) -> list[Schema]:
        path = [parameters.path_parameter(self.view)] if self.path_of_record else []
        if self.is_list:
            return [*path, *parameters.list_parameters(self.shown, [item["name"] for item in path])]
        if self.told("entry"):
            return [*path, *parameters.feed_parameters(self.view)]
        if self.told("sends"):
            return [*path, *parameters.known_parameters(self.view)]
        if self.method == "GET":
            return [*path, *parameters.read_parameters(self.view)]
        return [*path, *parameters.write_parameters(self.view, record=self.path_of_record)]

    # The body.

    def body(self) -> tuple[Any, str, Schema]:
        """Return the serializer of the body (None without one), its component's name, and an example."""
        view, action = self.view, self.view.action
        one = names.pascal(view.contract.word(view.resource))
        if action == "create":
            takes = self.told("takes")
            serializer = bind(takes, view.contract)() if takes else view.serializer_class()
            return serializer, f"{one}Create", create_example(view)
        if action in ("update", "partial_update"):
            return view.serializer_class(partial=True), f"{one}Update", update_example(view)
        takes = self.told("takes")
        if takes is None:
            return None, "", {}
        serializer = bind(takes, view.contract)()
        return (
            serializer,
            f"{names.pascal(names.snake(self.get_operation_id()))}Input",
            body_example(serializer, getattr(takes, "example", None)),
        )

    def _get_request_body(self, direction: Any = REQUEST) -> Schema | None:
        if self.method not in ("POST", "PUT", "PATCH"):
            return None
        serializer, name, example = self.body()
        if serializer is None:
            return None
        serializer.component = name
        schema = self.resolve_serializer(serializer, "request").ref
        return {"content": {self.told("media") or JSON: {"schema": schema, "example": example}}, "required": True}

    # The answers.

    def _get_response_bodies(self, direction: Any = RESPONSE) -> Schema:
        found = {self.success_status(): self.success()}
        if self.method == "GET" and not self.is_list and not self.told("entry"):
            known = answers.headers(self.view.contract, "ETag")
            found["304"] = {"description": "You have the record as it is.", "headers": known}
        for status in sorted(self.failing()):
            found[str(status)] = {"$ref": f"#/components/responses/{STATUSES[status]}"}
        return found

    def success_status(self) -> str:
        return "201" if self.view.action == "create" else "200"

    def failing(self) -> set[int]:
        """Return the statuses of what can go wrong."""
        writes = answers.WRITE if self.method != "GET" else ()
        matched = (412,) if writes and self.path_of_record else ()
        bodies = answers.BODY if self.method in ("POST", "PUT", "PATCH") else ()
        return {
            *answers.ANY,
            *(self.told("fails") or ()),
            *writes,
            *matched,
            *bodies,
            *(answers.RECORD if self.path_of_record else ()),
        }

    def success(self) -> Schema:
        contract = self.view.contract
        if self.told("sends"):
            return self.sent()
        if self.view.action == "destroy":
            schema, example, more = self.deleted()
        elif self.is_list:
            schema, example, more = self.listed()
        elif self.told("entry"):
            schema, example, more = self.fed()
        else:
            schema, example, more = self.single()
        more = (*more, "Idempotent-Replayed") if self.method != "GET" else more
        content = {JSON: {"schema": schema, "example": example}}
        return {
            "description": self.get_summary() + ".",
            "headers": answers.headers(contract, *more),
            "content": content,
        }

    def sent(self) -> Schema:
        """Return the answer that is no JSON."""
        return {
            "description": self.get_summary() + ".",
            "headers": answers.headers(self.view.contract, "ETag", "Content-Disposition"),
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in self.told("sends")},
        }

    def deleted(self) -> tuple[Schema, Any, tuple[str, ...]]:
        return {"$ref": "#/components/schemas/DeletedResponse"}, answers.deleted_example(self.view), ()

    def single(self) -> tuple[Schema, Any, tuple[str, ...]]:
        name, record = self.record(self.view)
        schema = self.share(f"{name}Response", answers.enveloped(f"One {name}.", data=record))
        more = ("ETag", "Location") if self.view.action == "create" else ("ETag",)
        return schema, {"success": True, "data": record_example(self.view)}, more

    def listed(self) -> tuple[Schema, Any, tuple[str, ...]]:
        contract = self.view.contract
        name, record = self.record(self.shown)
        page = {"$ref": "#/components/schemas/Pagination"}
        whole = answers.enveloped(f"A page of {name}.", data={"type": "array", "items": record}, pagination=page)
        example = {"success": True, "data": [record_example(self.shown)], "pagination": answers.pagination(contract)[1]}
        return self.share(f"{name}ListResponse", whole), example, answers.page_headers(contract)

    def fed(self) -> tuple[Schema, Any, tuple[str, ...]]:
        """Return the page of a feed: entries that are no records, and a place that only a cursor can name."""
        contract = self.view.contract
        entry = bind(self.told("entry"), contract)()
        shape = self.resolve_serializer(entry, "response")
        page, place = answers.feed_pagination(contract)
        whole = answers.enveloped(
            f"A page of {shape.name}.", data={"type": "array", "items": shape.ref}, pagination=page
        )
        example = {"success": True, "data": [whole_example(entry)], "pagination": place}
        return self.share(f"{shape.name}ListResponse", whole), example, ()
