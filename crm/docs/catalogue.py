"""The types of events that a contract tells of: what each says, the JSON Schema of its body, and an example."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypedDict

import orjson
from drf_spectacular.plumbing import ComponentRegistry
from rest_framework import serializers

from crm.docs import names
from crm.docs.components import ComponentSchema
from crm.docs.examples import KEY, MOMENT, update_example, whole_example
from crm.docs.fields import RESPONSE, Schema, id_pattern
from crm.registry import RESOURCES
from crm.rest.contract import Contract
from crm.rest.router import bound_views, happenings
from crm.rest.serializers import bind
from tenants import ids

__all__ = ["EventSchema", "EventType", "Teller", "event_types", "tellers"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
COMPONENTS, DEFS = b'"#/components/schemas/', b'"#/$defs/'
TEXT = {"type": "string"}
BODY: dict[str, tuple[Schema, str]] = {
    "id": (
        {**TEXT, "format": "typeid", "pattern": id_pattern("evt", RESPONSE)},
        "The event's id: the same in the feed, in every delivery and in `webhook-id`.",
    ),
    "type": (TEXT, "What happened to a record of which resource."),
    "timestamp": ({**TEXT, "format": "date-time"}, "When it happened."),
    "record_version": (
        {"type": "integer", "minimum": 1},
        "The record's version: it rises by one with every event of the record, so it tells their order.",
    ),
    "data": ({}, "The record after the change; before it, for a deletion."),
    "changes": ({}, "What moved: the field's name to what it held before and after."),
}
CHANGES = {
    "type": "object",
    "description": "What moved; empty for what was created or deleted.",
    "additionalProperties": {"type": "array", "minItems": 2, "maxItems": 2},
}


class EventType(TypedDict):
    """A type of events, in a contract's words."""

    type: str
    resource: str
    description: str
    schema: Schema
    example: dict[str, Any]


class Teller(NamedTuple):
    """A resource whose records have events: its view, what can happen in canonical words, and how records are shown.

    Where a contract has a part of a resource only, the part's view stands for the whole: the events are the whole's.
    """

    view: Any
    resource: str
    verbs: Mapping[str, str]
    record: Any

    @property
    def contract(self) -> Contract:
        """The contract that tells."""
        return self.view.contract  # type: ignore[no-any-return]

    def type(self, verb: str) -> str:
        """Return an event's type in the contract's words."""
        return self.contract.event(f"{self.resource}.{verb}")

    def types(self) -> list[str]:
        """Return the types of all of the resource's events."""
        return [self.type(verb) for verb in self.verbs]

    def says(self, verb: str) -> str:
        """Return what happened, as a sentence."""
        sentence = self.contract.say(self.verbs[verb])
        return sentence[0].upper() + sentence[1:]

    def example(self, verb: str) -> dict[str, Any]:
        """Return the body of an event."""
        data, changes = whole_example(self.record, {**self.view.example, **self.view.only}), {}
        if verb not in ("created", "deleted"):
            changes = self.moved(verb)
            data |= {name: after for name, (_, after) in changes.items()}
        known = {
            "id": ids.encode("evt", KEY),
            "type": self.type(verb),
            "timestamp": MOMENT,
            "record_version": 1 if verb == "created" else 2,
            "data": data,
            "changes": changes,
        }
        return {self.contract.wire(name): value for name, value in known.items()}

    def moved(self, verb: str) -> dict[str, list[Any]]:
        """Return what an event of this kind moves: the state that is called like it, if there is one."""
        name = self.contract.wire("status")
        field = self.record.fields.get(name)
        if isinstance(field, serializers.ChoiceField) and verb in field.choices:
            return {name: [next(state for state in field.choices if state != verb), verb]}
        return {name: [None, value] for name, value in update_example(self.view).items() if name in self.record.fields}


class EventSchema(ComponentSchema):
    """Records of one view in events; `bare` leaves out what only a read can include in them."""

    def __init__(self, view: Any, registry: ComponentRegistry, *, bare: bool = False) -> None:
        super().__init__()
        self.view, self.registry, self.bare = view, registry, bare

    def inside(self, serializer: Any, schema: Schema) -> Schema:
        return {} if self.bare else super().inside(serializer, schema)

    def event(self, teller: Teller) -> Schema:
        """Return the schema of the bodies of a resource's events."""
        contract = teller.contract
        record = self.resolve_serializer(teller.record, "response").ref
        given: Schema = {
            "type": {"enum": teller.types()},
            "data": {"anyOf": [record, self.share("TruncatedRecord", truncated(contract))]},
            "changes": self.share("Changes", CHANGES),
        }
        properties = {
            contract.wire(name): {**schema, **given.get(name, {}), "description": text}
            for name, (schema, text) in BODY.items()
        }
        return {"type": "object", "properties": properties, "required": list(properties)}


def truncated(contract: Contract) -> Schema:
    """Return the schema of what stands for a record that is too large for an event."""
    properties = {
        contract.wire("id"): {**TEXT, "description": "The record's id: read it to see the record."},
        "truncated": {"const": True, "description": "The record has more than 256 KB, which no event holds."},
    }
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def tellers(contract: Contract) -> tuple[Teller, ...]:
    """Return the resources of whose records a contract tells events; one without a feed tells none."""
    views = bound_views(contract, RESOURCES)
    if "events" not in views:
        return ()
    found: dict[str, Teller] = {}
    # Wholes first: a part tells only where its whole is not there.
    for kind in sorted(RESOURCES, key=lambda kind: kind.part_of is not None):
        verbs, resource = happenings(kind.part_of or kind), kind.event_resource()
        if kind.plural in views and verbs and resource not in found:
            view = views[kind.plural]
            found[resource] = Teller(view, resource, verbs, record_of(view))
    return tuple(found.values())


def record_of(view: Any) -> Any:
    """Return the serializer that shows a view's records as the ledger has them: as the whole, if it is a part."""
    if view.part_of is None:
        return view.serializer_class()
    record = bind(view.part_of.serializer_class, view.contract)()
    record.component = f"{names.pascal(view.contract.word(view.event_resource()))}Snapshot"
    for name, value in view.only.items():
        record.fields[view.contract.wire(name)].choices = [value]
    return record


@lru_cache(maxsize=16)
def event_types(contract: Contract) -> dict[str, EventType]:
    """Return a contract's types of events by name, each with a schema that stands on its own."""
    found = {}
    for teller in tellers(contract):
        registry = ComponentRegistry()
        shared = EventSchema(teller.view, registry, bare=True).event(teller)
        defs = registry.build({}).get("schemas", {})
        for verb in teller.verbs:
            name, says = teller.type(verb), teller.says(verb)
            told = {"$schema": DIALECT, "title": name, "description": says, **only(name, shared, contract)}
            schema = alone({**told, "$defs": defs})
            found[name] = EventType(
                type=name,
                resource=contract.event(teller.resource),
                description=says,
                schema=schema,
                example=teller.example(verb),
            )
    return found


def only(type: str, schema: Schema, contract: Contract) -> Schema:
    """Return the schema of a resource's events for those of one type."""
    word, properties = contract.wire("type"), schema["properties"]
    return {**schema, "properties": {**properties, word: {**properties[word], "enum": [type]}}}


def alone(schema: Schema) -> Schema:
    """Return a schema that refers to nothing outside of itself."""
    found: Schema = orjson.loads(orjson.dumps(schema).replace(COMPONENTS, DEFS))
    return found
