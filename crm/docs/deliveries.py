"""The `webhooks` of the document: what a receiver gets, one entry for each type of event."""

from crm.docs import names
from crm.docs.catalogue import EventSchema, Teller
from crm.docs.fields import Schema
from crm.docs.shared import parameter

__all__ = ["DELIVERED", "deliveries"]

TEXT = {"type": "string"}
# As Standard Webhooks names them.
HEADERS = {
    "webhook-id": "The event's id, the same for every try: pass over what you have handled already.",
    "webhook-timestamp": "When this try was signed, in Unix seconds: refuse what is older than some minutes.",
    "webhook-signature": "What signs `<webhook-id>.<webhook-timestamp>.<body>`, as Standard Webhooks does: texts like "
    "`v1,<base64>`, separated by spaces. One that fits is enough; while a secret is exchanged there are two.",
}
DELIVERED: Schema = {name: parameter(name, "header", TEXT, text, required=True) for name, text in HEADERS.items()}
RECEIVED = {"2XX": {"description": "You have it. Any other answer, or none within 15 seconds, and it is sent again."}}


def deliveries(teller: Teller, schema: EventSchema) -> Schema:
    """Return what a webhook can tell of a resource, by type."""
    name = f"{names.pascal(teller.contract.word(teller.resource))}Event"
    body = schema.share(name, schema.event(teller))
    return {teller.type(verb): {"post": delivery(teller, verb, body)} for verb in teller.verbs}


def delivery(teller: Teller, verb: str, body: Schema) -> Schema:
    """Return the request that tells of one event."""
    contract, name = teller.contract, teller.type(verb)
    one = {"allOf": [body, {"properties": {contract.wire("type"): {"const": name}}}]}
    return {
        "operationId": "on" + names.pascal(name.replace(".", "_")),
        "summary": name,
        "description": teller.says(verb),
        "tags": [names.title(contract.word(teller.view.plural))],
        # It is you who are asked: the signature says by whom.
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{header}"} for header in DELIVERED],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": one, "example": teller.example(verb)}},
        },
        "responses": RECEIVED,
    }
