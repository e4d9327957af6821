"""One operation of the document, derived from a bound view and its action by drf-spectacular's hooks."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, get_doc, is_list_serializer, is_serializer
from rest_framework import serializers

from crm.docs import answers, names, parameters
from crm.docs.examples import body_example, create_example, record_example, update_example
from crm.docs.failures import STATUSES
from crm.docs.fields import REQUEST, RESPONSE, Schema, default_of, described, is_nullable, nullable, value
from crm.docs.samples import samples
from crm.rest.lists import offered
from crm.rest.serializers import bind

__all__ = ["ContractSchema"]


class ContractSchema(AutoSchema):
    """What drf-spectacular asks about an operation, answered out of the view, its serializer and its contract."""

    view: Any
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
        return [self.view.contract.scope(scope) for scope in needed]

    @property
    def shown(self) -> Any:
        """The view whose records the operation shows: an action of one resource may list those of another."""
        other = getattr(getattr(self.view, self.view.action), "lists", None)
        return self.view.siblings[other] if other else self.view

    @property
    def is_list(self) -> bool:
        return self.view.action == "list" or self.shown is not self.view

    # Parameters.

    def _get_parameters(self) -> list[Schema]:
        path = [parameters.path_parameter(self.view)] if self.path_of_record else []
        if self.is_list:
            return [*path, *parameters.list_parameters(self.shown, [item["name"] for item in path])]
        if self.method == "GET":
            return [*path, *parameters.read_parameters(self.view)]
        return [*path, *parameters.write_parameters(self.view, record=self.path_of_record)]

    # The body.

    def body(self) -> tuple[Any, str, Schema]:
        """Return the serializer of the body (None without one), its component's name, and an example."""
        view, action = self.view, self.view.action
        one = names.pascal(view.contract.word(view.resource))
        if action == "create":
            return view.serializer_class(), f"{one}Create", create_example(view)
        if action in ("update", "partial_update"):
            return view.serializer_class(partial=True), f"{one}Update", update_example(view)
        takes = getattr(getattr(view, action), "takes", None)
        if takes is None:
            return None, "", {}
        serializer = bind(takes, view.contract)()
        return serializer, f"{names.pascal(names.snake(self.get_operation_id()))}Input", body_example(serializer)

    def _get_request_body(self, direction: Any = REQUEST) -> Schema | None:
        if self.method not in ("POST", "PUT", "PATCH"):
            return None
        serializer, name, example = self.body()
        if serializer is None:
            return None
        serializer.component = name
        schema = self.resolve_serializer(serializer, REQUEST).ref
        return {"content": {"application/json": {"schema": schema, "example": example}}, "required": True}

    # The answers.

    def _get_response_bodies(self, direction: Any = RESPONSE) -> Schema:
        found = {self.success_status(): self.success()}
        if self.method == "GET" and not self.is_list:
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
        return {*answers.ANY, *writes, *matched, *bodies, *(answers.RECORD if self.path_of_record else ())}

    def success(self) -> Schema:
        contract = self.view.contract
        if self.view.action == "destroy":
            schema, example, more = self.deleted()
        elif self.is_list:
            schema, example, more = self.listed()
        else:
            schema, example, more = self.single()
        more = (*more, "Idempotent-Replayed") if self.method != "GET" else more
        content = {"application/json": {"schema": schema, "example": example}}
        return {
            "description": self.get_summary() + ".",
            "headers": answers.headers(contract, *more),
            "content": content,
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

    def record(self, view: Any) -> tuple[str, Schema]:
        """Return the name of a view's record among the components, and the reference to it."""
        component = self.resolve_serializer(view.serializer_class(), RESPONSE)
        return component.name, component.ref

    def share(self, name: str, schema: Schema) -> Schema:
        component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, object=name, schema=schema)
        self.registry.register_on_missing(component)
        return component.ref  # type: ignore[no-any-return]

    # Serializers and their fields.

    def _get_serializer_name(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> str:
        given: str | None = getattr(serializer, "component", None)
        if given:
            return given
        word = names.snake(type(serializer).__name__.removesuffix("Serializer"))
        name = names.pascal(self.view.contract.word(word))
        return name if direction == RESPONSE else f"{name}Input"

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Schema:
        fields = [field for field in serializer.fields.values() if fits(field, direction)]
        partial = bool(serializer.partial)
        found: Schema = {
            "type": "object",
            "description": get_doc(type(serializer)),
            "properties": {field.field_name: self.property(field, direction, partial=partial) for field in fields},
        }
        required = [field.field_name for field in fields if direction == RESPONSE or (field.required and not partial)]
        found |= {"required": required} if required else {}
        return found | ({"additionalProperties": False} if direction == REQUEST else self.inside(serializer, found))

    def inside(self, serializer: Any, schema: Schema) -> Schema:
        """Return the properties of a record with what `include` can put inside it."""
        view = next((view for view in self.view.siblings.values() if type(serializer) is view.serializer_class), None)
        included = {name: self.included(name, view, item) for name, item in offered(view).items()} if view else {}
        return {"properties": {**schema["properties"], **included}}

    def included(self, name: str, view: Any, item: Any) -> Schema:
        _, record = self.record(view.siblings[item.resource])
        schema = nullable(record) if item.relation else {"type": "array", "items": record}
        return {**schema, "readOnly": True, "description": f"Only with `include={name}`."}

    def property(self, field: Any, direction: Any, *, partial: bool) -> Schema:
        """Return the schema of one field with everything that is known about it."""
        schema = self._map_serializer_field(field, direction)
        if is_nullable(field, direction):
            schema = nullable(schema)
        more: Schema = {"description": str(field.help_text or described(field))}
        if direction == RESPONSE and field.read_only:
            more["readOnly"] = True
        if direction == REQUEST and not partial and (default := default_of(field)) is not serializers.empty:
            more["default"] = default
        return {**schema, **more}

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Schema:
        if is_list_serializer(field):
            found: Schema = {"type": "array", "items": self.resolve_serializer(field.child, direction).ref}
            return found | ({"maxItems": field.max_length} if field.max_length and direction == REQUEST else {})
        if is_serializer(field):
            return self.resolve_serializer(field, direction).ref  # type: ignore[no-any-return]
        return value(field, direction)


def fits(field: Any, direction: str) -> bool:
    """Tell whether the field occurs in this direction."""
    return not (field.read_only if direction == REQUEST else field.write_only)
