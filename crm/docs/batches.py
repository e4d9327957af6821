"""Batches and upserts in the document: what an operation holds, and what comes of it."""

from typing import Any

from crm.docs import answers, names
from crm.docs.examples import KEY, create_example, record_example, update_example
from crm.docs.fields import REQUEST, Schema, id_pattern
from crm.docs.shared import parameter
from crm.rest.batch import ADDRESSES, MAX_OPERATIONS, REF, TAKES
from crm.rest.contract import Contract
from tenants import ids

__all__ = ["batch_example", "batch_schema", "reference_parameter", "results", "results_example", "upserted"]

SAMPLE = "A-1042"
STATUS = {"type": "integer", "description": "The status that the single call would have."}
PLACE = {
    "index": {"type": "integer", "description": "Its place among the operations, from 0."},
    "status": STATUS,
}
ATOMIC = {"type": "boolean", "default": False, "description": "Whether all are done or none; else each by itself."}
VERSION = {
    "type": "integer",
    "minimum": 1,
    "description": "The version that it must have, as its ETag says; another one is a 412.",
}


def closed(description: str, properties: Schema, required: list[str], **more: Any) -> Schema:
    """Return the schema of a part of a body that takes nothing else."""
    shape = {"type": "object", "description": description, "properties": properties, "required": required}
    return {**shape, "additionalProperties": False, **more}


def reference_schema(view: Any) -> Schema:
    """Return the schema of the caller's own id of a record."""
    longest = view.serializer_class().fields[view.contract.wire(REF)].max_length
    text = f"Your own id of the {view.contract.word(view.resource).replace('_', ' ')}."
    return {"type": "string", "minLength": 1, "maxLength": longest, "pattern": r"\S", "description": text}


def reference_parameter(view: Any) -> Schema:
    """Return the parameter by which an upsert says which record it is."""
    schema = reference_schema(view)
    text = schema.pop("description")
    return parameter(view.contract.wire(REF), "query", schema, text, SAMPLE, required=True)


def batch_schema(view: Any) -> Schema:
    """Return the schema of a batch's body."""
    operations = {
        "type": "array",
        "description": "What is to be done, in this order.",
        "items": {"anyOf": [operation(view, op) for op in view.operations()]},
        "minItems": 1,
        "maxItems": MAX_OPERATIONS,
    }
    return closed("Many changes in one call.", {"atomic": ATOMIC, "operations": operations}, ["operations"])


def operation(view: Any, op: str) -> Schema:
    """Return the schema of one kind of operation."""
    wire = view.contract.wire
    name = names.pascal(view.contract.word(view.resource))
    known: Schema = {
        "id": {
            "type": "string",
            "format": "typeid",
            "pattern": id_pattern(view.prefix, REQUEST),
            "description": "Its id.",
        },
        "version": VERSION,
        "data": {
            "type": "object",
            "description": f"Its fields, as in {name}{'Update' if op == 'update' else 'Create'}.",
        },
    }
    if wire(REF) in view.plan.names:
        known[REF] = reference_schema(view)
    taken = [item for item in TAKES[op] if item in known]
    ways = [wire(item) for item in taken if item in ADDRESSES]
    required = ["op", *(ways if len(ways) == 1 else ()), *(item for item in taken if item == "data")]
    properties = {"op": {"type": "string", "enum": [op], "description": f"To {op} one."}}
    properties |= {wire(item): known[item] for item in taken}
    more = {"oneOf": [{"required": [way]} for way in ways]} if len(ways) > 1 else {}
    return closed(f"To {op} one.", properties, required, **more)


def batch_example(view: Any) -> Schema:
    """Return a batch with one operation of each kind."""
    pk, wire = ids.encode(view.prefix, KEY), view.contract.wire
    update = update_example(view) if "update" in view.operations() else {}
    data = create_example(view) if "create" in view.operations() else update
    shown: dict[str, Schema] = {
        "create": {"data": data},
        "update": {"id": pk, "version": 1, "data": update},
        "upsert": {wire(REF): SAMPLE, "data": data},
        "delete": {wire(REF): "A-1041"} if wire(REF) in view.plan.names else {"id": pk},
    }
    found = [{"op": op, **shown[op]} for op in view.operations()]
    # A record that is changed is not deleted as well.
    return {"atomic": False, "operations": found if wire(REF) in view.plan.names else found[:-1] or found}


def outcomes(view: Any) -> list[str]:
    """Return what can come of the operations of a batch."""
    made = {"create": ["created"], "update": ["updated", "unchanged"], "delete": ["deleted"], "upsert": []}
    return [outcome for op in view.operations() for outcome in made[op]]


def results(view: Any, record: Schema) -> Schema:
    """Return the schema of a batch's answer."""
    contract: Contract = view.contract
    flag = answers.enveloped(contract, "").get("properties", {})
    done = {
        **PLACE,
        **flag,
        "outcome": {"type": "string", "enum": outcomes(view), "description": "What was done."},
        "id": {"type": "string", "description": "The id of the record."},
        "version": {"type": "integer", "description": "Its version now."},
    }
    told = {"type": "object", "description": "What was done.", "properties": {**done, "data": record}}
    place = {"type": "object", "properties": PLACE, "required": list(PLACE)}
    failed = {"description": "What failed, and why.", "allOf": [{"$ref": "#/components/schemas/Error"}, place]}
    each = {"anyOf": [{**told, "required": list(done)}, failed]}
    counts = {
        "succeeded": {"type": "integer", "description": "How many operations were done."},
        "failed": {"type": "integer", "description": "How many were not."},
        "results": {"type": "array", "items": each, "description": "What came of each, in their order."},
    }
    data = {"type": "object", "description": "What came of it.", "properties": counts, "required": list(counts)}
    return answers.enveloped(contract, "What came of a batch.", data=data)


def results_example(view: Any) -> Any:
    """Return the answer to the example."""
    contract: Contract = view.contract
    kinds = {"create": "created", "update": "updated", "upsert": "created", "delete": "deleted"}
    found = []
    for index, item in enumerate(batch_example(view)["operations"]):
        outcome = kinds[item["op"]]
        told: dict[str, Any] = {"outcome": outcome, "id": ids.encode(view.prefix, KEY), "version": 1}
        told |= {} if outcome == "deleted" else {"data": record_example(view)}
        found.append({"index": index, "status": 201 if outcome == "created" else 200, **contract.envelope(**told)})
    return contract.envelope(data={"succeeded": len(found), "failed": 0, "results": found})


def upserted(view: Any, record: Schema) -> tuple[Schema, Any]:
    """Return the schema of an upsert's answer, and an example."""
    contract: Contract = view.contract
    known = ["created", "updated", "unchanged"]
    outcome = {"type": "string", "enum": known, "description": "What was done."}
    schema = answers.enveloped(contract, "The record, and what was done.", data=record, outcome=outcome)
    return schema, contract.envelope(data=record_example(view), outcome="created")
