"""Serializers as components of the document: a record as it goes out, a body as it comes in."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, get_doc, is_list_serializer, is_serializer
from rest_framework import serializers

from crm.docs import names
from crm.docs.fields import REQUEST, RESPONSE, Schema, described, is_nullable, nullable, value
from crm.rest.lists import offered
from crm.rest.metadata import default_of

__all__ = ["ComponentSchema"]


class ComponentSchema(AutoSchema):
    """How drf-spectacular turns serializers into schemas, answered by the fields' own classes."""

    view: Any

    def record(self, view: Any) -> tuple[str, Schema]:
        """Return the name of a view's record among the components, and the reference to it."""
        component = self.resolve_serializer(view.serializer_class(), "response")
        return component.name, component.ref

    def share(self, name: str, schema: Schema) -> Schema:
        component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, object=name, schema=schema)
        self.registry.register_on_missing(component)
        return component.ref

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
            "description": self.view.contract.say(get_doc(type(serializer))),
            "properties": {field.field_name: self.property(field, direction, partial=partial) for field in fields},
        }
        required = [field.field_name for field in fields if direction == RESPONSE or (field.required and not partial)]
        found |= {"required": required} if required else {}
        if direction == RESPONSE:
            return found | self.inside(serializer, found)
        names = () if partial else getattr(serializer, "any_of", ())
        ways = [{"required": [serializer.naming.wire(name)]} for name in names]
        more: Any = {} if getattr(serializer, "extras", "") else False
        return found | {"additionalProperties": more} | ({"anyOf": ways} if ways else {})

    def inside(self, serializer: Any, schema: Schema) -> Schema:
        """Return the properties of a record with what `include` can put inside it."""
        view = next((view for view in self.view.siblings.values() if type(serializer) is view.serializer_class), None)
        included = {name: self.included(name, view, item) for name, item in offered(view).items()} if view else {}
        return {"properties": {**schema["properties"], **included}}

    def included(self, name: str, view: Any, item: Any) -> Schema:
        _, record = self.record(view.siblings[item.resource])
        schema = nullable(record) if item.relation else {"type": "array", "items": record}
        when = "Where it is read by itself, or" if name in map(view.contract.wire, view.always) else "Only"
        return {**schema, "readOnly": True, "description": f"{when} with `include={name}`."}

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
        child: Any = field
        if is_list_serializer(field):
            child, longest = field.child, getattr(field, "max_length", None)
            found: Schema = {"type": "array", "items": self.resolve_serializer(child, direction).ref}
            return found | ({"maxItems": longest} if longest and direction == REQUEST else {})
        if is_serializer(field):
            return self.resolve_serializer(child, direction).ref
        return value(field, direction)


def fits(field: Any, direction: str) -> bool:
    """Tell whether the field occurs in this direction."""
    if direction == RESPONSE:
        return not field.write_only
    # The field for extras is filled by names that are none of the shape's own.
    return not field.read_only and field.source != getattr(field.parent, "extras", None)
